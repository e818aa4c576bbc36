"""Cold bronze: few, strongly compressed files that give every landed file back byte for byte."""

import io
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, silver
from cenote.errors import TableError
from cenote.retention import cold
from cenote.settings import Settings
from cenote.vault import Vault
from cenote.workspace import Workspace

START = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Eight small batches of a sealed and of an open dataset, a day apart."""
    folder = tmp_path_factory.mktemp("cold")
    settings = Settings(home=folder / "data", vault=folder / "vault", cold_level=9)  # type: ignore[arg-type]
    Vault.create(settings)
    for number in range(8):
        space = Workspace(settings, clock=lambda number=number: START + timedelta(days=number))  # type: ignore[misc]
        for dataset, record in (
            ("reviews", {"review_id": f"R{number}", "customer_id": "C0000001", "body": "fine " * 40}),
            ("products", {"product_id": f"P{number}", "name": "x" * 300}),
        ):
            waiting = settings.landing / dataset
            waiting.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps(record | {"n": n}) for n in range(8)]
            (waiting / "x.jsonl").write_text("\r\n".join(lines) + "\n \n")
            os.utime(waiting / "x.jsonl", (1, 1))
            bronze.land_new(space, dataset)
    return settings


@pytest.fixture
def moment() -> list[datetime]:
    return [START + timedelta(days=150)]


@pytest.fixture
def lake(landed: Settings, moment: list[datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of it, on a clock that is set by hand."""
    monkeypatch.setattr(cold, "_FEWEST", 6)
    shutil.copytree(landed.home, tmp_path / "data")
    settings = Settings(**(landed.model_dump() | {"home": tmp_path / "data"}))
    return Workspace(settings, clock=lambda: moment[0])


def replayed(space: Workspace) -> dict[str, bytes]:
    found = {}
    for batch_id in bronze.batches(space)["batch_id"]:
        out = io.BytesIO()
        bronze.replay(space, batch_id, out)
        found[batch_id] = out.getvalue()
    return found


def files(space: Workspace, dataset: str) -> list[str]:
    return sorted(p.name for p in space.path("bronze", dataset).glob("*.parquet"))


def test_old_batches_become_one_cold_file_and_come_back_byte_for_byte(lake: Workspace) -> None:
    before, rows = replayed(lake), lake.table("bronze", "reviews").scan().sort("lineage_id").collect()
    planned = cold.plan(lake)
    assert {(c.dataset, c.files) for c in planned} == {("reviews", 8), ("products", 8)}
    done = cold.cool(lake)
    assert all(0 < c.cold_bytes < c.bytes for c in done)
    assert [len(files(lake, name)) for name in ("reviews", "products")] == [1, 1]
    assert files(lake, "reviews")[0].startswith("cold-")
    assert replayed(lake) == before
    assert lake.table("bronze", "reviews").scan().sort("lineage_id").collect().equals(rows)
    assert cold.plan(lake) == []
    assert cold.cool(lake) == []


def test_only_what_is_old_enough_is_touched(lake: Workspace, moment: list[datetime]) -> None:
    moment[0] = START + timedelta(days=90 + 5.5)
    assert {c.files for c in cold.plan(lake)} == {6}
    cold.cool(lake)
    assert len(files(lake, "reviews")) == 3
    moment[0] = START + timedelta(days=90 + 7.5)
    assert cold.plan(lake) == [], "two more files are not worth it yet"
    assert {c.files for c in cold.plan(lake, at_once=True)} == {2}


def test_sealed_payloads_are_not_compressed_and_all_else_is(lake: Workspace) -> None:
    import pyarrow.parquet as pq

    cold.cool(lake)
    for dataset, expected in (("reviews", "UNCOMPRESSED"), ("products", "ZSTD")):
        group = pq.ParquetFile(lake.path("bronze", dataset) / files(lake, dataset)[0]).metadata.row_group(0)
        columns = {group.column(n).path_in_schema: group.column(n).compression for n in range(group.num_columns)}
        assert columns["payload"] == expected
        assert columns["lineage_id"] == "ZSTD"


def test_who_reads_bronze_has_nothing_to_read_again(lake: Workspace) -> None:
    silver.build(lake, "reviews")
    version = lake.table("bronze", "reviews").version
    cold.cool(lake)
    assert lake.table("bronze", "reviews").added_since(version) == []
    reports = silver.build(lake, "reviews")
    assert [report.written for report in reports] == [0, 0]


def test_a_cold_file_that_differs_is_refused(lake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before, listed = replayed(lake), files(lake, "reviews")
    plain = cold._rows

    def torn(hot: list[str]):  # type: ignore[no-untyped-def]
        for table in plain(hot):
            yield table.slice(1)

    monkeypatch.setattr(cold, "_rows", torn)
    with pytest.raises(TableError, match="does not hold what the hot files hold"):
        cold.cool(lake)
    assert files(lake, "reviews") == listed
    assert replayed(lake) == before


@pytest.mark.parametrize("where", ["replace_files", "_prove"])
def test_killed_anywhere_and_run_again_it_is_done(lake: Workspace, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    before = replayed(lake)
    with monkeypatch.context() as patch:
        patch.setattr(cold, where, lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cold.cool(lake)
    cold.cool(lake)
    assert [len(files(lake, name)) for name in ("reviews", "products")] == [1, 1]
    assert replayed(lake) == before


def test_records_that_left_are_no_hindrance(lake: Workspace) -> None:
    from cenote.tables import Commit

    gone = lake.table("bronze", "reviews").scan().select("lineage_id").head(3).collect()["lineage_id"].to_list()
    lake.table("bronze", "reviews").delete(f"lineage_id IN ({', '.join(repr(g) for g in gone)})", Commit("purge"))
    cold.cool(lake)
    assert lake.table("bronze", "reviews").count() == 61


def test_never_means_never(lake: Workspace) -> None:
    settings = Settings(**(lake.settings.model_dump() | {"cold_after_days": 0}))
    assert cold.plan(Workspace(settings, clock=lake.clock)) == []


def test_large_files_are_cut(lake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold, "LARGEST", 20_000)
    rows = lake.table("bronze", "products").count()
    cold.cool(lake)
    assert 1 < len(files(lake, "products")) < 8
    assert lake.table("bronze", "products").count() == rows
    ids = lake.table("bronze", "products").scan().select(pl.col("lineage_id").n_unique()).collect().item()
    assert ids == rows


def test_the_path_of_a_lake_may_have_spaces(make_space: Callable[..., Workspace], tmp_path: Path) -> None:
    space = make_space(name="my lake", clock=lambda: START, cold_after_days=1)
    folder = space.settings.landing / "products"
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text('{"product_id": "P1"}\n')
    os.utime(folder / "x.jsonl", (1, 1))
    bronze.land_new(space, "products")
    later = Workspace(space.settings, clock=lambda: START + timedelta(days=2))
    assert [c.files for c in cold.cool(later, at_once=True)] == [1]
    assert later.table("bronze", "products").count() == 1
