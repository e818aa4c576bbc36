"""Whether every raw record is accounted for: bronze = silver + quarantine, record by record.

Belongs here: counting. Must not: mending what is wrong (`cenote run --rebuild` does).
"""

from dataclasses import dataclass

import polars as pl

from cenote.retention.limits import limit
from cenote.workspace import Workspace


@dataclass(frozen=True)
class Accounting:
    """Counts of records: in each layer; ``missing`` in bronze only; ``twice`` in silver and quarantine together more
    than once; ``unknown`` in silver or quarantine, but not in bronze.
    """

    bronze: int
    silver: int
    quarantine: int
    missing: int
    twice: int
    unknown: int

    @property
    def balanced(self) -> bool:
        """Whether each record of bronze is once in silver or quarantine, and nothing else is there."""
        return not (self.missing or self.twice or self.unknown)


def account(space: Workspace, dataset: str) -> Accounting:
    """Account for every record of a dataset, by lineage id. Reads one column of each table."""
    layers = ("bronze", "silver", "quarantine")
    kept = limit(space.contract(dataset), "silver")  # silver may keep rows shorter than bronze keeps records
    young = pl.lit(True) if kept is None else pl.col("landed_at") >= pl.lit(space.clock() - kept)
    ids = [
        table.scan()
        .filter(young)
        .select("lineage_id", *(pl.lit(layer == other, pl.UInt32).alias(other) for other in layers))
        for layer in layers
        if (table := space.table(layer, dataset)).exists
    ]
    if not ids:
        return Accounting(0, 0, 0, 0, 0, 0)
    taken = pl.col("silver") + pl.col("quarantine")
    counts = (
        pl.concat(ids)
        .group_by("lineage_id")
        .agg(pl.col(layers).sum())
        .select(
            pl.col(layers).sum(),
            ((pl.col("bronze") > 0) & (taken == 0)).sum().alias("missing"),
            (taken > 1).sum().alias("twice"),
            ((pl.col("bronze") == 0) & (taken > 0)).sum().alias("unknown"),
        )
        .collect(engine="streaming")
    )
    return Accounting(**counts.row(0, named=True))
