"""The catalog asset: DuckDB views over everything that was built.

Belongs here: the one asset at the end of the graph. Must not: what the views are (cenote/catalog.py).
"""

from collections.abc import Sequence

import dagster as dg

from cenote import catalog
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines import metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage

KEY = "catalog/duckdb"


def catalog_asset(upstream: Sequence[dg.AssetKey], settings: Settings) -> dg.AssetsDefinition:
    """The asset that swaps in a fresh ``cenote.duckdb``."""

    @dg.asset(
        key=metadata.key(KEY),
        deps=list(upstream),
        description="cenote.duckdb: views over the current version of every table. Open it in a notebook or the shell.",
        group_name="catalog",
        kinds={"duckdb"},
        metadata={"dagster/uri": str(settings.catalog)},
    )
    def asset(space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
        (report,), _ = run_stage(space, progress, KEY, lambda: catalog.refresh(space))
        return metadata.result(report)

    return asset
