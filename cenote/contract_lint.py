"""What is doubtful in a contract that can be read: each finding is one sentence.

Belongs here: rules that one contract breaks or keeps. Must not: reading files (contracts.py), comparing contracts
(contract_diff.py), touching data.
"""

import re
from collections.abc import Iterator

from transforms.contract import Contract, Field
from transforms.mask import mask_problems

_WHOLE = ("keep", "token")
"""Masks by which different values stay different."""
_HIDDEN = ("text", "drop")


def contract_problems(contract: Contract) -> list[str]:
    """What a person should mend in a contract; empty where nothing is."""
    masked = dict(_masked(contract.fields))
    return [
        *mask_problems(contract.fields),
        *_kept_in_clear(contract),
        *_nobodys(contract),
        *_unusable(contract, masked),
    ]


def _kept_in_clear(contract: Contract) -> Iterator[str]:
    for path, (leaf, strategy) in _leaves(contract.fields):
        if leaf.classification == "HIGH" and strategy == "keep":
            yield f"{path} is classed HIGH but kept in clear; declare a mask"


def _nobodys(contract: Contract) -> Iterator[str]:
    """Personal data that no erasure would reach."""
    known = [
        path
        for path, (leaf, strategy) in _leaves(contract.fields)
        if leaf.classification == "HIGH" and strategy not in _HIDDEN
    ]
    if known and not contract.subject and not contract.mentions:
        yield f"{known[0]} is classed HIGH, but no subject is declared; without one, nobody can be erased"


def _unusable(contract: Contract, masked: dict[str, str]) -> Iterator[str]:
    """Columns that are used for something which their mask takes away."""
    for name in contract.primary_key:
        if masked[name] not in _WHOLE:
            yield f"{name} is in the primary key but masked by {masked[name]}, so rows fall together; use token"
    for edge in contract.edges:
        for column in (edge.source_column, edge.target_column):
            if masked.get(column, "keep") not in _WHOLE:
                yield f"{column} is an end of the edge {edge.type!r} but masked by {masked[column]}; use token"
        for column in filter(None, (edge.at, edge.until, edge.weight)):
            if masked.get(column) == "drop":
                yield f"{column} is used by the edge {edge.type!r} but dropped"
    for passage in contract.passages:
        used = [*re.findall(r"\{(\w+)\}", passage.text), passage.title, passage.at, *passage.metadata]
        for column in dict.fromkeys(c for c in used if c and masked.get(c) == "drop"):
            yield f"{column} is used by the passages in {passage.namespace!r} but dropped"


def _masked(fields: tuple[Field, ...], prefix: str = "", outer: str = "keep") -> Iterator[tuple[str, str]]:
    """The strategy of each column and member (``lines.note``); one that declares none has that of what it is in."""
    for here in fields:
        strategy = here.mask.strategy if here.mask.strategy != "keep" else outer
        yield prefix + here.name, strategy
        inner = here.items.properties if here.items else here.properties
        yield from _masked(inner, f"{prefix}{here.name}.", strategy)


def _leaves(
    fields: tuple[Field, ...], prefix: str = "", outer: str = "keep"
) -> Iterator[tuple[str, tuple[Field, str]]]:
    """Scalars with the strategy that masks them, by name (``lines.note``)."""
    for here in fields:
        strategy = here.mask.strategy if here.mask.strategy != "keep" else outer
        name = f"{prefix}{here.name}"
        if here.items and not here.items.properties:
            item = here.items.mask.strategy
            yield name, (here.items, item if item != "keep" else strategy)
        elif inner := here.items.properties if here.items else here.properties:
            item = here.items.mask.strategy if here.items else "keep"
            yield from _leaves(inner, f"{name}.", item if item != "keep" else strategy)
        else:
            yield name, (here, strategy)
