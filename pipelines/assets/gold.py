"""Gold assets: one mart per SQL file.

Belongs here: one asset per mart. Must not: how marts are built (cenote/gold.py).
"""

import dagster as dg

from cenote import gold, quality
from cenote.columns.check import STAYS_MASKED, check_columns
from cenote.settings import Settings
from cenote.sqlfiles import SqlFile
from cenote.trace.promise import check_lineage, lineage_checks
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage


def gold_asset(mart: SqlFile, settings: Settings) -> dg.AssetsDefinition:
    """The asset that builds a mart."""
    table = f"gold/{mart.name}"

    @dg.asset(
        key=metadata.key(table),
        deps=[metadata.key(name) for name in mart.inputs],
        description=f"{mart.description} Grain: {', '.join(mart.grain)}.",
        group_name="gold",
        kinds={"duckdb", "deltalake"},
        owners=metadata.owners(mart.owner),
        tags=metadata.tags(mart.tags),
        metadata=metadata.definition_metadata(settings, table)
        | {"sql": dg.MetadataValue.md(f"```sql\n{mart.sql}\n```")},
        code_version=mart.digest,
        check_specs=checks.specs(table, [*quality.gold_checks(mart), STAYS_MASKED, *lineage_checks(table)]),
    )
    def asset(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult:
        rebuild = checks.rebuild_asked(context)
        (report,), findings = run_stage(
            space,
            progress,
            table,
            lambda: gold.build(space, mart.name, rebuild=rebuild),
            lambda: [
                *quality.check_gold(space, mart),
                check_columns(space, table),
                *check_lineage(space, table),
            ],
        )
        outcome = metadata.with_schema(metadata.result(report, findings), space.table("gold", mart.name))
        return metadata.with_lineage(outcome, space)

    return asset
