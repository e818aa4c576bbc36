"""Writing versions of keyed rows: new events take their place among the stored ones.

Belongs here: which stored rows new events touch, and one commit for all of it. Must not: the rules of placing
(transforms/history.py). Few new rows are merged: only the key and validity columns of their keys are read, and only
rows whose validity changes are written again. Many new rows, or a table made anew, are placed bucket by bucket of
keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import polars as pl

from cenote.rewrite import exchange
from cenote.spool import Spool, stream
from cenote.tables import Commit, Table
from transforms.contract import Contract
from transforms.history import VALIDITY, place

MERGE_ROWS, _READ_ROWS = 500_000, 250_000


@dataclass
class Written:
    """How many rows were added or changed, and how many of these are superseded at once by another (zero-length)."""

    rows: int = 0
    superseded: int = 0

    def count(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take in placed rows and hand them on."""
        self.rows += frame.height
        self.superseded += frame.select((pl.col("valid_from") == pl.col("valid_to")).sum()).item() or 0
        return frame


def write_versions(
    table: Table, new: Spool, contract: Contract, columns: list[str], commit: Commit, *, anew: bool
) -> Written:
    """Place new events among the stored versions of their keys and commit; ``columns``: the table's, in order.

    ``anew``: there is nothing to keep; the table holds the new events only.
    """
    key, sequence = contract.primary_key, contract.change.sequence_by
    if anew or new.rows > MERGE_ROWS:
        return _write_anew(table, new, contract, columns, commit, keep=not anew)
    events = new.scan().collect()
    order = list(dict.fromkeys([*key, *sequence, "landed_at", "lineage_id", "change_op"]))
    keys = events.lazy().select(key).unique()
    stored = table.scan().select(*order, *VALIDITY).join(keys, on=list(key), how="semi").collect()
    placed = place(pl.concat([stored.select(order), events.select(order)]), key, sequence)
    placed = placed.select("lineage_id", *VALIDITY)
    written = Written()
    rows = written.count(events.join(placed, on="lineage_id").select(columns))
    moved = _moved(stored, placed)
    if moved.is_empty():
        table.append(rows, commit)
        return written
    ids = moved.get_column("lineage_id")
    touched = table.scan().filter(pl.col("lineage_id").is_in(ids.implode())).drop(VALIDITY).collect()
    touched = written.count(touched.join(moved, on="lineage_id").select(columns))
    exchange(table, ids, pl.concat([rows, touched]), commit)
    return written


def _moved(stored: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The new validity of stored rows whose validity changes."""
    both = stored.select("lineage_id", *VALIDITY).join(placed, on="lineage_id", suffix="_new")
    changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in VALIDITY)
    return both.filter(changes).select("lineage_id", *(pl.col(f"{name}_new").alias(name) for name in VALIDITY))


def _write_anew(
    table: Table, new: Spool, contract: Contract, columns: list[str], commit: Commit, *, keep: bool
) -> Written:
    stored = (_stored(table, new.schema.names()), table.count()) if keep else ((), 0)
    parts = new.parts(contract.primary_key, *stored)
    written = Written()
    placed = (
        written.count(place(part, contract.primary_key, contract.change.sequence_by).select(columns)) for part in parts
    )
    first = next(placed)
    table.overwrite(stream(chain([first], placed), first.schema), commit)
    return written


def _stored(table: Table, columns: list[str]) -> Iterator[pl.DataFrame]:
    """The table's rows, a bounded number at a time."""
    rows = table.scan().select(columns)
    return (rows.slice(begin, _READ_ROWS).collect() for begin in range(0, table.count(), _READ_ROWS))
