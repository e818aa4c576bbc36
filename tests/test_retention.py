"""Retention: what has passed its limit leaves every layer and every file, and what has not stays as it was."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from cenote import bronze, retention, silver
from cenote.accounting import account
from cenote.contracts import load_contract
from cenote.errors import ContractError
from cenote.residue import examine
from cenote.retention.limits import ANALYTICS, FOLLOWS, analytics, limit, ownerless
from cenote.retention.rules import plan, view_limit
from cenote.workspace import Workspace

START = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HEAD = """
apiVersion: v3.2.0
kind: DataContract
id: urn:test:{name}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    logicalType: object
    physicalType: jsonl
    properties:
"""
VISITS = (
    HEAD.format(name="visits")
    + """
      - {name: visit_id, logicalType: string, primaryKey: true}
      - name: guest_id
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: guest}}]
      - {name: note, logicalType: string}
    customProperties:
      - {property: subject, value: {entity: guest, path: $.guest_id}}
      - property: passages
        value: [{namespace: notes, text: "{note}"}]
slaProperties:
  - {property: retention, value: 100, unit: d, element: bronze}
  - {property: retention, value: 60, unit: d, element: silver}
  - {property: retention, value: 40, unit: d, element: passages}
"""
)
PICTURES = (
    HEAD.format(name="pictures")
    + """
      - {name: picture_id, logicalType: string, primaryKey: true}
      - {name: uri, logicalType: string}
      - {name: usable_until, logicalType: timestamp}
      - {name: changed_at, logicalType: timestamp, required: true}
    customProperties:
      - {property: changeMode, value: scd1}
      - {property: sequenceBy, value: [changed_at]}
      - {property: rightsUntil, value: usable_until}
"""
)
FEATURES = """/* ---
description: Visits of a guest until then.
owner: nobody@shop.example
entity: guest
join_key: guest_id
grain: [guest_id, event_timestamp]
--- */
SELECT guest_id, landed_at AS event_timestamp, landed_at AS created_timestamp, count(*) OVER (PARTITION BY guest_id
  ORDER BY landed_at) AS visits FROM silver.visits
"""


class Clock:
    """A clock that is set by hand."""

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
    """Two datasets and a feature view of our own, on a clock that is set by hand."""
    for folder, files in {
        "contracts": {"visits.yaml": VISITS, "pictures.yaml": PICTURES},
        "features": {"guest_visits.sql": FEATURES},
        "marts": {},
    }.items():
        (tmp_path / folder).mkdir()
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text)
    folders = {name: tmp_path / name for name in ("contracts", "marts", "features")}
    return make_space(clock=clock, **folders)


def land(space: Workspace, dataset: str, *records: dict[str, Any] | bytes) -> None:
    folder = space.settings.landing / dataset
    folder.mkdir(parents=True, exist_ok=True)
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    import os

    (folder / "x.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    os.utime(folder / "x.jsonl", (1, 1))
    bronze.land_new(space, dataset)
    silver.build(space, dataset)


def visit(number: int) -> dict[str, str]:
    return {"visit_id": f"V{number:04d}", "guest_id": f"G{number % 3:04d}", "note": f"zqvisit{number:04d} was here"}


def count(space: Workspace, layer: str, name: str) -> int:
    return space.table(layer, name).count()


# limits


def test_a_layer_follows_the_ones_before_it(lake: Workspace) -> None:
    visits = lake.contract("visits")
    assert {layer: kept.days for layer in FOLLOWS if (kept := limit(visits, layer))} == {
        "bronze": 100, "silver": 60, "quarantine": 60, "passages": 40, "features": 60,
    }  # fmt: skip
    assert limit(lake.contract("pictures"), "bronze") is None
    assert ownerless(visits) == timedelta(days=30)
    assert ownerless(lake.contract("pictures")) is None
    assert analytics(lake.contract("pictures")) == ANALYTICS
    assert analytics(visits) == timedelta(days=60)
    assert view_limit(lake, "guest_visits") == timedelta(days=60)


def test_rights_name_a_column(tmp_path: Path) -> None:
    (tmp_path / "pictures.yaml").write_text(PICTURES.replace("value: usable_until", "value: usable_untill"))
    with pytest.raises(ContractError, match="usable_until"):
        load_contract(tmp_path / "pictures.yaml")


# rows


def test_each_layer_loses_its_rows_in_its_time(lake: Workspace, clock: Clock) -> None:
    land(lake, "visits", visit(1), visit(2))
    clock.to(50)
    land(lake, "visits", visit(3))
    assert [e for e in plan(lake) if e.rule == "age"] == []
    clock.to(61)
    assert [(e.table, e.rows) for e in plan(lake)] == [("silver/visits", 2)]
    retention.expire(lake)
    assert (count(lake, "bronze", "visits"), count(lake, "silver", "visits")) == (3, 1)
    assert account(lake, "visits").balanced, "what silver no longer keeps is not missing"
    clock.to(101)
    gone = retention.expire(lake)
    assert {(e.table, e.rows) for e in gone} == {("bronze/visits", 2)}
    assert count(lake, "bronze", "visits") == 1
    assert retention.expire(lake) == []


def test_what_expired_is_in_no_file(lake: Workspace, clock: Clock) -> None:
    land(lake, "visits", visit(1))
    clock.to(50)
    land(lake, "visits", visit(2))
    assert examine(lake.path("silver"), ["zqvisit0001"]).hits
    clock.to(61)
    retention.expire(lake)
    assert examine(lake.settings.home, ["zqvisit0001"]).hits == []
    assert examine(lake.settings.home, ["zqvisit0002"]).hits
    assert len(list(lake.path("silver", "visits").glob("*.parquet"))) == 1


def test_records_of_nobody_are_kept_briefly(lake: Workspace, clock: Clock) -> None:
    land(lake, "visits", visit(1), b'{"visit_id": "V9", "guest', {"visit_id": "V8", "guest_id": None})
    clock.to(29)
    assert plan(lake) == []
    clock.to(31)
    assert {(e.table, e.rule) for e in plan(lake)} == {
        ("bronze/visits", "ownerless"), ("quarantine/visits", "ownerless"), ("silver/visits", "ownerless"),
    }  # fmt: skip
    retention.expire(lake)
    assert (count(lake, "bronze", "visits"), count(lake, "quarantine", "visits")) == (1, 0)
    assert account(lake, "visits").balanced


def test_everybody_elses_rows_are_as_they_were(lake: Workspace, clock: Clock) -> None:
    land(lake, "visits", *[visit(n) for n in range(20)])
    clock.to(50)
    land(lake, "visits", *[visit(n) for n in range(20, 40)])
    young = pl.col("landed_at") > pl.lit(START)
    before = {
        n: lake.table(n, "visits").scan().filter(young).sort("lineage_id").collect() for n in ("bronze", "silver")
    }
    clock.to(101)
    retention.expire(lake)
    for layer, rows in before.items():
        assert lake.table(layer, "visits").scan().sort("lineage_id").collect().equals(rows)


def test_silver_goes_on_from_where_it_was(lake: Workspace, clock: Clock) -> None:
    land(lake, "visits", visit(1))
    clock.to(61)
    retention.expire(lake)
    assert not silver.is_stale(lake, "visits") or silver.build(lake, "visits")
    land(lake, "visits", visit(2))
    assert lake.table("silver", "visits").scan().collect()["visit_id"].to_list() == ["V0002"]


# rights


def picture(number: int, until: str | None, changed: str = "2026-01-01") -> dict[str, Any]:
    return {
        "picture_id": f"P{number}",
        "uri": f"s3://zqpicture{number}",
        "usable_until": until,
        "changed_at": f"{changed}T00:00:00Z",
    }


def test_what_may_no_longer_be_used_goes_in_all_versions(lake: Workspace, clock: Clock) -> None:
    land(lake, "pictures", picture(1, "2026-02-01T00:00:00Z"), picture(2, None), picture(3, "2027-01-01T00:00:00Z"))
    land(lake, "pictures", picture(1, "2026-03-01T00:00:00Z", "2026-01-02"))
    clock.to(30)
    assert plan(lake) == [], "it was prolonged"
    clock.to(60)
    assert [(e.table, e.rule, e.rows) for e in plan(lake)] == [
        ("bronze/pictures", "rights", 2), ("silver/pictures", "rights", 2),
    ]  # fmt: skip
    retention.expire(lake)
    assert set(lake.table("silver", "pictures").scan().collect()["picture_id"]) == {"P2", "P3"}
    assert account(lake, "pictures").balanced
    assert examine(lake.settings.home, ["zqpicture1"]).hits == []


def test_rights_that_were_stopped_between_bronze_and_silver_are_finished(
    lake: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cenote.retention import remove as module

    land(lake, "pictures", picture(1, "2026-02-01T00:00:00Z"), picture(2, None))
    clock.to(60)
    done = module._remove_rows

    def dies(space: Workspace, table: Any, *rest: Any) -> None:
        if table.name.startswith("silver"):
            raise KeyboardInterrupt
        done(space, table, *rest)

    monkeypatch.setattr(module, "_remove_rows", dies)
    with pytest.raises(KeyboardInterrupt):
        retention.expire(lake)
    monkeypatch.undo()
    retention.expire(lake)
    assert (count(lake, "bronze", "pictures"), count(lake, "silver", "pictures")) == (1, 1)


def test_a_purge_that_died_before_old_files_went_is_finished(
    lake: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cenote.retention import remove as module

    land(lake, "visits", visit(1), visit(2))
    clock.to(61)
    monkeypatch.setattr(module, "drop_history", lambda table: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        retention.expire(lake)
    monkeypatch.undo()
    assert examine(lake.path("silver"), ["zqvisit0001"]).hits
    retention.expire(lake)
    assert examine(lake.path("silver"), ["zqvisit0001"]).hits == []


# what is made of silver


def test_features_keep_their_limit_and_do_not_come_back(lake: Workspace, clock: Clock) -> None:
    from cenote import features

    land(lake, "visits", visit(1))
    clock.to(50)
    land(lake, "visits", visit(4))
    features.build(lake, "guest_visits")
    assert count(lake, "features", "guest_visits") == 2
    clock.to(61)
    assert ("features/guest_visits", 1) in {(e.table, e.rows) for e in plan(lake)}
    retention.expire(lake)
    assert count(lake, "features", "guest_visits") == 1
    features.build(lake, "guest_visits")
    assert [e.table for e in plan(lake)] == []
    assert (
        lake.table("features", "guest_visits").scan().select(pl.col("event_timestamp").min()).collect().item() > START
    )


@pytest.mark.slow
def test_passages_leave_the_table_the_indexes_and_the_files_and_do_not_come_back(lake: Workspace, clock: Clock) -> None:
    from cenote import vectors

    land(lake, "visits", visit(1), visit(2))
    clock.to(20)
    land(lake, "visits", visit(3))
    vectors.build(lake, "visits")
    assert examine(lake.path("vectors"), ["zqvisit0001"]).hits
    clock.to(41)
    assert [(e.table, e.rows) for e in plan(lake) if e.table.startswith("vectors")] == [("vectors/visits", 2)]
    retention.expire(lake)
    assert vectors.passages(lake, "visits").height == 1
    assert examine(lake.path("vectors"), ["zqvisit0001", "zqvisit0002"]).hits == []
    vectors.build(lake, "visits", rebuild=True)
    assert vectors.passages(lake, "visits").height == 1
    assert count(lake, "silver", "visits") == 3


# what is not a table


def test_audit_entries_and_exports_have_limits_too(lake: Workspace, clock: Clock) -> None:
    folder = lake.path("changes", "visits")
    folder.mkdir(parents=True)
    for name in ("20260110T120000-1.jsonl", "20260301T000000-2.jsonl", "cursor.json"):
        (folder / name).write_text("{}")
    clock.to(61)
    lake.vault.audit._clock = clock
    assert [(e.table, e.rows) for e in plan(lake)] == [("changes/visits", 1)]
    retention.expire(lake)
    assert sorted(p.name for p in folder.iterdir()) == ["20260301T000000-2.jsonl", "cursor.json"]
    clock.to(3_000)
    entries = len(list(lake.vault.audit.entries()))
    clock.now = datetime(2033, 1, 1, tzinfo=UTC)
    assert ("audit", entries) in {(e.table, e.rows) for e in plan(lake)}
    retention.expire(lake)
    assert [e.what for e in lake.vault.audit.entries()] == ["audit log pruned"]
    assert lake.vault.audit.verify().whole


def test_derived_tables_lose_their_past_once_they_are_built_anew(lake: Workspace, clock: Clock) -> None:
    from cenote.retention.remove import sweep
    from cenote.tables import Commit

    land(lake, "visits", visit(1))
    mart = lake.table("gold", "x")
    mart.overwrite(pl.DataFrame({"n": ["zqold"]}), Commit("gold", inputs={"silver/visits": 0}))
    clock.to(61)
    retention.expire(lake)
    assert examine(mart.path, ["zqold"]).hits, "it is still the present"
    version = lake.table("silver", "visits").version or 0
    mart.overwrite(pl.DataFrame({"n": ["new"]}), Commit("gold", inputs={"silver/visits": version}))
    assert sweep(lake) == ["gold/x"]
    assert examine(mart.path, ["zqold"]).hits == []
    assert mart.scan().collect()["n"].to_list() == ["new"]
    assert sweep(lake) == []


# the nightly job


def test_the_nightly_job_reports_and_can_run_dry(lake: Workspace, clock: Clock) -> None:
    from pipelines.retention import retention_job

    land(lake, "visits", visit(1))
    clock.to(61)
    resources = {"space": dg.ResourceDefinition.hardcoded_resource(lake)}
    dry = {"ops": {name: {"config": {"dry_run": True}} for name in ("expire_rows", "recompress", "compact")}}
    assert retention_job.execute_in_process(resources=resources, run_config=dry).success
    assert count(lake, "silver", "visits") == 1
    done = retention_job.execute_in_process(resources=resources)
    assert count(lake, "silver", "visits") == 0
    told = done.all_events
    metadata = [e.step_output_data.metadata for e in told if e.is_successful_output and e.step_key == "expire_rows"]
    assert metadata[0]["silver/visits"].value == 1
