"""Answers about one column, table or raw path: what is behind it, and what it reaches.

Belongs here: reading the question, and frames for the answer. Must not: working lineage out (lake.py, origins.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cenote.columns.lake import ColumnLineage, column_lineage
from cenote.columns.origins import Origin, Reach, Reached, origins_of
from cenote.errors import TableError, unknown
from cenote.workspace import Workspace
from transforms.columns import Use

if TYPE_CHECKING:
    import polars as pl

_START = Reach(frozenset({Use.IDENTITY}), True)


def sources(space: Workspace, what: str) -> "pl.DataFrame":
    """The raw paths behind a column (``gold.customer_360.revenue_eur``) or all columns of a table, values first.

    Columns: table, column (null: what decides which rows there are), dataset, path, classification, mask, kind, uses,
    is_readable. Raises ``TableError``.
    """
    lineage = column_lineage(space)
    table, column = _place(lineage, what)
    rows = [
        (table.replace("/", "."), found, *origin, *_told(reach))
        for (of, found), reached in lineage.origins.items()
        if of == table and (column is None or found is None or _within(found, column))
        for origin, reach in sorted(reached.items(), key=lambda item: (not item[1].direct, item[0]))
    ]
    return _frame(
        [r for r in rows if r[1] is not None] + [r for r in rows if r[1] is None], "dataset path classification mask"
    )


def reached(space: Workspace, what: str) -> "pl.DataFrame":
    """Every column that a raw path (``orders.$.total_eur``) or a column reaches, upstream ones first.

    Columns: table, column (null: it decides which rows there are), kind, uses, is_readable. Raises ``TableError``.
    """
    lineage = column_lineage(space)
    rows = []
    for table, column, reach in _paths_from(lineage, what) if "$" in what else _columns_from(lineage, what):
        rows.append((table.replace("/", "."), column, *_told(reach)))
    return _frame(rows, "")


def _frame(rows: list[tuple[Any, ...]], between: str) -> "pl.DataFrame":
    import polars as pl

    texts = dict.fromkeys(("table", "column", *between.split(), "kind"), pl.String())
    schema = pl.Schema({**texts, "uses": pl.List(pl.String), "is_readable": pl.Boolean()})
    return pl.DataFrame(rows, schema=schema, orient="row")


def _told(reach: Reach) -> tuple[str, list[str], bool]:
    return "DIRECT" if reach.direct else "INDIRECT", sorted(use.value for use in reach.uses), reach.is_readable


def _paths_from(lineage: ColumnLineage, what: str) -> Iterator[tuple[str, str | None, Reach]]:
    dataset, _, rest = what.partition("$")
    dataset, path = dataset.strip(".:/ ").removeprefix("bronze.").removeprefix("bronze/"), f"${rest}"
    known = {(table.partition("/")[2], raw.path) for (table, _, _), raw in lineage.declared.items()}
    if (dataset, path) not in known:
        paths = [f"{of}.{p}" for of, p in known if of == dataset] or [f"{of}.{p}" for of, p in known]
        raise TableError(unknown("path", f"{dataset}.{path}", paths), "name a dataset and a path of its contract")
    for (table, column), found in lineage.origins.items():
        hits = [reach for origin, reach in found.items() if (origin.dataset, origin.path) == (dataset, path)]
        if hits:
            first, *others = hits
            for other in others:
                first = first.beside(other)
            yield table, column, first


def _columns_from(lineage: ColumnLineage, what: str) -> Iterator[tuple[str, str | None, Reach]]:
    table, column = _place(lineage, what)
    start = Origin("", what, "", "")
    places = [name for name, _ in lineage.tables[table].leaves() if column is None or _within(name, column)]
    planted: dict[tuple[str, str | None], Reached] = {(table, name): {start: _START} for name in places}
    for (of, found), origins in origins_of(lineage.tables, {}, planted).items():
        if start in origins and (of, found) not in planted:
            yield of, found, origins[start]


def _within(leaf: str, column: str) -> bool:
    """Whether a scalar is the column, or stands in it."""
    return leaf.lower() == column.lower() or leaf.lower().startswith((f"{column.lower()}.", f"{column.lower()}["))


def _place(lineage: ColumnLineage, what: str) -> tuple[str, str | None]:
    """The table and the column that a text names; no column where it names a table."""
    layer, _, rest = what.replace("/", ".").partition(".")
    name, _, column = rest.partition(".")
    table = f"{layer}/{name}"
    if table not in lineage.tables:
        tables = [t.replace("/", ".") for t in lineage.tables]
        raise TableError(unknown("table", f"{layer}.{name}", tables), "write layer.table.column")
    leaves = [leaf for leaf, _ in lineage.tables[table].leaves()]
    if column and not any(_within(leaf, column) for leaf in leaves):
        raise TableError(unknown(f"column of {layer}.{name}", column, leaves), "write layer.table.column")
    return table, column or None
