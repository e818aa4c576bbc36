"""The checks that read everything: each landed file rebuilt, each page of each file decoded, marts made again.

Belongs here: what takes as long as the lake is large. Must not: what logs and counts can tell.
"""

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cenote import records
from cenote.errors import CenoteError
from cenote.landing import Batch
from cenote.verify.model import Check, Told
from cenote.verify.tables import RESTORE, all_tables, remedy
from cenote.workspace import Workspace


def lost_bytes(space: Workspace) -> Iterator[Told]:
    """Batches that bronze does not give back byte for byte. Opens, and so proves, every sealed payload.

    A batch that lost records by retention is not expected to come back; of one that lost some by erasure, the rest is.
    """
    amended = records.amendments(space).select("batch_id", "removed")
    landed = records.batches(space).join(amended, on="batch_id", how="left", maintain_order="left")
    for (dataset,), batches in landed.group_by("dataset", maintain_order=True):
        table = space.table("bronze", str(dataset))
        rows = table.scan().group_by("batch_id").agg(pl.len().cast(pl.Int64).alias("held"))
        kept = pl.col("records") - pl.col("removed").fill_null(0)
        wanted = records.present_batches(
            space, batches.join(rows.collect(), on="batch_id").filter(pl.col("held") == kept)
        )
        try:
            proved = records.prove(space, str(dataset), table.scan(), wanted)
        except CenoteError as error:
            yield Told(table.name, error.what, error.fix)
            continue
        lost = [batch for batch in wanted if batch.batch_id not in proved and not _erased(space, table.name, batch)]
        if lost:
            yield Told(table.name, f"{len(lost)} of {len(wanted)} batches do not come back byte for byte", RESTORE)


def _erased(space: Workspace, table: str, batch: Batch) -> bool:
    """Whether records of the batch were shredded or redacted, so that it cannot come back."""
    layer, name = table.split("/")
    keys = space.table(layer, name).scan().filter(pl.col("batch_id") == batch.batch_id).select("key_id").unique()
    return not all(space.vault.living(keys.collect()["key_id"].drop_nulls()).values())


def unreadable_pages(space: Workspace) -> Iterator[Told]:
    """Files of which some page cannot be decoded."""
    for table in all_tables(space):
        try:
            files = table.files()
        except CenoteError:
            continue  # another check tells
        bad = sum(not _decodes(file) for file in files)
        if bad:
            yield Told(table.name, f"{bad} of {len(files)} files cannot be decoded to the end", remedy(table.name))


def _decodes(file: str) -> bool:
    try:
        with pq.ParquetFile(file) as opened:
            for _ in opened.iter_batches(65_536):
                pass
    except (pa.ArrowException, OSError):
        return False
    return True


def marts_apart(space: Workspace) -> Iterator[Told]:
    """Rows of marts and features that do not come again from the records that they are traced to; by samples."""
    from cenote import features, gold
    from cenote.trace import check

    names = [f"gold/{name}" for name in gold.marts(space)] + [f"features/{name}" for name in features.views(space)]
    for name in names:
        if not space.table(*name.split("/", 1)).exists:
            continue
        found = check.verify(space, name, sample=50)
        if found.wrong:
            told = f"{len(found.wrong)} of {found.rows} sampled rows do not come again from their records"
            yield Told(name, told, remedy(name))


CHECKS = (
    Check("bytes_proved", "Every landed file comes back byte for byte.", RESTORE, lost_bytes, deep=True),
    Check("pages_decoded", "Every page of every file can be read.", RESTORE, unreadable_pages, deep=True),
    Check("marts_proved", "Rows of marts and features come again from their records.", "run `cenote run --rebuild`",
          marts_apart, deep=True),
)  # fmt: skip
