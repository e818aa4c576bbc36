"""Whether a trace is right: the mart's own SQL over nothing but the traced rows gives the same row again.

Belongs here: running it, comparing, and the few further rows that some SQL needs. Must not: tracing.

A SELECT that reads a table more than once can need more than what took part: a row traced for one reading is seen by
the other too, where it may stand alone without the rows that kept it out. :func:`completed` finds the fewest of
these.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cenote.views import ident
from transforms.inversion.readings import readings, restricted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MANY = 20_000  # among more rows than this, what is missing is not looked for
Ids = Mapping[str, Iterable[str]]


class Rerun:
    """Runs one SELECT over some of the rows of its base tables, and looks for wanted rows in the result.

    ``wanted`` is a SELECT of rows, of which a method's ``where`` may name some. Numbers in floating point are equal to
    nine digits, since their sum depends on the order; ``identity`` names the identity column of a base table where it
    is not ``lineage_id``.
    """

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        sql: str,
        wanted: str,
        as_of: datetime | None = None,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self._connection, self._sql, self._wanted = connection, sql, wanted
        self._as_of = {"as_of": as_of} if as_of is not None else None
        self._identity = tuple(sorted((identity or {}).items()))
        shape = connection.execute(f"DESCRIBE {wanted}").fetchall()
        self._same = " AND ".join(_same(name, str(kind)) for name, kind, *_ in shape)

    def gives(self, traced: Ids, where: str = "") -> bool:
        """Whether the SELECT over these rows alone (identities by table) gives every wanted row."""
        pairs = [(table, i) for table, ids in traced.items() for i in ids]
        given = {"sources": [t for t, _ in pairs], "ids": [i for _, i in pairs]}
        made = "SELECT unnest(CAST($sources AS VARCHAR[])) AS source, unnest(CAST($ids AS VARCHAR[])) AS id"
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE __only AS {made}", given)
        again = restricted(self._sql, "__only", self._identity)
        missing = self._connection.execute(
            f"SELECT count(*) FROM ({self._wanted} {where}) AS w ANTI JOIN ({again}) AS a ON {self._same}", self._as_of
        ).fetchall()[0][0]
        return not missing

    def completed(self, traced: Ids, where: str = "") -> dict[str, list[str]] | None:
        """The traced rows and the fewest others that make the SELECT give the wanted rows.

        None where it does not give them, or where too many rows would have to be tried.
        """
        held = {table: list(ids) for table, ids in traced.items()}
        if self.gives(held, where):
            return held
        others = self._others(held)
        if others is None or not self.gives(_with(held, others), where):
            return None
        step = max(1, len(others) // 2)
        while step:  # take away what is not needed, in ever smaller pieces
            begin = 0
            while begin < len(others):
                fewer = others[:begin] + others[begin + step :]
                if self.gives(_with(held, fewer), where):
                    others = fewer
                else:
                    begin += step
            step //= 2
        return _with(held, others)

    def _others(self, held: Mapping[str, Sequence[str]]) -> list[tuple[str, str]] | None:
        """All rows of the base tables that are not traced."""
        named, found = dict(self._identity), []
        for table in readings(self._sql):
            layer, _, name = table.partition(".")
            column = ident(named.get(table, "lineage_id"))
            rows = self._connection.execute(f"SELECT {column} FROM {layer}.{ident(name)} LIMIT {_MANY + 1}").fetchall()
            have = set(held.get(table, ()))
            found += [(table, i) for (i,) in rows if i not in have]
            if len(found) > _MANY:
                return None
        return found


def _with(held: Mapping[str, Sequence[str]], others: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found = {table: list(ids) for table, ids in held.items()}
    for table, row in others:
        found.setdefault(table, []).append(row)
    return found


def _same(name: str, kind: str) -> str:
    w, a = f"w.{ident(name)}", f"a.{ident(name)}"
    if kind in ("DOUBLE", "FLOAT"):
        close = f"abs({w} - {a}) <= 1e-9 * greatest(abs({w}), 1e-9)"
        return f"({w} IS NOT DISTINCT FROM {a} OR coalesce({close}, false))"
    return f"{w} IS NOT DISTINCT FROM {a}"
