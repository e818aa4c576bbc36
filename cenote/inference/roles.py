"""What columns are for: the key, what orders changes, who is concerned, what can be searched.

Belongs here: finding roles among typed and classified columns. Must not: types, sensitivity, text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from cenote.inference.columns import Draft
from transforms.classification.lexicon import listed
from transforms.classification.words import words
from transforms.contract import Mask

_IDS = listed("id uuid guid key number code reference ref sku isbn identifier")
_CHANGED = listed("updated modified changed edited aenderung geaendert actualizado modifie")
_TICKS = listed("version revision sequence seq lsn pos")
_DELETED = listed("deleted removed")
_CATEGORY = listed(
    """
    category channel class currency interval kind level method mode outcome phase plan priority reason role segment
    severity source stage state status tier type unit
    """
)
_TITLES = ("title", "subject", "headline", "name")
_BEST = ("EMAIL", "NATIONAL_ID", "ACCOUNT", "PHONE", "NAME")
_MANY = 50  # values, for a list of a few to mean something
_FEW = 12
_LONG, _SPACES = 40, 5  # characters and spaces of a text that is worth finding by meaning, on average
_REFERENCE = re.compile(r"urn:[a-z]+:|[A-Z][A-Za-z]+/")
_MOST_PREFIXES = 3
_MOST_PAIRED = 8  # columns of a table whose key may be a pair of ids


@dataclass
class Roles:
    """What the columns of a dataset are for, each with its reason (``why``, by role).

    ``strips``: by path of a person's id, what stands before it and is no part of it.
    """

    key: tuple[Draft, ...] = ()
    mode: str = "append"
    sequence: tuple[Draft, ...] = ()
    deleted: tuple[Draft, tuple[Any, ...]] | None = None
    subject: tuple[str, str] | None = None
    mentions: list[tuple[str, str]] = field(default_factory=list)
    strips: dict[str, list[str]] = field(default_factory=dict)
    texts: list[Draft] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)


def find_roles(columns: Sequence[Draft], dataset: str, records: int, *, envelope: Sequence[Draft] = ()) -> Roles:
    """Find the roles of classified columns. ``envelope``: columns of a change envelope that order the changes."""
    roles = Roles()
    _change(roles, columns, dataset, records, envelope)
    _subject(roles, columns, dataset)
    roles.texts = [c for c in columns if c.typed.type == "string" and _is_text(c)]
    for column in columns:
        for scalar in column.scalars():
            scalar.enum = _enum(scalar)
    return roles


def _change(roles: Roles, columns: Sequence[Draft], dataset: str, records: int, envelope: Sequence[Draft]) -> None:
    """The key and the change mode."""
    marks = [c for c in columns if _is_mark(c)]
    if envelope:
        named = [c for c in _likely(columns, dataset) if _names_row(c, dataset)]
        roles.key, roles.why["key"] = tuple(named[:1]), "it names the row that changes"
        marks = list(envelope)
        roles.why["mode"] = "change events: the newest one of a key counts"
        roles.mode = "scd1" if roles.key else "append"
    elif key := _unique(columns, dataset, records):
        roles.key = key
        roles.why["key"] = "unique in the sample" + (", and called an id" if len(key) == 1 else " together")
        roles.mode = "scd1" if marks else "append"
        roles.why["mode"] = "rows have a time of change: the newest one of a key counts" if marks else _ONCE
    elif marks and (key := _versioned(columns, dataset, marks[0])):
        roles.key, roles.mode = key, "scd2"
        roles.why["key"] = "its values come again with another time of change"
        roles.why["mode"] = "a row comes again each time it changes: its versions are its history"
    else:
        roles.why["mode"] = "nothing names a row, so every record is one"
    if roles.mode != "append":
        roles.sequence = tuple(marks[:2]) if envelope else tuple(marks[:1])
        roles.deleted = next((found for c in columns if (found := _deletes(c))), None)


_ONCE = "nothing says that rows change"


def _likely(columns: Sequence[Draft], dataset: str) -> list[Draft]:
    """Columns that may be a key, the likeliest first: called an id, always there, at the top."""
    scalar = [c for c in columns if c.typed.type in ("string", "integer")]
    found = [c for c in scalar if set(words(c.inner[-1])) & _IDS]
    return sorted(found, key=lambda c: (not _names_row(c, dataset), len(c.inner)))


def _names_row(column: Draft, dataset: str) -> bool:
    """Whether it is called ``id``, or by the dataset's own name: ``customerID`` in customers."""
    own, leaf = set(words(dataset)), words(column.inner[-1])
    return len(column.inner) == 1 and (set(leaf) <= _IDS or (set(leaf) <= own | _IDS and bool(set(leaf) & own)))


def _full(column: Draft) -> bool:
    nulls = set(column.typed.options.get("nullValues", ()))
    return not any(value in nulls for value in column.node.values)


def _unique(columns: Sequence[Draft], dataset: str, records: int) -> tuple[Draft, ...] | None:
    """The column, or the two columns, that name a row."""
    if records < 2:
        return None
    likely = [c for c in _likely(columns, dataset) if c.node.seen == records == len(c.node.values) and _full(c)]
    for column in likely:
        if (_names_row(column, dataset) or len(likely) == 1 or column.name.endswith("_id")) and _all_differ([column]):
            return (column,)
    pairs = combinations([c for c in likely if c.name.endswith("id")][:6], 2)
    return next((pair for pair in pairs if _all_differ(pair)), None) if len(columns) <= _MOST_PAIRED else None


def _all_differ(columns: Sequence[Draft]) -> bool:
    rows = list(zip(*(c.node.values for c in columns), strict=True))
    return len(set(rows)) == len(rows)


def _versioned(columns: Sequence[Draft], dataset: str, mark: Draft) -> tuple[Draft, ...] | None:
    """The id of the row whose versions the records are."""
    for column in _likely(columns, dataset):
        values, times = column.node.values, mark.node.values
        named = _names_row(column, dataset) and _full(column) and len(values) == len(times) == mark.node.seen
        if named and len(set(zip(values, times, strict=True))) >= 0.9 * len(values):
            return (column,)
    return None


def _is_mark(column: Draft) -> bool:
    """Whether it says when, or in which order, a row changed."""
    if column.required is None or column.items or len(column.inner) > 2:
        return False
    said = words(column.inner[-1])
    dated = column.typed.type in ("timestamp", "date") and bool(set(said) & _CHANGED)
    return dated or (column.typed.type == "integer" and said[-1:] != () and said[-1] in _TICKS)


def _deletes(column: Draft) -> tuple[Draft, tuple[Any, ...]] | None:
    """The values of a column that say a row is gone."""
    if not set(words(column.inner[-1])) & (_DELETED | {"status", "state", "active"}):
        return None
    if column.typed.type == "boolean":
        gone = bool(set(words(column.inner[-1])) & _DELETED)
        return (column, (True,)) if gone else None
    if column.typed.type != "string":
        return None
    values = tuple(sorted({v for v in column.node.values if isinstance(v, str) and v.lower() in _DELETED}))
    return (column, values) if values else None


def _subject(roles: Roles, columns: Sequence[Draft], dataset: str) -> None:
    """Whose records they are, and who else they name."""
    scalars = [s for c in columns for s in c.scalars() if s.typed.type != "object"]
    people = [s for s in scalars if s.verdict.kind == "SUBJECT_ID"]
    roles.strips = {s.path: prefixes for s in people if (prefixes := _prefixes(s))}
    owners = sorted(
        (s for s in people if None not in s.steps), key=lambda s: (s not in roles.key, _rank(s), -s.node.seen)
    )
    if owners:
        roles.subject = _entity(owners[0]), owners[0].path
        roles.why["subject"] = "the person whose records they are, by the best known id"
    elif any(s.verdict.sensitive for s in scalars):
        stand_in = _stand_in(roles, scalars)
        if stand_in is not None:
            roles.subject = _singular(dataset) if stand_in in roles.key else "person", stand_in.path
            roles.why["subject"] = "no id of a person, so this stands for whose records they are"
        else:  # they are named in arrays only
            people = people or _telling(scalars)
    named = dict.fromkeys((_entity(s), s.path) for s in people)
    roles.mentions = [mention for mention in named if mention != roles.subject]
    for column in roles.key:
        _keep_key(column)


def _prefixes(scalar: Draft) -> list[str]:
    """What stands before the ids of a column that holds references, as ``urn:uuid:`` or ``Patient/``."""
    found = [_REFERENCE.match(str(value)) for value in scalar.node.values]
    prefixes = sorted({match[0] for match in found if match})
    if not all(found) or len(prefixes) > _MOST_PREFIXES:
        return []
    verdict = scalar.verdict
    if verdict.mask.strategy == "token" and prefixes:
        mask = replace(verdict.mask, options={**verdict.mask.options, "strip": prefixes})
        scalar.verdict = replace(verdict, mask=mask, reason=f"{verdict.reason}, behind a prefix")
    return prefixes


def _stand_in(roles: Roles, scalars: Sequence[Draft]) -> Draft | None:
    """What stands for the owner of a record that gives no person's id: the row's key, or what tells best who it is."""
    if len(roles.key) == 1:
        return roles.key[0]
    single = [s for s in _telling(scalars) if None not in s.steps]
    best = sorted(single, key=lambda s: _BEST.index(s.verdict.kind) if s.verdict.kind in _BEST else len(_BEST))
    return best[0] if best else None


def _telling(scalars: Sequence[Draft]) -> list[Draft]:
    """Scalars that may name a person."""
    return [s for s in scalars if s.verdict.level == "HIGH" and s.verdict.mask.strategy not in ("text", "drop")]


def _rank(scalar: Draft) -> int:
    """Customers, users and patients before those who work for them."""
    ranks = {"customer": 0, "patient": 0, "user": 1, "member": 1, "person": 1, "employee": 3}
    return ranks.get(_entity(scalar), 2)


def _entity(scalar: Draft) -> str:
    return scalar.verdict.entity or "person"


def _singular(dataset: str) -> str:
    name = dataset.lower()
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s") or name


def _keep_key(column: Draft) -> None:
    """A key may be masked only so that different values stay different."""
    verdict = column.verdict
    if verdict and verdict.mask.strategy not in ("keep", "token"):
        column.verdict = replace(verdict, mask=Mask("token", {}), reason=f"{verdict.reason}; a key, so tokens")


def _is_text(column: Draft) -> bool:
    """Whether it is long text that stays readable, with placeholders if need be."""
    if column.verdict.mask.strategy not in ("keep", "text"):
        return False
    texts = [v for v in column.node.values[:1000] if isinstance(v, str) and v]
    if not texts or (column.verdict.sensitive and column.verdict.mask.strategy == "keep"):
        return False
    characters, spaces = sum(map(len, texts)), sum(text.count(" ") for text in texts)
    return characters >= _LONG * len(texts) and spaces >= _SPACES * len(texts)


def title_of(columns: Sequence[Draft]) -> Draft | None:
    """The column that can head a passage."""
    clear = [c for c in columns if c.typed.type == "string" and not c.verdict.sensitive]
    return next((c for word in _TITLES for c in clear if words(c.inner[-1])[-1:] == (word,)), None)


def _enum(scalar: Draft) -> list[str]:
    """The few values of a text that names a kind of thing; never of one that concerns a person."""
    verdict, values = scalar.verdict, scalar.node.values
    if scalar.typed.type != "string" or verdict.sensitive or len(values) < _MANY:
        return []
    if not scalar.steps or not set(words(next((s for s in reversed(scalar.steps) if s), ""))[-1:]) & _CATEGORY:
        return []
    nulls = set(scalar.typed.options.get("nullValues", ()))
    different = {v for v in values if isinstance(v, str) and v not in nulls}
    short = all(len(v) <= 40 for v in different)
    return sorted(different) if short and 1 < len(different) <= _FEW and len(different) * 5 <= len(values) else []
