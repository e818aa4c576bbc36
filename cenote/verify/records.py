"""Whether every record is where it belongs.

Belongs here: counting records across layers. Must not: reading payloads (deep does).
"""

from collections.abc import Iterator

import polars as pl

from cenote import quality
from cenote.accounting import account
from cenote.verify.model import Check, Told
from cenote.verify.tables import RESTORE
from cenote.workspace import Workspace

FROM_BRONZE = "build silver from bronze again: `cenote run --rebuild --select silver/{}`"


def incomplete_batches(space: Workspace) -> Iterator[Told]:
    """Batches of which bronze holds fewer or more records than landed."""
    for dataset, contract in space.contracts.items():
        (finding,) = quality.check_bronze(space, contract)
        if not finding.passed:
            wrong = finding.counts["incomplete"]
            yield Told(f"bronze/{dataset}", f"{wrong} batches do not have the records that landed", RESTORE)


def unaccounted_records(space: Workspace) -> Iterator[Told]:
    """Records of bronze that are not once in silver or quarantine, and rows there that bronze does not know.

    A dataset whose newest records wait for silver is not judged: the next run brings them.
    """
    for dataset in space.contracts:
        if not space.table("bronze", dataset).exists or _waits(space, dataset):
            continue
        found = account(space, dataset)
        for count, what in (
            (found.missing, "records of bronze are neither in silver nor in quarantine"),
            (found.twice, "records are in silver and quarantine more than once"),
            (found.unknown, "rows come from records that bronze does not hold"),
        ):
            if count:
                yield Told(f"silver/{dataset}", f"{count:,} {what}", FROM_BRONZE.format(dataset))


def _waits(space: Workspace, dataset: str) -> bool:
    from cenote import silver

    return silver.is_stale(space, dataset)


def repeated_ids(space: Workspace) -> Iterator[Told]:
    """Lineage ids that name more than one record of bronze."""
    for table in space.tables("bronze"):
        ids = table.scan().select(pl.len().alias("rows"), pl.col("lineage_id").n_unique().alias("ids")).collect()
        rows, distinct = ids.row(0)
        if rows != distinct:
            yield Told(table.name, f"{rows - distinct:,} records have a lineage id that another one has", RESTORE)


CHECKS = (
    Check("batches_complete", "Every landed batch has all its records in bronze.", RESTORE, incomplete_batches),
    Check("ids_unique", "A lineage id names one record.", RESTORE, repeated_ids),
    Check(
        "records_accounted",
        "Every bronze record is in silver or in quarantine, exactly once.",
        "run `cenote run`, then verify again",
        unaccounted_records,
    ),
)
