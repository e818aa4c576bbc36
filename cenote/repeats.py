"""Rows of an append dataset whose primary key came before, in the same pass or in the table.

Belongs here: telling which they are, in bounded memory. Must not: what becomes of them (silver.py).
"""

from collections.abc import Sequence

import polars as pl

from cenote.spool import Spool


def repeats(keys: Spool, names: Sequence[str], stored: pl.LazyFrame | None) -> pl.Series:
    """Lineage ids of rows that are not the first with their key.

    ``keys``: ``lineage_id`` and the key's columns (``names``) of the new rows, in order. ``stored``: the table's rows.
    """
    found = [pl.Series(dtype=pl.String)]
    for part in keys.parts(names):
        again = ~pl.struct(names).is_first_distinct()
        if stored is not None:
            key = part.lazy().select(names).unique()
            known = stored.select(names).join(key, on=names, how="semi").unique().with_columns(known=True).collect()
            part = part.join(known, on=names, how="left", maintain_order="left")
            again |= pl.col("known").is_not_null()
        found.append(part.filter(again)["lineage_id"])
    return pl.concat(found)
