"""Sensors: files that landed start a run; a run that failed is told.

Belongs here: noticing. Must not: landing, or anything slow; a sensor is asked every few seconds.
"""

import json
import urllib.request
from collections.abc import Iterator

import dagster as dg

from cenote import bronze
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines.erasure import erasure_sensor


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The landing, erasure and run-failure sensors, running from the start."""
    return [_landing_sensor(settings), erasure_sensor(settings), _failure_sensor(settings)]


def _landing_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="landing_sensor",
        job_name="landed",
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts bronze and silver of the datasets for which files wait in the landing zone.",
    )
    def landing_sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
        space = Workspace(settings)
        waiting = {name: bronze.waiting(space, name) for name in space.contracts}
        waiting = {name: seen for name, seen in waiting.items() if seen}
        if not waiting:
            yield dg.SkipReason("no files wait in the landing zone")
            return
        selection = [dg.AssetKey([layer, name]) for name in waiting for layer in ("bronze", "silver", "quarantine")]
        # The key changes with what waits, so one set of files starts one run, and files that stayed start none again.
        yield dg.RunRequest(
            run_key=bronze.waiting_digest(waiting), asset_selection=[*selection, dg.AssetKey(["catalog", "duckdb"])]
        )

    return landing_sensor


def _failure_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="run_failure_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the log, and the webhook where one is set, that a run failed. Names steps, quotes no data.",
    )
    def run_failure_sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        steps = sorted({event.step_key for event in context.get_step_failure_events() if event.step_key})
        context.log.error(f"run {run.run_id} of {run.job_name} failed in {', '.join(steps) or 'no step'}")
        if settings.alert_webhook:
            body = json.dumps({"run_id": run.run_id, "job": run.job_name, "failed_steps": steps}).encode()
            request = urllib.request.Request(
                settings.alert_webhook.get_secret_value(), body, {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=10).close()

    return run_failure_sensor
