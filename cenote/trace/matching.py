"""Cutting a query down to rows that match those of a small table, so that scans feel it.

Belongs here: how DuckDB is told which rows are wanted. Must not: which query, or why. Few values are written as
literals, which DuckDB carries through joins and down into Parquet scans; many are joined, with ``=`` where none is
null, since ``IS NOT DISTINCT FROM`` is not pushed down.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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

    ``types``: of its columns, if it has rows. ``few``: all its rows as text, where they are few; ``nullable``: whether
    a column has nulls.
    """

    table: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    few: tuple[tuple[str | None, ...], ...] | None
    nullable: tuple[bool, ...]

    @classmethod
    def of(cls, connection: "DuckDBPyConnection", table: str, names: Sequence[str], few: int = FEW) -> "Keys":
        """Look at a table with these columns."""
        told = ", ".join([*(f"CAST({n} AS VARCHAR)" for n in names), *(f"typeof({n})" for n in names)])
        rows = connection.execute(f"SELECT {told} FROM {table} LIMIT {few + 1}").fetchall()
        types = tuple(rows[0][len(names) :]) if rows else ()
        if len(rows) <= few:
            values = tuple(row[: len(names)] for row in rows)
            return cls(table, tuple(names), types, values, tuple(None in held for held in zip(*values, strict=True)))
        nulls = ", ".join(f"bool_or({n} IS NULL)" for n in names)
        return cls(table, tuple(names), types, None, connection.execute(f"SELECT {nulls} FROM {table}").fetchall()[0])

    def __bool__(self) -> bool:
        return self.few != ()

    @property
    def are_texts(self) -> bool:
        """Whether all columns are texts."""
        return set(self.types) == {"VARCHAR"}

    def texts(self, number: int) -> list[str]:
        """The values of a column, where they are few, texts and none is null; otherwise nothing."""
        values = [row[number] for row in self.few or ()] if self.types[number] == "VARCHAR" else []
        return [] if None in values else [value for value in dict.fromkeys(values) if value is not None]

    def matched(self, columns: Sequence[str], more: Sequence[str] = ()) -> str:
        """What to put behind a FROM item so that it gives only rows whose ``columns`` are a row of the table.

        ``more``: further conditions.
        """
        conditions = [*self._literals(columns), *more]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        if self.few is not None and (len(self.few) == 1 or len(columns) == 1) and all(map(_is_plain, self.types)):
            return where
        return f"SEMI {self.joined(columns)} {where}"

    def joined(self, columns: Sequence[str]) -> str:
        """A join with the table as ``__w``, the last of whose columns are matched."""
        last = slice(len(self.names) - len(columns), None)
        pairs = [
            f"{c} {'IS NOT DISTINCT FROM' if null else '='} __w.{n}"
            for c, n, null in zip(columns, self.names[last], self.nullable[last], strict=True)
        ]
        return f"JOIN {self.table} AS __w ON {' AND '.join(pairs)}"

    def _literals(self, columns: Sequence[str]) -> list[str]:
        """A condition for each column with few values, which rows that match meet; those of one column say it all."""
        last = len(self.names) - len(columns)
        values = list(zip(*self.few, strict=True))[last:] if self.few else []
        return [
            _is_one_of(column, kind, set(held))
            for column, kind, held in zip(columns, self.types[last:], values, strict=False)
            if _is_plain(kind)
        ]


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


def _is_one_of(column: str, kind: str, values: AbstractSet[str | None]) -> str:
    """Condition that a column has one of some values, as texts of a type."""
    listed = [_literal(value, kind) for value in sorted(v for v in values if v is not None)]
    if not listed:
        return f"{column} IS NULL"
    held = f"{column} = {listed[0]}" if len(listed) == 1 else f"{column} IN ({', '.join(listed)})"
    return f"({held} OR {column} IS NULL)" if None in values else held


def _literal(value: str, kind: str) -> str:
    return f"CAST({text(value)} AS {kind})"
