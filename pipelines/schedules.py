"""Jobs and the schedules that run them.

Belongs here: what runs when. Must not: what it does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import dagster as dg

from pipelines.erasure import SCHEDULE as ERASURE
from pipelines.erasure import erasure_job
from pipelines.retention import SCHEDULE as RETENTION
from pipelines.retention import retention_job

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

Job: TypeAlias = "dg.JobDefinition | UnresolvedAssetJobDefinition"

CATALOG = dg.AssetSelection.assets(["catalog", "duckdb"])
RIGHTS_TAG = "rights"
BUILDS = {  # group: (cron in UTC, what the job is for)
    "gold": ("0 3 * * *", "Marts, daily at 03:00."),
    "features": ("0 * * * *", "Feature views and the online store, every hour."),
    "vectors": ("0 */6 * * *", "New and changed passages, every 6 hours."),
}
RIGHTS = ("30 1 * * *", "Marts that leave out what may no longer be used (tag 'rights'), nightly at 01:30.")


def jobs(assets: Sequence[dg.AssetsDefinition]) -> list[Job]:
    """One job for everything, one that follows a landing, and one for each schedule."""
    landed = dg.AssetSelection.groups("bronze", "silver", "quarantine") | CATALOG
    made: list[Job] = [
        dg.define_asset_job(
            "everything", dg.AssetSelection.all(), description="The whole way, from landing to catalog."
        ),
        dg.define_asset_job("landed", landed, description="Bronze and silver of what the landing sensor saw."),
        retention_job,
        erasure_job,
    ]
    for group, (_, told) in BUILDS.items():
        if group in _groups(assets):
            selection = dg.AssetSelection.groups(group).upstream() | CATALOG
            made.append(dg.define_asset_job(group, selection, description=told))
    if _has_rights(assets):
        selection = dg.AssetSelection.tag(RIGHTS_TAG, "") | CATALOG
        made.append(dg.define_asset_job(RIGHTS_TAG, selection, description=RIGHTS[1]))
    return made


def schedules(assets: Sequence[dg.AssetsDefinition]) -> list[dg.ScheduleDefinition]:
    """The schedules, running from the start."""
    wanted = {group: spec for group, spec in BUILDS.items() if group in _groups(assets)} | {"retention": RETENTION}
    wanted |= {"erasure": ERASURE}
    wanted |= {RIGHTS_TAG: RIGHTS} if _has_rights(assets) else {}
    return [
        dg.ScheduleDefinition(
            name=f"{job}_schedule",
            job_name=job,
            cron_schedule=cron,
            description=told,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for job, (cron, told) in wanted.items()
    ]


def _groups(assets: Sequence[dg.AssetsDefinition]) -> set[str]:
    return {group for a in assets for group in a.group_names_by_key.values()}


def _has_rights(assets: Sequence[dg.AssetsDefinition]) -> bool:
    return any(RIGHTS_TAG in spec.tags for a in assets for spec in a.specs)
