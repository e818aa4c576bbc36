"""Cutting a query down to rows that match those of a small table, so that scans feel it.

Belongs here: how DuckDB is told which rows are wanted. Must not: which query, or why. Few values are written as
literals, which DuckDB carries through joins and down into Parquet scans; many are joined, with ``=`` where none is
null, since ``IS NOT DISTINCT FROM`` is not pushed down.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cenote.views import text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FEW = 32
_PLAIN = (
    "VARCHAR",
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TINYINT",
    "HUGEINT",
    "DATE",
    "BOOLEAN",
    "DOUBLE",
    "FLOAT",
    "TIME",
)
_PLAIN_STARTS = ("DECIMAL", "TIMESTAMP")


def matching(
    connection: "DuckDBPyConnection", columns: Sequence[str], table: str, more: Sequence[str] = ()
) -> str | None:
    """What to put behind a FROM item so that it gives only rows whose ``columns`` are a row of ``table``.

    ``more``: further conditions. None where the table is empty, so that there is no need to ask.
    """
    shape = connection.execute(f"DESCRIBE {table}").fetchall()
    names, types = [name for name, *_ in shape], [str(kind) for _, kind, *_ in shape]
    nulls = ", ".join(f"bool_or({n} IS NULL)" for n in names)
    rows, *has_null = connection.execute(f"SELECT count(*), {nulls} FROM {table}").fetchall()[0]
    if not rows:
        return None
    few = rows == 1 or (rows <= FEW and len(columns) == 1)
    if few and all(map(_is_plain, types)):
        return "WHERE " + " AND ".join([*_literals(connection, columns, names, types, table), *more])
    pairs = [
        f"{c} {'IS NOT DISTINCT FROM' if nullable else '='} __w.{n}"
        for c, n, nullable in zip(columns, names, has_null, strict=True)
    ]
    where = f" WHERE {' AND '.join(more)}" if more else ""
    return f"SEMI JOIN {table} AS __w ON {' AND '.join(pairs)}{where}"


def ranges(connection: "DuckDBPyConnection", held: Mapping[int, tuple[str, str]], table: str) -> list[str]:
    """Bounds on the moments behind keys that are days or longer units (``Link.ranges``), which a scan can use.

    They are a day wide of exact on both sides, so that time zones do not matter.
    """
    found = []
    for number, (moment, unit) in held.items():
        key = f"__k{number + 1}"
        low, high, empty = connection.execute(
            f"SELECT CAST(min({key}) AS TIMESTAMP) - INTERVAL 1 DAY, "
            f"CAST(max({key}) AS TIMESTAMP) + INTERVAL 1 {unit} + INTERVAL 1 DAY, bool_or({key} IS NULL) FROM {table}"
        ).fetchall()[0]
        if low is not None and not empty:
            found += [f"__q.{moment} >= TIMESTAMP {text(low)}", f"__q.{moment} < TIMESTAMP {text(high)}"]
    return found


def _literals(
    connection: "DuckDBPyConnection", columns: Sequence[str], names: Sequence[str], types: Sequence[str], table: str
) -> list[str]:
    texts = ", ".join(f"CAST({n} AS VARCHAR)" for n in names)
    rows = connection.execute(f"SELECT {texts} FROM {table}").fetchall()
    if len(rows) == 1:
        return [
            f"{c} IS NULL" if value is None else f"{c} = {_literal(value, kind)}"
            for c, kind, value in zip(columns, types, rows[0], strict=True)
        ]
    values = [value for (value,) in rows if value is not None]
    listed = f"{columns[0]} IN ({', '.join(_literal(value, types[0]) for value in values)})"
    return [listed if len(values) == len(rows) else f"({listed} OR {columns[0]} IS NULL)"]


def _is_plain(kind: str) -> bool:
    return kind in _PLAIN or (kind.startswith(_PLAIN_STARTS) and not kind.endswith("]"))


def _literal(value: str, kind: str) -> str:
    return f"CAST({text(value)} AS {kind})"
