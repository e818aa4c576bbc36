"""Silver and quarantine: incremental, exactly once, equal to a rebuild, masked, and every record accounted for."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cenote import bronze, silver, spool, versions
from cenote.accounting import Accounting, account
from cenote.errors import ContractError
from cenote.tables import Commit
from cenote.workspace import Workspace
from transforms.jsontext import FAULTS

START = datetime(2026, 11, 20, tzinfo=UTC)
ANY_JSON = Path(__file__).parent / "lakes" / "any_json" / "contracts"
MEMBERS = """
apiVersion: v3.1.0
kind: DataContract
id: urn:cenote:test:members
name: members
version: 1.0.0
status: active
schema:
  - name: members
    logicalType: object
    properties:
      - name: member_id
        physicalName: $.id
        logicalType: string
        primaryKey: true
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: member}}]
      - name: email
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: redact}]
      - name: secret
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: drop}]
      - {name: level, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: changed_at, logicalType: timestamp, required: true}
      - {name: gone, logicalType: boolean}
    customProperties:
      - {property: subject, value: {entity: member, path: $.id}}
      - {property: mentions, value: [{entity: member, path: '$.friends[*]'}]}
      - {property: changeMode, value: scd2}
      - {property: sequenceBy, value: [changed_at]}
      - {property: deleteWhen, value: {column: gone, values: [true]}}
"""
VISITS = """
apiVersion: v3.1.0
kind: DataContract
id: urn:cenote:test:visits
name: visits
version: 1.0.0
status: active
schema:
  - name: visits
    logicalType: object
    properties:
      - {name: page, logicalType: string, required: true}
      - {name: seconds, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "members.yaml").write_text(MEMBERS)
    (folder / "visits.yaml").write_text(VISITS)
    return folder


@pytest.fixture
def lake(make_space: Callable[..., Workspace], contracts: Path) -> Workspace:
    """A lake whose clock moves an hour with every look."""
    return make_space(contracts=contracts, clock=ticking())


def ticking() -> Callable[[], datetime]:
    hours: Iterator[int] = iter(range(10_000))
    return lambda: START + timedelta(hours=next(hours))


def land(space: Workspace, dataset: str, records: list[Any]) -> None:
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    file = space.settings.home.parent / "incoming.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\n".join(lines) + b"\n")
    bronze.land(space, dataset, [file], consume=False)


def table(space: Workspace, dataset: str, layer: str = "silver") -> pl.DataFrame:
    return space.table(layer, dataset).scan().sort("lineage_id").collect()


def member(number: int, level: Any, day: int, **more: Any) -> dict[str, Any]:
    return {"id": f"m{number}", "email": f"m{number}@mail.example", "secret": "s3cret", "level": level,
            "changed_at": f"2026-01-{day:02d}", **more}  # fmt: skip


def history(seed: int, count: int = 60) -> list[Any]:
    """Changes of a few members, some twice, some deletes, some broken."""
    chance = random.Random(seed)
    made: list[Any] = []
    for number in range(count):
        row = member(chance.randrange(6), number, chance.randrange(1, 9))
        if chance.random() < 0.15:
            row["gone"] = True
        if chance.random() < 0.1:
            row["level"] = -1
        made += [row, row] if chance.random() < 0.1 else [row]
        if chance.random() < 0.05:
            made.append(b'{"id": ')
    return made


def test_rows_are_typed_masked_and_placed(lake: Workspace) -> None:
    land(
        lake,
        "members",
        [
            member(1, 1, 1, friends=["m2", "m3", "m2"]),
            member(1, 2, 5),
            member(2, "high", 1),
            member(3, 1, 1, gone=True),
        ],
    )
    made, rejected = silver.build(lake, "members")
    tokens = lake.vault.subject_ids("member", pl.Series(["m1", "m2", "m3"])).to_list()
    rows = table(lake, "members")
    assert rows.columns == [
        "lineage_id", "subject_id", "mentions", "landed_at", "change_op", "valid_from", "valid_to", "is_current",
        "member_id", "email", "level", "changed_at", "gone",
    ]  # fmt: skip
    assert rows["member_id"].to_list() == rows["subject_id"].to_list() == [tokens[0], tokens[0], tokens[2]]
    assert rows["mentions"].to_list() == [sorted(tokens[1:]), [], []]
    assert rows["email"].to_list() == ["<REDACTED>"] * 3
    assert rows["is_current"].to_list() == [False, True, False]
    assert rows["valid_to"].to_list() == [datetime(2026, 1, 5, tzinfo=UTC), None, None]
    assert (made.rows, made.written, rejected.rows) == (3, 3, 1)
    assert made.details == {
        "records": 4, "quarantined": 1, "drift_paths": 1, "deletes": 1, "superseded": 0, "rebuilt": "first build",
    }  # fmt: skip
    assert rejected.details == {"wrong_type $.level": 1}
    broken = table(lake, "members", "quarantine").row(0, named=True)
    assert broken["rules"] == [{"rule": "wrong_type", "path": "$.level"}]
    assert broken["subject_id"] == tokens[1]


def test_nothing_personal_reaches_the_stores(lake: Workspace) -> None:
    land(lake, "members", [member(1, 1, 1), member(2, "m2@mail.example", 1)])
    silver.build(lake, "members")
    for layer in ("silver", "quarantine"):
        folder = lake.path(layer, "members")
        text = str(table(lake, "members", layer).to_dicts()).encode() + b"".join(
            f.read_bytes() for f in folder.rglob("*.json")
        )
        assert not [word for word in (b"mail.example", b"s3cret", b"'m1'", b'"m1"') if word in text]


def test_a_second_build_does_nothing(lake: Workspace) -> None:
    land(lake, "members", history(1))
    assert silver.is_stale(lake, "members")
    silver.build(lake, "members")
    assert not silver.is_stale(lake, "members")
    before = [lake.table(layer, "members").version for layer in ("silver", "quarantine")]
    assert [report.fresh for report in silver.build(lake, "members")] == [True, True]
    assert [lake.table(layer, "members").version for layer in ("silver", "quarantine")] == before


@pytest.mark.parametrize("seed", range(4))
def test_incremental_equals_rebuilt_equals_at_once(
    make_space: Callable[..., Workspace], contracts: Path, seed: int
) -> None:
    step, once = (make_space(name, contracts=contracts, clock=ticking()) for name in ("step", "once"))
    events = history(seed)
    for number in range(4):
        for space in (step, once):
            land(space, "members", events[number::4])
        silver.build(step, "members")
    silver.build(once, "members")
    stepwise = table(step, "members")
    silver.build(step, "members", rebuild=True)
    assert table(step, "members").equals(stepwise)
    # another vault makes other tokens
    columns = [c for c in stepwise.columns if c not in ("subject_id", "mentions", "member_id", "landed_at")]
    assert table(once, "members").select(columns).equals(stepwise.select(columns))
    assert account(step, "members").balanced
    assert stepwise.filter("is_current").select(pl.col("member_id").is_unique().all()).item()


def test_append_datasets_grow(lake: Workspace) -> None:
    for number in range(3):
        land(lake, "visits", [{"page": "/", "seconds": number}, {"page": None, "n": number}])
        made, rejected = silver.build(lake, "visits")
        assert (made.written, rejected.written) == (1, 1)
    assert table(lake, "visits")["seconds"].sort().to_list() == [0, 1, 2]
    assert table(lake, "visits").columns == ["lineage_id", "subject_id", "mentions", "landed_at", "page", "seconds"]
    assert account(lake, "visits") == Accounting(6, 3, 3, 0, 0, 0)


def test_an_append_dataset_takes_each_key_once(make_space: Callable[..., Workspace], tmp_path: Path) -> None:
    folder = tmp_path / "keyed"
    folder.mkdir()
    keyed = VISITS.replace("{name: page, logicalType: string,", "{name: page, logicalType: string, primaryKey: true,")
    (folder / "visits.yaml").write_text(keyed)
    space = make_space(name="keyed", contracts=folder)
    land(space, "visits", [{"page": "/a", "seconds": 1}, {"page": "/b", "seconds": 2}, {"page": "/a", "seconds": 3}])
    made, rejected = silver.build(space, "visits")
    assert (made.written, rejected.written) == (2, 1)
    land(space, "visits", [{"page": "/b", "seconds": 4}, {"page": "/c", "seconds": 5}])
    made, rejected = silver.build(space, "visits")
    assert (made.written, rejected.written) == (1, 1)
    before = table(space, "visits").sort("lineage_id")
    assert before["seconds"].sort().to_list() == [1, 2, 5]
    rules = table(space, "visits", "quarantine")["rules"].to_list()
    assert rules == [[{"rule": "duplicate_key", "path": "$.page"}]] * 2
    assert account(space, "visits") == Accounting(5, 3, 2, 0, 0, 0)
    silver.build(space, "visits", rebuild=True)
    assert table(space, "visits").sort("lineage_id").equals(before)


def test_datasets_without_records_have_empty_tables(lake: Workspace) -> None:
    assert silver.is_stale(lake, "members")
    made, rejected = silver.build(lake, "members")
    assert (made.rows, rejected.rows) == (0, 0)
    assert not silver.is_stale(lake, "members")
    assert table(lake, "members").schema["valid_from"] == pl.Datetime("us", "UTC")
    land(lake, "members", [member(1, 1, 1)])
    made, _ = silver.build(lake, "members")
    assert made.rows == 1 and "rebuilt" not in made.details


def test_hopeless_batches_advance_all_the_same(lake: Workspace) -> None:
    land(lake, "visits", [{"page": "/"}])
    silver.build(lake, "visits")
    land(lake, "visits", [b"{", b"[]", {"page": "/", "seconds": -1}])
    made, rejected = silver.build(lake, "visits")
    assert (made.written, rejected.written) == (0, 3)
    assert rejected.details == {"malformed_json $": 1, "not_an_object $": 1, "out_of_range $.seconds": 1}
    assert not silver.is_stale(lake, "visits")


@pytest.mark.parametrize("dataset", ["members", "visits"])
def test_killed_between_the_two_commits(lake: Workspace, monkeypatch: pytest.MonkeyPatch, dataset: str) -> None:
    batches = [history(n, 20) if dataset == "members" else [{"page": "/"}, {"seconds": n}] for n in range(3)]
    land(lake, dataset, batches[0])
    silver.build(lake, dataset)
    for batch in batches[1:]:
        land(lake, dataset, batch)
        with monkeypatch.context() as killer:
            killer.setattr(silver._Pass, "_write_silver", _killed)
            with pytest.raises(KeyboardInterrupt):
                silver.build(lake, dataset)
        assert silver.is_stale(lake, dataset)
    silver.build(lake, dataset)
    assert account(lake, dataset).balanced
    assert not lake.path(".spool", "silver", dataset).exists()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_contract_means_building_anew(lake: Workspace, contracts: Path) -> None:
    land(lake, "visits", [{"page": "/", "seconds": -1, "agent": "x"}])
    silver.build(lake, "visits")
    assert table(lake, "visits").is_empty()
    (contracts / "visits.yaml").write_text(
        VISITS.replace("logicalTypeOptions: {minimum: 0}", "description: may be anything")
        + "      - {name: agent, logicalType: string}\n"
    )
    later = Workspace(lake.settings)
    assert silver.is_stale(later, "visits")
    made, rejected = silver.build(later, "visits")
    assert made.details["rebuilt"] == "the contract changed"
    assert (made.rows, rejected.rows) == (1, 0)
    assert table(later, "visits")["agent"].to_list() == ["x"]


def test_a_rewritten_bronze_means_building_anew(lake: Workspace) -> None:
    for number in range(3):
        land(lake, "visits", [{"page": "/", "seconds": number}])
        if number == 0:
            silver.build(lake, "visits")
    source = lake.table("bronze", "visits")
    source.delta().create_checkpoint()
    (source.path / "_delta_log" / f"{1:020d}.json").unlink()
    made, _ = silver.build(lake, "visits")
    assert made.details["rebuilt"] == "bronze was rewritten"
    assert account(lake, "visits") == Accounting(3, 3, 0, 0, 0, 0)


def test_tables_larger_than_memory_are_the_same(
    make_space: Callable[..., Workspace], contracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space(contracts=contracts, clock=ticking())
    events = history(5, 80)
    for part in (events[:60], events[60:]):
        land(space, "members", part)
        silver.build(space, "members")
    expected = table(space, "members")
    monkeypatch.setattr(spool, "MEMORY_BYTES", 2_000)
    monkeypatch.setattr(versions, "MERGE_ROWS", 0)
    silver.build(space, "members", rebuild=True)
    assert table(space, "members").equals(expected)
    late = [member(0, 1, 1), member(9, 1, 1)]
    land(space, "members", late)
    made, _ = silver.build(space, "members")
    assert made.rows == expected.height + 2
    assert account(space, "members").balanced
    after = table(space, "members")
    silver.build(space, "members", rebuild=True)
    assert table(space, "members").equals(after)
    assert not space.path(".spool", "silver", "members").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("value: {strategy: token, entity: member}", "value: redact"), "member_id"),
        (
            ("{name: changed_at,", "{customProperties: [{property: mask, value: redact}], name: changed_at,"),
            "changed_at",
        ),
        (("value: drop", "value: {strategy: generalize, to: nothing}"), "secret"),
        (("name: level, ", "name: level, physicalName: $.a..b, "), "a..b"),
    ],
)
def test_contracts_that_cannot_work_are_refused(
    make_space: Callable[..., Workspace], contracts: Path, change: tuple[str, str], complaint: str
) -> None:
    (contracts / "members.yaml").write_text(MEMBERS.replace(*change))
    with pytest.raises(ContractError, match="members") as error:
        silver.build(make_space(contracts=contracts), "members")
    assert complaint in str(error.value)


def test_commits_say_what_they_read(lake: Workspace) -> None:
    land(lake, "members", [member(1, 1, 1, nickname="x"), member(1, -1, 1)])
    silver.build(lake, "members")
    made, rejected = (lake.table(layer, "members").last_commit() for layer in ("silver", "quarantine"))
    assert made and rejected
    assert made.inputs == rejected.inputs == {"bronze/members": 0}
    assert made.code == lake.contract("members").digest
    assert made.details == {"records": 2, "quarantined": 1, "drift": {"$.*": 1}, "rebuilt": "first build"}
    assert rejected.details == {"records": 2, "rules": {"out_of_range $.level": 1}}


def test_accounting_finds_what_is_missing_twice_and_unknown(lake: Workspace) -> None:
    assert account(lake, "visits").balanced
    land(lake, "visits", [{"page": "/"}, {"page": "/a"}, {"seconds": 1}])
    silver.build(lake, "visits")
    made = lake.table("silver", "visits")
    rows = table(lake, "visits")
    made.append(rows[:1], Commit("test"))
    made.append(rows[:1].with_columns(lineage_id=pl.lit("f" * 24 + "-0000000000")), Commit("test"))
    made.delete(f"lineage_id = '{rows['lineage_id'][1]}'", Commit("test"))
    found = account(lake, "visits")
    assert (found.missing, found.twice, found.unknown, found.balanced) == (1, 1, 1, False)


def test_the_json_suite_is_accounted_for(make_space: Callable[..., Workspace], shared_data: Path) -> None:
    space = make_space(contracts=ANY_JSON)
    files = sorted((shared_data / "json" / "nst").glob("test_*/*.json"))
    bronze.land(space, "anything", files, consume=False)
    made, rejected = silver.build(space, "anything")
    found = account(space, "anything")
    assert found.balanced and found.bronze == made.rows + rejected.rows
    assert set(rejected.details) == {f"{fault} $" for fault in FAULTS}
