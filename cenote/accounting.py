"""Whether every raw record is accounted for: bronze = silver + quarantine, record by record.

Belongs here: counting. Must not: mending what is wrong (`cenote run --rebuild` does).
"""

from dataclasses import dataclass

import polars as pl

from cenote.lineage import BATCH_DIGITS
from cenote.retention.limits import limit
from cenote.workspace import Workspace

PART_ROWS = 4_000_000
"""How many rows are looked at together; a table of more is read as often as that takes, so memory is bounded."""
# An id in 12 bytes instead of 35
_ID = (
    pl.col("lineage_id").str.head(BATCH_DIGITS).cast(pl.Categorical).alias("batch"),
    pl.coalesce(
        pl.col("lineage_id").str.slice(BATCH_DIGITS + 1).cast(pl.UInt64, strict=False), pl.col("lineage_id").hash()
    ).alias("row"),
)


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
    tables = {layer: table for layer in layers if (table := space.table(layer, dataset)).exists}
    if not tables:
        return Accounting(0, 0, 0, 0, 0, 0)
    ids = pl.concat(
        table.scan().filter(young).select(*_ID, *(pl.lit(layer == other, pl.UInt32).alias(other) for other in layers))
        for layer, table in tables.items()
    )
    parts = 1 + max(table.count() for table in tables.values()) // PART_ROWS
    taken = pl.col("silver") + pl.col("quarantine")
    counts = [
        ids.filter(pl.col("row") % parts == part)
        .group_by("batch", "row")
        .agg(pl.col(layers).sum())
        .select(
            pl.col(layers).sum(),
            ((pl.col("bronze") > 0) & (taken == 0)).sum().alias("missing"),
            (taken > 1).sum().alias("twice"),
            ((pl.col("bronze") == 0) & (taken > 0)).sum().alias("unknown"),
        )
        .collect(engine="streaming")
        for part in range(parts)
    ]
    return Accounting(**pl.concat(counts).sum().row(0, named=True))
