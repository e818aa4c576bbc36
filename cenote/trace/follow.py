"""Running an inversion on a DuckDB connection: from keys down to base rows, from base rows up to keys.

Belongs here: which links run, in which order, with which filter. Must not: rewriting SQL (transforms/inversion),
choosing tables or versions. Few keys are written into the SQL as literals, which DuckDB carries through joins and
down into Parquet scans; many are joined.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

import polars as pl

from cenote.trace.matching import FEW, Keys, ranges, shared
from cenote.views import ident, text
from transforms.inversion import ROWS, Inversion, Link

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_NUMBERS = count()
Traced = dict[str, pl.Series]
Held = Callable[[str, Collection[str]], pl.DataFrame | None]


class Follower:
    """Follows inversions on one connection, whose views are the base tables.

    ``ids``: the identity column of base tables where it is not ``lineage_id``. ``columns``: which columns of base
    tables the inversions name, as far as known. ``owners``: whose the rows are that are followed upwards, for tables
    that are clustered by ``subject_id``. What is asked twice is looked up once, until :meth:`forget`, which
    drops all temporary tables. A context manager that forgets when it is left.
    """

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        ids: Mapping[str, str] | None = None,
        columns: Mapping[str, Iterable[str]] | None = None,
        owners: Mapping[str, Collection[str | None]] | None = None,
        held: Held = lambda _table, _ids: None,
    ) -> None:
        self.connection, self._held = connection, held
        self._identity, self._columns, self._owners = ids or {}, columns or {}, owners or {}
        self._made: list[str] = []
        self._rows: dict[tuple[str, frozenset[str]], str] = {}

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop the temporary tables."""
        for name in self._made:
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self._made.clear()
        self._rows.clear()

    def backward(self, inversion: Inversion, keys: str, as_of: datetime | None = None) -> Traced:
        """The base rows that made output rows, whose grain keys the SELECT ``keys`` gives in grain order.

        ``as_of`` is what ``$as_of`` stands for. Returns lineage ids by table, sorted; a table that nothing comes from
        is left out.
        """
        wanted: dict[int, list[Keys]] = {0: [self._table(keys, len(inversion.grain))]}
        found: dict[str, list[pl.Series]] = {}
        for link in inversion.links:
            for asked in wanted.get(link.stage, []):
                if link.given is not None and link.to is not None:
                    columns = ", ".join(f"__k{n + 1} AS __k{i}" for i, n in enumerate(link.given, 1))
                    wanted.setdefault(link.to, []).append(self._table(f"SELECT {columns} FROM {asked.table}"))
                    continue
                sql = self._downwards(link, asked)
                given = as_of if link.uses_as_of else None
                if sql and link.to is not None:
                    wanted.setdefault(link.to, []).append(self._table(sql, link.hidden, given))
                elif sql:
                    found.setdefault(str(link.table), []).append(self._ids(sql, given))
        merged = {table: pl.concat(parts).unique().sort() for table, parts in sorted(found.items())}
        return {table: series for table, series in merged.items() if len(series)}

    def each(self, inversion: Inversion, rows: str, as_of: datetime | None = None) -> pl.DataFrame:
        """What made each of many output rows; the SELECT ``rows`` gives a name for each and its grain keys.

        Returns columns row, table and lineage_id, distinct.
        """
        found = [pl.DataFrame(schema={"row": pl.String, "table": pl.String, "lineage_id": pl.String})]
        for table, sql, given in self._pairs(inversion, self._named_keys(inversion, rows), as_of):
            pairs = pl.DataFrame(pl.from_arrow(self._run(sql, given)))
            pairs.columns = ["row", "lineage_id"]
            found.append(pairs.select("row", pl.lit(table).alias("table"), "lineage_id"))
        return pl.concat(found, how="vertical_relaxed").drop_nulls("lineage_id").unique()

    def unmade(self, inversion: Inversion, rows: str, as_of: datetime | None = None) -> str:
        """Of many output rows (as for :meth:`each`) those that no base row takes part in.

        Returns a temporary table with their names in ``__n``. All happens in DuckDB, which spills to disk, and ends
        when every row has a base row: as a rule, with the first table.
        """
        keys = self._named_keys(inversion, rows)
        left = self._keep(f"SELECT DISTINCT __n FROM {keys.table}")
        for _, sql, given in self._pairs(replace(inversion, links=_proving(inversion)), keys, as_of):
            if not self.connection.execute(f"SELECT 1 FROM {left} LIMIT 1").fetchall():
                break
            made = f"SELECT __n FROM ({sql}) AS p(__n, id) WHERE id IS NOT NULL"
            left = self._keep(f"FROM {left} ANTI JOIN ({made}) USING (__n)", given)
        return left

    def _named_keys(self, inversion: Inversion, rows: str) -> Keys:
        return self._table(rows, len(inversion.grain), name=True)

    def _pairs(
        self, inversion: Inversion, keys: Keys, as_of: datetime | None
    ) -> Iterator[tuple[str, str, datetime | None]]:
        """For each way from rows to a base table: the table, a SELECT of row names and lineage ids, its ``$as_of``."""
        wanted: dict[int, list[Keys]] = {0: [keys]}
        for link in inversion.links:
            for asked in (k for k in wanted.get(link.stage, []) if k):
                if link.given is not None and link.to is not None:
                    columns = ", ".join(f"__k{n + 1}" for n in link.given)
                    sql, given = f"SELECT __n, {columns} FROM {asked.table}", None
                else:
                    given = as_of if link.uses_as_of else None
                    hidden = ", ".join(f"__q.__h{n}" for n in range(1, link.hidden + 1))
                    join = asked.joined([f"__q.__k{n}" for n in range(1, link.keys + 1)])
                    sql = f"SELECT DISTINCT __w.__n, {hidden} FROM ({link.sql}) AS __q {join}"
                if link.to is not None:
                    wanted.setdefault(link.to, []).append(self._table(sql, link.hidden, given, name=True))
                else:
                    yield str(link.table), sql, given

    def forward(
        self, inversion: Inversion, records: Mapping[str, Iterable[str]], as_of: datetime | None = None
    ) -> list[str]:
        """The grain keys of output rows that base rows (lineage ids by table) take part in.

        Returns temporary tables with columns ``__k1`` ... in grain order, a key perhaps in several. It may be of a row
        that a filter has left out: join the result.
        """
        return [keys.table for keys in self._affected(inversion, records, as_of, skip=False).get(0, [])]

    def stored(
        self, inversion: Inversion, records: Mapping[str, Iterable[str]], rows: str, as_of: datetime | None = None
    ) -> list[str]:
        """The lineage ids of stored output rows (table ``rows``) that base rows take part in, sorted.

        Where the keys of a stage are grain keys, the stored rows are asked instead of the SQL that made them.
        """
        affected = self._affected(inversion, records, as_of, skip=True)
        grain = [f"__r.{ident(c)}" for c in inversion.grain]
        asked = {tuple(grain): affected.get(0, [])}
        for link in inversion.links:
            if link.given is not None and link.to is not None:
                columns = tuple(grain[n] for n in link.given)
                asked[columns] = asked.get(columns, []) + affected.get(link.to, [])
        conditions = dict.fromkeys(k.matched(columns) for columns, keys in asked.items() for k in shared(keys) if k)
        found = [self._ids(f"SELECT lineage_id FROM {rows} AS __r {condition}", None) for condition in conditions]
        return pl.concat(found).unique().sort().to_list() if found else []

    def _affected(
        self, inversion: Inversion, records: Mapping[str, Iterable[str]], as_of: datetime | None, *, skip: bool
    ) -> dict[int, list[Keys]]:
        """Affected keys by stage; with ``skip``, without following links whose keys are given."""
        affected: dict[int, list[Keys]] = {}
        read = {table: frozenset(ids) for table, ids in records.items() if table in inversion.tables}
        for link in reversed(inversion.links):
            if skip and link.given is not None:
                continue
            names = ", ".join(f"__q.__k{n}" for n in range(1, link.keys + 1))
            for sql in self._upwards(link, affected, read):
                made = self._table(f"SELECT {names} FROM {sql}", link.keys, as_of if link.uses_as_of else None)
                affected.setdefault(link.stage, []).append(made)
        return affected

    def _downwards(self, link: Link, asked: Keys) -> str | None:
        """A link's hidden columns for the keys asked; None where there are none."""
        if not asked:
            return None
        columns = [f"__q.__k{n}" for n in range(1, link.keys + 1)]
        condition = asked.matched(columns, ranges(self.connection, link.ranges, asked.table))
        hidden = ", ".join(f"__q.__h{n}" for n in range(1, link.hidden + 1))
        return f"SELECT DISTINCT {hidden} FROM ({link.sql}) AS __q {condition}"

    def _upwards(
        self, link: Link, affected: Mapping[int, list[Keys]], read: Mapping[str, frozenset[str]]
    ) -> Iterator[str]:
        """What to select a link's keys from: its query over the base rows, or cut down to keys found so far."""
        if link.table is not None and read.get(link.table):
            start = self._base_rows(link.table, read[link.table])
            yield f"({link.upwards.replace(ROWS, start)}) AS __q WHERE __q.__h1 IS NOT NULL"
        columns = [f"__q.__h{n}" for n in range(1, link.hidden + 1)]
        for keys in affected.get(link.to, []) if link.to is not None else []:
            if keys:
                yield f"({link.sql}) AS __q {keys.matched(columns)}"

    # temporary tables

    def _table(
        self, sql: str, columns: int | None = None, as_of: datetime | None = None, *, name: bool = False
    ) -> Keys:
        """Keep the rows of a SELECT in a temporary table, its ``columns`` named ``__k1`` ... (None: as they are).

        ``name``: it has one more before these, ``__n``.
        """
        named = ["__n"] if name else []
        names = "" if columns is None else f"({', '.join([*named, *(f'__k{n}' for n in range(1, columns + 1))])})"
        return Keys.of(self.connection, self._keep(f"SELECT DISTINCT * FROM ({sql}) AS __t{names}", as_of))

    def _keep(self, sql: str, as_of: datetime | None = None) -> str:
        name = f"__t{next(_NUMBERS)}_"
        self._made.append(name)
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {sql}", {"as_of": as_of} if as_of else {})
        return name

    def _base_rows(self, table: str, ids: frozenset[str]) -> str:
        """The rows of a base table with these ids, with all their columns."""
        if (table, ids) not in self._rows:
            self._rows[table, ids] = self._loaded(table, ids) or self._read(table, ids)
        return self._rows[table, ids]

    def _loaded(self, table: str, ids: frozenset[str]) -> str | None:
        """The rows, out of memory."""
        rows, columns = self._held(table, ids), self._columns.get(table)
        if rows is None or columns is None or not set(columns) <= set(rows.columns):
            return None
        self.connection.register("__held", rows.select(columns).to_arrow(compat_level=pl.CompatLevel.oldest()))
        name = self._keep("FROM __held")
        self.connection.unregister("__held")
        return name

    def _read(self, table: str, ids: frozenset[str]) -> str:
        """The rows, out of the table."""
        layer, _, name = table.partition(".")
        source, identity = f"{layer}.{ident(name)}", ident(self._identity.get(table, "lineage_id"))
        if len(ids) <= FEW:
            condition = f"WHERE {identity} IN ({', '.join(map(text, sorted(ids)))}){self._of_owners(table)}"
        else:
            condition = f"SEMI JOIN {self._keep(_listed(ids))} AS w ON t.{identity} = w.id"
        columns = ", ".join(f"t.{ident(c)}" for c in self._columns.get(table, ())) or "t.*"
        return self._keep(f"SELECT {columns} FROM {source} AS t {condition}")

    def _of_owners(self, table: str) -> str:
        """A condition that all rows which are followed meet, and that clustered files are pruned by."""
        owners = [owner for owner in self._owners.get(table.removesuffix("_records"), ()) if owner is not None]
        known = len(owners) == len(self._owners.get(table.removesuffix("_records"), ()))
        return (
            f" AND subject_id IN ({', '.join(map(text, sorted(owners)))})" if known and 0 < len(owners) <= FEW else ""
        )

    def _ids(self, sql: str, as_of: datetime | None) -> pl.Series:
        return pl.Series("lineage_id", self._run(sql, as_of).column(0), dtype=pl.String).drop_nulls()

    def _run(self, sql: str, as_of: datetime | None) -> "pa.Table":
        return self.connection.sql(sql, params={"as_of": as_of} if as_of else None).to_arrow_table()


def _listed(ids: Iterable[str]) -> str:
    values = ", ".join(f"({text(i)})" for i in ids)
    return f"SELECT id FROM (VALUES {values}) AS v(id)"


def _proving(inversion: Inversion) -> tuple[Link, ...]:
    """The links that do not take it that a row asked for is in the result."""
    return tuple(link for link in inversion.links if not link.spared)
