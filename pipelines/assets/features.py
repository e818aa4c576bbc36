"""Feature assets: the history of each feature view, and the online store that serves the newest values.

Belongs here: one asset per feature SQL file, and the online asset. Must not: Feast (cenote/features/ calls it).
"""

from collections.abc import Sequence

import dagster as dg

from cenote import features, quality
from cenote.columns.check import STAYS_MASKED, check_columns
from cenote.settings import Settings
from cenote.sqlfiles import SqlFile
from cenote.trace.promise import check_lineage, lineage_checks
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage

EDGE_INPUT = "graph/edges"


def view_asset(view: SqlFile, settings: Settings, edge_tables: Sequence[str]) -> dg.AssetsDefinition:
    """The asset that appends new and changed feature values of a view."""
    table = f"features/{view.name}"
    inputs = [name for name in view.inputs if name != EDGE_INPUT]
    inputs += edge_tables if EDGE_INPUT in view.inputs else []

    @dg.asset(
        key=metadata.key(table),
        deps=[metadata.key(name) for name in inputs],
        description=f"{view.description} Entity: {view.entity}.",
        group_name="features",
        kinds={"duckdb", "feast"},
        owners=metadata.owners(view.owner),
        tags=metadata.tags(view.tags),
        metadata=metadata.definition_metadata(settings, table)
        | {"sql": dg.MetadataValue.md(f"```sql\n{view.sql}\n```")},
        code_version=view.digest,
        check_specs=checks.specs(table, [*quality.FEATURE_CHECKS, STAYS_MASKED, *lineage_checks(table)]),
    )
    def asset(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult:
        rebuild = checks.rebuild_asked(context)
        (report,), findings = run_stage(
            space,
            progress,
            table,
            lambda: features.build(space, view.name, rebuild=rebuild),
            lambda: [
                *quality.check_features(space, view),
                check_columns(space, table),
                *check_lineage(space, table),
            ],
        )
        outcome = metadata.with_schema(metadata.result(report, findings), space.table("features", view.name))
        return metadata.with_lineage(outcome, space)

    return asset


def online_asset(views: Sequence[SqlFile], settings: Settings) -> dg.AssetsDefinition:
    """The asset that brings the online store up to date."""

    @dg.asset(
        key=metadata.key("features/online"),
        deps=[metadata.key(f"features/{v.name}") for v in views],
        description="Newest feature values of every entity, for online reads. Only changed entities are written.",
        group_name="features",
        kinds={"feast", "sqlite"},
        metadata=metadata.definition_metadata(settings, "online"),
        check_specs=checks.specs("features/online", quality.ONLINE_CHECKS),
    )
    def asset(space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
        (report,), findings = run_stage(
            space, progress, "features/online", lambda: features.sync_online(space), lambda: quality.check_online(space)
        )
        return metadata.result(report, findings)

    return asset
