"""Keyed change events -> their place in the history of their row.

Belongs here: the order of versions and what it means. Must not: where versions are kept, which events are affected.

The versions of a key stand in the order (sequence columns, landed_at, lineage_id). Each is valid from its own first
sequence value until that of the next; the last one is open (``valid_to`` null). A version that the next one
supersedes at the same moment (a duplicate, a correction) has ``valid_from == valid_to``. The last version is current
unless it deletes. The order depends on the events alone, so late events take their place in the past, and it does not
matter which events came together or in which order they came.
"""

from collections.abc import Sequence

import polars as pl

VALIDITY = ("valid_from", "valid_to", "is_current")
DELETE = "delete"


def place(rows: pl.DataFrame, key: Sequence[str], sequence_by: Sequence[str]) -> pl.DataFrame:
    """All versions of some keys -> the same rows with their validity columns, sorted by key and order.

    ``rows`` has the key and sequence columns (none null), landed_at, lineage_id and change_op; validity columns that it
    already has are replaced. Every version of each key must be there.
    """
    order = [*key, *(column for column in (*sequence_by, "landed_at", "lineage_id") if column not in key)]
    moment = pl.col(sequence_by[0])
    last = pl.any_horizontal(pl.col(column).ne_missing(pl.col(column).shift(-1)) for column in key)
    return (
        rows.drop(VALIDITY, strict=False)
        .sort(order)
        .with_columns(last.alias("_last"))
        .with_columns(
            moment.alias("valid_from"),
            pl.when(~pl.col("_last")).then(moment.shift(-1)).alias("valid_to"),
            (pl.col("_last") & (pl.col("change_op") != DELETE)).alias("is_current"),
        )
        .drop("_last")
    )
