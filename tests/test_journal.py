"""Dagster's event files, kept open through a run: what is recorded is the same, and others can read it meanwhile."""

import uuid
from pathlib import Path

import dagster as dg

from pipelines.journal import kept_open


@dg.asset
def one() -> None:
    pass


def instance(home: Path) -> dg.DagsterInstance:
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return dg.DagsterInstance.from_config(str(home))


def recorded(held: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.dagster_event.event_type_value for entry in held.all_logs(run_id) if entry.dagster_event]


def run(held: dg.DagsterInstance, run_id: str) -> list[str]:
    job = dg.Definitions(assets=[one]).resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    assert job.execute_in_process(instance=held, run_id=run_id, run_config=quiet).success
    return recorded(held, run_id)


def test_the_same_is_recorded_and_others_see_it_meanwhile(tmp_path: Path) -> None:
    with instance(tmp_path / "plain") as held:
        plain = run(held, str(uuid.uuid4()))
    run_id = str(uuid.uuid4())
    with instance(tmp_path / "kept") as held:
        with kept_open(held, run_id):
            kept = run(held, run_id)
            with instance(tmp_path / "kept") as other:
                assert recorded(other, run_id) == kept
        assert recorded(held, run_id) == kept == plain
        assert held.get_latest_materialization_event(dg.AssetKey("one")) is not None


def test_nothing_stays_open(tmp_path: Path) -> None:
    run_id = str(uuid.uuid4())
    with instance(tmp_path / "kept") as held:
        with kept_open(held, run_id):
            run(held, run_id)
            assert list(tmp_path.rglob("*.db-wal"))
        assert not list(tmp_path.rglob(f"{run_id}.db-wal"))


def test_an_instance_in_memory_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as held, kept_open(held, "run"):
        assert run(held, str(uuid.uuid4()))
