"""The shape of some records: a tree of members with how often each was there and of which kinds its values were.

Belongs here: walking decoded JSON. Must not: types (types.py), meaning (roles.py), files. The walk is a Python loop
over a bounded sample, since shapes differ from record to record.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MOST_MEMBERS = 200
"""An object with more different members than this, most of them seldom, is a map: its keys are data."""
BROKEN = 0.004
"""The share of values that may be wrong without changing what the rest are; their records go to quarantine."""
_SELDOM = 0.2
_MOST_VALUES = 20_000
_NAME = re.compile(r"[^\W\d][^\n\"@\[\]'\\]{0,59}")
_LONG_NUMBER = re.compile(r"\d{4}")
Steps = tuple[str | None, ...]
"""Keys from the record; None stands for "each element"."""


@dataclass
class Node:
    """What stands at one path. ``seen``: values that are not null; ``values``: scalars, as Python has them."""

    seen: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    values: list[Any] = field(default_factory=list)
    members: dict[str, "Node"] = field(default_factory=dict)
    items: "Node | None" = None

    def add(self, value: Any) -> None:
        """Take one more value in."""
        if value is None:
            return
        self.seen += 1
        kind = kind_of(value)
        self.kinds[kind] += 1
        if kind == "object":
            for key, member in value.items():
                self.members.setdefault(key, Node()).add(member)
        elif kind == "array":
            self.items = self.items or Node()
            for item in value:
                self.items.add(item)
        elif len(self.values) < _MOST_VALUES:
            self.values.append(value)

    @property
    def is_map(self) -> bool:
        """Whether the object's keys are data rather than names that a program chose."""
        if any(not is_name(key) for key in self.members):
            return True
        often = sum(member.seen for member in self.members.values()) / max(len(self.members), 1)
        return len(self.members) > MOST_MEMBERS and often < _SELDOM * self.seen

    @property
    def named(self) -> dict[str, "Node"]:
        """The members whose names a program chose."""
        return {key: member for key, member in self.members.items() if is_name(key)}

    @property
    def kind(self) -> str | None:
        """``object``, ``array`` or ``scalar`` where all values but a few are that; ``mixed``; None without values."""
        counts: Counter[str] = Counter()
        for kind, count in self.kinds.items():
            counts[kind if kind in ("object", "array") else "scalar"] += count
        if not counts:
            return None
        kind, most = counts.most_common(1)[0]
        return kind if self.seen - most <= BROKEN * self.seen else "mixed"


def kind_of(value: Any) -> str:
    """The JSON kind of a decoded value: object, array, boolean, integer, number or string."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float | Decimal) else "string"


def is_name(key: str) -> bool:
    """Whether a key is one that a program would choose; others may be data, and are never repeated."""
    return bool(_NAME.fullmatch(key.removeprefix("_"))) and not _LONG_NUMBER.search(key)


def shape(records: list[Any]) -> Node:
    """The shape of decoded records."""
    root = Node()
    for record in records:
        root.add(record)
    return root


@dataclass(frozen=True)
class Leaf:
    """A scalar path, its node, and how many objects could have it."""

    steps: Steps
    node: Node
    of: int

    @property
    def path(self) -> str:
        """The JSON path from the record."""
        return path_of(self.steps)


def leaves(node: Node, steps: Steps = ()) -> Iterator[Leaf]:
    """All scalar paths below a node, but for those in maps and of mixed kinds."""
    for key, member in node.named.items():
        yield from _below(member, (*steps, key), node.seen)


def _below(node: Node, steps: Steps, of: int) -> Iterator[Leaf]:
    if node.kind == "object":
        if not node.is_map:
            yield from leaves(node, steps)
    elif node.kind == "array" and node.items is not None:
        yield from _below(node.items, (*steps, None), sum(node.items.kinds.values()))
    elif node.kind in ("scalar", None):
        yield Leaf(steps, node, of)


def path_of(steps: Steps) -> str:
    """Steps as a JSON path: ``$.address.city``, ``$.lines[*].id``, ``$."Order ID"``."""
    written = (
        "[*]" if step is None else f".{step}" if re.fullmatch(r"[\w@$-]+", step) else f'."{step}"' for step in steps
    )
    return "$" + "".join(written)
