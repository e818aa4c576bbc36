"""A correcting record puts right what was wrong: for the future, or as if it had never been wrong."""

import json
from pathlib import Path

import polars as pl

from cenote import bronze, catalog, silver
from cenote.workspace import Workspace
from tests.erasure_lake import land, make, person


def corrected(tmp_path: Path, **record: object) -> Workspace:
    """A lake in which a record of person 2 was landed later than the others; it moved to Linz in June."""
    space = make(tmp_path / "lake")
    land(space)
    silver.build(space, "people")
    file = tmp_path / "correction.jsonl"
    file.write_text(json.dumps(person(2, **record)) + "\n")
    bronze.land(space, "people", [file], consume=False)
    silver.build(space, "people")
    return space


def cities(space: Workspace) -> list[tuple[str, bool]]:
    """Person 2's versions as the catalog shows them."""
    sql = "select city, is_current from silver.people where subject_id = $who order by valid_from"
    who = space.vault.subject_ids("person", pl.Series(["PERSON-0002"]))[0]
    return catalog.query(space, sql, {"who": who}).rows()


def test_a_later_record_corrects_and_history_keeps_what_was_thought(tmp_path: Path) -> None:
    space = corrected(tmp_path, city="Wels", changed_at="2026-08-01T00:00:00Z")
    assert cities(space) == [("Graz", False), ("Linz", False), ("Wels", True)]


def test_a_record_of_the_same_moment_takes_the_wrong_value_out_of_history(tmp_path: Path) -> None:
    space = corrected(tmp_path, city="Wels", changed_at="2026-06-01T00:00:00Z")
    assert cities(space) == [("Graz", False), ("Wels", True)]
    every = catalog.query(space, "select city from silver.people_records where city = 'Linz'")
    assert every.height == 1, "the record itself stays until retention, in a version that never held"


def test_a_correction_of_the_past_takes_its_place_there(tmp_path: Path) -> None:
    space = corrected(tmp_path, city="Leoben", changed_at="2026-01-01T00:00:00Z")
    assert cities(space) == [("Leoben", False), ("Linz", True)]
