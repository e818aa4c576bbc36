"""Everything Dagster knows of a lake: its assets, checks, jobs, schedules and sensors.

Belongs here: putting the definitions together, for any lake. Must not: any asset's body.
"""

import dagster as dg

from cenote import features, gold
from cenote.settings import Settings, load_settings
from cenote.workspace import Workspace
from pipelines.assets.bronze import bronze_asset
from pipelines.assets.catalog import catalog_asset
from pipelines.assets.features import online_asset, view_asset
from pipelines.assets.gold import gold_asset
from pipelines.assets.graph import WHOLE_GRAPH, edges_asset, graph_asset
from pipelines.assets.silver import silver_assets
from pipelines.assets.vectors import index_asset, passages_asset
from pipelines.resources import Progress, Silent, progress_resource, workspace_resource
from pipelines.schedules import jobs, schedules
from pipelines.sensors import sensors


def build_definitions(settings: Settings | None = None, progress: Progress | None = None) -> dg.Definitions:
    """Definitions for the lake of ``settings`` (default: the environment's). Raises ``CenoteError``."""
    settings = settings or load_settings()
    assets = build_assets(Workspace(settings))
    return dg.Definitions(
        assets=assets,
        jobs=jobs(assets),
        schedules=schedules(assets),
        sensors=sensors(settings),
        resources={
            "space": workspace_resource(settings),
            "progress": progress_resource(settings, progress or Silent()),
        },
        executor=dg.in_process_executor,
    )


def build_assets(space: Workspace) -> list[dg.AssetsDefinition]:
    """Assets of every contract, mart and feature view, in the order in which rows flow."""
    settings, contracts = space.settings, list(space.contracts.values())
    told = [c for c in contracts if c.passages]
    linked = [c for c in contracts if c.edges]
    views = list(features.views(space).values())
    assets = [bronze_asset(c, settings) for c in contracts]
    assets += [silver_assets(c, settings, contracts) for c in contracts]
    assets += [gold_asset(mart, settings) for mart in gold.marts(space).values()]
    assets += [passages_asset(c, settings) for c in told]
    assets += [index_asset(told, settings)] if told else []
    assets += [edges_asset(c, settings) for c in linked]
    assets += [graph_asset(name, linked, settings) for name in WHOLE_GRAPH] if linked else []
    assets += [view_asset(v, settings, [f"edges/{c.dataset}" for c in linked]) for v in views]
    assets += [online_asset(views, settings)] if views else []
    return [*assets, catalog_asset([key for a in assets for key in a.keys], settings)]
