"""Erasure in Dagster: a job that carries out what is due, the sensor that notices it, and a nightly schedule.

Belongs here: when it runs and what it reports: counts and request ids, never people. Must not: erasing.
"""

import dagster as dg

from cenote import erasure
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines.stage import run_quietly

SCHEDULE = ("0 1 * * *", "Erasures that are due, and late records of erased people, nightly at 01:00.")


@dg.op(name="carry_out_erasures", description="Carries out every erasure that is due, and certifies it.")
def carry_out_erasures(context: dg.OpExecutionContext, space: dg.ResourceParam[Workspace]) -> None:
    """Go on with stopped erasures, begin those whose grace ended, repeat those that a restored lake has not seen."""
    done = run_quietly("erasure", lambda: erasure.resume(space, lambda step: context.log.info(f"erasing: {step}")))
    for outcome in done:
        context.log.info(f"{outcome.request_id}: {outcome.removed} rows removed, {outcome.rewritten} rewritten")
    waiting = erasure.requests(space, *erasure.OPEN)
    overdue = sum(request.due_at < space.clock() for request in waiting)
    context.add_output_metadata({"carried_out": len(done), "open": len(waiting), "overdue": overdue})


@dg.job(name="erasure", description=SCHEDULE[1])
def erasure_job() -> None:
    """One op; Dagster shows its counts."""
    carry_out_erasures()


def erasure_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor: asked every minute, it reads two small files."""

    @dg.sensor(
        name="erasure_sensor",
        job_name="erasure",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the erasure job when an erasure is due, or was stopped.",
    )
    def erasure_sensor() -> dg.RunRequest | dg.SkipReason:
        due = erasure.pending(Workspace(settings))
        if not due:
            return dg.SkipReason("no erasure is due")
        # One run for each state of the queue: a failed run is tried again by the nightly schedule, not every minute.
        return dg.RunRequest(run_key=",".join(f"{r.request_id}/{len(r.state.get('done', ()))}" for r in due))

    return erasure_sensor
