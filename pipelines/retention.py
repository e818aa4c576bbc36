"""The nightly job that keeps a lake to its limits: expire, purge, recompress, compact, report.

Belongs here: Dagster's side of it. Must not: what expires (cenote/retention), what is compacted
(cenote/compaction.py).
"""

import dagster as dg

from cenote import compaction, retention
from cenote.retention import cold
from cenote.workspace import Workspace
from pipelines.stage import run_quietly

SCHEDULE = (
    "0 2 * * *",
    "What contracts no longer keep is removed, old batches are recompressed, silver is compacted, nightly at 02:00.",
)
DRY_RUN = "dry_run"


@dg.op(
    description="Removes what has passed its contract's limits, and reports counts.",
    config_schema={DRY_RUN: dg.Field(bool, default_value=False, description="Report only; change nothing.")},
    out=dg.Out(dg.Nothing),
)
def expire_rows(context: dg.OpExecutionContext, space: dg.ResourceParam[Workspace]) -> None:
    """Run the retention of every contract, layer and right."""
    dry = context.op_config[DRY_RUN]
    gone = run_quietly("retention", lambda: retention.plan(space) if dry else retention.expire(space))
    counts: dict[str, int] = {}
    for expiry in gone:
        did = "would go" if dry else "went"
        context.log.info(f"{expiry.table}: {expiry.rows} rows {did} by {expiry.rule}, limit {expiry.before:%Y-%m-%d}")
        counts[expiry.table] = counts.get(expiry.table, 0) + expiry.rows
    context.add_output_metadata({DRY_RUN: dry, "rows": sum(counts.values()), **counts})


@dg.op(
    description="Writes old batches of bronze into few large, strongly compressed files.",
    config_schema={DRY_RUN: dg.Field(bool, default_value=False, description="Report only; change nothing.")},
    ins={"expired": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
)
def recompress(context: dg.OpExecutionContext, space: dg.ResourceParam[Workspace]) -> None:
    """Cool what is old; what has expired went before."""
    dry = context.op_config[DRY_RUN]
    done = run_quietly("cold", lambda: cold.plan(space) if dry else cold.cool(space))
    for c in done:
        context.log.info(f"bronze/{c.dataset}: {c.files} files of {c.bytes:,} bytes, {c.cold_bytes:,} bytes cold")
    context.add_output_metadata({DRY_RUN: dry, **{c.dataset: c.files for c in done}})


@dg.op(
    description="Writes small files of silver again as few large ones, clustered by person.",
    config_schema={DRY_RUN: dg.Field(bool, default_value=False, description="Report only; change nothing.")},
    ins={"recompressed": dg.In(dg.Nothing)},
)
def compact(context: dg.OpExecutionContext, space: dg.ResourceParam[Workspace]) -> None:
    """Compact what is left."""
    dry = context.op_config[DRY_RUN]
    done = run_quietly("compaction", lambda: compaction.plan(space) if dry else compaction.compact(space))
    for c in done:
        context.log.info(f"{c.table}: {c.files} files of {c.bytes:,} bytes, {c.made} clustered of {c.made_bytes:,}")
    context.add_output_metadata({DRY_RUN: dry, **{c.table: c.files for c in done}})


@dg.job(name="retention", description=SCHEDULE[1])
def retention_job() -> None:
    """Expire, then recompress, then compact; Dagster shows their counts."""
    compact(recompressed=recompress(expired=expire_rows()))
