"""The graph's tables follow silver, once and incrementally; ``lake.graph`` answers over them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import matplotlib as mpl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cenote.errors import GraphError, TableError
from cenote.graph import (
    METRICS,
    GraphDoor,
    build_communities,
    build_edges,
    build_nodes,
    build_pagerank,
    edges_stale,
    is_stale,
)
from cenote.lineage import grain_id
from cenote.settings import Settings
from cenote.tables import Commit
from cenote.workspace import Workspace
from tests.conftest import NOW
from tests.scenario import ANA, BEN, CHEN, DORA, lineage_id, shop_frames, silver_shop
from transforms.contract import Contract, Edge
from transforms.edges import edges

LINKED = ("conversations", "documents", "follows", "orders", "products", "reviews")


@pytest.fixture
def shop(space: Workspace) -> Workspace:
    """The shop's silver tables, and all edges made."""
    silver_shop(space)
    for dataset in LINKED:
        build_edges(space, dataset)
    return space


def customer(token: str) -> str:
    return f"customer:{token}"


def expected(space: Workspace, dataset: str) -> pl.DataFrame:
    """The edges of the rows that count now, made all at once."""
    rows = space.table("silver", dataset).scan().collect()
    kept = rows.filter("is_current") if space.contract(dataset).keyed else rows
    return edges(kept, space.contract(dataset)).sort("edge_id")


def stored(space: Workspace, dataset: str) -> pl.DataFrame:
    return space.table("graph", "edges").scan().filter(pl.col("dataset") == dataset).collect().sort("edge_id")


def versions(space: Workspace) -> dict[str, int | None]:
    return {table.name: table.version for table in space.tables("graph")}


def supersede(space: Workspace, old: int, step: int = 1, **changes: object) -> None:
    """Land a new version of an order: the old row is closed, the new one is current."""
    table = space.table("silver", "orders")
    before = table.scan().filter(pl.col("lineage_id") == lineage_id("orders", old)).collect()
    closed = before.with_columns(is_current=pl.lit(False), valid_to=pl.lit(NOW, pl.Datetime("us", "UTC")))
    after = before.with_columns(
        lineage_id=pl.lit(lineage_id("orders", old + 100 * step)),
        **{name: pl.lit(value) for name, value in changes.items()},
    )
    table.merge(pl.concat([closed, after]), "lineage_id", Commit("silver", code="scenario"))


def test_edges_are_those_of_the_rows_that_count_now(shop: Workspace) -> None:
    for dataset in LINKED:
        assert_frame_equal(stored(shop, dataset), expected(shop, dataset))
    assert set(stored(shop, "follows")["source"]) == {customer(who) for who in (ANA, BEN, CHEN, DORA)}


def test_nothing_new_commits_nothing(shop: Workspace) -> None:
    for build in (build_nodes, build_pagerank, build_communities):
        assert not build(shop).fresh
    before = versions(shop)
    reports = [build_edges(shop, dataset) for dataset in LINKED]
    reports += [build(shop) for build in (build_nodes, build_pagerank, build_communities)]
    assert all(report.fresh and report.written == 0 for report in reports)
    assert versions(shop) == before
    assert not any(edges_stale(shop, dataset) for dataset in LINKED)
    assert not any(is_stale(shop, table) for table in METRICS)


def test_a_rebuild_gives_the_same_table(shop: Workspace) -> None:
    before = {dataset: stored(shop, dataset) for dataset in LINKED}
    for dataset in LINKED:
        report = build_edges(shop, dataset, rebuild=True)
        assert not report.fresh and report.rows == before[dataset].height
        assert_frame_equal(stored(shop, dataset), before[dataset])


def test_a_superseded_row_takes_its_edges_along(shop: Workspace) -> None:
    supersede(shop, 3, customer_id=CHEN)
    assert edges_stale(shop, "orders") and not edges_stale(shop, "reviews")
    report = build_edges(shop, "orders")
    assert (report.written, report.details["rows_gone"]) == (1, 1)
    assert_frame_equal(stored(shop, "orders"), expected(shop, "orders"))
    assert customer(BEN) not in set(stored(shop, "orders")["source"])
    for dataset in set(LINKED) - {"orders"}:
        assert_frame_equal(stored(shop, dataset), expected(shop, dataset))


def test_a_change_that_keeps_a_key_without_edges_is_consumed_too(shop: Workspace) -> None:
    supersede(shop, 3, lines=[])
    assert build_edges(shop, "orders").written == 0
    assert not edges_stale(shop, "orders")
    assert_frame_equal(stored(shop, "orders"), expected(shop, "orders"))


def test_only_new_rows_of_an_append_dataset_are_added(shop: Workspace) -> None:
    more = shop_frames()["reviews"].head(1).with_columns(lineage_id=pl.lit(lineage_id("reviews", 50)))
    shop.table("silver", "reviews").append(more, Commit("silver", code="scenario"))
    files = set(shop.table("graph", "edges").files())
    report = build_edges(shop, "reviews")
    assert (report.written, report.rows) == (1, 5)
    assert files < set(shop.table("graph", "edges").files())
    assert_frame_equal(stored(shop, "reviews"), expected(shop, "reviews"))


def test_silver_written_anew_makes_no_edge_twice(shop: Workspace) -> None:
    silver = shop.table("silver", "reviews")
    silver.overwrite(silver.scan().collect(), Commit("silver", code="scenario"))
    report = build_edges(shop, "reviews")
    assert (report.written, report.rows, report.fresh) == (0, 4, False)
    assert_frame_equal(stored(shop, "reviews"), expected(shop, "reviews"))


def test_rows_that_expired_from_silver_lose_their_edges(shop: Workspace) -> None:
    silver = shop.table("silver", "reviews")
    silver.overwrite(silver.scan().head(2).collect(), Commit("purge"))
    build_edges(shop, "reviews")
    assert_frame_equal(stored(shop, "reviews"), expected(shop, "reviews"))


def change_contract(space: Workspace, dataset: str, *declared: Edge) -> Contract:
    changed = replace(space.contract(dataset), edges=declared)
    space.contracts[dataset] = changed
    return changed


def test_a_contract_that_changed_makes_all_its_edges_anew(shop: Workspace) -> None:
    change_contract(shop, "reviews", Edge("rated", "customer", "customer_id", "product", "product_id"))
    assert edges_stale(shop, "reviews")
    report = build_edges(shop, "reviews")
    assert report.details == {"rows_gone": 4, "whole": True}
    assert set(stored(shop, "reviews")["type"]) == {"rated"}
    assert_frame_equal(stored(shop, "orders"), expected(shop, "orders"))


def test_a_contract_without_edges_leaves_none(shop: Workspace) -> None:
    change_contract(shop, "reviews")
    assert build_edges(shop, "reviews").rows == 0


def test_code_of_silver_that_changed_makes_all_edges_anew(shop: Workspace) -> None:
    silver = shop.table("silver", "reviews")
    silver.overwrite(silver.scan().with_columns(rating=pl.lit(1, pl.Int64)).collect(), Commit("silver", code="other"))
    assert build_edges(shop, "reviews").written == 4
    assert set(stored(shop, "reviews")["weight"]) == {1.0}


def test_a_build_that_fails_changes_nothing(shop: Workspace) -> None:
    before = versions(shop)
    change_contract(shop, "reviews", Edge("rated", "customer", "customer_id", "product", "nothing"))
    with pytest.raises(GraphError, match="nothing") as raised:
        build_edges(shop, "reviews")
    assert "reviews" in raised.value.what and raised.value.fix
    assert versions(shop) == before


def test_a_stream_that_breaks_off_changes_nothing(shop: Workspace) -> None:
    before, silver = stored(shop, "reviews"), shop.table("silver", "reviews")
    more = shop_frames()["reviews"].with_columns(pl.col("lineage_id").str.replace("-0", "-1"))
    silver.append(more, Commit("silver", code="scenario"))
    (new,) = (Path(file) for file in silver.added_since(0))
    kept = new.read_bytes()
    new.write_bytes(b"torn")
    with pytest.raises(TableError):
        build_edges(shop, "reviews", rebuild=True)
    assert_frame_equal(stored(shop, "reviews"), before)
    new.write_bytes(kept)
    assert build_edges(shop, "reviews").written == 4
    assert_frame_equal(stored(shop, "reviews"), expected(shop, "reviews"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([ANA, BEN, None]), st.booleans()), min_size=1, max_size=5
    )
)
def test_any_order_of_changes_and_builds_gives_the_same_edges(
    make_space: Callable[..., Workspace], steps: list[tuple[int, str | None, bool]]
) -> None:
    space = make_space(name=token_hex(4))
    space.table("silver", "orders").append(shop_frames()["orders"], Commit("silver", code="scenario"))
    for number, (old, buyer, build) in enumerate(steps):
        supersede(space, old, step=number + 1, customer_id=buyer)
        if build:
            build_edges(space, "orders")
    build_edges(space, "orders")
    assert_frame_equal(stored(space, "orders"), expected(space, "orders"))


def test_datasets_are_built_side_by_side(space: Workspace) -> None:
    silver_shop(space)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda dataset: build_edges(space, dataset), [*LINKED, *LINKED]))
    for dataset in LINKED:
        assert_frame_equal(stored(space, dataset), expected(space, dataset))


def test_without_silver_there_is_nothing_to_do(space: Workspace) -> None:
    assert not edges_stale(space, "orders") and not is_stale(space, "pagerank")
    assert build_edges(space, "orders").fresh and build_nodes(space).fresh
    with pytest.raises(GraphError, match="did you mean pagerank"):
        is_stale(space, "pagerankk")


def test_nodes_know_their_degrees_and_dates(shop: Workspace) -> None:
    build_nodes(shop)
    nodes = shop.table("graph", "nodes").scan().collect()
    ana = nodes.row(by_predicate=pl.col("node") == customer(ANA), named=True)
    # Out: three ordered, two reviewed, one follow, two conversations. In: two follows.
    assert (ana["entity"], ana["value"], ana["degree_out"], ana["degree_in"]) == ("customer", ANA, 8, 2)
    assert ana["first_seen"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert ana["lineage_id"] == grain_id("graph/nodes", customer(ANA))
    ends = shop.table("graph", "edges").scan().collect()
    assert set(nodes["node"]) == set(ends["source"]) | set(ends["target"])


def test_pagerank_and_communities_see_what_holds(shop: Workspace) -> None:
    build_pagerank(shop)
    build_communities(shop)
    ranks = shop.table("graph", "pagerank").scan().collect()
    assert ranks["pagerank"].sum() == pytest.approx(1)
    assert ranks.columns == ["lineage_id", "node", "entity", "pagerank"]
    groups = shop.table("graph", "communities").scan().collect()
    assert groups.columns == ["lineage_id", "node", "entity", "community", "size"]
    assert groups["size"].to_list() == [groups["community"].to_list().count(c) for c in groups["community"]]
    held = GraphDoor(shop).edges().collect()
    assert set(ranks["node"]) == set(groups["node"]) == set(held["source"]) | set(held["target"])


def test_pagerank_waits_until_an_edge_begins_or_ends(make_space: Callable[..., Workspace]) -> None:
    space = make_space(as_of=datetime(2026, 8, 1, tzinfo=UTC))
    silver_shop(space)
    build_edges(space, "follows")
    build_pagerank(space)

    def on(moment: datetime) -> Workspace:
        later = Workspace(space.settings.model_copy(update={"as_of": moment}), clock=space.clock)
        assert later.as_of == moment
        return later

    ends = datetime(2026, 9, 1, tzinfo=UTC)
    assert not is_stale(on(ends - timedelta(days=1)), "pagerank")
    assert is_stale(on(ends), "pagerank") and is_stale(on(datetime(2026, 7, 1, tzinfo=UTC)), "pagerank")
    assert build_pagerank(on(ends)).written == 4
    assert not is_stale(on(ends + timedelta(days=900)), "pagerank")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> GraphDoor:
    folder = tmp_path_factory.mktemp("read")
    space = Workspace(Settings(home=folder / "data", vault=folder / "vault", as_of=NOW))  # type: ignore[call-arg]
    silver_shop(space)
    for dataset in LINKED:
        build_edges(space, dataset)
    for build in (build_nodes, build_pagerank, build_communities):
        build(space)
    return GraphDoor(space)


def test_neighbours(door: GraphDoor) -> None:
    found = door.neighbours(customer(ANA))
    mug = found.row(by_predicate=pl.col("node") == "product:P1", named=True)
    assert mug["entity"] == "product" and mug["types"] == ["ordered", "reviewed"] and mug["weight"] == 2 + 1 + 5
    assert set(mug["lineage_ids"]) == {lineage_id("orders", 0), lineage_id("orders", 2), lineage_id("reviews", 0)}
    assert set(found["hops"]) == {1} and customer(ANA) not in set(found["node"])
    assert customer(DORA) in set(door.neighbours(customer(ANA), k=2)["node"])


def test_neighbours_as_of_a_date_and_of_a_type(door: GraphDoor) -> None:
    def followed(as_of: str | None) -> list[tuple[str, int]]:
        return door.neighbours(customer(ANA), as_of=as_of, types=["follows"]).select("node", "edges").rows()

    assert followed("2026-02-01") == []
    assert followed("2026-04-15") == [(customer(BEN), 2)]
    assert set(followed(None)) == {(customer(BEN), 1), (customer(CHEN), 1)}


def test_shortest_path_tells_by_which_edges(door: GraphDoor) -> None:
    found = door.shortest_path(customer(CHEN), "product:P3")
    assert found["distance"].to_list() == [0, 1, 2, 3]
    assert found["types"].to_list()[-1] == ["ordered", "reviewed"]
    assert set(found["lineage_ids"].to_list()[-1]) == {lineage_id("orders", 3), lineage_id("reviews", 2)}
    assert found["entity"].to_list() == ["customer", "customer", "customer", "product"]
    assert door.shortest_path("product:P3", customer(CHEN), directed=True).is_empty()
    assert door.shortest_path(customer(CHEN), "product:P3", as_of="2026-01-02").is_empty()
    strong = door.shortest_path(customer(CHEN), "product:P3", weighted=True)
    assert strong["distance"].to_list()[-1] < 3


def test_paths_and_neighbours_are_repeatable(door: GraphDoor) -> None:
    again = GraphDoor(door._space)
    assert_frame_equal(
        door.shortest_path(customer(DORA), "tag:audio"), again.shortest_path(customer(DORA), "tag:audio")
    )
    assert_frame_equal(door.neighbours(customer(ANA), 3), again.neighbours(customer(ANA), 3))


def test_ranks_and_groups(door: GraphDoor) -> None:
    top = door.pagerank("product", top=2)
    assert set(top["entity"]) == {"product"} and top.height == 2
    assert top["lineage_id"].str.starts_with("graph/pagerank-").all()
    computed = door.pagerank("product", top=2, as_of=NOW)
    assert_frame_equal(top.select("node", "pagerank"), computed.select("node", "pagerank"))
    members = door.community(customer(ANA))
    assert customer(ANA) in set(members["node"]) and members["size"].unique().to_list() == [members.height]
    assert door.betweenness(top=3)["betweenness"].is_sorted(descending=True)
    for frame in (door.clustering(), door.components(), door.labels(), door.communities(as_of="2026-06-01")):
        assert frame.columns[:2] == ["node", "entity"] and frame.height > 5


def test_similar_and_common(door: GraphDoor) -> None:
    found = door.similar(customer(ANA))
    assert set(found["entity"]) == {"customer"} and found["similarity"].is_between(0, 1).all()
    assert door.similar("product:P1", measure="cosine")["node"].to_list()[0] == "product:P2"
    assert door.similar(customer(ANA), as_of="2026-01-02").is_empty()
    shared = door.common(customer(ANA), customer(DORA))
    assert set(shared["node"]) == {"product:P1", customer(BEN)}


def test_a_subgraph_is_the_edges_around_a_node(door: GraphDoor) -> None:
    found = door.subgraph("product:P1")
    nodes = set(door.neighbours("product:P1")["node"]) | {"product:P1"}
    assert set(found["source"]) | set(found["target"]) <= nodes
    assert {"ordered", "reviewed", "tagged", "follows"} >= set(found["type"]) >= {"ordered", "tagged"}


@pytest.fixture
def without_window() -> Iterator[None]:
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    mpl.use(before)


def test_a_picture_shows_shortened_pseudonyms_only(door: GraphDoor, without_window: None) -> None:
    import matplotlib.pyplot as plt

    axes = door.draw(customer(ANA), k=2)
    texts = [text.get_text() for text in axes.texts]
    assert f"…{ANA[-6:]}" in texts and ANA not in texts and "P1" in texts
    assert axes.get_title() == f"{door.neighbours(customer(ANA), 2).height} neighbours"
    assert door.draw(customer(ANA), limit=3, ax=axes).get_title().startswith("3 of ")
    plt.close("all")


def test_a_mistaken_name_gets_near_ones(door: GraphDoor) -> None:
    for mistaken, near in (("product:P11", "product:P1"), ("P3", "product:P3"), ("produkt:P2", "product:P2")):
        with pytest.raises(GraphError) as raised:
            door.neighbours(mistaken)
        assert near in raised.value.what
    with pytest.raises(GraphError, match="did you mean follows"):
        door.neighbours(customer(ANA), types=["follow"])
    with pytest.raises(GraphError, match="did you mean product"):
        door.pagerank("products")
    with pytest.raises(GraphError, match="no moment"):
        door.neighbours(customer(ANA), as_of="yesterday")
    with pytest.raises(GraphError, match="jaccard"):
        door.similar(customer(ANA), measure="jacard")


def test_a_graph_that_was_not_built_says_so(space: Workspace) -> None:
    with pytest.raises(GraphError, match="graph/edges"):
        GraphDoor(space).neighbours("product:P1")
