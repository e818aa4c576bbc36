"""What the columns of a query are made of.

Belongs here: CTEs, set operations and the clauses of a SELECT. Must not: expressions (expressions.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from sqlglot import exp

from transforms.columns.expressions import Expressions, all_links
from transforms.columns.flow import NONE, Flow, Links, Relation, Use, indirect, merged, transformed
from transforms.columns.names import Scope, Source
from transforms.inversion.nodes import aggregates


class Queries:
    """Reads queries over ``tables``, which are named in lower case."""

    def __init__(self, tables: Mapping[str, Relation]) -> None:
        self._tables = tables

    def relation(
        self, query: exp.Query, ctes: Mapping[str, Relation] | None = None, outer: Scope | None = None
    ) -> Relation:
        """The rows that a query gives; ``ctes``: what is named by WITH around it."""
        known = dict(ctes or {})
        with_ = query.args.get("with_")
        for cte in with_.expressions if with_ else ():
            known[cte.alias.lower()] = self.relation(cte.this, known, outer).renamed(_names(cte.args["alias"]))
        if isinstance(query, exp.SetOperation):
            return self._both(query, known, outer)
        if isinstance(query, exp.Subquery):
            return self.relation(query.this, known, outer)
        if isinstance(query, exp.Select):
            return _Select(self, query, known, outer).relation()
        return Relation({})

    def table(self, node: exp.Table, ctes: Mapping[str, Relation]) -> Relation:
        """A table or CTE by its name."""
        if not node.db and node.name.lower() in ctes:
            return ctes[node.name.lower()]
        return self._tables.get(f"{node.db}.{node.name}".lower().lstrip("."), Relation({}))

    def _both(self, query: exp.SetOperation, ctes: Mapping[str, Relation], outer: Scope | None) -> Relation:
        left, right = self.relation(query.this, ctes, outer), self.relation(query.expression, ctes, outer)
        every = merged(left.columns.values()), merged(right.columns.values())
        whole = left.whole | right.whole
        if not isinstance(query, exp.Union):  # EXCEPT, INTERSECT: the right side only decides
            return Relation(left.columns, whole | indirect(every[0] | every[1], Use.FILTER), left.rows, left.times)
        if query.args.get("distinct"):
            whole |= indirect(every[0] | every[1], Use.GROUP_BY)
        if query.args.get("by_name"):
            names = list(dict.fromkeys((*left.columns, *right.columns)))
            pairs = [(left.columns.get(n, Flow()), right.columns.get(n, Flow())) for n in names]
        else:
            names = list(left.columns)
            pairs = list(zip(left.columns.values(), right.columns.values(), strict=False))
        columns = {name: _either(*pair) for name, pair in zip(names, pairs, strict=True)}
        times = NONE if query.args.get("distinct") else left.times | right.times
        return Relation(columns, whole, left.rows | right.rows, times)


class _Select:
    """One SELECT: its sources, then its clauses."""

    def __init__(self, queries: Queries, select: exp.Select, ctes: Mapping[str, Relation], outer: Scope | None) -> None:
        self._queries, self._select, self._ctes = queries, select, ctes
        self._scope = Scope(outer=outer)
        windows = {w.this.name.lower(): w for w in select.args.get("windows") or ()}
        self._read = Expressions(self._scope, lambda q, scope: queries.relation(q, ctes, scope), windows)
        self._joined = self._join()
        named = {e.alias.lower(): _unaliased(e) for e in select.expressions if e.alias}
        self._scope.aliases = {name: partial(self._read.flow, made) for name, made in named.items()}

    def relation(self) -> Relation:
        columns = self._columns()
        whole = self._joined
        for clause in ("where", "having", "qualify"):
            if held := self._select.args.get(clause):
                whole |= self._read.links(held.this, Use.FILTER)
        if order := self._select.args.get("order"):
            whole |= all_links(self._read, order.expressions, Use.SORT)
        keys, rows = self._groups(columns)
        whole |= indirect(keys, Use.GROUP_BY)
        if distinct := self._select.args.get("distinct"):
            on = distinct.args.get("on")
            by = merged(map(self._read.flow, on.expressions)) if on else merged(columns.values())
            whole |= indirect(by, Use.GROUP_BY)
        columns = {name: flow.through(lambda own: own - whole) for name, flow in columns.items()}
        once = bool(distinct) or rows != self._scope.rows
        return Relation(columns, whole, rows, NONE if once else self._scope.times - whole)

    # sources

    def _join(self) -> Links:
        """Take in the sources one after the other; what their joins decide rows by."""
        by: Links = NONE
        for node, join in _items(self._select):
            source = self._source(node, join)
            sources = self._scope.sources
            sources.append(replace(source, shown=True, optional=False))  # as its own condition sees it
            held = self._condition(join, source) if join else NONE
            if source.optional:
                relation = source.relation
                source = replace(source, relation=replace(relation, whole=relation.whole | held))
            else:
                by |= held | source.relation.whole
            sources[-1] = source
        return by

    def _condition(self, join: exp.Join, source: Source) -> Links:
        """What a source is joined by."""
        shared = [flow for s in self._scope.sources for name in source.using if (flow := s.column(name)) is not None]
        return indirect(merged(shared), Use.JOIN) | self._read.links(join.args.get("on"), Use.JOIN)

    def _source(self, node: exp.Expr, join: exp.Join | None) -> Source:
        alias, qualified = node.alias_or_name, ""
        using = tuple(i.name.lower() for i in (join.args.get("using") or ())) if join else ()
        names = _names(node.args.get("alias"))
        if isinstance(node, exp.Lateral):
            node = node.this
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            relation = self._queries.table(node, self._ctes).renamed(names)
            qualified = f"{node.db}.{node.name}".lower() if node.db else ""
        elif isinstance(node, exp.Query):
            relation = self._queries.relation(node, self._ctes, self._scope).renamed(names)
        else:
            relation = self._made(node, names, alias)
        kind, side = (join.kind, join.side) if join else ("", "")
        return Source(alias.lower(), relation, qualified, kind not in ("SEMI", "ANTI"), side == "LEFT", using)

    def _made(self, node: exp.Expr, names: list[str], alias: str) -> Relation:
        """Rows that an expression makes: unnest(), range(), VALUES."""
        if isinstance(node, exp.Values):
            rows = [list(map(self._read.flow, row.expressions)) for row in node.expressions]
            columns = [Flow(merged(values)) for values in zip(*rows, strict=True)]
        elif isinstance(node, exp.Unnest):
            columns = [self._read.flow(e).items for e in node.expressions]
        else:
            columns = [self._read.flow(node.this if isinstance(node, exp.Table) else node)]
        if not names and len(columns) == 1:  # DuckDB knows it by the name of the function and by the alias
            return Relation(dict.fromkeys(filter(None, (alias, "unnest", "range", "generate_series")), columns[0]))
        return Relation(dict(zip(names, columns, strict=False)))

    # clauses

    def _columns(self) -> dict[str, Flow]:
        found: dict[str, Flow] = {}
        for item in self._select.expressions:
            star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
            if isinstance(star, exp.Star):
                alias = item.table.lower() if isinstance(item, exp.Column) and item.table else None
                found |= self._scope.star(star, alias, self._read.flow)
            else:
                name = item.alias_or_name or item.sql("duckdb")
                found[name if name not in found else f"{name}_{len(found)}"] = self._read.flow(_unaliased(item))
        return found

    def _groups(self, columns: Mapping[str, Flow]) -> tuple[Links, Links]:
        """What rows are grouped by, and what a row is named after."""
        group = self._select.args.get("group")
        clauses = [*self._select.expressions, self._select.args.get("having"), self._select.args.get("qualify")]
        if group is None:
            grouped = any(c is not None and aggregates(c) for c in clauses)
            return NONE, (NONE if grouped else self._scope.rows)
        if group.args.get("all"):
            plain = [e for e in self._select.expressions if not aggregates(e) and not e.find(exp.Window)]
            keys = merged(self._read.flow(_unaliased(e)) for e in plain if not e.is_star)
        else:
            keys = merged(self._key(key, columns) for key in group.expressions)
        return keys, transformed(keys, Use.AGGREGATION)

    def _key(self, key: exp.Expr, columns: Mapping[str, Flow]) -> Flow:
        if isinstance(key, exp.Literal) and not key.is_string:
            return list(columns.values())[int(key.name) - 1]
        return self._read.flow(key)


def _items(select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Join | None]]:
    if source := select.args.get("from_"):
        yield source.this, None
    for join in select.args.get("joins") or ():
        yield join.this, join
    for lateral in select.args.get("laterals") or ():
        yield lateral, None


def _names(alias: exp.Expr | None) -> list[str]:
    return [c.name for c in alias.columns] if isinstance(alias, exp.TableAlias) else []


def _unaliased(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, exp.Alias) else item


def _either(left: Flow, right: Flow) -> Flow:
    """A value that comes from one of two sides; of the same form where both have it."""
    if left.members and set(left.members) == set(right.members):
        return Flow.of_members({name: _either(m, right.members[name]) for name, m in left.members.items()})
    if left.item and right.item:
        return Flow.of_items(_either(left.item, right.item))
    return Flow(left.links | right.links)
