"""Whether every raw record is accounted for: bronze = silver + quarantine, record by record.

Belongs here: counting. Must not: mending what is wrong (`cenote run --rebuild` does).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cenote.lineage import BATCH_DIGITS
from cenote.retention.limits import limit
from cenote.workspace import Workspace

LAYERS = ("bronze", "silver", "quarantine")
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
    kept = limit(space.contract(dataset), "silver")  # silver may keep rows shorter than bronze keeps records
    young = pl.lit(True) if kept is None else pl.col("landed_at") >= pl.lit(space.clock() - kept)
    tables = {layer: table for layer in LAYERS if (table := space.table(layer, dataset)).exists}
    if not tables:
        return Accounting(0, 0, 0, 0, 0, 0)
    ids = pl.concat(
        table.scan().filter(young).select(*_ID, *(pl.lit(layer == other, pl.UInt32).alias(other) for other in LAYERS))
        for layer, table in tables.items()
    )
    parts = 1 + max(table.count() for table in tables.values()) // PART_ROWS
    taken = pl.col("silver") + pl.col("quarantine")
    counts = [
        ids.filter(pl.col("row") % parts == part)
        .group_by("batch", "row")
        .agg(pl.col(LAYERS).sum())
        .select(
            pl.col(LAYERS).sum(),
            ((pl.col("bronze") > 0) & (taken == 0)).sum().alias("missing"),
            (taken > 1).sum().alias("twice"),
            ((pl.col("bronze") == 0) & (taken > 0)).sum().alias("unknown"),
        )
        .collect(engine="streaming")
        for part in range(parts)
    ]
    return Accounting(**pl.concat(counts).sum().row(0, named=True))


def account_new(space: Workspace, dataset: str, files: Mapping[str, Sequence[str]]) -> Accounting | None:
    """Account for the records in ``files`` (``layer/dataset`` -> files that came since all was accounted for).

    Silver's hold rows that only changed their place in history, too: these are of older records. None where the tables
    together do not hold as many rows as bronze, so that more than the new records have to be looked at.
    """
    counts = {layer: space.table(layer, dataset).count() for layer in LAYERS}
    if counts["bronze"] != counts["silver"] + counts["quarantine"]:
        return None
    bronze, silver, quarantine = (_ids(files.get(f"{layer}/{dataset}", ())) for layer in LAYERS)
    taken = pl.concat([silver.join(bronze, on="lineage_id", how="semi"), quarantine])
    once = taken.unique()
    return Accounting(
        **counts,
        missing=bronze.join(once, on="lineage_id", how="anti").height,
        twice=taken.height - once.height,
        unknown=quarantine.join(bronze, on="lineage_id", how="anti").height,
    )


def _ids(files: Sequence[str]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"lineage_id": pl.String})
    return pl.scan_parquet(list(files)).select("lineage_id").collect() if files else empty
