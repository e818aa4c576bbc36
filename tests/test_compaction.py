"""Compaction: other files, the same rows, and nobody who reads them has anything to do."""

import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cenote import catalog, compaction, features, gold, graph, silver, trace
from cenote.past import PastLake
from cenote.rewrite import drop_history
from cenote.settings import Settings
from cenote.tables import Commit, HistoryGone, Table
from cenote.trace.files import Files
from cenote.trace.follow import Follower
from cenote.workspace import Workspace
from tests.lake import SampleLake


def rows_of(table: Table, version: int | None = None) -> pl.DataFrame:
    return table.scan(version).collect().sort("lineage_id")


@pytest.fixture
def space(sample_lake: SampleLake, tmp_path: Path) -> Workspace:
    """A copy of the sample lake that may be changed."""
    shutil.copytree(sample_lake.settings.home, tmp_path / "data", ignore=shutil.ignore_patterns("dagster", "vectors"))
    settings = Settings(**(sample_lake.settings.model_dump() | {"home": tmp_path / "data"}))
    return Workspace(settings)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP", 16)


def loosen(space: Workspace, dataset: str, pieces: int) -> Table:
    """Write a silver table again as the small files that many passes leave; progress stays."""
    table = space.table("silver", dataset)
    rows, progress = rows_of(table), {n: v for n in ("contract", f"bronze/{dataset}") if (v := table.progress(n))}
    shutil.rmtree(table.path)
    for begin in range(0, rows.height, -(-rows.height // pieces)):
        table.append(rows[begin : begin + -(-rows.height // pieces)], Commit("silver", code="c", progress=progress))
    return table


@pytest.mark.usefixtures("small_groups")
def test_compaction_changes_files_and_no_row(space: Workspace) -> None:
    table = loosen(space, "orders", 12)
    before, version = rows_of(table), table.version
    (planned,) = [c for c in compaction.plan(space) if c.table == "silver/orders"]
    (done,) = [c for c in compaction.compact(space) if c.table == "silver/orders"]
    assert (planned.files, planned.made) == (12, 0)
    assert (done.files, done.rows, done.made) == (12, before.height, len(table.files())) == (12, before.height, 1)
    assert rows_of(table).equals(before)
    assert (table.version, table.content_version) == (version + 1, version)  # type: ignore[operator]
    assert not [c for c in compaction.compact(space, at_once=True) if c.table == "silver/orders"]  # done is done
    assert table.version == version + 1  # type: ignore[operator]


@pytest.mark.usefixtures("small_groups")
def test_a_person_lies_in_few_row_groups(space: Workspace) -> None:
    table = loosen(space, "orders", 12)
    compaction.compact(space, at_once=True)
    (file,) = table.files()
    with catalog.connect(space, []) as connection:
        groups = connection.execute(
            "SELECT stats_min_value, stats_max_value FROM parquet_metadata(?) WHERE path_in_schema = 'subject_id'",
            [file],
        ).fetchall()
        sought = connection.execute(
            "SELECT path_in_schema, count(bloom_filter_offset) AS filters FROM parquet_metadata(?) "
            "GROUP BY ALL HAVING filters > 0",
            [file],
        ).fetchall()
    person = pl.read_parquet(file)["subject_id"].drop_nulls()[0]
    assert len(groups) > 4
    assert sum(low is not None and low <= person <= high for low, high in groups) <= 2
    assert dict(sought) == {"lineage_id": len(groups), "order_id": len(groups)}


@pytest.fixture
def runs_of_files(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    """Orders as two runs of several files: the least and the greatest person of each file."""
    table = space.table("silver", "orders")
    monkeypatch.setattr(compaction, "ROW_GROUP", 16)
    monkeypatch.setattr(compaction, "FULL_ROWS", table.count() // 2)
    before = rows_of(table)
    compaction.compact(space, at_once=True)
    assert rows_of(table).equals(before)
    people = {file: pl.read_parquet(file)["subject_id"].drop_nulls() for file in table.files()}
    return {file: (str(held.min()), str(held.max())) for file, held in people.items()}


def test_files_of_a_run_hold_different_people(runs_of_files: dict[str, tuple[str, str]]) -> None:
    runs: dict[str, list[tuple[str, str]]] = {}
    for file, ends in runs_of_files.items():
        runs.setdefault("-".join(Path(file).name.split("-")[:2]), []).append(ends)
    assert len(runs) == 2
    for ranges in map(sorted, runs.values()):
        assert len(ranges) == compaction.FULL_FILES
        assert all(one[1] <= other[0] for one, other in pairwise(ranges))


def test_a_trace_opens_only_files_that_can_hold_the_person(
    space: Workspace, runs_of_files: dict[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = Follower._run

    def told(self: Follower, sql: str, as_of: datetime | None) -> Any:
        asked.append(sql)
        return run(self, sql, as_of)

    monkeypatch.setattr(Follower, "_run", told)
    orders = rows_of(space.table("silver", "orders"))
    for customer in rows_of(space.table("gold", "customer_360"))["customer_id"][:5]:
        asked.clear()
        found = trace.trace(space, "gold.customer_360", customer)
        assert found.ids("silver/orders") == sorted(orders.filter(customer_id=customer, is_current=True)["lineage_id"])
        named = {file for file in runs_of_files if any(file in sql for sql in asked)}
        assert named == {file for file, (low, high) in runs_of_files.items() if low <= customer <= high}
        assert len(named) <= 4 < len(runs_of_files)
        assert not any('"silver"."orders"' in sql for sql in asked)


def test_a_footprint_is_the_same_whatever_the_files(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    people = rows_of(space.table("gold", "customer_360"))["customer_id"][:3]

    def told() -> list[dict[str, list[str]]]:
        found = [trace.footprint(space, person) for person in people]
        return [{part.table: f.ids(part.table) for part in f.start.walk()} for f in found]

    before = told()
    monkeypatch.setattr(compaction, "ROW_GROUP", 16)
    monkeypatch.setattr(compaction, "FULL_ROWS", 64)
    compaction.compact(space, at_once=True)
    assert len(space.table("silver", "orders").files()) > 8
    assert told() == before


def test_footers_tell_what_files_can_hold(tmp_path: Path) -> None:
    held = {
        "low": pl.DataFrame({"k": ["a", "c"], "n": [1, 2]}),
        "high": pl.DataFrame({"k": ["m", None], "n": [1, 2]}),
        "nulls": pl.DataFrame({"k": [None, None], "n": [1, 2]}, schema={"k": pl.String, "n": pl.Int64}),
        "empty": pl.DataFrame({"k": [], "n": []}, schema={"k": pl.String, "n": pl.Int64}),
    }
    files = {name: str(tmp_path / f"{name}.parquet") for name in held}
    for name, frame in held.items():
        frame.write_parquet(files[name])
    known, named = Files(), list(files.values())
    assert known.holding(named, "k", ["b"]) == [files["low"]]
    assert known.holding(named, "k", ["b", "m"]) == [files["low"], files["high"]]
    assert known.holding(named, "n", ["b"]) == named[:-1]  # only texts are compared
    pl.DataFrame({"k": ["b"]}).write_parquet(tmp_path / "older.parquet")
    older = [str(tmp_path / "older.parquet"), files["high"]]
    assert known.holding(older, "k", ["b"]) == older  # or the column n would be missing
    assert known.holding([*older, str(tmp_path / "gone.parquet")], "k", ["m"]) == [
        files["high"],
        str(tmp_path / "gone.parquet"),
    ]


@pytest.mark.usefixtures("small_groups")
def test_what_reads_silver_stays_up_to_date(space: Workspace) -> None:
    compaction.compact(space, at_once=True)
    assert [
        c for c in (space.table("silver", n) for n in space.contracts) if c.exists and c.version != c.content_version
    ]
    assert not any(gold.is_stale(space, mart) for mart in gold.marts(space))
    assert not any(features.is_stale(space, view) for view in features.views(space))
    assert not any(graph.edges_stale(space, name) for name, c in space.contracts.items() if c.edges)
    assert not any(silver.is_stale(space, name) for name in space.contracts)
    assert not catalog.is_stale(space)


@pytest.mark.usefixtures("small_groups")
def test_traces_are_the_same(space: Workspace) -> None:
    customer = rows_of(space.table("gold", "customer_360"))["customer_id"][0]
    order = rows_of(space.table("silver", "orders"))["lineage_id"][0]

    def told() -> list[dict[str, list[str]]]:
        found = [
            trace.trace(space, "gold.customer_360", customer),
            trace.trace(space, order),
            trace.footprint(space, customer),
        ]
        assert not any(f.notes for f in found)
        return [{part.table: f.ids(part.table) for part in f.start.walk()} for f in found]

    before = told()
    compaction.compact(space, at_once=True)
    assert told() == before
    for table in space.tables("silver"):
        drop_history(table)  # the files that were compacted go: the version that marts were built from is still read
    assert told() == before


def test_a_reader_that_lags_behind_gets_what_it_has_not_read(tmp_path: Path) -> None:
    table = Table(tmp_path / "t", "silver/t")
    for number in range(3):
        table.append(pl.DataFrame({"lineage_id": [f"r{number}"]}), Commit("silver"))
    _compact(table)
    assert rows_of(table)["lineage_id"].to_list() == ["r0", "r1", "r2"]
    assert table.added_since(2) == []
    assert sorted(pl.read_parquet(table.added_since(0))["lineage_id"]) == ["r1", "r2"]
    table.append(pl.DataFrame({"lineage_id": ["r3"]}), Commit("silver"))
    _compact(table)
    assert sorted(pl.read_parquet(table.added_since(0))["lineage_id"]) == ["r1", "r2", "r3"]
    assert (table.version, table.content_version) == (5, 4)
    assert rows_of(table, 2).height == 3
    assert rows_of(table, 1).height == 2  # time travel to before
    table.delete("lineage_id = 'r1'", Commit("silver"))
    with pytest.raises(HistoryGone):
        table.added_since(0)


def _compact(table: Table) -> None:
    from cenote.rewrite import replace_files, shaped, write_file

    rows = pl.scan_parquet(table.files()).sort("lineage_id").collect()
    action = write_file(table, iter([shaped(rows, compaction._schema(table))]), prefix="clustered", data_change=False)
    commit = Commit("compact", details={"content": table.content_version})
    replace_files(table, table.files(), [action], commit, data_change=False)


def test_the_cost_grows_with_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP", 4)
    monkeypatch.setattr(compaction, "FULL_ROWS", 100)
    table = Table(tmp_path / "t", "silver/t")
    written = 0
    for number in range(40):
        table.append(pl.DataFrame({"lineage_id": [f"{number:04}-{n}" for n in range(10)]}), Commit("silver"))
        chosen = compaction._chosen(table, True)
        written += sum(file.rows for file in chosen)
        if chosen:
            _replaced(table, chosen)
    assert table.count() == 400
    assert len(table.files()) <= 12
    assert written <= 400 * 5  # each row a few times, not forty


def _replaced(table: Table, chosen: list[compaction._File]) -> None:
    from cenote.rewrite import replace_files, shaped, write_file

    rows = pl.scan_parquet([f.path for f in chosen]).collect()
    action = write_file(table, iter([shaped(rows, compaction._schema(table))]), prefix="clustered", data_change=False)
    replace_files(
        table,
        [f.path for f in chosen],
        [action],
        Commit("compact", details={"content": table.content_version}),
        data_change=False,
    )


@pytest.mark.usefixtures("small_groups")
def test_time_travel_and_erasure_after_a_compaction(space: Workspace) -> None:
    table = loosen(space, "orders", 3)
    moment = datetime.now(UTC)
    before = rows_of(table)
    compaction.compact(space, at_once=True)
    assert PastLake(space, moment).sql("SELECT count(*) AS n FROM silver.orders_records")["n"].item() == before.height
    drop_history(table)  # as an erasure does
    assert (
        PastLake(space, datetime.now(UTC)).sql("SELECT count(*) AS n FROM silver.orders_records")["n"].item()
        == before.height
    )
    assert rows_of(table).equals(before)
    assert table.content_version == 2


def test_the_command(sample_lake: SampleLake, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from cenote.cli import app

    for name, value in sample_lake.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CENOTE_HOME", str(space.settings.home))
    loosen(space, "orders", 9)
    shown = CliRunner().invoke(app, ["compact", "--format", "json"])
    assert shown.exit_code == 0 and '"silver/orders"' in shown.output
    assert CliRunner().invoke(app, ["compact", "--apply", "--format", "json"]).exit_code == 0
    assert '"silver/orders"' not in CliRunner().invoke(app, ["compact", "--format", "json"]).output
