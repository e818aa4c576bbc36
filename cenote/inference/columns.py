"""The columns of a draft: scalar members by name, nested objects flattened, arrays kept.

Belongs here: naming, nesting, and what is left out. Must not: types of values (types.py), roles, text.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cenote.inference.shape import Node, Steps, path_of
from cenote.inference.types import Typed, type_of
from transforms.classify import Verdict
from transforms.contract import RESERVED, Mask

_MANY = 10  # records or elements, for "always there" to mean something
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


UNJUDGED = Verdict("$", "PUBLIC", None, Mask(), "")
"""The verdict on what is no scalar."""


@dataclass
class Draft:
    """A column, a member of an element, or the element itself of an array.

    ``steps``: from the record, None for "each element"; ``inner``: from the enclosing object. ``required`` holds the
    reason where it is so. ``verdict`` is on scalars.
    """

    name: str
    steps: Steps
    inner: tuple[str, ...]
    typed: Typed
    node: Node
    required: str | None = None
    members: list["Draft"] = field(default_factory=list)
    items: "Draft | None" = None
    verdict: Verdict = UNJUDGED
    enum: list[Any] = field(default_factory=list)
    root: str = "$"

    @property
    def path(self) -> str:
        """The path from the record or the row image."""
        return self.root + path_of(self.steps)[1:]

    @property
    def is_scalar(self) -> bool:
        """Whether nothing is below it."""
        return not self.members and self.items is None

    def scalars(self) -> Iterator["Draft"]:
        """This and all that is below it, as far as they are scalars."""
        if self.is_scalar:
            yield self
        for below in (*self.members, *([self.items] if self.items else [])):
            yield from below.scalars()


@dataclass(frozen=True)
class Left:
    """A path that the draft leaves out, and why."""

    path: str
    reason: str


def columns(root: Node, left: list[Left]) -> list[Draft]:
    """The columns for records of a shape. Adds to ``left`` what no column can hold."""
    found = list(_members(root, (), (), root.seen, flat=True, left=left))
    taken: set[str] = set(RESERVED)
    for column in found:
        column.name = _free(column.name, taken)
    return found


def _members(
    node: Node, steps: Steps, inner: tuple[str, ...], of: int, *, flat: bool, left: list[Left]
) -> Iterator[Draft]:
    """Columns for the members of an object; nested objects are flattened where ``flat``."""
    for key, member in node.named.items():
        there, within = (*steps, key), (*inner, key)
        if member.kind == "object" and not member.is_map and member.members:
            if flat:
                yield from _members(member, there, within, of, flat=True, left=left)
            else:
                yield from _object(member, there, within, of, left)
            continue
        yield from _one(member, there, within, of, left)


def _one(node: Node, steps: Steps, inner: tuple[str, ...], of: int, left: list[Left]) -> Iterator[Draft]:
    """A column for a scalar, an array, or an object that is kept as text; nothing where none can hold it."""
    name = snake("_".join(inner))
    required = "there in all of the sample" if node.seen == of and of >= _MANY else None
    if node.kind == "mixed":
        left.append(Left(path_of(steps), "values of different kinds"))
    elif node.kind == "object":
        reason = "its keys are data, so it is kept as JSON text" if node.members else "always empty in the sample"
        yield Draft(name, steps, inner, Typed("object", reason), node, required)
    elif node.kind == "array":
        item = _item(node.items or Node(), (*steps, None), left)
        if item is not None:
            yield Draft(name, steps, inner, Typed("array", "a list"), node, required, items=item)
    elif (typed := type_of(_telling(inner), node.values)) is None:
        left.append(Left(path_of(steps), "booleans among other values"))
    else:
        nulls = set(typed.options.get("nullValues", ()))
        if nulls and any(value in nulls for value in node.values):
            required = None
        yield Draft(name, steps, inner, typed, node, required)


def _item(node: Node, steps: Steps, left: list[Left]) -> Draft | None:
    """The element of an array."""
    if node.kind == "object" and not node.is_map and node.members:
        return next(_object(node, steps, (), node.seen, left), None)
    return next(_one(node, steps, (), 0, left), None)


def _object(node: Node, steps: Steps, inner: tuple[str, ...], of: int, left: list[Left]) -> Iterator[Draft]:
    """An object that stays one, since it is in an array."""
    members = list(_members(node, steps, (), node.seen, flat=False, left=left))
    taken: set[str] = set()
    for member in members:
        member.name = _free(member.name, taken)
    if members:
        required = "there in all of the sample" if inner and node.seen == of and of >= _MANY else None
        yield Draft(snake("_".join(inner)), steps, inner, Typed("object", "an object"), node, required, members)


def snake(name: str) -> str:
    """A column's name: ``shipAddress`` and ``Ship Address`` are ``ship_address``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("IDs", "Ids"))
    parts = re.findall(r"[a-z0-9]+", _SEAM.sub(" ", plain.encode("ascii", "ignore").decode()).lower())
    joined = "_".join(parts) or "field"
    return f"n_{joined}" if joined[0].isdigit() else joined


def _telling(inner: tuple[str, ...]) -> str:
    return inner[-1] if inner else ""


def _free(name: str, taken: set[str]) -> str:
    """The name, or the next one that is free."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}" if name not in RESERVED else f"source_{name}" + (f"_{number}" if number > 2 else "")
    taken.add(free)
    return free
