"""The change feed: every event once, nothing personal in it, and a true record of what was left out."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cenote import bronze, changefeed, silver
from cenote.changefeed import Exported, export
from cenote.cli import app
from cenote.errors import CenoteError
from cenote.residue import scan
from cenote.settings import Settings
from cenote.workspace import Workspace
from tests.lake import SampleLake
from transforms.contract import Contract, Field, Mask, Subject
from transforms.sanitize import DETECT, DROP, KEEP, REKEY, decide, sanitize

KEY = b"k" * 32
START = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: urn:test:stays
name: stays
version: 2.1.0
status: active
schema:
  - name: stays
    logicalType: object
    physicalType: jsonl
    properties:
      - {name: stay_id, logicalType: string, primaryKey: true, classification: LOW}
      - name: guest_id
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: guest}}]
      - {name: nights, logicalType: integer}
      - {name: gone, logicalType: boolean}
      - {name: changed_at, logicalType: timestamp, required: true}
    customProperties:
      - {property: subject, value: {entity: guest, path: $.guest_id}}
      - {property: changeMode, value: scd1}
      - {property: sequenceBy, value: [changed_at]}
      - {property: deleteWhen, value: {column: gone, values: [true]}}
slaProperties:
  - {property: retention, value: 50, unit: d, element: analytics}
"""


# what is personal


def contract(*fields: Field, **more: Any) -> Contract:
    return Contract("x", "1", "", "", fields, **more)


PERSON = {"subject": Subject("guest", "$.guest")}
FIELDS: dict[str, tuple[Field, dict[str, Any], str]] = {
    "a token": (Field("a", "$.a", "string", mask=Mask("token")), PERSON, DROP),
    "a redacted text": (Field("a", "$.a", "string", mask=Mask("text")), PERSON, DROP),
    "classified high": (Field("a", "$.a", "string", classification="HIGH"), {}, DROP),
    "classified medium": (Field("a", "$.a", "integer", classification="MEDIUM"), {}, DROP),
    "a quasi-identifier": (Field("a", "$.a", "integer", tags=("quasi-identifier",)), {}, DROP),
    "a key of a person's record": (Field("a", "$.a", "string", primary_key=True), PERSON, REKEY),
    "an identifier": (Field("a", "$.a", "string", tags=("identifier",)), PERSON, REKEY),
    "a key of a thing": (Field("a", "$.a", "string", primary_key=True), {}, KEEP),
    "a text in a person's record": (Field("a", "$.a", "string"), PERSON, DETECT),
    "a listed value": (Field("a", "$.a", "string", enum=("x",)), PERSON, KEEP),
    "a patterned value": (Field("a", "$.a", "string", options={"pattern": "^x$"}), PERSON, KEEP),
    "undeclared members": (Field("a", "$.a", "object"), PERSON, DROP),
    "a number": (Field("a", "$.a", "integer", classification="LOW"), PERSON, KEEP),
    "where others are mentioned": (Field("a", "$.a", "string"), {"mentions": (Subject("guest", "$.b"),)}, DETECT),
}


@pytest.mark.parametrize("case", FIELDS)
def test_what_is_personal_is_decided_by_the_contract(case: str) -> None:
    field, more, expected = FIELDS[case]
    assert decide(field, contract(field, **more), "a").strategy == expected


def _line(product: str, gift: str | None, n: int) -> dict[str, Any]:
    return {"product_id": product, "gift_to": gift, "n": n}


def test_nested_fields_are_cleaned_and_counted() -> None:
    line = (
        Field("product_id", "$.product_id", "string", enum=("P1", "P2")),
        Field("gift_to", "$.gift_to", "string", classification="HIGH"),
        Field("n", "$.n", "integer"),
    )
    made = contract(
        Field("id", "$.id", "string", primary_key=True),
        Field("lines", "$.lines", "array", items=Field("line", "$", "object", properties=line)),
        Field("at", "$.at", "object", properties=(Field("city", "$.city", "string", classification="MEDIUM"), line[2])),
        Field("tags", "$.tags", "array", items=Field("tag", "$", "string")),
        Field("secret", "$.secret", "object", properties=(line[1],)),
        **PERSON,
    )
    rows = pl.DataFrame(
        {
            "id": ["A", "B", None],
            "lines": [[_line("P1", "Jo", 1), _line("P2", None, 2)], [], None],
            "at": [{"city": "Rome", "n": 7}, None, {"city": None, "n": None}],
            "tags": [["write to jo@example.org", "blue"], None, []],
            "secret": [{"gift_to": "Al"}, None, None],
        }
    )  # fmt: skip
    clean, counts = sanitize(rows, made, KEY)
    assert clean.columns == ["id", "lines", "at", "tags"]
    assert clean["lines"].to_list() == [[{"product_id": "P1", "n": 1}, {"product_id": "P2", "n": 2}], [], None]
    assert clean["at"].to_list() == [{"n": 7}, None, {"n": None}]
    assert clean["tags"].to_list() == [["write to <EMAIL>", "blue"], None, []]
    told = {row["path"]: (row["strategy"], row["values"], row["changed"]) for row in counts.to_dicts()}
    assert told == {
        "id": (REKEY, 2, 2), "lines.product_id": (KEEP, 2, 0), "lines.gift_to": (DROP, 1, 1), "lines.n": (KEEP, 2, 0),
        "at.city": (DROP, 1, 1), "at.n": (KEEP, 1, 0), "tags": (DETECT, 2, 1), "secret.gift_to": (DROP, 1, 1),
    }  # fmt: skip


def test_keys_join_over_exports_and_datasets_and_not_over_lakes() -> None:
    made = contract(Field("order_id", "$.a", "string", tags=("identifier",)), **PERSON)
    rows = pl.DataFrame({"order_id": ["O1", "O2", "O1"]})
    (first, second, again) = sanitize(rows, made, KEY)[0]["order_id"]
    assert first == again != second
    assert sanitize(rows, made, KEY)[0]["order_id"][0] == first
    assert sanitize(rows, made, b"x" * 32)[0]["order_id"][0] != first
    assert "O1" not in first


def test_nothing_that_stays_is_nothing() -> None:
    made = contract(Field("a", "$.a", "string", classification="HIGH"))
    clean, counts = sanitize(pl.DataFrame({"a": ["x"]}), made, KEY)
    assert clean.shape == (1, 0)
    assert counts["changed"].to_list() == [1]


# every event once


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now

    def to(self, days: float) -> None:
        self.now = START + timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lake(tmp_path: Path, make_space: Callable[..., Workspace], clock: Clock) -> Workspace:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "stays.yaml").write_text(CONTRACT)
    return make_space(
        clock=clock, contracts=tmp_path / "contracts", marts=tmp_path / "none", features=tmp_path / "none"
    )


def land(space: Workspace, *numbers: int, gone: bool = False, day: int = 1) -> None:
    folder = space.settings.landing / "stays"
    folder.mkdir(parents=True, exist_ok=True)
    changed = f"2026-01-{day:02d}T00:00:00Z"
    rows = [
        {"stay_id": f"S{n}", "guest_id": f"G{n}", "nights": n, "gone": gone, "changed_at": changed} for n in numbers
    ]
    (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(folder / "x.jsonl", (1, 1))
    bronze.land_new(space, "stays")
    silver.build(space, "stays")


def events(found: list[Exported]) -> list[dict[str, Any]]:
    (one,) = found
    return [json.loads(line) for line in one.file.read_text().splitlines()] if one.file else []


def nights(found: list[Exported]) -> list[int]:
    return sorted(event["data"]["nights"] for event in events(found))


def test_each_export_has_what_came_since_the_last(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    land(lake, 1, 2)
    assert nights(export(lake, tmp_path / "out")) == [1, 2]
    assert export(lake, tmp_path / "out") == [Exported("stays", 0, 0, None, None)]
    clock.to(1)
    land(lake, 3)
    clock.to(2)
    land(lake, 4)
    assert nights(export(lake, tmp_path / "out")) == [3, 4]
    assert nights(export(lake, tmp_path / "other")) == [1, 2, 3, 4], "another folder, another cursor"


def test_upserts_and_deletes_of_a_key_carry_the_same_key(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    land(lake, 1)
    land(lake, 1, gone=True, day=2)
    told = events(found := export(lake, tmp_path))
    assert [(e["op"], e["at"][:10]) for e in sorted(told, key=lambda e: e["at"])] == [
        ("upsert", "2026-01-01"), ("delete", "2026-01-02"),
    ]  # fmt: skip
    assert len({e["data"]["stay_id"] for e in told}) == 1
    assert len({e["event_id"] for e in told}) == 2
    assert (found[0].events, found[0].deletes) == (2, 1)


def test_what_silver_writes_again_is_no_event(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    land(lake, *range(20))
    export(lake, tmp_path)
    clock.to(1)
    land(lake, 3, day=3)  # the rows beside it are written again
    assert nights(export(lake, tmp_path)) == [3]
    silver.build(lake, "stays", rebuild=True)
    assert export(lake, tmp_path)[0].events == 0


def test_an_export_that_was_stopped_leaves_nothing_twice(
    lake: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(lake, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(changefeed._Feed, "_keep", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(lake, tmp_path)
    assert list((tmp_path / "stays").glob("*.jsonl"))
    assert nights(export(lake, tmp_path)) == [1, 2]
    assert len(list((tmp_path / "stays").glob("*.jsonl"))) == 1
    assert export(lake, tmp_path)[0].events == 0


def test_a_purge_or_a_cut_log_changes_nothing(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    from cenote.rewrite import drop_history

    land(lake, 1)
    export(lake, tmp_path)
    clock.to(1)
    land(lake, 2)
    drop_history(lake.table("bronze", "stays"))
    assert nights(export(lake, tmp_path)) == [2]


def test_a_window_does_not_move_the_cursor(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    land(lake, 1)
    clock.to(5)
    land(lake, 2)
    day = timedelta(days=1)
    assert nights(export(lake, tmp_path, since=START + day)) == [2]
    assert nights(export(lake, tmp_path, until=(START + day).replace(tzinfo=None))) == [1]
    assert nights(export(lake, tmp_path)) == [1, 2]


def test_events_beyond_the_limit_are_not_given_away(lake: Workspace, clock: Clock, tmp_path: Path) -> None:
    land(lake, 1)
    clock.to(30)
    land(lake, 2)
    clock.to(51)
    assert nights(export(lake, tmp_path)) == [2]


def test_people_who_are_being_erased_are_left_out(
    lake: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cenote.erasure.suppression as suppression

    land(lake, 1, 2)
    (gone,) = lake.vault.subject_ids("guest", pl.Series(["G1"]))
    monkeypatch.setattr(suppression, "hidden", lambda space: (gone,))
    assert nights(export(lake, tmp_path)) == [2]


def test_parquet_has_the_same_events(lake: Workspace, tmp_path: Path) -> None:
    land(lake, 1, 2, 3)
    lines = events(export(lake, tmp_path / "a"))
    (one,) = export(lake, tmp_path / "b", form="parquet")
    assert one.file is not None
    rows = pl.read_parquet(one.file)
    assert sorted(rows["event_id"]) == sorted(e["event_id"] for e in lines)
    assert rows["data"].struct.field("nights").sort().to_list() == [1, 2, 3]


def test_the_record_says_what_was_left_out_and_no_value(lake: Workspace, tmp_path: Path) -> None:
    land(lake, 1, 2)
    (one,) = export(lake, tmp_path)
    assert one.record is not None
    told = json.loads(one.record.read_text())
    fields = {row["path"]: (row["strategy"], row["changed"]) for row in told["fields"]}
    assert fields == {
        "stay_id": ("rekey", 2), "guest_id": ("drop", 2), "nights": ("keep", 0), "gone": ("keep", 0),
        "changed_at": ("keep", 0),
    }  # fmt: skip
    assert (told["contract_version"], told["events"], told["cursor"]["exports"]) == ("2.1.0", 2, 1)
    assert "S1" not in one.record.read_text()
    entry = list(lake.vault.audit.entries())[-1]
    assert (entry.what, entry.details) == ("changes exported", {"dataset": "stays", "events": 2})


def test_what_cannot_be_is_said(lake: Workspace, tmp_path: Path) -> None:
    with pytest.raises(CenoteError, match="no format 'csv'"):
        export(lake, tmp_path, form="csv")
    land(lake, 1)
    export(lake, tmp_path)
    (tmp_path / "stays" / "cursor.json").write_text("{broken")
    with pytest.raises(CenoteError, match="cursor of the change feed of stays"):
        export(lake, tmp_path)


# the sample shop


def test_nothing_personal_of_the_sample_shop_is_in_its_feed(sample_lake: SampleLake, tmp_path: Path) -> None:
    shutil.copytree(sample_lake.settings.vault, tmp_path / "vault")
    space = Workspace(Settings(**(sample_lake.settings.model_dump() | {"vault": tmp_path / "vault"})))
    found = export(space, tmp_path / "out")
    assert sum(one.events for one in found) > 1_000
    rows = sum(space.table("silver", name).count() for name in space.contracts)
    assert sum(one.events for one in found) == rows
    subjects: set[str] = set()
    for name in space.contracts:
        subjects |= set(space.table("silver", name).scan().select("subject_id").collect()["subject_id"].drop_nulls())
    planted = [value for value in sorted(sample_lake.planted) if sum(map(str.isalnum, value)) >= 8]
    assert len(planted) > 50
    assert scan(tmp_path / "out", [*sorted(subjects), *planted]) == []
    text = "".join(file.read_text() for file in (tmp_path / "out").rglob("*.jsonl"))
    assert "customer_" not in text
    assert "email_" not in text


def test_the_command(sample_lake: SampleLake, tmp_path: Path) -> None:
    shutil.copytree(sample_lake.settings.vault, tmp_path / "vault")
    env = sample_lake.environment | {"CENOTE_VAULT": str(tmp_path / "vault")}
    asked = ["changes", "export", "orders", "--to", str(tmp_path / "out"), "--as", "parquet", "--format", "json"]
    found = CliRunner().invoke(app, asked, env=env)
    assert found.exit_code == 0, found.output
    (told,) = json.loads(found.stdout)
    assert told["events"] > 50
    assert Path(told["file"]).is_file()
