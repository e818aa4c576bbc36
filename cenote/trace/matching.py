"""Cutting a query down to rows that match those of a small table, so that scans feel it.

Belongs here: how DuckDB is told which rows are wanted. Must not: which query, or why. Few values are written as
literals, which DuckDB carries through joins and down into Parquet scans; many are joined, with ``=`` where none is
null, since ``IS NOT DISTINCT FROM`` is not pushed down.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
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

    def sharing(self, other: "Keys") -> "Keys | None":
        """Keys of both, where they are few and plain values of one column: so that one scan finds them all."""
        if self.few is None or other.few is None or self.types != other.types or len(self.types) > 1:
            return None
        few = tuple(dict.fromkeys([*self.few, *other.few]))
        return replace(self, few=few) if len(few) <= FEW and _is_plain(self.types[0]) else None

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


def shared(many: Sequence[Keys]) -> list[Keys]:
    """The same keys in as few parts as are found by one scan each."""
    found: list[Keys] = []
    for keys in many:
        both = found[-1].sharing(keys) if found else None
        found = [*found[:-1], both] if both else [*found, keys]
    return found


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
