"""What the names in a SELECT stand for.

Belongs here: sources, and looking names up in them. Must not: expressions, clauses. Names follow DuckDB: a column of
a source wins over an alias of the SELECT list; ``a.b`` is column b of source a, or else member b of a column a; what
no source here has belongs to the query around.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp

from transforms.columns.flow import NONE, Flow, Links, Relation, merged, transformed


@dataclass(frozen=True)
class Source:
    """One FROM or JOIN item. ``qualified``: its name with schema. ``shown``: whether its columns are seen after the
    join; ``optional``: whether leaving it out keeps all rows (LEFT JOIN), so that what its rows are decided by
    decides its own columns only. ``using``: columns that it shares with what stands before it.
    """

    alias: str
    relation: Relation
    qualified: str = ""
    shown: bool = True
    optional: bool = False
    using: tuple[str, ...] = ()

    @cached_property
    def _columns(self) -> dict[str, Flow]:
        beside = self.relation.whole if self.optional else NONE
        return {name.lower(): flow.beside(beside) for name, flow in self.relation.columns.items()}

    def column(self, name: str) -> Flow | None:
        """One column."""
        return self._columns.get(name.lower())

    @property
    def row(self) -> Flow:
        """The whole row as a struct."""
        return Flow.of_members(self._columns)


@dataclass
class Scope:
    """Everything that a name can mean at one place. ``aliases``: makes the value of an alias of the SELECT list."""

    sources: list[Source] = field(default_factory=list)
    aliases: Mapping[str, Callable[[], Flow]] = field(default_factory=dict)
    outer: "Scope | None" = None
    bound: Mapping[str, Flow] = field(default_factory=dict)
    looking: set[str] = field(default_factory=set)

    def binding(self, bound: Mapping[str, Flow]) -> "Scope":
        """The same with parameters of a lambda."""
        both = {**self.bound, **{name.lower(): flow for name, flow in bound.items()}}
        return Scope(self.sources, self.aliases, self.outer, both, self.looking)

    def flow(self, parts: Sequence[str]) -> Flow:
        """What the name ``parts`` (split at its dots) stands for; everything in reach where nobody knows."""
        found = self._find(parts)
        return found if found is not None else Flow(transformed(merged(s.row for s in self.sources)))

    def _find(self, parts: Sequence[str]) -> Flow | None:
        first, rest = parts[0].lower(), parts[1:]
        if first in self.bound:
            return _members(self.bound[first], rest)
        for source in self.sources:
            if source.alias == first and rest and (column := source.column(rest[0])):
                return _members(column, rest[1:])
            if len(parts) > 2 and source.qualified == f"{first}.{rest[0].lower()}" and (c := source.column(rest[1])):
                return _members(c, rest[2:])
        if (columns := self._named(first)) is not None:
            return _members(columns, rest)
        if not rest and (row := next((s.row for s in self.sources if s.alias == first), None)):
            return row
        if first in self.aliases and first not in self.looking:
            self.looking.add(first)  # an alias is not made of itself
            try:
                return _members(self.aliases[first](), rest)
            finally:
                self.looking.discard(first)
        return self.outer._find(parts) if self.outer else None

    def _named(self, name: str) -> Flow | None:
        """The column of that name; one that sources are joined by is of all of them."""
        found = [
            (source, flow) for source in self.sources if source.shown and (flow := source.column(name)) is not None
        ]
        if not found:
            return None
        shared = [flow for source, flow in found[1:] if name in source.using]
        first = found[0][1]
        return first.beside(merged(shared)) if shared else first

    def star(self, star: exp.Star, alias: str | None, replaced: Callable[[exp.Expr], Flow]) -> dict[str, Flow]:
        """The columns that a star stands for."""
        left_out = {c.name.lower() for c in star.args.get("except_") or ()}
        instead = {a.alias.lower(): a.this for a in star.args.get("replace") or ()}
        renamed = {a.this.name.lower(): a.alias for a in star.args.get("rename") or ()}
        found: dict[str, Flow] = {}
        for source in self.sources:
            if not source.shown or (alias and source.alias != alias):
                continue
            for name in source.relation.columns:
                low = name.lower()
                if low not in left_out and not (alias is None and low in source.using):
                    flow = replaced(instead[low]) if low in instead else source.column(name)
                    found.setdefault(renamed.get(low, name), flow or Flow())
        return found

    @property
    def rows(self) -> Links:
        """What a row of the join is named after."""
        return frozenset().union(*(s.relation.rows for s in self.sources if s.shown))

    @property
    def times(self) -> Links:
        """What decides how often a row of the join is there."""
        optional = [s.relation.whole for s in self.sources if s.optional]
        return frozenset().union(*optional, *(s.relation.times for s in self.sources if s.shown))


def _members(flow: Flow, names: Sequence[str]) -> Flow:
    for name in names:
        flow = flow.member(name)
    return flow
