"""Work grows with what is new: what a change tells those who read on, and checks that look at what came since."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cenote import checked, features, gold, quality
from cenote.accounting import LAYERS
from cenote.features import offline
from cenote.rewrite import exchange
from cenote.sample import generate
from cenote.settings import load_settings
from cenote.sqlfiles import load_sqlfiles
from cenote.tables import Commit, HistoryGone, Table
from cenote.workspace import Workspace
from tests.conftest import NOW
from tests.scenario import ANA, BEN, lineage_id, shop_frames, silver_shop
from transforms.locality import local


def rows(*ids: str, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"lineage_id": list(ids)}).with_columns(**{k: pl.lit(v) for k, v in columns.items()})


def told(table: Table, since: int | None, **how: bool) -> list[str]:
    """Ids of the rows that a reader who lags behind is given."""
    files = table.added_since(since, **how)
    return sorted(pl.read_parquet(files)["lineage_id"]) if files else []


@pytest.fixture
def table(tmp_path: Path) -> Table:
    made = Table(tmp_path / "t", "silver/t")
    made.append(rows("a", "b", "c", n=1), Commit("silver"))
    made.append(rows("d", "e", n=1), Commit("silver"))
    return made


def test_a_change_rewrites_the_files_that_it_touches_and_tells_of_changed_rows_alone(table: Table) -> None:
    untouched = table.files()[:]
    exchange(table, pl.Series("lineage_id", ["b", "nobody"]), rows("b", "f", n=2), Commit("silver"))
    assert table.scan().collect().sort("lineage_id").rows() == [
        ("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 2),
    ]  # fmt: skip
    assert len(set(untouched) & set(table.files())) == 1
    assert told(table, 1) == told(table, 1, none_lost=True) == ["b", "f"]
    assert told(table, 0) == ["b", "d", "e", "f"]
    assert told(table, None) == ["a", "b", "c", "d", "e", "f"]


def test_what_was_added_and_changed_since_is_told_once(table: Table) -> None:
    exchange(table, pl.Series("lineage_id", ["e"]), rows("e", "g", n=2), Commit("silver"))
    exchange(table, pl.Series("lineage_id", ["g"]), rows("g", n=3), Commit("silver"))
    assert told(table, 0) == ["d", "e", "g"]  # of the file with d and e, and of that with e and g, what is left
    assert pl.read_parquet(table.added_since(1)).sort("lineage_id").rows() == [("e", 2), ("g", 3)]


def test_nobody_to_exchange_is_an_append(table: Table) -> None:
    before = table.files()
    exchange(table, pl.Series("lineage_id", ["x"]), rows("y", n=1), Commit("silver"))
    assert set(before) < set(table.files())
    exchange(table, pl.Series("lineage_id", ["y"]), rows(n=1).clear(), Commit("silver"))
    assert "y" not in table.scan().collect()["lineage_id"]


@pytest.mark.parametrize("lose", ["delete", "overwrite"])
def test_rows_that_may_have_gone_are_no_secret(table: Table, lose: str) -> None:
    if lose == "delete":
        table.delete("lineage_id = 'a'", Commit("silver"))
    else:
        table.overwrite(rows("d", n=1), Commit("silver"))
    with pytest.raises(HistoryGone):
        table.added_since(1, none_lost=True)


# checks


def landed(space: Workspace, records: pl.DataFrame) -> None:
    """Put records into bronze and silver of a dataset, without keys or payloads."""
    space.table("bronze", "reviews").append(records.select("lineage_id", "landed_at"), Commit("bronze"))
    space.table("silver", "reviews").append(records, Commit("silver"))


@pytest.fixture
def reviews(make_space: Callable[..., Workspace]) -> tuple[Workspace, pl.DataFrame]:
    space = make_space()
    records = shop_frames()["reviews"]
    space.table("quarantine", "reviews").append(records.select("lineage_id", "landed_at").clear(), Commit("quarantine"))
    landed(space, records)
    return space, records


def checks(space: Workspace) -> dict[str, quality.Finding]:
    return {f.name: f for f in quality.check_silver(space, space.contract("reviews")) if f.name in quality._OF_ROWS}


def more(records: pl.DataFrame, number: int) -> pl.DataFrame:
    """The same reviews as other records, by other keys."""
    return records.with_columns(
        pl.col("lineage_id").str.replace("-0", f"-{number}"), pl.col("review_id") + f"-{number}"
    )


def test_checks_look_at_rows_that_came_since_they_held(reviews: tuple[Workspace, pl.DataFrame]) -> None:
    space, records = reviews
    assert all(f.passed for f in checks(space).values())
    landed(space, more(records, 1).head(1))
    found = checks(space)
    assert all(f.passed for f in found.values())
    assert found["required_present"].counts["rows"] == found["keys_unique"].counts["current_rows"] == 1
    assert found["records_accounted"].counts["bronze_records"] == records.height + 1


@pytest.mark.parametrize(
    ("broken", "check"),
    [("missing", "records_accounted"), ("twice", "records_accounted"), ("key", "keys_unique")],
)
def test_what_is_new_and_wrong_is_found_until_it_is_right(
    reviews: tuple[Workspace, pl.DataFrame], broken: str, check: str
) -> None:
    space, records = reviews
    checks(space)
    new = more(records, 2).head(1)
    if broken == "key":
        landed(space, new.with_columns(review_id=pl.lit(records["review_id"][0])))
    else:
        space.table("bronze", "reviews").append(new.select("lineage_id", "landed_at"), Commit("bronze"))
        if broken == "twice":
            space.table("bronze", "reviews").append(
                more(records, 3).head(1).select("lineage_id", "landed_at"), Commit("bronze")
            )
            space.table("silver", "reviews").append(pl.concat([new, new]), Commit("silver"))
    assert not checks(space)[check].passed
    landed(space, more(records, 4).head(1))
    assert not checks(space)[check].passed  # though what came last is right


def test_another_lake_or_contract_or_a_note_that_is_torn_means_looking_at_everything(
    reviews: tuple[Workspace, pl.DataFrame],
) -> None:
    space, _ = reviews
    checks(space)
    tables = [space.table(layer, "reviews") for layer in LAYERS]
    digest = space.contract("reviews").digest
    assert checked.unchecked(space, "silver/reviews", tables, digest) == {t.name: [] for t in tables}
    assert checked.unchecked(space, "silver/reviews", tables, "other") is None
    ahead = {name: (made, version + 1) for name, (made, version) in checked.seen(tables).items()}
    checked.held(space, "silver/reviews", ahead, digest)
    assert checked.unchecked(space, "silver/reviews", tables, digest) is None
    checked.held(space, "silver/reviews", {**checked.seen(tables), "bronze/reviews": ("other", 0)}, digest)
    assert checked.unchecked(space, "silver/reviews", tables, digest) is None
    space.path(".checked", "silver-reviews.json").write_text('{"seen"')
    assert checked.unchecked(space, "silver/reviews", tables, digest) is None


# the sample's next records


def test_a_sample_goes_on_where_another_ended(tmp_path: Path) -> None:
    until = datetime(2026, 11, 20, tzinfo=UTC)
    before = generate(tmp_path / "before" / "landing", 40, 1, until)
    after = generate(tmp_path / "after" / "landing", 44, 2, until, first=36)
    assert 0.1 < after.total / before.total < 0.4

    def named(folder: str, dataset: str) -> set[str]:
        import re

        texts = [f.read_bytes() for f in (tmp_path / folder / "landing" / dataset).glob("*.jsonl")]
        return {i.decode() for text in texts for i in re.findall(rb'"(?:order_id|id)": ?"([OC]\d+)"', text)}

    assert not named("before", "orders") & named("after", "orders")


# marts and features

MARTS, VIEWS = ("customer_360", "consent_status"), ("customer_features", "product_features", "product_inventory")


def supersede(space: Workspace, old: int, step: int, buyer: str | None) -> None:
    """A new version of an order, by somebody else: the old row is closed, the new one is current."""
    table, name = space.table("silver", "orders"), lineage_id("orders", old)
    before = table.scan().filter(pl.col("lineage_id") == name).collect()
    closed = before.with_columns(is_current=pl.lit(False), valid_to=pl.lit(NOW, pl.Datetime("us", "UTC")))
    after = before.with_columns(
        lineage_id=pl.lit(lineage_id("orders", old + 100 * step)), customer_id=pl.lit(buyer), is_current=pl.lit(True)
    )
    exchange(table, before["lineage_id"], pl.concat([closed, after]), Commit("silver", code="scenario"))


def review(space: Workspace, step: int) -> None:
    """One more review."""
    new = shop_frames()["reviews"].slice(step % 4, 1)
    named = new.with_columns(pl.lit(lineage_id("reviews", 100 * step)).alias("lineage_id"), rating=pl.lit(1, pl.Int64))
    space.table("silver", "reviews").append(named, Commit("silver", code="scenario"))


def build_all(space: Workspace) -> None:
    for mart in MARTS:
        gold.build(space, mart)
    for view in VIEWS:
        features.build(space, view)


def made(space: Workspace) -> dict[str, pl.DataFrame]:
    named = [("gold", mart) for mart in MARTS] + [("features", view) for view in VIEWS]
    frames = {f"{layer}/{name}": space.table(layer, name).scan().collect() for layer, name in named}
    return {
        name: frame.sort("lineage_id", *frame.select("^created_timestamp$").columns) for name, frame in frames.items()
    }


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([ANA, BEN, None]), st.booleans(), st.booleans()),
        min_size=1,
        max_size=4,
    )
)
def test_rows_of_touched_keys_alone_make_the_same_tables(
    make_space: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[int, str | None, bool, bool]],
) -> None:
    found = []
    for some in (True, False):
        monkeypatch.setattr(gold, "few", lambda *_, some=some: some)
        monkeypatch.setattr(offline, "few", lambda *_, some=some: some)
        space = make_space(name=token_hex(4))
        silver_shop(space)
        build_all(space)
        for number, (old, buyer, reviewed, build) in enumerate(steps, 1):
            supersede(space, old, number, buyer)
            if reviewed:
                review(space, number)
            if build:
                build_all(space)
        build_all(space)
        found.append(made(space))
    for name, frame in found[0].items():
        assert_frame_equal(frame, found[1][name], check_column_order=False)


def test_a_mart_is_made_anew_where_much_changed_and_in_part_where_little_did(
    make_space: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[str] = []
    exchanged = gold._exchanged
    monkeypatch.setattr(gold, "_exchanged", lambda *a: parts.append(a[2].name) or exchanged(*a))  # type: ignore[func-returns-value]
    space = make_space()
    silver_shop(space)
    build_all(space)
    review(space, 1)
    report = gold.build(space, "customer_360")
    assert parts == ["customer_360"] and report.written == 1 and report.rows > 1
    for number in range(7):
        supersede(space, number, 2, ANA)
    assert gold.build(space, "customer_360").written == report.rows
    silver = space.table("silver", "reviews")
    silver.overwrite(silver.scan().collect(), Commit("silver", code="scenario"))  # who knows which rows it had
    assert gold.build(space, "customer_360").written == report.rows
    assert parts == ["customer_360"]


def test_what_is_computed_in_part_is_told_from_the_sql() -> None:
    known = load_settings()
    files = load_sqlfiles(known.marts) | load_sqlfiles(known.features)
    cut = {name: file.join_key or file.grain[0] for name, file in files.items()}
    found = {name for name, key in cut.items() if local(files[name].sql, key)}
    assert {*MARTS, *VIEWS} <= found
    assert not found & {"daily_cash", "conversation_quality", "customer_graph_features", "active_media"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT k, count(*) OVER () AS n FROM silver.t",
        "SELECT k, row_number() OVER (ORDER BY v) AS n FROM silver.t",
        "SELECT k, v FROM silver.t WHERE v > (SELECT avg(v) FROM silver.t)",
        "SELECT k, v FROM silver.t WHERE k NOT IN (SELECT k FROM silver.u)",
        "SELECT k, v FROM silver.t ORDER BY v LIMIT 10",
        "SELECT DISTINCT ON (v) k, v FROM silver.t",
        "SELECT max(k) AS k, v FROM silver.t GROUP BY v",
        "SELECT t.k, u.v FROM silver.t AS t JOIN silver.u AS u ON u.v = t.v",
        "SELECT t.k, u.v FROM silver.t AS t FULL JOIN silver.u AS u ON u.k = t.k",
        "SELECT t.k, u.v FROM silver.t AS t, silver.u AS u",
        "SELECT * FROM silver.t",
        "SELECT k FROM silver.t EXCEPT SELECT k FROM silver.u",
        "WITH s AS (SELECT v, sum(k) AS n FROM silver.t GROUP BY v) SELECT n AS k FROM s",
        "WITH s AS (SELECT k, v FROM silver.t) SELECT s.v AS k FROM s",
        "SELECT unnest(l) AS k FROM silver.t",
        "SELECT k, sum(v) FILTER (WHERE v > 0) AS n, count(*) AS m FROM silver.t GROUP BY ROLLUP (k)",
        "SELECT k, v FROM silver.t USING SAMPLE 10",
        "SELECT k, sum(v) OVER w AS n FROM silver.t WINDOW w AS (ORDER BY v)",
        "SELECT k, v FROM silver.t UNION ALL SELECT v, k FROM silver.t",
    ],
)
def test_where_rows_depend_on_more_than_their_key_the_whole_is_made(sql: str) -> None:
    assert local(sql, "k") is None
