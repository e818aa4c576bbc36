"""Everything that can break in a lake is found, named and told how to mend."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from cenote.settings import Settings
from cenote.tables import Commit
from cenote.verify import CHECKS, verify
from cenote.workspace import Workspace


@pytest.fixture
def broken(sample_lake, tmp_path) -> Workspace:
    """A copy of the sample lake, to be broken."""
    shutil.copytree(sample_lake.settings.home, tmp_path / "data", ignore=shutil.ignore_patterns("dagster", "landing"))
    shutil.copytree(sample_lake.settings.vault, tmp_path / "vault")
    kept = sample_lake.settings.model_dump() | {"home": tmp_path / "data", "vault": tmp_path / "vault"}
    return Workspace(Settings(**kept), run_id="test")


def found(space: Workspace, *, thorough: bool = False) -> set[tuple[str, str]]:
    problems = verify(space, thorough=thorough)
    assert all(problem.what and problem.fix for problem in problems)
    # The copy lies elsewhere than its catalog and registry say.
    return {(p.check, p.where) for p in problems if p.check not in ("views_open", "features_served")}


def some_file(space: Workspace, layer: str, name: str) -> Path:
    return Path(space.table(layer, name).files()[0])


def test_a_sound_lake_has_no_findings(sample_lake):
    told: list[str] = []
    assert verify(sample_lake.space, thorough=True, progress=lambda name, *_: told.append(name)) == []
    assert told == [check.name for check in CHECKS]


def test_every_check_is_in_the_runbook():
    runbook = (Path(__file__).parents[1] / "docs" / "runbook.md").read_text()
    assert [check.name for check in CHECKS if f"### {check.name}" not in runbook] == []


def test_a_missing_file(broken):
    some_file(broken, "silver", "orders").unlink()
    assert ("files_whole", "silver/orders") in found(broken)


def test_a_cut_file(broken):
    file = some_file(broken, "gold", "daily_cash")
    file.write_bytes(file.read_bytes()[:-100])
    assert ("files_whole", "gold/daily_cash") in found(broken)


def test_a_file_with_another_ones_content(broken):
    (one, two) = (some_file(broken, "silver", name) for name in ("orders", "reviews"))
    size = max(one.stat().st_size, two.stat().st_size)
    one.write_bytes(two.read_bytes().ljust(size, b"\0"))
    assert ("files_whole", "silver/orders") in found(broken)


def test_flipped_bytes_inside_a_page(broken):
    file = some_file(broken, "silver", "orders")
    content = bytearray(file.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 64] = bytes(64)
    file.write_bytes(content)
    assert ("files_whole", "silver/orders") not in found(broken)
    assert ("pages_decoded", "silver/orders") in found(broken, thorough=True)


def test_sealed_payloads_that_changed_places(broken):
    table = broken.table("bronze", "orders")
    rows = table.scan().collect()
    moved = pl.col("payload").shift(1).fill_null(rows["payload"][-1])
    table.overwrite(rows.with_columns(moved), Commit("test"))
    assert ("bytes_proved", "bronze/orders") in found(broken, thorough=True)


def test_a_torn_log(broken):
    log = sorted((broken.table("gold", "daily_cash").path / "_delta_log").glob("*.json"))[-1]
    log.write_bytes(log.read_bytes()[:40])
    assert ("tables_readable", "gold/daily_cash") in found(broken)


def test_a_lost_record(broken):
    table = broken.table("bronze", "orders")
    gone = table.scan().head(1).collect()["lineage_id"][0]
    table.delete(f"lineage_id = '{gone}'", Commit("test"))
    assert ("batches_complete", "bronze/orders") in found(broken)


def test_a_record_that_silver_forgot(broken):
    table = broken.table("silver", "orders")
    gone = table.scan().head(1).collect()["lineage_id"][0]
    table.delete(f"lineage_id = '{gone}'", Commit("test"))
    assert ("records_accounted", "silver/orders") in found(broken)


def test_a_record_twice(broken):
    table = broken.table("bronze", "orders")
    table.append(table.scan().head(1).collect(), Commit("test"))
    assert ("ids_unique", "bronze/orders") in found(broken)


def test_another_lakes_vault(broken, make_space):
    other = make_space("other")
    space = Workspace(Settings(**(broken.settings.model_dump() | {"vault": other.settings.vault})))
    assert ("keys_held", "bronze/orders") in found(space)


def test_no_vault(broken, tmp_path):
    shutil.rmtree(broken.settings.vault)
    assert ("keys_held", "-") in found(Workspace(broken.settings))


def test_an_altered_audit_log(broken):
    log = broken.settings.vault / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"key", b"kee", 1))
    assert ("audit_whole", "audit log") in found(broken)


def test_a_missing_catalog(broken):
    broken.settings.catalog.unlink()
    assert "views_open" in {problem.check for problem in verify(broken)}


def test_a_passage_without_its_row(broken):
    from cenote.vectors.store import Store

    table = broken.table("silver", "reviews")
    written = Store(broken).rows(["lineage_id"], "dataset = 'reviews'")["lineage_id"][0]
    table.delete(f"lineage_id = '{written}'", Commit("test"))
    assert ("passages_held", "vectors/reviews") in found(broken)
