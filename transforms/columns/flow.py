"""Links from a value to the columns it is made of, and what happens to them on the way.

Belongs here: the model. Must not: SQL, contracts. A column of structs or lists is followed member by member:
``lines[].quantity`` is the member ``quantity`` of the objects in the list ``lines``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple


class Use(StrEnum):
    """How a column is used, in OpenLineage's terms (``subtype`` of a transformation).

    The first three are DIRECT: the value itself goes on. The others are INDIRECT: it decides which values go on.
    """

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    CONDITIONAL = "CONDITIONAL"
    FILTER = "FILTER"
    GROUP_BY = "GROUP_BY"
    JOIN = "JOIN"
    SORT = "SORT"
    WINDOW = "WINDOW"

    @property
    def direct(self) -> bool:
        """Whether the value itself goes on."""
        return self in _DIRECT

    @property
    def kind(self) -> str:
        """``DIRECT`` or ``INDIRECT``."""
        return "DIRECT" if self.direct else "INDIRECT"

    def after(self, first: "Use") -> "Use":
        """The use that both make together, this one following ``first``; both are direct."""
        return max(self, first, key=_DIRECT.index)


_DIRECT = (Use.IDENTITY, Use.TRANSFORMATION, Use.AGGREGATION)


class Link(NamedTuple):
    """A column of a table, how it is used, and whether its values cannot be read any more after it (``masking``)."""

    table: str
    column: str
    use: Use
    masking: bool = False


Links = frozenset[Link]
NONE: Links = frozenset()


def transformed(links: Iterable[Link], use: Use = Use.TRANSFORMATION, *, masking: bool = False) -> Links:
    """The same links after a direct use of their values."""
    return frozenset(
        link._replace(use=use.after(link.use), masking=link.masking or masking) if link.use.direct else link
        for link in links
    )


def indirect(links: Iterable[Link], use: Use) -> Links:
    """The same links where their values only decide something."""
    return frozenset(link._replace(use=use, masking=False) if link.use.direct else link for link in links)


@dataclass(frozen=True)
class Flow:
    """What a value is made of: links of all of it, and where it has parts, those of its members or its items."""

    links: Links = NONE
    members: Mapping[str, "Flow"] = field(default_factory=dict)
    item: "Flow | None" = None

    @classmethod
    def of_members(cls, members: Mapping[str, "Flow"]) -> "Flow":
        """A struct."""
        return cls(frozenset().union(*(m.links for m in members.values())), dict(members))

    @classmethod
    def of_items(cls, item: "Flow") -> "Flow":
        """A list."""
        return cls(item.links, item=item)

    def member(self, name: str) -> "Flow":
        """A member of a struct; of a value whose members are not known, something made of all of it."""
        found = next((flow for known, flow in self.members.items() if known.lower() == name.lower()), None)
        return found or self.changed()

    @property
    def items(self) -> "Flow":
        """An item of a list."""
        return self.item or self.changed()

    def through(self, change: Callable[[Links], Links]) -> "Flow":
        """The same value with its links changed, part by part."""
        return Flow(
            change(self.links),
            {name: member.through(change) for name, member in self.members.items()},
            self.item and self.item.through(change),
        )

    def changed(self, use: Use = Use.TRANSFORMATION, *, masking: bool = False) -> "Flow":
        """Another value, computed from this one."""
        return Flow(transformed(self.links, use, masking=masking))

    def beside(self, links: Links) -> "Flow":
        """The same value, decided by further links."""
        return self.through(lambda own: own | links) if links else self

    def leaves(self, name: str) -> Iterator[tuple[str, Links]]:
        """The scalars in the column ``name``, each by its path; a list of scalars is one of them."""
        if self.members:
            for member, flow in self.members.items():
                yield from flow.leaves(f"{name}.{member}")
        elif self.item and (self.item.members or self.item.item):
            yield from self.item.leaves(f"{name}[]")
        else:
            yield name, self.links


def merged(flows: Iterable[Flow]) -> Links:
    """The links of several values."""
    return frozenset().union(*(flow.links for flow in flows))


def stored(table: str, name: str, flow: Flow) -> Flow:
    """A column as a table holds it: of the same form as the value written there, linked to its own place."""
    if flow.members:
        return Flow.of_members({m: stored(table, f"{name}.{m}", inner) for m, inner in flow.members.items()})
    if flow.item and (flow.item.members or flow.item.item):
        return Flow.of_items(stored(table, f"{name}[]", flow.item))
    scalar = Flow(frozenset({Link(table, name, Use.IDENTITY)}))
    return Flow.of_items(scalar) if flow.item else scalar


@dataclass(frozen=True)
class Relation:
    """Rows to select from. ``columns``: by name, in order. ``whole``: what decides which rows there are.

    ``rows``: what a row is named after, which is what count(*) counts. ``times``: what decides how often a row is
    there, but not whether (a LEFT JOIN): it shows where rows are counted or summed.
    """

    columns: Mapping[str, Flow]
    whole: Links = NONE
    rows: Links = NONE
    times: Links = NONE

    def renamed(self, names: Iterable[str]) -> "Relation":
        """The first columns under other names."""
        given = list(names)
        kept = [*given, *list(self.columns)[len(given) :]]
        return replace(self, columns=dict(zip(kept, self.columns.values(), strict=True)))

    def leaves(self) -> Iterator[tuple[str, Links]]:
        """Every scalar of every column, by its path."""
        for name, flow in self.columns.items():
            yield from flow.leaves(name)

    def as_stored(self, table: str, shown: Iterable[str] | None = None, whole: Links = NONE) -> "Relation":
        """The relation that a SELECT from ``table`` sees, where these columns are written; ``shown``: some of them."""
        names = self.columns if shown is None else shown
        columns = {name: stored(table, name, self.columns[name]) for name in names}
        return Relation(columns, whole, frozenset({Link(table, "lineage_id", Use.IDENTITY)}))
