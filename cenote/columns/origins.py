"""The raw JSON paths behind every column of a lake, and how they reach it.

Belongs here: following links to their end. Must not: making links.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from transforms.columns.declared import KEPT, Raw
from transforms.columns.flow import Link, Relation, Use


class Origin(NamedTuple):
    """A path of a dataset's raw records, its class, and how it was masked on the way to silver."""

    dataset: str
    path: str
    classification: str
    mask: str


class Reach(NamedTuple):
    """How an origin reaches a column.

    ``uses``: the direct ones where its value goes on, else those by which it decides. ``is_readable``: its value goes
    on, no mask or count being on the way.
    """

    uses: frozenset[Use]
    is_readable: bool

    @property
    def direct(self) -> bool:
        """Whether the value goes on."""
        return any(use.direct for use in self.uses)

    def beside(self, other: "Reach") -> "Reach":
        """Both ways together; what only decides counts where no value goes on."""
        both = self.uses | other.uses
        values = frozenset(use for use in both if use.direct)
        return Reach(values or both, self.is_readable or other.is_readable)


Reached = dict[Origin, Reach]
Origins = Mapping[tuple[str, str | None], Reached]


def origins_of(
    tables: Mapping[str, Relation], declared: Mapping[tuple[str, str, str], Raw], planted: Origins | None = None
) -> Origins:
    """The origins of every scalar column, by table and column; column None: what decides which rows there are.

    ``tables``: upstream ones first. ``declared``: what is said of (table, column, raw path). ``planted``: further
    origins of some columns, to be followed too.
    """
    begun = planted or {}
    found: dict[tuple[str, str | None], Reached] = {}
    for table, relation in tables.items():
        leaves = dict(relation.leaves())
        for column, links in leaves.items():
            followed = _followed(links, found)
            found[table, column] = _first(table, column, links, declared) | followed | begun.get((table, column), {})
        inputs = {link.table for links in (*leaves.values(), relation.whole) for link in links}
        whole = _followed(relation.whole, found)
        for name in sorted(inputs):
            _add(whole, found.get((name, None), {}))
        found[table, None] = whole
    return found


def _first(table: str, column: str, links: Iterable[Link], declared: Mapping[tuple[str, str, str], Raw]) -> Reached:
    """The origins right behind a column of silver."""
    reached: Reached = {}
    for link in links:
        if raw := declared.get((table, column, link.column)):
            dataset = link.table.partition("/")[2]
            readable = link.use.direct and not link.masking and raw.mask == KEPT
            _add(reached, {Origin(dataset, *_said(raw)): Reach(frozenset({link.use}), readable)})
    return reached


def _said(raw: Raw) -> tuple[str, str, str]:
    return raw.path, raw.classification, raw.mask


def _followed(links: Iterable[Link], found: Origins) -> Reached:
    """The origins behind what ``links`` lead to, as they arrive."""
    reached: Reached = {}
    for link in links:
        for origin, reach in found.get((link.table, link.column), {}).items():
            if link.use.direct and reach.direct:
                uses = frozenset(link.use.after(use) for use in reach.uses)
            else:
                uses = reach.uses if link.use.direct else frozenset({link.use})
            readable = reach.is_readable and link.use.direct and not link.masking
            _add(reached, {origin: Reach(uses, readable)})
    return reached


def _add(reached: Reached, further: Reached) -> None:
    for origin, reach in further.items():
        reached[origin] = reached[origin].beside(reach) if origin in reached else reach
