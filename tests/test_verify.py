"""Everything that can break in a lake is found, named and told how to mend; one damage does not hide another."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from cenote.settings import Settings
from cenote.tables import Commit
from cenote.verify import CHECKS, Problem, verify
from cenote.workspace import Workspace
from tests.lake import SampleLake


def copy_of(sample_lake: SampleLake, folder: Path) -> Workspace:
    """A copy of the sample lake, to be broken."""
    shutil.copytree(sample_lake.settings.home, folder / "data", ignore=shutil.ignore_patterns("dagster", "landing"))
    shutil.copytree(sample_lake.settings.vault, folder / "vault")
    kept = sample_lake.settings.model_dump() | {"home": folder / "data", "vault": folder / "vault"}
    return Workspace(Settings(**kept), run_id="test")


def some_file(space: Workspace, layer: str, name: str) -> Path:
    return Path(space.table(layer, name).files()[0])


def test_a_sound_lake_has_no_findings(sample_lake):
    told: list[str] = []
    assert verify(sample_lake.space, thorough=True, progress=lambda name, *_: told.append(name)) == []
    assert told == [check.name for check in CHECKS]


def test_every_check_is_in_the_runbook():
    runbook = (Path(__file__).parents[1] / "docs" / "runbook.md").read_text()
    assert [check.name for check in CHECKS if f"### {check.name}" not in runbook] == []


# damage to files, all of it in one lake: what it is, and what is found


def a_missing_file(space: Workspace) -> None:
    some_file(space, "silver", "orders").unlink()


def a_cut_file(space: Workspace) -> None:
    file = some_file(space, "gold", "daily_cash")
    file.write_bytes(file.read_bytes()[:-100])


def a_file_with_another_ones_content(space: Workspace) -> None:
    (one, two) = (some_file(space, "silver", name) for name in ("customers", "reviews"))
    size = max(one.stat().st_size, two.stat().st_size)
    one.write_bytes(two.read_bytes().ljust(size, b"\0"))


def flipped_bytes_inside_a_page(space: Workspace) -> None:
    file = some_file(space, "silver", "turns")
    content = bytearray(file.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 64] = bytes(64)
    file.write_bytes(content)


def a_torn_log(space: Workspace) -> None:
    log = sorted((space.table("gold", "customer_360").path / "_delta_log").glob("*.json"))[-1]
    log.write_bytes(log.read_bytes()[:40])


def an_altered_audit_log(space: Workspace) -> None:
    log = space.settings.vault / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"key", b"kee", 1))


def a_missing_catalog(space: Workspace) -> None:
    space.settings.catalog.unlink()


IN_FILES = {
    a_missing_file: ("files_whole", "silver/orders"),
    a_cut_file: ("files_whole", "gold/daily_cash"),
    a_file_with_another_ones_content: ("files_whole", "silver/customers"),
    flipped_bytes_inside_a_page: ("pages_decoded", "silver/turns"),
    a_torn_log: ("tables_readable", "gold/customer_360"),
    an_altered_audit_log: ("audit_whole", "audit log"),
    a_missing_catalog: ("views_open", "catalog"),
}


# damage to records, likewise


def sealed_payloads_that_changed_places(space: Workspace) -> None:
    table = space.table("bronze", "orders")
    rows = table.scan().collect()
    moved = pl.col("payload").shift(1).fill_null(rows["payload"][-1])
    table.overwrite(rows.with_columns(moved), Commit("test"))


def a_lost_record(space: Workspace) -> None:
    _lose_one(space, "bronze", "turns")


def a_record_that_silver_forgot(space: Workspace) -> None:
    _lose_one(space, "silver", "invoices")


def a_record_twice(space: Workspace) -> None:
    table = space.table("bronze", "consents")
    table.append(table.scan().head(1).collect(), Commit("test"))


def a_passage_without_its_row(space: Workspace) -> None:
    from cenote.vectors.store import Store

    written = Store(space).rows(["lineage_id"], "dataset = 'reviews'")["lineage_id"][0]
    space.table("silver", "reviews").delete(f"lineage_id = '{written}'", Commit("test"))


def _lose_one(space: Workspace, layer: str, name: str) -> None:
    table = space.table(layer, name)
    gone = table.scan().head(1).collect()["lineage_id"][0]
    table.delete(f"lineage_id = '{gone}'", Commit("test"))


IN_RECORDS = {
    sealed_payloads_that_changed_places: ("bytes_proved", "bronze/orders"),
    a_lost_record: ("batches_complete", "bronze/turns"),
    a_record_that_silver_forgot: ("records_accounted", "silver/invoices"),
    a_record_twice: ("ids_unique", "bronze/consents"),
    a_passage_without_its_row: ("passages_held", "vectors/reviews"),
}


@pytest.fixture(scope="module")
def found(sample_lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> dict[object, list[Problem]]:
    """What is found in a lake with all damage to files, and in one with all damage to records, by damage."""
    told: dict[object, list[Problem]] = {}
    for number, damages in enumerate((IN_FILES, IN_RECORDS)):
        space = copy_of(sample_lake, tmp_path_factory.mktemp(f"broken-{number}"))
        for damage in damages:
            damage(space)
        told |= dict.fromkeys(damages, verify(space, thorough=True))
    assert all(problem.what and problem.fix for problems in told.values() for problem in problems)
    return told


@pytest.mark.parametrize("damage", [*IN_FILES, *IN_RECORDS], ids=lambda damage: damage.__name__)
def test_it_is_found_and_named(damage: object, found: dict[object, list[Problem]]) -> None:
    assert (IN_FILES | IN_RECORDS)[damage] in {(problem.check, problem.where) for problem in found[damage]}


def test_flipped_bytes_are_seen_by_reading_the_page_alone(found: dict[object, list[Problem]]) -> None:
    problems = found[flipped_bytes_inside_a_page]
    assert ("files_whole", "silver/turns") not in {(problem.check, problem.where) for problem in problems}


def test_a_missing_catalog_is_told_as_such(found: dict[object, list[Problem]]) -> None:
    told = [problem.what for problem in found[a_missing_catalog] if problem.check == "views_open"]
    assert told == ["there is no catalog file"]


# keys


def test_another_lakes_vault(sample_lake: SampleLake, make_space) -> None:
    other = make_space("other").settings.vault
    space = Workspace(sample_lake.settings.model_copy(update={"vault": other}))
    assert ("keys_held", "bronze/orders") in {(problem.check, problem.where) for problem in verify(space)}


def test_no_vault(sample_lake: SampleLake, tmp_path: Path) -> None:
    space = Workspace(sample_lake.settings.model_copy(update={"vault": tmp_path / "nowhere"}))
    assert ("keys_held", "-") in {(problem.check, problem.where) for problem in verify(space)}
