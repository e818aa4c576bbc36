"""What a feature file says now, against what its table remembers: the rows to append.

Belongs here: the two rules of memory below, as SQL. Must not: reading or writing tables (offline.py), Feast.

A table holds ``lineage_id`` (derived from the join key and ``event_timestamp``), the join key, ``event_timestamp``
(when it became true), ``created_timestamp`` (when it could be known) and the features. Rows are only ever added: a
row that says something else than before about the same moment is appended with a later created_timestamp, and the
newest wins. So for any moment, the newest rows of the table say what the SQL says now, and older ones what it said
then.

- A *ledger* (the SQL gives event_timestamp and created_timestamp) recomputes every moment of its history. A moment
  that is no longer part of the history is appended again with the state that now holds at it. What changes the
  past is stamped with the newest ``landed_at`` among the inputs: by then its reason had arrived.
- A *snapshot* (the SQL gives neither) knows the present only: entities for which something changed are appended,
  stamped with the time of the build; an entity that is gone is appended with nulls.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from cenote import catalog
from cenote.errors import SqlFileError
from cenote.lineage import grain_id_sql
from cenote.sqlfiles import SqlFile
from cenote.tables import CommitInfo, Table
from cenote.views import ident, text
from transforms.locality import TOUCHED

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EVENT, CREATED = "event_timestamp", "created_timestamp"
STAGE = "features"
_BATCH = 65_536
# Delta has no unsigned or 128-bit integers; DuckDB's sum() and count() give them
_WIDE = ("HUGEINT", "UHUGEINT", "UBIGINT", "UINTEGER")


def last_build(table: Table) -> CommitInfo | None:
    """The newest commit of a build (purges and compactions are not builds)."""
    return next((commit for commit in table.commits() if commit.stage == STAGE), None)


class History:
    """One run of a feature file, in a DuckDB that shows its inputs.

    ``since``: earlier moments are left out; ``without``: and so are these entities. ``touched``: the SQL over the keys
    of the temporary table TOUCHED alone, of a ledger's build that looks at these. Raises ``SqlFileError`` where the
    SQL does not run, or gives other than one row for each key and moment.
    """

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        file: SqlFile,
        table: Table,
        *,
        now: datetime,
        as_of: datetime,
        since: datetime | None = None,
        without: Sequence[str] = (),
        touched: str = "",
    ) -> None:
        self._connection, self._file, self._table = connection, file, table
        self._sql, self._some = touched or file.sql, bool(touched)
        self._now, self._as_of, self._since, self._without = now, as_of, since, without
        self.key = str(file.join_key)
        self._compute()
        columns = [name for name, *_ in connection.execute("DESCRIBE said").fetchall()]
        self.snapshot = EVENT not in columns and CREATED not in columns
        self.features = [c for c in columns if c not in (self.key, EVENT, CREATED)]
        self._check(columns)

    def starts_anew(self, rebuild: bool) -> bool:
        """Whether the table must be written from nothing.

        It is not there, its columns changed, or a ledger is to be rebuilt, which a change of its SQL asks for too.
        """
        last = last_build(self._table)
        columns = {"lineage_id", self.key, EVENT, CREATED, *self.features}
        if last is None or set(self._table.schema().names()) != columns:
            return True
        return not self.snapshot and (rebuild or last.code.partition("@")[0] != self._file.digest)

    def rows(self, anew: bool) -> "pa.RecordBatchReader":
        """The rows to append, as a stream; with ``anew``, all rows."""
        self._remember(anew)
        return self._stream(self._changed_snapshot() if self.snapshot else self._changed_ledger())

    def rows_of(self, entities: "pa.Array") -> "pa.RecordBatchReader":
        """All rows of some entities, of which the table remembers nothing."""
        import pyarrow as pa

        self._remember(True)
        self._connection.register("wanted", pa.table({"entity": entities}))
        query = self._changed_snapshot() if self.snapshot else self._changed_ledger()
        return self._stream(f"FROM ({query}) WHERE {ident(self.key)} IN (SELECT entity FROM wanted)")

    def _stream(self, query: str) -> "pa.RecordBatchReader":
        grain = grain_id_sql(self._file.name, [self.key, EVENT])
        columns = ", ".join(ident(c) for c in (self.key, EVENT, CREATED, *self.features))
        return self._connection.sql(
            f"SELECT {grain} AS lineage_id, {columns} FROM ({query}) ORDER BY {ident(self.key)}, {EVENT}",
            params=self._moments(),
        ).to_arrow_reader(_BATCH)

    def _compute(self) -> None:
        import duckdb
        import pyarrow as pa

        parameters = {"as_of": self._as_of} if self._file.uses_as_of else {}
        try:
            self._connection.execute(f"CREATE TEMP TABLE result AS {self._sql}", parameters)
        except duckdb.Error as error:
            what = f"feature file {self._file.name!r} does not run: {catalog.reason(error)}"
            raise SqlFileError(what, "correct its SQL; try it with `cenote sql`") from None
        columns = [
            f"CAST({ident(name)} AS BIGINT) AS {ident(name)}" if kind in _WIDE else ident(name)
            for name, kind, *_ in self._connection.execute("DESCRIBE result").fetchall()
        ]
        kept = self._kept() if ident(EVENT) in columns else ""
        self._connection.register("outsiders", pa.table({"entity": pa.array(self._without, pa.string())}))
        outside = f"(CAST({ident(self.key)} AS VARCHAR) IN (SELECT entity FROM outsiders)) IS NOT TRUE"
        used = f"(FROM result WHERE {outside})" if self._without else "result"
        self._connection.execute(f"CREATE TEMP VIEW said AS SELECT {', '.join(columns)} FROM {used}{kept}")

    def _kept(self) -> str:
        """Condition that leaves out moments before ``since``."""
        return f" WHERE ({EVENT} < TIMESTAMPTZ {text(self._since.isoformat())}) IS NOT TRUE" if self._since else ""

    def _check(self, columns: list[str]) -> None:
        wanted = {self.key} if self.snapshot else {self.key, EVENT, CREATED}
        if missing := sorted(wanted - set(columns)):
            fix = f"select {', '.join(sorted(wanted))}, or for a snapshot the key alone"
            raise self._broken(f"has no column {missing[0]}", fix)
        grain = sorted(wanted - {CREATED})
        nulls = " OR ".join(f"{ident(c)} IS NULL" for c in sorted(wanted))
        if self._count(f"SELECT count(*) FROM said WHERE {nulls}"):
            raise self._broken(f"has rows without {' or '.join(sorted(wanted))}", "leave such rows out")
        listed = ", ".join(ident(c) for c in grain)
        if self._count(f"SELECT count(*) FROM (SELECT 1 FROM said GROUP BY {listed} HAVING count(*) > 1)"):
            raise self._broken(f"has several rows for one {' and '.join(grain)}", f"group by {', '.join(grain)}")

    def _broken(self, what: str, fix: str) -> SqlFileError:
        return SqlFileError(f"feature file {self._file.name!r} {what}", fix)

    def _count(self, query: str) -> int:
        return int(self._connection.execute(query).fetchall()[0][0])

    def _remember(self, anew: bool) -> None:
        """Make the view ``known``: the newest row of each key and moment, of a snapshot the newest of each key."""
        files = [] if anew else self._table.files()
        grain = [self.key] if self.snapshot else [self.key, EVENT]
        listed = ", ".join(ident(c) for c in grain)
        if files:
            rows = f"FROM read_parquet([{', '.join(text(unquote(file)) for file in files)}], union_by_name = true)"
            rows += "" if self.snapshot else self._kept()
            if self._some:
                rows += (
                    f"{' AND' if ' WHERE ' in rows else ' WHERE'} {ident(self.key)} IN (SELECT entity FROM {TOUCHED})"
                )
            newest = f"ORDER BY {EVENT} DESC, {CREATED} DESC"
            rows += f" QUALIFY row_number() OVER (PARTITION BY {listed} {newest}) = 1"
        else:
            stamps = f"CAST(NULL AS TIMESTAMPTZ) AS {EVENT}, CAST(NULL AS TIMESTAMPTZ) AS {CREATED}"
            rows = f"SELECT *, {stamps} FROM said WHERE false" if self.snapshot else "FROM said WHERE false"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW known AS {rows}")

    def _moments(self) -> dict[str, Any]:
        return {"now": self._now} if self.snapshot else {"as_of": self._as_of, "landed": self._last_landing()}

    def _last_landing(self) -> datetime:
        """The newest ``landed_at`` among all records of the inputs; the time of the build where none has one."""
        inputs = (source.partition("/") for source in self._file.inputs)
        datasets = [name for layer, _, name in inputs if layer == "silver"]
        parts = [f"SELECT max(landed_at) AS landed FROM silver.{ident(f'{name}_records')}" for name in datasets]
        if not parts:
            return self._now
        (newest,) = self._connection.execute(f"SELECT max(landed) FROM ({' UNION ALL '.join(parts)})").fetchall()[0]
        return newest or self._now

    def _changed_ledger(self) -> str:
        """New moments as the SQL stamps them, changed ones stamped later, and moments that are gone from the history.

        A moment after ``$as_of`` is not gone: the SQL may be keeping it back.
        """
        key, later = ident(self.key), f"greatest($landed, k.{CREATED} + INTERVAL 1 MICROSECOND)"
        listed = "".join(f", s.{ident(c)}" for c in self.features)
        return f"""
            SELECT s.{key}, s.{EVENT}, CASE WHEN k.{key} IS NULL THEN s.{CREATED} ELSE {later} END AS {CREATED}{listed}
            FROM said AS s
            LEFT JOIN known AS k ON k.{key} = s.{key} AND k.{EVENT} = s.{EVENT}
            WHERE k.{key} IS NULL OR {self._row("s")} IS DISTINCT FROM {self._row("k")}
            UNION ALL
            SELECT k.{key}, k.{EVENT}, {later}{listed}
            FROM (
                FROM known ANTI JOIN said USING ({key}, {EVENT})
                WHERE {EVENT} <= $as_of OR NOT {self._file.uses_as_of}
            ) AS k
            ASOF LEFT JOIN said AS s ON s.{key} = k.{key} AND s.{EVENT} <= k.{EVENT}
            WHERE {self._row("s")} IS DISTINCT FROM {self._row("k")}
        """

    def _changed_snapshot(self) -> str:
        """Entities whose row changed, and entities that are gone."""
        key, listed = ident(self.key), "".join(f", s.{ident(c)}" for c in self.features)
        stamp = f"greatest($now, k.{EVENT} + INTERVAL 1 MICROSECOND)"
        return f"""
            SELECT coalesce(s.{key}, k.{key}) AS {key}, {stamp} AS {EVENT}, {stamp} AS {CREATED}{listed}
            FROM said AS s
            FULL JOIN known AS k ON k.{key} = s.{key}
            WHERE k.{key} IS NULL OR {self._row("s")} IS DISTINCT FROM {self._row("k")}
        """

    def _row(self, alias: str) -> str:
        """The features of a side as one value to compare."""
        return "row(" + ", ".join(f"{alias}.{ident(c)}" for c in self.features) + ")"
