"""Any row leads to the raw records that made it, any record and person to all that is made of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cenote import gold, trace
from cenote.cli import app
from cenote.errors import SqlFileError, TableError
from cenote.features import views
from cenote.lake import Lake
from cenote.lineage import grain_id
from cenote.sqlfiles import parse_sqlfile
from cenote.tables import Commit
from cenote.trace.check import verify
from cenote.trace.promise import check_lineage
from cenote.trace.resolve import resolve
from cenote.verify.ids import dangling_ids
from cenote.workspace import LAYERS, Workspace
from tests.lake import SampleLake
from tests.scenario import ANA, BEN, lineage_id, silver_shop
from tests.test_other_lakes import BUSINESS, chinook, jaffle_shop, northwind  # noqa: F401

SAMPLED = 40  # rows of each table of the sample; of the other lakes' marts all
THIRD_PARTY = pytest.mark.skipif(not BUSINESS.is_dir(), reason="third-party test data is not beside this checkout")


@pytest.fixture
def shop(space: Workspace) -> Workspace:
    silver_shop(space)
    for mart in gold.marts(space):
        gold.build(space, mart)
    return space


# right by definition, row by row


@pytest.mark.parametrize(
    "lake", ["sample", *(pytest.param(n, marks=THIRD_PARTY) for n in ("chinook", "northwind", "jaffle_shop"))]
)
def test_traced_rows_alone_give_every_row_of_every_table_again(lake: str, request: pytest.FixtureRequest) -> None:
    space = request.getfixturevalue("sample_lake").space if lake == "sample" else request.getfixturevalue(lake)
    tables = [f"gold/{mart}" for mart in gold.marts(space)]
    if lake == "sample":
        tables += [f"features/{view}" for view in views(space)]
    for table in tables:
        found = verify(space, table, SAMPLED if lake == "sample" else None)
        assert found.rows, table
        assert (found.wrong, found.wider, found.untraced) == ([], [], []), table


def test_a_sample_is_another_after_each_commit(shop: Workspace) -> None:
    assert verify(shop, "gold/daily_cash", 3).rows == 3
    assert verify(shop, "gold/daily_cash", 3).holds


def test_a_row_that_its_records_do_not_give_is_found(shop: Workspace) -> None:
    table = shop.table("gold", "customer_360")
    last = table.last_commit()
    assert last
    forged = table.scan().with_columns(review_count=pl.col("review_count") + 1).collect()
    table.overwrite(forged, Commit("gold", last.inputs, last.code, details=last.details))
    assert len(verify(shop, "gold/customer_360").wrong) == forged.height


def test_the_asset_check_fails_for_a_wrong_row(shop: Workspace) -> None:
    (resolves, again) = check_lineage(shop, "gold/daily_cash")
    assert resolves.passed
    assert again.passed
    table = shop.table("gold", "daily_cash")
    last = table.last_commit()
    assert last
    forged = table.scan().with_columns(invoice_count=pl.col("invoice_count") + 1).collect()
    table.overwrite(forged, Commit("gold", last.inputs, last.code, details=last.details))
    (resolves, again) = check_lineage(shop, "gold/daily_cash")
    assert resolves.passed
    assert not again.passed
    assert again.essential


# every id of every store


@pytest.fixture(scope="module")
def broken(sample_lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the sample lake to plant ids in."""
    home = tmp_path_factory.mktemp("broken") / "data"
    shutil.copytree(sample_lake.settings.home, home)
    return Workspace(sample_lake.settings.model_copy(update={"home": home}))


def test_every_id_of_the_sample_resolves(sample_lake: SampleLake) -> None:
    found = list(resolve(sample_lake.space))
    assert {r.table.partition("/")[0] for r in found} == {*LAYERS, "vectors"} - {"meta"}
    assert [r for r in found if r.dangling] == []
    assert sum(r.rows for r in found) > 1_000


GHOST = f"{'0' * 24}-{'0' * 10}"


@pytest.mark.parametrize(
    ("table", "planted"),
    [
        ("bronze/orders", {"lineage_id": GHOST.replace("0", "1")}),
        ("silver/orders", {"lineage_id": GHOST}),
        ("quarantine/orders", {"lineage_id": GHOST}),
        ("graph/edges", {"lineage_id": GHOST, "edge_id": f"{GHOST}#bought#0"}),
        ("graph/nodes", {"node": "customer:ghost", "lineage_id": grain_id("graph/nodes", "customer:ghost")}),
        ("graph/pagerank", {"node": "customer:ghost", "lineage_id": grain_id("graph/pagerank", "customer:ghost")}),
        ("graph/communities", {"lineage_id": "graph/communities-0"}),
        ("gold/customer_360", {"customer_id": "ghost", "lineage_id": grain_id("customer_360", "ghost")}),
        ("gold/daily_cash", {"lineage_id": "daily_cash-0"}),
        ("features/customer_features", {"customer_id": "ghost"}),
        ("features/customer_graph_features", {"customer_id": "ghost"}),
    ],
)
def test_a_planted_id_that_leads_nowhere_is_found(broken: Workspace, table: str, planted: dict[str, str]) -> None:
    made = broken.table(*table.split("/"))
    (before,) = resolve(broken, [table])
    row = made.scan().head(1).with_columns(**{name: pl.lit(value) for name, value in planted.items()}).collect()
    if table.startswith("features/"):
        moment = row.select(pl.col("event_timestamp").dt.strftime("%Y-%m-%d %H:%M:%S%.f+00")).item()
        moment = moment.replace(".000000", "")
        row = row.with_columns(lineage_id=pl.lit(grain_id(table.partition("/")[2], "ghost", moment)))
    made.append(row.select(made.schema().names()), Commit("test"))
    (after,) = resolve(broken, [table])
    assert (before.dangling, after.dangling, after.rows) == (0, 1, before.rows + 1)


def test_verifying_the_lake_tells_of_dangling_ids(broken: Workspace) -> None:
    row = broken.table("gold", "daily_cash").scan().head(1).with_columns(lineage_id=pl.lit("daily_cash-9")).collect()
    broken.table("gold", "daily_cash").append(row, Commit("test"))
    assert "gold/daily_cash" in {told.where for told in dangling_ids(broken)}


def test_a_passage_that_leads_nowhere_is_found(broken: Workspace) -> None:
    from cenote.vectors.store import Store

    held = Store(broken).table
    row = held.search().limit(1).to_arrow().select(held.schema.names).to_pylist()[0]
    held.add([{**row, "lineage_id": GHOST, "passage_id": f"{GHOST}#text#0"}])
    (found,) = resolve(broken, ["vectors/passages"])
    assert found.dangling == 1


# up


def test_a_mart_row_leads_to_its_records(shop: Workspace) -> None:
    found = trace.trace(shop, "gold.daily_cash", "2026-11-01")
    # Invoice 4 was issued on the day (row 5 of the file), invoice 3 paid on it (row 3)
    assert found.ids("silver/invoices") == [lineage_id("invoices", n) for n in (3, 4)]
    assert found.parts("silver/invoices")[0].version == 0
    assert trace.trace(shop, grain_id("daily_cash", "2026-11-01")).ids("silver/invoices") == found.ids(
        "silver/invoices"
    )


def test_a_mart_row_leads_to_files_and_runs(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    row = space.table("gold", "customer_360").scan().sort("order_count").last().collect().to_dicts()[0]
    found = trace.trace(space, row["lineage_id"])
    records = found.ids("bronze/orders")
    assert len(records) == row["order_count"]
    (landed,) = found.parts("landing/orders")
    assert set(landed.ids) == {r.partition("-")[0] for r in records}
    assert all(len(fact["sha256"]) == 64 for fact in landed.facts.values())
    assert all(part.run_id for part in found.start.walk() if part.version is not None)


def test_a_mart_over_a_mart_leads_to_silver(shop: Workspace, tmp_path: Path, make_space: Callable[..., Any]) -> None:
    folder = tmp_path / "marts"
    folder.mkdir()
    front = "/* ---\ndescription: d\nowner: o\ngrain: [{}]\n--- */\n"
    (folder / "a.sql").write_text(
        front.format("customer_id") + "SELECT customer_id, count(*) AS orders FROM silver.orders GROUP BY customer_id"
    )
    (folder / "b.sql").write_text(
        front.format("orders") + "SELECT orders, count(*) AS customers FROM gold.a GROUP BY orders"
    )
    space = make_space("marts", marts=folder)
    silver_shop(space)
    for mart in ("a", "b"):
        gold.build(space, mart)
    found = trace.trace(space, "gold.b", "2")
    assert len(found.ids("gold/a")) == 2  # ana and chen ordered twice
    assert len(found.ids("silver/orders")) == 4


def test_features_edges_and_passages_lead_to_records(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    row = space.table("features", "customer_features").scan().last().collect().to_dicts()[0]
    found = trace.trace(space, row["lineage_id"])
    orders = space.table("silver", "orders").scan().filter(pl.col("customer_id") == row["customer_id"], "is_current")
    assert found.ids("silver/orders") == sorted(orders.collect()["lineage_id"])
    edge = space.table("graph", "edges").scan().first().collect().to_dicts()[0]
    assert trace.trace(space, edge["edge_id"]).ids(f"silver/{edge['dataset']}") == [edge["lineage_id"]]
    node = trace.trace(space, "graph.nodes", edge["source"])
    assert edge["lineage_id"] in node.ids(f"silver/{edge['dataset']}")
    assert trace.trace(space, "graph.pagerank", edge["source"]).start.note
    passage = trace.trace(space, _review(space)).ids("vectors/passages")[0]
    assert trace.trace(space, passage).ids("bronze/reviews") == [passage.partition("#")[0]]


def _review(space: Workspace) -> str:
    return str(space.table("silver", "reviews").scan().first().collect()["lineage_id"][0])


# down


def test_a_record_leads_to_all_that_is_made_of_it(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    order = space.table("silver", "orders").scan().filter("is_current").first().collect().to_dicts()[0]
    found = trace.trace(space, order["lineage_id"])
    assert found.ids("silver/orders") == [order["lineage_id"]]
    assert found.ids("gold/customer_360") in ([grain_id("customer_360", order["customer_id"])], [])
    products = sorted({line["product_id"] for line in order["lines"]})
    assert found.ids("gold/product_performance") == sorted(grain_id("product_performance", p) for p in products)
    assert len(found.ids("graph/edges")) == len(products)
    assert found.ids("features/customer_features")
    for row in found.ids("gold/product_performance"):
        assert order["lineage_id"] in trace.trace(space, row).ids("silver/orders")


def test_a_quarantined_record_says_why(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    dataset = next(t.path.name for t in space.tables("quarantine") if t.count())
    record = space.table("quarantine", dataset).scan().first().collect()["lineage_id"][0]
    (part,) = trace.trace(space, record).parts(f"quarantine/{dataset}")
    assert part.facts[record]["rules"]
    assert trace.trace(space, record).ids("gold/customer_360") == []


def test_a_person_has_a_footprint(shop: Workspace) -> None:
    found = trace.footprint(shop, ANA)
    assert found.ids("gold/customer_360") == [grain_id("customer_360", ANA)]
    # what follows her names her: she owns one row of follows and is named in two
    assert found.ids("silver/follows") == [lineage_id("follows", n) for n in (0, 1, 2)]
    assert len(found.ids("silver/orders")) == 3  # one of them superseded
    assert grain_id("customer_360", BEN) not in found.ids("gold/customer_360")
    with pytest.raises(TableError, match="nothing is known"):
        trace.footprint(shop, "customer_" + "0" * 24)


def test_the_lake_object_traces(shop: Workspace) -> None:
    lake = Lake(shop)
    found = lake.trace("gold.daily_cash", "2026-11-01")
    assert found.as_dict() == trace.trace(shop, "gold.daily_cash", "2026-11-01").as_dict()
    assert lake.footprint(ANA).ids("gold/customer_360") == [grain_id("customer_360", ANA)]


# versions


def test_tracing_reads_the_versions_that_the_build_read(shop: Workspace) -> None:
    before = trace.trace(shop, "gold.consent_status", ANA, "marketing").ids("silver/consents")
    table = shop.table("silver", "consents")
    new = table.scan().first().collect().with_columns(lineage_id=pl.lit(lineage_id("later", 0)), granted=pl.lit(False))
    table.append(new, Commit("silver"))
    found = trace.trace(shop, "gold.consent_status", ANA, "marketing")
    assert (found.ids("silver/consents"), found.notes) == (before, [])
    gold.build(shop, "consent_status")
    found = trace.trace(shop, "gold.consent_status", ANA, "marketing")
    assert found.ids("silver/consents") == sorted([*before, lineage_id("later", 0)])


def test_a_version_that_was_vacuumed_is_told(shop: Workspace) -> None:
    table = shop.table("silver", "consents")
    table.overwrite(table.scan().collect(), Commit("silver"))
    table.vacuum()
    found = trace.trace(shop, "gold.consent_status", ANA, "marketing")
    assert found.ids("silver/consents")
    assert found.notes == [f"version 0 of silver/consents was vacuumed: its present version {table.version} is used"]


@pytest.mark.parametrize(
    ("stamps", "hour"), [("", None), ("@without:9f8293c987ce", None), ("@{}", 6), ("@{}@without:9f", 6)]
)
def test_the_moment_of_a_build_is_told_from_who_was_left_out(shop: Workspace, stamps: str, hour: int | None) -> None:
    table = shop.table("gold", "consent_status")
    last = table.last_commit()
    assert last
    code = last.code + stamps.format("2026-11-20T06:00:00+00:00")
    table.overwrite(table.scan().collect(), Commit("gold", last.inputs, code, details=last.details))
    with trace.Tracer(shop) as tracer:
        build = tracer.made.build("gold/consent_status")
        assert build
        assert (build.as_of.hour if build.as_of else None) == hour


# asking


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (("nonsense",), "not a lineage id"),
        (("gold.daily_cahs", "2026-11-01"), "gold.daily_cash"),
        (("gold.daily_cash", "1999-01-01"), "no row"),
        (("gold.daily_cash", "2026-11-01", "EUR"), "the key of gold.daily_cash is day"),
        (("daily_cash-" + "0" * 24,), "no row"),
        (("0" * 24 + "-" + "0" * 10,), "no row"),
    ],
)
def test_what_is_not_there_is_told(shop: Workspace, what: tuple[str, ...], told: str) -> None:
    with pytest.raises(TableError, match=told):
        trace.trace(shop, *what)


def test_a_file_that_cannot_be_traced_is_refused_when_it_is_read() -> None:
    text = "/* ---\ndescription: d\nowner: o\ngrain: [a]\n--- */\nSELECT a FROM silver.x ORDER BY a LIMIT 3"
    with pytest.raises(SqlFileError, match=r"(?s)top.sql: its rows could not be traced: it has LIMIT.*QUALIFY"):
        parse_sqlfile(text, "top.sql")


@pytest.mark.parametrize("style", ["tree", "json", "mermaid"])
def test_the_command_shows_a_trace(sample_lake: SampleLake, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sample_lake.environment.items():
        monkeypatch.setenv(name, value)
    order = sample_lake.space.table("silver", "orders").scan().filter("is_current").first().collect()["order_id"][0]
    shown = CliRunner().invoke(app, ["trace", "silver.orders", order, "--format", style], catch_exceptions=False).output
    for table in ("landing/orders", "bronze/orders", "silver/orders", "graph/edges", "gold/product_performance"):
        assert table in shown
    assert not [value for value in sample_lake.planted if value in shown]
    if style == "json":
        assert json.loads(shown)["start"]["table"] == "silver/orders"
    if style == "mermaid":
        assert shown.startswith("flowchart TD\n")
