"""A person as people name them -> pseudonyms.

Belongs here: telling a pseudonym from a natural id and finding whom the lake knows by it. Must not: what is done with
the person. A natural id is never quoted in an error.
"""

import re
from collections.abc import Iterable

import polars as pl

from cenote.errors import CenoteError
from cenote.workspace import Workspace

_PSEUDONYM = re.compile(r"[A-Za-z][A-Za-z0-9_]*_[0-9a-f]{24}")


def entities(space: Workspace) -> list[str]:
    """Kinds of people that contracts know, as subjects or mentions."""
    named = {s.entity for c in space.contracts.values() for s in (c.subject, *c.mentions) if s}
    return sorted(named)


def pseudonyms(space: Workspace, who: str) -> list[str]:
    """Pseudonyms of a person: ``who`` is one, or ``entity:natural id``, or a natural id alone.

    Raises ``CenoteError`` where the vault knows nobody of that name. A natural id may name one person of each entity.
    """
    if _PSEUDONYM.fullmatch(who):
        return [who]
    kinds = entities(space)
    entity, _, natural = who.partition(":")
    asked = [(entity, natural)] if entity in kinds and natural else [(kind, who) for kind in kinds]
    found = [str(space.vault.subject_ids(kind, pl.Series([text]))[0]) for kind, text in asked]
    known = space.vault.keys_for(found, create=False)
    if not known:
        raise CenoteError(
            "nobody is known by the id that was given",
            f"give a pseudonym as silver has it, or a natural id of one of: {', '.join(kinds) or 'no entity'}",
        )
    return [subject for subject in found if subject in known]


def everybody(space: Workspace, who: Iterable[str]) -> list[str]:
    """Pseudonyms of several people, each once."""
    return list(dict.fromkeys(subject for one in who for subject in pseudonyms(space, one)))
