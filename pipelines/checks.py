"""Asset checks: which checks an asset declares, and which of them stop what comes after.

Belongs here: Dagster's side of checks. Must not: computing them (cenote/quality.py).
"""

from collections.abc import Sequence

import dagster as dg

from cenote.quality import Check
from pipelines.metadata import key

REBUILD_TAG = "cenote/rebuild"


def specs(table: str, declared: Sequence[Check]) -> list[dg.AssetCheckSpec]:
    """Check specs of an asset; an essential check that fails stops everything downstream."""
    return [
        dg.AssetCheckSpec(check.name, asset=key(table), description=check.description, blocking=check.essential)
        for check in declared
    ]


def rebuild_asked(context: dg.AssetExecutionContext) -> bool:
    """Whether the run carries the tag that asks for a rebuild from scratch."""
    return context.run.tags.get(REBUILD_TAG) == "true"
