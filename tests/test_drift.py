"""What a contract does not say: fields that it does not name, and values that contradict how it classes them."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cenote import bronze, drift, quality, silver
from cenote.cli import app
from cenote.quality import Finding
from cenote.workspace import Workspace

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: urn:test:parts
name: parts
version: 1.0.0
status: active
team: {name: t, members: [{username: a@b.example, role: owner}]}
schema:
  - name: parts
    logicalType: object
    description: Parts of machines.
    properties:
      - {name: n, logicalType: integer}
      - {name: label, logicalType: string}
"""


@pytest.fixture
def lake(make_space: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "parts.yaml").write_text(CONTRACT)
    return make_space(contracts=tmp_path / "contracts", marts=tmp_path)


def land(space: Workspace, *records: dict[str, object]) -> None:
    file = space.settings.contracts / "new.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    bronze.land(space, "parts", [file], consume=True)
    silver.build(space, "parts")


def check(space: Workspace, name: str) -> Finding:
    return {f.name: f for f in quality.check_silver(space, space.contract("parts"))}[name]


def test_fields_without_a_name_are_reported_over_all_passes(lake: Workspace) -> None:
    land(lake, {"n": 0, "label": "a"})
    assert drift.report(lake).is_empty() and check(lake, "fields_named").passed
    land(lake, *({"n": n, "label": "b", "weight": 1, "maker": {"x": 1}} for n in range(1, 8)))
    land(lake, *({"n": n, "label": "c", "weight": 2} for n in range(8, 14)), {"n": 14, "jane.roe@example.com": 1})
    assert drift.new_paths(lake, "parts") == {"$.weight": 13, "$.maker": 7, "$.*": 1}
    rows = drift.report(lake)
    assert rows["path"].to_list() == ["$.weight", "$.maker", "$.*"]
    assert (rows["first_seen_at"] <= rows["last_seen_at"]).all() and rows["first_seen_at"][0] < rows["last_seen_at"][0]
    found = check(lake, "fields_named")
    assert (found.passed, found.essential) == (False, False)
    assert found.summary == "$.weight in 13 records, $.maker in 7 records, $.* in 1 records"


def test_a_field_that_is_named_is_no_drift_any_more(lake: Workspace, tmp_path: Path) -> None:
    land(lake, {"n": 0, "label": "a"})
    land(lake, *({"n": n, "label": "b", "weight": 1, "maker": "x"} for n in range(1, 9)))
    assert set(drift.new_paths(lake, "parts")) == {"$.weight", "$.maker"}
    file = tmp_path / "contracts" / "parts.yaml"
    file.write_text(CONTRACT + "      - {name: weight, logicalType: integer}\n")
    renewed = Workspace(lake.settings, run_id="test")
    silver.build(renewed, "parts")
    assert drift.new_paths(renewed, "parts") == {}, "whoever named the weight left the maker out"
    silver.build(renewed, "parts", rebuild=True)
    assert drift.report(renewed).select("path", "records", "is_new").rows() == [("$.maker", 8, False)], "counted once"


def test_the_command_gates_on_drift(lake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "vault", "contracts"):
        monkeypatch.setenv(f"CENOTE_{name.upper()}", str(getattr(lake.settings, name)))
    land(lake, {"n": 0, "label": "a"})
    assert CliRunner().invoke(app, ["contract", "drift"]).exit_code == 0
    land(lake, *({"n": n, "weight": 1} for n in range(1, 8)))
    told = CliRunner().invoke(app, ["contract", "drift", "parts", "--format", "json"])
    assert told.exit_code == 1 and [row["path"] for row in json.loads(told.stdout)] == ["$.weight"]


def test_values_that_contradict_their_class_fail_a_check_that_shows_none(lake: Workspace) -> None:
    land(lake, *({"n": n, "label": "blue"} for n in range(6_000)))
    assert check(lake, "classification_agrees").passed
    land(lake, {"n": 6_000, "label": "jane.roe@example.com"}, {"n": 6_001, "label": "DE89370400440532013000"})
    found = check(lake, "classification_agrees")
    assert not found.passed and found.summary == "$.label EMAIL: 1, $.label IBAN: 1"
    assert "jane" not in repr(found) and not check(lake, "no_clear_text").passed


def test_clear_text_in_the_middle_of_a_large_table_is_found() -> None:
    rows = 100_000
    row = pl.int_range(rows, eager=True)
    note = pl.when(row.is_between(45_000, 55_000)).then(pl.format("mail a{}@b.example", row)).otherwise(pl.lit("fine"))
    frame = pl.DataFrame({"lineage_id": row.cast(pl.String), "landed_at": row.cast(pl.Datetime("us", "UTC"))})
    found = quality._masked(frame.lazy().with_columns(note.alias("note")))
    assert not found.passed
    assert found.counts["in_clear"] > 0
