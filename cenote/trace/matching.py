"""Cutting a query down to rows that match those of a small table, so that scans feel it.

Belongs here: how DuckDB is told which rows are wanted. Must not: which query, or why. Few values are written as
literals, which DuckDB carries through joins and down into Parquet scans; many are joined, with ``=`` where none is
null, since ``IS NOT DISTINCT FROM`` is not pushed down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cenote.views import text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FEW = 128
_PLAIN = (
    "VARCHAR", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT", "DATE", "BOOLEAN", "DOUBLE", "FLOAT", "TIME",
)  # fmt: skip
_PLAIN_STARTS = ("DECIMAL", "TIMESTAMP")


@dataclass(frozen=True)
class Keys:
    """A temporary table of wanted keys, looked at once.

    ``few``: all its rows as text, where there are at most :data:`FEW`; ``nullable``: whether a column has nulls.
    """

    table: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    few: tuple[tuple[str | None, ...], ...] | None
    nullable: tuple[bool, ...]

    @classmethod
    def of(cls, connection: "DuckDBPyConnection", table: str) -> "Keys":
        """Look at a table."""
        shape = connection.sql(f"FROM {table}")
        names, types = tuple(shape.columns), tuple(map(str, shape.types))
        texts = ", ".join(f"CAST({n} AS VARCHAR)" for n in names)
        rows = connection.execute(f"SELECT {texts} FROM {table} LIMIT {FEW + 1}").fetchall()
        if len(rows) <= FEW:
            return cls(table, names, types, tuple(rows), tuple(None in column for column in zip(*rows, strict=True)))
        nulls = ", ".join(f"bool_or({n} IS NULL)" for n in names)
        return cls(table, names, types, None, connection.execute(f"SELECT {nulls} FROM {table}").fetchall()[0])

    def __bool__(self) -> bool:
        return self.few != ()

    def matched(self, columns: Sequence[str], more: Sequence[str] = ()) -> str:
        """What to put behind a FROM item so that it gives only rows whose ``columns`` are a row of the table.

        ``more``: further conditions.
        """
        if self.few is not None and (len(self.few) == 1 or len(columns) == 1) and all(map(_is_plain, self.types)):
            return "WHERE " + " AND ".join([*self._literals(columns, self.few), *more])
        where = f" WHERE {' AND '.join(more)}" if more else ""
        return f"SEMI {self.joined(columns)}{where}"

    def joined(self, columns: Sequence[str]) -> str:
        """A join with the table as ``__w``, the last of whose columns are matched."""
        last = slice(len(self.names) - len(columns), None)
        pairs = [
            f"{c} {'IS NOT DISTINCT FROM' if null else '='} __w.{n}"
            for c, n, null in zip(columns, self.names[last], self.nullable[last], strict=True)
        ]
        return f"JOIN {self.table} AS __w ON {' AND '.join(pairs)}"

    def _literals(self, columns: Sequence[str], rows: Sequence[tuple[str | None, ...]]) -> list[str]:
        if len(rows) == 1:
            return [
                f"{c} IS NULL" if value is None else f"{c} = {_literal(value, kind)}"
                for c, kind, value in zip(columns, self.types, rows[0], strict=True)
            ]
        values = [value for (value,) in rows if value is not None]
        listed = f"{columns[0]} IN ({', '.join(_literal(value, self.types[0]) for value in values)})"
        return [listed if len(values) == len(rows) else f"({listed} OR {columns[0]} IS NULL)"]


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


def _is_plain(kind: str) -> bool:
    return kind in _PLAIN or (kind.startswith(_PLAIN_STARTS) and not kind.endswith("]"))


def _literal(value: str, kind: str) -> str:
    return f"CAST({text(value)} AS {kind})"
