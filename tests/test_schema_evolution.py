"""A dataset's shape changes: fields come, go, move and get another type; old records keep their place in history."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, silver
from cenote.contract_diff import diff
from cenote.contracts import load_contracts
from cenote.lake import Lake
from cenote.workspace import Workspace
from transforms.json_columns import parse_path
from transforms.shape import Shape

HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: urn:cenote:test:clients
name: clients
version: {version}
status: active
schema:
  - name: clients
    logicalType: object
    properties:
      - {{name: client_id, physicalName: {id}, logicalType: string, primaryKey: true, classification: HIGH,
         customProperties: [{{property: mask, value: {{strategy: token, entity: client}}}}{id_formerly}]}}
      - {{name: changed_at, logicalType: timestamp, required: true}}
"""
TAIL = """
    customProperties:
      - {{property: subject, value: {{entity: client, path: {id}}}}}
      - {{property: changeMode, value: scd2}}
      - {{property: sequenceBy, value: [changed_at]}}
"""
FIRST = """
      - {name: phone, logicalType: string, classification: HIGH,
         customProperties: [{property: mask, value: {strategy: partial, keep: 4}}]}
      - {name: level, logicalType: integer, required: true}
      - {name: note, logicalType: string}
"""
SECOND = """
      - {name: phone, physicalName: $.contact.phone, logicalType: string, classification: HIGH,
         customProperties: [{property: mask, value: {strategy: partial, keep: 4}},
                            {property: formerly, value: $.phone}]}
      - {name: level, logicalType: string, required: true}
      - {name: nickname, logicalType: string, classification: HIGH,
         customProperties: [{property: mask, value: redact}]}
"""
OLD = [
    {"id": "c1", "changed_at": "2026-01-01", "phone": "+43 660 1111111", "level": 3, "note": "first"},
    {"id": "c2", "changed_at": "2026-01-01", "phone": "+43 660 2222222", "level": "gold", "note": "too early"},
]
NEW = [
    {"client": "c1", "changed_at": "2026-02-01", "contact": {"phone": "+43 660 3333333"}, "level": "gold",
     "nickname": "Ace"},
]  # fmt: skip


def contract_text(second: bool) -> str:
    if not second:
        given = {"id": "$.id", "id_formerly": ""}
        return HEAD.format(version="1.0.0", **given) + FIRST + TAIL.format(**given)
    given = {"id": "$.client", "id_formerly": ", {property: formerly, value: [$.id]}"}
    return HEAD.format(version="2.0.0", **given) + SECOND + TAIL.format(**given)


def land(space: Workspace, records: list[dict[str, object]]) -> None:
    folder = space.settings.landing / "clients"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "new.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    bronze.land_new(space, "clients")
    silver.build(space, "clients")


def rows(space: Workspace, layer: str = "silver") -> pl.DataFrame:
    return space.table(layer, "clients").scan().sort("lineage_id").collect()


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "clients.yaml").write_text(contract_text(second=False))
    return folder


@pytest.fixture
def evolved(make_space: Callable[..., Workspace], contracts: Path) -> tuple[Workspace, pl.DataFrame, datetime]:
    """The lake after the contract's second version and a record of the new form; what it was before, and when."""
    space = make_space(contracts=contracts)
    land(space, OLD)
    before, moment = rows(space), datetime.now(UTC)
    (contracts / "clients.yaml").write_text(contract_text(second=True))
    again = Workspace(space.settings, clock=space.clock)
    land(again, NEW)
    return again, before, moment


def test_old_and_new_records_have_the_new_shape(evolved: tuple[Workspace, pl.DataFrame, datetime]) -> None:
    space, before, _ = evolved
    now = rows(space)
    assert now.columns[-5:] == ["client_id", "changed_at", "phone", "level", "nickname"]
    assert now["phone"].str.tail(4).to_list() == ["1111", "2222", "3333"], "moved: read from where each record has it"
    assert now["level"].to_list() == ["3", "gold", "gold"], "retyped"
    assert now["nickname"].to_list() == [None, None, "<REDACTED>"], "added"
    assert before["level"].to_list() == [3], "what the first version refused, the second takes"
    assert rows(space, "quarantine").is_empty()


def test_history_goes_on_over_the_change(evolved: tuple[Workspace, pl.DataFrame, datetime]) -> None:
    space, before, _ = evolved
    now = rows(space)
    first, last = now.row(0, named=True), now.row(2, named=True)
    assert first["lineage_id"] == before["lineage_id"][0]
    assert first["subject_id"] == last["subject_id"] == last["client_id"], "the id moved, the person is the same"
    assert (first["valid_to"], first["is_current"], last["is_current"]) == (last["valid_from"], False, True)


def test_the_lake_of_before_can_still_be_asked(evolved: tuple[Workspace, pl.DataFrame, datetime]) -> None:
    space, before, moment = evolved
    then = Lake(space).at(moment).sql("select level, note from silver.clients_records")
    assert then.to_dicts() == before.select("level", "note").to_dicts()


def test_a_late_record_of_the_old_form_is_still_its_owners(evolved: tuple[Workspace, pl.DataFrame, datetime]) -> None:
    space, _, _ = evolved
    land(space, [{"id": "c1", "changed_at": "2026-01-15", "phone": "+43 660 4444444", "level": 4, "note": "late"}])
    now = rows(space).filter(pl.col("phone").str.ends_with("4444"))
    assert now["subject_id"].to_list() == rows(space)["subject_id"].to_list()[:1]
    assert now["is_current"].to_list() == [False]


def test_incremental_and_anew_are_the_same(evolved: tuple[Workspace, pl.DataFrame, datetime]) -> None:
    space, _, _ = evolved
    kept = rows(space)
    silver.build(space, "clients", rebuild=True)
    assert rows(space).equals(kept)


def test_old_places_are_known_to_erasure_and_count_as_no_drift(
    evolved: tuple[Workspace, pl.DataFrame, datetime],
) -> None:
    contract = evolved[0].contract("clients")
    shape = Shape(contract, frozenset({"client"}))
    assert {f.name for p in ("$.phone", "$.contact.phone") if (f := shape.field(parse_path(p)))} == {"phone"}
    assert shape.is_subject(parse_path("$.id"))
    assert shape.is_subject(parse_path("$.client"))
    commit = next(iter(evolved[0].table("silver", "clients").commits()))
    assert commit.details["drift"] == {"$.*": 2}, "only the notes, which went"


def test_the_difference_says_what_breaks(tmp_path: Path) -> None:
    found = []
    for second in (False, True):
        folder = tmp_path / str(second)
        folder.mkdir()
        (folder / "clients.yaml").write_text(contract_text(second))
        found.append(load_contracts(folder)["clients"])
    told = {(change.path, change.breaking): change.what for change in diff(*found)}
    assert told["phone", False] == "read from $.contact.phone, formerly from $.phone"
    assert ("note", True) in told
    assert ("level", True) in told
    assert ("nickname", False) in told
