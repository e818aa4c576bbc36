"""The people of a request: from what somebody typed to pseudonyms.

Belongs here: reading ids. Must not: keeping natural ids; they live as long as the object does.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cenote.errors import ErasureError, unknown
from cenote.workspace import Workspace

_PSEUDONYM = re.compile(r"(?P<entity>.+)_[0-9a-f]{24}")


@dataclass(frozen=True)
class People:
    """People by pseudonym, sorted; ``natural``: the natural ids that were given, by entity, kept out of ``repr``."""

    pseudonyms: pl.Series
    natural: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @property
    def entities(self) -> frozenset[str]:
        """Which kinds of people they are."""
        return frozenset(pseudonym.rpartition("_")[0] for pseudonym in self.pseudonyms)

    @classmethod
    def of(cls, pseudonyms: Iterable[str]) -> "People":
        """People of whom nothing but the pseudonym is known."""
        return cls(pl.Series("subject_id", sorted(set(pseudonyms)), dtype=pl.String))


def people(space: Workspace, ids: Sequence[str], entity: str | None = None) -> People:
    """The people that ``ids`` name: pseudonyms (``customer_3fa9...``), or natural ids (``customer:C-0001``).

    A natural id without an entity is of kind ``entity``, or of the only kind that the lake's contracts know. Raises
    ``ErasureError``, which never quotes a natural id.
    """
    kinds = sorted({c.subject.entity for c in space.contracts.values() if c.subject})
    if entity is not None and entity not in kinds:
        raise ErasureError(unknown("kind of person", entity, kinds), "name the entity of a contract's subject")
    pseudonyms: set[str] = set()
    natural: dict[str, set[str]] = {}
    for number, given in enumerate(ids, 1):
        text = given.strip()
        match = _PSEUDONYM.fullmatch(text)
        if match and match["entity"] in kinds:
            pseudonyms.add(text)
            continue
        kind, colon, rest = text.partition(":")
        named = kind if colon and kind in kinds else entity or (kinds[0] if len(kinds) == 1 else None)
        value = rest if colon and kind in kinds else text
        if named is None or not value:
            raise ErasureError(
                f"id {number} of {len(ids)} does not say which kind of person it names: {', '.join(kinds)}",
                "write customer:C-0001, give --entity, or give a pseudonym",
            )
        natural.setdefault(named, set()).add(value)
    for kind, values in natural.items():
        pseudonyms |= set(space.vault.subject_ids(kind, pl.Series(sorted(values), dtype=pl.String)))
    if not pseudonyms:
        raise ErasureError("nobody is named", "give an id, or --file with one id on each line")
    known = People.of(pseudonyms)
    return People(known.pseudonyms, {kind: frozenset(values) for kind, values in natural.items()})


def read_ids(file: Path) -> list[str]:
    """Ids from a file, one on each line; blank lines and what follows ``#`` are left out. Raises ``ErasureError``."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ErasureError(f"the file of ids cannot be read: {type(error).__name__}", "give a text file") from None
    return [text for line in lines if (text := line.partition("#")[0].strip())]
