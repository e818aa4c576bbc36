"""Running an inversion on a DuckDB connection: from keys down to base rows, from base rows up to keys.

Belongs here: which links run, in which order, with which filter. Must not: rewriting SQL (transforms/inversion),
choosing tables or versions. Few keys are written into the SQL as literals, which DuckDB carries through joins and
down into Parquet scans; many are joined.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count, groupby
from typing import TYPE_CHECKING

import polars as pl

from cenote.trace.matching import FEW, Keys, ranges
from cenote.views import ident, text
from transforms.inversion import ROWS, Inversion, Link

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_NUMBERS = count()
Traced = dict[str, pl.Series]
Held = Callable[[str, Collection[str]], pl.DataFrame | None]
Narrow = Callable[[str, str, Collection[str]], str | None]


class Follower:
    """Follows inversions on one connection, whose views are the base tables.

    ``ids``: the identity column of base tables where it is not ``lineage_id``. ``columns``: which columns of base
    tables the inversions name, as far as known. ``owners``: whose the rows are that are followed upwards, for tables
    that are clustered by ``subject_id``. ``held``: rows of a table that are in memory, by their ids. ``narrow``: for a
    table, a column and its values, a FROM item of fewer files that has all rows with them. What is asked twice is
    looked up once, until :meth:`forget`, which drops all temporary tables. A context manager that forgets when it is
    left.
    """

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        ids: Mapping[str, str] | None = None,
        columns: Mapping[str, Iterable[str]] | None = None,
        owners: Mapping[str, Collection[str | None]] | None = None,
        held: Held = lambda _table, _ids: None,
        narrow: Narrow = lambda _table, _column, _values: None,
    ) -> None:
        self.connection, self._held, self._narrow = connection, held, narrow
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
        for stage, links in _by_stage(inversion.links):
            for asked in (keys for keys in wanted.get(stage, []) if keys):
                ends = [link for link in links if link.to is None]
                parts = self._ids_of([self._downwards(link, asked) for link in ends], _moment(ends, as_of))
                for link, part in zip(ends, parts, strict=True):
                    found.setdefault(str(link.table), []).append(part)
                for link in links:
                    if link.to is not None:
                        wanted.setdefault(link.to, []).append(self._next(link, asked, as_of))
        merged = {table: pl.concat(parts).unique().sort() for table, parts in sorted(found.items())}
        return {table: series for table, series in merged.items() if len(series)}

    def _next(self, link: Link, asked: Keys, as_of: datetime | None) -> Keys:
        """The keys of the stage that a link leads to, for keys asked of its own stage."""
        if link.given is None:
            return self._table(self._downwards(link, asked), link.hidden, _moment([link], as_of))
        return self._table(f"SELECT {', '.join(f'__k{n + 1}' for n in link.given)} FROM {asked.table}", link.hidden)

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

        Returns at most one temporary table, with columns ``__k1`` ... in grain order. A key may be of a row that a
        filter has left out: join the result.
        """
        affected = self._affected(inversion, records, as_of, skip=False)
        return [affected[0].table] if 0 in affected else []

    def stored(
        self,
        inversion: Inversion,
        records: Mapping[str, Iterable[str]],
        rows: str,
        as_of: datetime | None = None,
        name: Callable[..., str] | None = None,
    ) -> list[str]:
        """The lineage ids of stored output rows (table ``rows``) that base rows take part in, sorted.

        Where the keys of a stage are grain keys, the stored rows are asked instead of the SQL that made them. ``name``:
        gives the lineage id of a stored row for its grain keys, where these are texts; ids are found faster than keys.
        """
        affected = self._affected(inversion, records, as_of, skip=True)
        grain = [f"__r.{ident(c)}" for c in inversion.grain]
        given = [(link.given, link.to) for link in inversion.links if link.given is not None and link.to is not None]
        asked = [(grain, affected.get(0)), *(([grain[n] for n in held], affected.get(to)) for held, to in given)]
        conditions = dict.fromkeys(
            (_named(name, keys) if columns is grain else "") or keys.matched(columns) for columns, keys in asked if keys
        )
        found = self._ids_of([f"SELECT lineage_id FROM {rows} AS __r {condition}" for condition in conditions], None)
        return (pl.concat(found).unique() if len(found) > 1 else found[0]).sort().to_list() if found else []

    def _affected(
        self, inversion: Inversion, records: Mapping[str, Iterable[str]], as_of: datetime | None, *, skip: bool
    ) -> dict[int, Keys]:
        """Affected keys by stage; with ``skip``, without following links whose keys are given."""
        affected: dict[int, Keys] = {}
        read = {table: frozenset(ids) for table, ids in records.items() if table in inversion.tables}
        for stage, held in reversed(_by_stage(inversion.links)):
            links = [link for link in held if not skip or link.given is None]
            parts = {sql: link for link in links for sql in self._upwards(link, affected, read)}
            if parts:
                sql, given = " UNION ALL ".join(parts), _moment(parts.values(), as_of)
                affected[stage] = self._table(sql, links[0].keys, given, few=FEW * len(parts))
        return affected

    def _downwards(self, link: Link, asked: Keys) -> str:
        """A link's hidden columns for the keys asked."""
        columns = [f"__q.__k{n}" for n in range(1, link.keys + 1)]
        condition = asked.matched(columns, ranges(self.connection, link.ranges, asked.table))
        hidden = ", ".join(f"__q.__h{n}" for n in range(1, link.hidden + 1))
        return f"SELECT DISTINCT {hidden} FROM ({self._over_few_files(link, asked)}) AS __q {condition}"

    def _over_few_files(self, link: Link, asked: Keys) -> str:
        """A link's query, over those files of its table that can hold the keys asked."""
        for number, column in link.bare.items() if link.table else ():
            texts = asked.texts(number - link.keys)
            if texts and (rows := self._narrow(str(link.table), column, texts)):
                return link.upwards.replace(ROWS, rows)
        return link.sql

    def _upwards(self, link: Link, affected: Mapping[int, Keys], read: Mapping[str, frozenset[str]]) -> Iterator[str]:
        """SELECTs of a link's keys: of its query over the base rows, or cut down to keys found so far."""
        names = ", ".join(f"__q.__k{n}" for n in range(1, link.keys + 1))
        if link.table is not None and read.get(link.table):
            start = self._base_rows(link.table, read[link.table])
            yield f"SELECT {names} FROM ({link.upwards.replace(ROWS, start)}) AS __q WHERE __q.__h1 IS NOT NULL"
        keys = affected.get(link.to) if link.to is not None else None
        if keys:
            columns = [f"__q.__h{n}" for n in range(1, link.hidden + 1)]
            yield f"SELECT {names} FROM ({link.sql}) AS __q {keys.matched(columns)}"

    # temporary tables

    def _table(
        self, sql: str, columns: int, as_of: datetime | None = None, *, name: bool = False, few: int = FEW
    ) -> Keys:
        """Keep the rows of a SELECT in a temporary table, its ``columns`` named ``__k1`` ...

        ``name``: it has one more before these, ``__n``. ``few``: up to how many rows are looked at.
        """
        names = [*(["__n"] if name else []), *(f"__k{n}" for n in range(1, columns + 1))]
        made = self._keep(f"SELECT DISTINCT * FROM ({sql}) AS __t({', '.join(names)})", as_of)
        return Keys.of(self.connection, made, names, few)

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
            owners = self._owners_of(table)
            condition = f"WHERE {identity} IN ({', '.join(map(text, sorted(ids)))})"
            if owners:  # all rows that are followed are theirs, and clustered files are pruned by them
                condition += f" AND subject_id IN ({', '.join(map(text, owners))})"
                source = self._narrow(table, "subject_id", owners) or source
        else:
            condition = f"SEMI JOIN {self._keep(_listed(ids))} AS w ON t.{identity} = w.id"
        columns = ", ".join(f"t.{ident(c)}" for c in self._columns.get(table, ())) or "t.*"
        return self._keep(f"SELECT {columns} FROM {source} AS t {condition}")

    def _owners_of(self, table: str) -> list[str]:
        """Whose all rows of a table are that are followed, sorted; nobody where that is not known, or they are many."""
        owners = self._owners.get(table.removesuffix("_records"), ())
        return [] if None in owners or len(owners) > FEW else sorted(owner for owner in owners if owner is not None)

    def _ids_of(self, selects: Sequence[str], as_of: datetime | None) -> list[pl.Series]:
        """What SELECTs of ids give, all in one statement, so that their scans run at once."""
        if not selects:
            return []
        parts = (f"SELECT {n} AS part, id FROM ({sql}) AS s(id)" for n, sql in enumerate(selects))
        rows = pl.DataFrame(pl.from_arrow(self._run(" UNION ALL ".join(parts), as_of)))
        ids = rows.select("part", pl.col("id").cast(pl.String).alias("lineage_id")).drop_nulls()
        return [ids.filter(part=n)["lineage_id"] for n in range(len(selects))]

    def _run(self, sql: str, as_of: datetime | None) -> "pa.Table":
        return self.connection.sql(sql, params={"as_of": as_of} if as_of else None).to_arrow_table()


def _by_stage(links: Sequence[Link]) -> list[tuple[int, list[Link]]]:
    """Links of one stage together, in the order of stages."""
    return [(stage, list(held)) for stage, held in groupby(links, key=lambda link: link.stage)]


def _named(name: Callable[..., str] | None, keys: Keys) -> str:
    """The condition that stored rows are those of some grain keys, by their ids; empty where these are not known."""
    if name is None or not keys.few or not keys.are_texts:
        return ""
    return f"WHERE lineage_id IN ({', '.join(text(name(*key)) for key in keys.few)})"


def _moment(links: Iterable[Link], as_of: datetime | None) -> datetime | None:
    """What ``$as_of`` is in a statement of some links; None where they have no such parameter."""
    return as_of if any(link.uses_as_of for link in links) else None


def _listed(ids: Iterable[str]) -> str:
    values = ", ".join(f"({text(i)})" for i in ids)
    return f"SELECT id FROM (VALUES {values}) AS v(id)"


def _proving(inversion: Inversion) -> tuple[Link, ...]:
    """The links that do not take it that a row asked for is in the result."""
    return tuple(link for link in inversion.links if not link.spared)
