"""One SELECT taken apart: its sources, output expressions, group keys, window partitions and subqueries.

Belongs here: what SQL means by its names and clauses. Must not: which rows make which (paths.py).

Names follow DuckDB: a column of a source wins over an alias of the SELECT list, in every clause. ``columns`` of
tables come from outside (``silver.orders`` -> names); without them (checking a file before there is a lake) stars and
unqualified names stay open and are taken to be anything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from transforms.inversion.nodes import (
    aggregates,
    conditions_of,
    holder_of,
    is_bound,
    own_nodes,
    own_queries,
    partition_of,
    rewritten,
)
from transforms.inversion.refusal import NotInvertible

Known = Mapping[str, Sequence[str]]
HIDDEN = "__"  # what begins so is ours


@dataclass(frozen=True)
class Source:
    """One FROM or JOIN item. ``table``: of a base table, its name; ``body``: of a derived one, its query.

    A source with neither makes rows out of its row (unnest) or of nothing. ``columns`` is None where they are not
    known.
    """

    alias: str
    node: exp.Expr
    join: exp.Join | None
    columns: tuple[str, ...] | None
    table: str | None = None
    body: exp.Query | None = None

    @property
    def absent(self) -> bool:
        """Whether a row is kept for having no partner here: the source adds nothing to it."""
        return self.join is not None and self.join.kind == "ANTI"

    @property
    def shown(self) -> bool:
        """Whether its columns are seen after the join."""
        return self.join is None or self.join.kind not in ("SEMI", "ANTI")

    @property
    def optional(self) -> bool:
        """Whether leaving it out keeps the rows of what stands before it."""
        return self.join is not None and self.join.side == "LEFT"

    @property
    def using(self) -> list[str]:
        """Columns that it is joined by, as ``USING`` names them."""
        return [i.name.lower() for i in (self.join.args.get("using") or [])] if self.join else []


@dataclass(frozen=True)
class Inner:
    """A subquery inside an expression: its query, for IN the value looked for, and where it stands."""

    query: exp.Query
    value: exp.Expr | None
    wanted: bool  # a condition of WHERE that must hold, so only its matches take part
    per_row: bool  # stands in the SELECT list or QUALIFY


class Columns:
    """Column names of base tables, and the SELECTs taken apart so far, each once."""

    def __init__(self, known: Known) -> None:
        self.known = {table.lower(): tuple(c.lower() for c in names) for table, names in known.items()}
        self._blocks: dict[int, Block] = {}

    def block(self, select: exp.Select) -> "Block":
        """A SELECT taken apart."""
        if id(select) not in self._blocks:
            self._blocks[id(select)] = Block(select, self)
        return self._blocks[id(select)]

    def of(self, query: exp.Query) -> tuple[str, ...] | None:
        """Output column names of a query, or None where they are not known."""
        while isinstance(query, exp.SetOperation | exp.Subquery):
            query = query.this
        block = self.block(query) if isinstance(query, exp.Select) else None
        return None if block is None or block.open else tuple(block.outputs)

    def outer(self, query: exp.Query) -> list[exp.Column]:
        """Columns that a query takes from the queries around it."""
        if isinstance(query, exp.SetOperation):
            return self.outer(query.this) + self.outer(query.expression)
        if isinstance(query, exp.Subquery):
            return self.outer(query.this)
        return self.block(query).outer if isinstance(query, exp.Select) else []


class Block:
    """One SELECT, its CTEs already put in place."""

    def __init__(self, select: exp.Select, columns: Columns) -> None:
        self.select = select
        self._columns = columns
        self.sources = [self._source(node, join) for node, join in _items(select)]
        self._by_alias = {s.alias: s for s in self.sources}
        if len(self._by_alias) < len(self.sources):
            raise NotInvertible("two tables of one FROM with the same name", "give each an alias of its own")

    def _source(self, node: exp.Expr, join: exp.Join | None) -> Source:
        names = tuple(c.name.lower() for c in node.args["alias"].columns) if node.args.get("alias") else ()
        alias = node.alias_or_name.lower()
        if isinstance(node, exp.Subquery):
            body = node.this
            found = names or self._columns.of(body)
            return Source(alias or f"{HIDDEN}q{id(node)}", node, join, found, body=body)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            table = f"{node.db}.{node.name}".lower().lstrip(".")
            return Source(alias, node, join, names or self._columns.known.get(table), table=table)
        return Source(alias, node, join, names or (alias, "unnest", "range", "generate_series"))

    # names

    def owners(self, column: exp.Column) -> list[Source]:
        """The sources that a column may come from: one, none (an outer query's, or an alias), or all that are
        open."""
        if column.table:
            if (found := self._by_alias.get(column.table.lower())) and (
                column.db or not self._is_struct(column, found)
            ):
                return [found]
            return [] if column.meta.get("outer") else self._having(column.table.lower())
        name = column.name.lower()
        return self._having(name) or ([self._by_alias[name]] if name in self._by_alias else [])

    def _is_struct(self, column: exp.Column, named: Source) -> bool:
        """Whether ``a.b`` is field b of a column a, which is read so where a source's own columns do not have b."""
        return (
            named.columns is not None
            and column.name.lower() not in named.columns
            and bool([s for s in self._having(column.table.lower()) if s.columns is not None])
        )

    def _having(self, name: str) -> list[Source]:
        known = [s for s in self.sources if s.columns is not None and name in s.columns]
        return known[:1] or [s for s in self.sources if s.columns is None]

    def referred(self, nodes: Iterable[exp.Expr | None]) -> dict[str, set[str] | None]:
        """Which columns of which source the expressions name, by alias; None: all of them."""
        found: dict[str, set[str] | None] = {}
        for column in (c for node in nodes if node is not None for c in own_columns(node, self._columns)):
            for source in self.owners(column):
                as_struct = column.table and column.table.lower() != source.alias
                name = (column.table if as_struct else column.name).lower()
                whole = isinstance(column.this, exp.Star) or (source.columns is not None and name not in source.columns)
                held = found.setdefault(source.alias, set())
                if whole or held is None:
                    found[source.alias] = None
                else:
                    held.add(name)
        return found

    @cached_property
    def outer(self) -> list[exp.Column]:
        """Columns that belong to a query around this one."""
        inner = [s.body for s in self.sources if s.body is not None]
        found = [c for c in own_columns(self.select, self._columns, into=False) if not self._is_own(c)]
        for query in [*inner, *(i.query for i in self.inners)]:
            found += [c for c in self._columns.outer(query) if not self._is_own(c)]
        return found

    def _is_own(self, column: exp.Column) -> bool:
        return bool(self.owners(column)) or (not column.table and column.name.lower() in self.outputs)

    def plain(self, expression: exp.Expr, depth: int = 0) -> exp.Expr:
        """The expression with aliases of the SELECT list put out; columns of sources stay."""
        if depth > 16:
            return expression

        def written_out(node: exp.Column) -> exp.Expr:
            if not node.table and not isinstance(node.this, exp.Star):
                name, known = node.name.lower(), all(s.columns is not None for s in self.sources)
                if name in self.outputs and known and not self.owners(node):
                    return exp.paren(self.plain(self.outputs[name], depth + 1), copy=True)
            return node

        return rewritten(expression, written_out)

    def qualified(self, expression: exp.Expr) -> exp.Expr:
        """The expression with aliases put out, and its columns with the name of their source before them."""

        def named(node: exp.Column) -> exp.Expr:
            owners = [] if node.table or node.name.lower() in self._merged else self.owners(node)
            known = len(owners) == 1 and owners[0].columns is not None and node.name.lower() in owners[0].columns
            return exp.column(node.this.copy(), table=owners[0].node.args["alias"].this.copy()) if known else node

        return rewritten(self.plain(expression), named)

    @cached_property
    def _merged(self) -> set[str]:
        """Columns of USING, which are one column of both sides."""
        return {name for s in self.sources for name in s.using}

    def key(self, expression: exp.Expr) -> str:
        """A text that is the same for expressions that are the same, however their columns are qualified."""

        def named(node: exp.Column) -> exp.Expr:
            owners = self.owners(node)
            if len(owners) == 1 and (not node.table or node.table.lower() == owners[0].alias):
                return exp.column(node.name.lower(), table=owners[0].alias)
            return node

        same = rewritten(self.plain(expression), named)
        bare = same.transform(lambda node: node.this if isinstance(node, exp.Paren) else node, copy=False)
        return bare.sql("duckdb", copy=False).lower()

    # clauses

    @cached_property
    def outputs(self) -> dict[str, exp.Expr]:
        """Output expressions by name, in order, stars expanded as far as columns are known."""
        found: dict[str, exp.Expr] = {}
        for item in self.select.expressions:
            star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
            if isinstance(star, exp.Star):
                found |= self._expanded(star, item.table.lower() if isinstance(item, exp.Column) else None)
            else:
                name = (item.alias_or_name or item.sql("duckdb")).lower()
                found[name if name not in found else f"{name}_{len(found)}"] = item.unalias()
        return found

    @cached_property
    def open(self) -> bool:
        """Whether a star stands for columns that are not known."""
        stars = any(item.is_star for item in self.select.expressions)
        return stars and any(s.columns is None for s in self.sources)

    def _expanded(self, star: exp.Star, alias: str | None) -> dict[str, exp.Expr]:
        left_out = {c.name.lower() for c in star.args.get("except_") or ()}
        replaced = {a.alias.lower(): a.this for a in star.args.get("replace") or ()}
        renamed = {a.this.name.lower(): a.alias.lower() for a in star.args.get("rename") or ()}
        found: dict[str, exp.Expr] = {}
        for source in self.sources:
            if not source.shown or (alias and source.alias != alias):
                continue
            for name in source.columns or ():
                if name not in left_out and not (alias is None and name in source.using):
                    column = exp.column(exp.to_identifier(name, quoted=True), table=source.alias)
                    found.setdefault(renamed.get(name, name), replaced.get(name, column))
        return found

    @cached_property
    def group_keys(self) -> list[exp.Expr] | None:
        """What rows are grouped by; [] where all rows are one group, None where nothing is grouped."""
        group = self.select.args.get("group")
        if group is None:
            clauses = [*self.select.expressions, self.select.args.get("having"), self.select.args.get("qualify")]
            return [] if any(c is not None and aggregates(c) for c in clauses) else None
        if group.args.get("all"):
            plain = [e for e in self.outputs.values() if not aggregates(e) and not e.find(exp.Window)]
            return [self.plain(e) for e in plain if not isinstance(e, exp.Literal | exp.Boolean | exp.Null)]
        return [self._group_key(key) for key in group.expressions]

    def _group_key(self, key: exp.Expr) -> exp.Expr:
        if isinstance(key, exp.Literal) and not key.is_string:
            return self.plain(list(self.outputs.values())[int(key.name) - 1])
        return self.plain(key)

    @cached_property
    def partitions(self) -> list[list[exp.Expr]]:
        """The partitions that windows are computed over; one that lies within another is left out."""
        named = {w.this.name.lower(): w for w in self.select.args.get("windows") or ()}
        found = own_nodes(self.select, exp.Window)
        windows = [w for w in found if isinstance(w, exp.Window) and w.arg_key != "windows"]
        lists = {}
        for window in windows:
            keys = partition_of(window, named)
            lists[frozenset(map(self.key, keys))] = [self.plain(k) for k in keys]
        return [keys for names, keys in lists.items() if not any(other < names for other in lists)]

    @property
    def filtered(self) -> bool:
        """Whether groups or windowed rows are left out again: HAVING or QUALIFY."""
        return bool(self.select.args.get("having") or self.select.args.get("qualify"))

    @cached_property
    def where(self) -> exp.Expr | None:
        """The condition on rows."""
        where = self.select.args.get("where")
        return self.qualified(where.this) if where else None

    @cached_property
    def conditions(self) -> dict[str, exp.Expr]:
        """The ON of each source that has one, by alias."""
        return {s.alias: self.qualified(s.join.args["on"]) for s in self.sources if s.join and s.join.args.get("on")}

    @cached_property
    def multiplying(self) -> list[exp.Expr]:
        """Items of the SELECT list that make several rows, or none, of one: unnest()."""
        return [self.plain(e) for e in self.outputs.values() if own_nodes(e, exp.Explode) or own_nodes(e, exp.Unnest)]

    @cached_property
    def inners(self) -> list[Inner]:
        """The subqueries inside expressions, without those that rows are kept for finding nothing in."""
        found = []
        must = {id(c) for c in conditions_of(self.select.args.get("where"))}
        for clause, node in _clauses(self.select):
            for query in own_queries(node):
                holder, value = holder_of(query)
                condition = holder.parent if isinstance(holder.parent, exp.Not) else holder
                if id(condition) in must and isinstance(condition, exp.Not):
                    continue  # NOT IN, NOT EXISTS
                wanted = id(condition) in must
                found.append(Inner(query, value, wanted, clause in ("expressions", "qualify")))
        return found


def own_columns(node: exp.Expr, columns: Columns, *, into: bool = True) -> list[exp.Column]:
    """Columns of an expression; with ``into``, also those that its subqueries take from around them."""
    found = [c for c in own_nodes(node, exp.Column) if not is_bound(c)]
    if into:
        for query in own_queries(node):
            found += columns.outer(query)
    return found  # type: ignore[return-value]


def _items(select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Join | None]]:
    if source := select.args.get("from_"):
        yield source.this, None
    for join in select.args.get("joins") or ():
        yield join.this, join


def _clauses(select: exp.Select) -> Iterator[tuple[str, exp.Expr]]:
    for name in ("expressions", "where", "group", "having", "qualify"):
        value = select.args.get(name)
        for node in value if isinstance(value, list) else [value]:
            if node is not None:
                yield name, node
    for join in select.args.get("joins") or ():
        if join.args.get("on"):
            yield "on", join.args["on"]
