"""A sample of the texts that a table holds, for looking whether something stands in them that should not.

Belongs here: which rows and texts are looked at. Must not: what is looked for (quality.py).
"""

import polars as pl

PER_COLUMN = 5_000
_ROWS = 20_000
_RUNS = 16
_IDS = ("lineage_id", "subject_id", "mentions", "rules")


def sample(rows: pl.LazyFrame) -> pl.Series:
    """Distinct texts of every text column, nested ones too, at most ``PER_COLUMN`` of each.

    Of a large table, the texts are those of runs of rows that lie evenly over it and of its newest rows, so that memory
    is bounded.
    """
    rows = _some(rows)
    names = [name for name in rows.collect_schema() if name not in _IDS]
    texts = [text.drop_nulls().unique().head(PER_COLUMN) for name in names for text in _texts(rows, name)]
    return pl.concat([pl.Series([], dtype=pl.String), *(text.alias("") for text in texts)])


def _some(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows to look for texts in: all of a small table."""
    if "landed_at" not in rows.collect_schema():
        return rows
    total, newest = rows.select(pl.len(), pl.col("landed_at").max()).collect().row(0)
    if total <= 4 * _ROWS:
        return rows
    step, length = total // _RUNS, 2 * _ROWS // _RUNS
    new = rows.filter(pl.col("landed_at") == newest)
    runs = [rows.slice(step * number, length) for number in range(_RUNS)]
    runs += [rows.tail(length), new.head(_ROWS), new.tail(_ROWS)]
    return pl.concat([run.collect() for run in runs]).lazy()


def _texts(rows: pl.LazyFrame, name: str) -> list[pl.Series]:
    column = rows.select(name).collect().to_series()
    while isinstance(column.dtype, pl.List):
        column = column.explode()
    if isinstance(column.dtype, pl.Struct):
        return [
            inner
            for member in column.struct.unnest().get_columns()
            for inner in _texts(member.to_frame().lazy(), member.name)
        ]
    return [column] if column.dtype == pl.String else []
