"""How records go wrong on their way, and how often.

Belongs here: rates, and the spoiling of one record. Must not: writing, the making of good records. Rates are shares of
a dataset's records; each kind strikes at intervals drawn evenly between 1 and twice its mean, so it is found in small
samples.

| kind | what happens | outcome |
|---|---|---|
| broken | one or two fields break the contract | quarantine |
| malformed | the line is cut off | quarantine: malformed_json |
| not_an_object | a line holds some other JSON | quarantine: not_an_object |
| extra_field | a field that the contract does not name | accepted, drift |
| absent_field | an optional field is left out | accepted |
| text_number | a number is written as a string | accepted, same value |
| duplicate | the same line twice in a file | accepted, no effect |
| redelivered | the same line in a later file as well | accepted, no effect |
| out_of_order | the record comes after a newer one of its key | accepted, does not win |
| late | the record comes in a later file, after newer ones | accepted, does not win |

Lines are cut only in line formats. Records of append datasets are never repeated: each is a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

RATES = {
    "broken": 0.008,
    "malformed": 0.002,
    "not_an_object": 0.0004,
    "extra_field": 0.02,
    "absent_field": 0.02,
    "text_number": 0.015,
    "duplicate": 0.006,
    "redelivered": 0.004,
    "out_of_order": 0.01,
    "late": 0.006,
}
REJECTED = ("broken", "malformed", "not_an_object")
LINES_ONLY = ("malformed", "not_an_object")
KEYED_ONLY = ("duplicate", "redelivered", "out_of_order")
NOT_OBJECTS = (b'"ping"', b"[]", b"null", b'["heartbeat",17]', b"42")
ABSENT: Any = object()
DOUBLE_BREAKS = 6  # one broken record in so many breaks two rules


@dataclass(frozen=True)
class Break:
    """A value that breaks a rule of the contract at a path; ``ABSENT`` takes the field away."""

    rule: str
    path: str
    value: Any


@dataclass(frozen=True)
class Spoils:
    """What may go wrong with records of a dataset, beyond what may happen to any."""

    breaks: tuple[Break, ...]
    numbers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    keyed: bool = True
    lines: bool = True


SPOILS = {
    "customers": Spoils(
        breaks=(
            Break("missing_required", "$.name", ABSENT),
            Break("not_in_enum", "$.segment", "vip"),
            Break("wrong_type", "$.birth_date", "1985-02-30"),
            Break("wrong_type", "$.marketing_opt_in", "perhaps"),
            Break("bad_format", "$.contact.email", "not given"),
            Break("pattern", "$.address.country", "Germany"),
        ),
        optional=("$.national_id", "$.last_ip", "$.marketing_opt_in"),
    ),
    "products": Spoils(
        breaks=(
            Break("wrong_type", "$.pricing.price_eur", "on request"),
            Break("missing_required", "$.name", None),
            Break("out_of_range", "$.stock.units", -3),
            Break("not_in_enum", "$.category", "misc"),
        ),
        numbers=("$.pricing.price_eur", "$.stock.units"),
        optional=("$.brand", "$.tags"),
        lines=False,
    ),
    "orders": Spoils(
        breaks=(
            Break("missing_required", "$.customer_id", ABSENT),
            Break("wrong_type", "$.total_eur", "n/a"),
            Break("not_in_enum", "$.status", "teleported"),
            Break("wrong_type", "$.lines[*].quantity", "several"),
            Break("wrong_type", "$.ordered_at", "yesterday"),
            Break("missing_required", "$.lines", None),
            Break("out_of_range", "$.total_eur", -1),
            Break("missing_sequence", "$.updated_at", None),
        ),
        numbers=("$.total_eur",),
        optional=("$.note", "$.currency"),
    ),
    "invoices": Spoils(
        breaks=(
            Break("missing_required", "$.order_id", ABSENT),
            Break("wrong_type", "$.amount_eur", {"value": 12}),
            Break("not_in_enum", "$.status", "pending"),
            Break("wrong_type", "$.issued_at", "31/31/2026"),
        ),
        numbers=("$.amount_eur", "$.tax_eur"),
        optional=("$.due_at", "$.memo"),
    ),
    "conversations": Spoils(
        breaks=(
            Break("out_of_range", "$.satisfaction", 11),
            Break("not_in_enum", "$.state", "sleeping"),
            Break("missing_required", "$.started_at", None),
            Break("wrong_type", "$.satisfaction", "very"),
        ),
        numbers=("$.satisfaction",),
        optional=("$.language",),
    ),
    "turns": Spoils(
        breaks=(
            Break("not_in_enum", "$.role", "supervisor"),
            Break("wrong_type", "$.turn_index", "first"),
            Break("missing_required", "$.conversation_id", ABSENT),
            Break("wrong_type", "$.said_at", True),
        ),
        numbers=("$.turn_index",),
        optional=("$.product_id",),
        keyed=False,
    ),
    "documents": Spoils(
        breaks=(
            Break("not_in_enum", "$.status", "lost"),
            Break("missing_required", "$.title", None),
            Break("wrong_type", "$.tags", "care"),
        ),
        optional=("$.tags",),
        lines=False,
    ),
    "reviews": Spoils(
        breaks=(
            Break("out_of_range", "$.rating", 10),
            Break("too_long", "$.title", "So good! " * 20),
            Break("missing_required", "$.product_id", ABSENT),
            Break("wrong_type", "$.rating", 4.5),
            Break("missing_key", "$.review_id", ABSENT),
        ),
        numbers=("$.rating",),
        optional=("$.title",),
        keyed=False,
    ),
    "follows": Spoils(
        breaks=(
            Break("wrong_type", "$.since", "2026-13-01T00:00:00Z"),
            Break("missing_required", "$.since", None),
        ),
    ),
    "media_assets": Spoils(
        breaks=(
            Break("not_in_enum", "$.kind", "hologram"),
            Break("pattern", "$.hash.sha256", "unknown"),
            Break("missing_required", "$.uri", ABSENT),
        ),
        optional=("$.product_id",),
        lines=False,
    ),
    "consents": Spoils(
        breaks=(
            Break("wrong_type", "$.granted", "perhaps"),
            Break("not_in_enum", "$.purpose", "everything"),
            Break("missing_required", "$.given_at", ABSENT),
        ),
        keyed=False,
    ),
}
EXTRAS: tuple[tuple[str, Any], ...] = (
    ("legacy_ref", "LR-20931"),
    ("utm", {"source": "newsletter", "campaign": "autumn"}),
    ("_export_run", 17),
    ("internal_flags", ["checked", "migrated"]),
)


class Mishaps:
    """Tells which mishap, if any, strikes the next record of a dataset: one at a time; what cannot strike now waits."""

    def __init__(self, spoils: Spoils, rng: Random) -> None:
        self._rng = rng
        self._count = 0
        kinds = [
            kind
            for kind in RATES
            if (spoils.lines or kind not in LINES_ONLY)
            and (spoils.keyed or kind not in KEYED_ONLY)
            and (spoils.numbers or kind != "text_number")
            and (spoils.optional or kind != "absent_field")
        ]
        self._due = {kind: self._gap(kind) for kind in kinds}
        self._next = min(self._due.values())

    def spare(self, records: int) -> bool:
        """Whether so many records go by unharmed, in which case they have gone by."""
        if self._count + records >= self._next:
            return False
        self._count += records
        return True

    def strikes(self, possible: Sequence[str]) -> str | None:
        """The mishap of the next record, of the kinds that are possible for it."""
        self._count += 1
        if self._count < self._next:
            return None
        due = [kind for kind in possible if self._due.get(kind, self._count + 1) <= self._count]
        if not due:
            return None
        kind = due[0]
        self._due[kind] = self._count + self._gap(kind)
        self._next = min(self._due.values())
        return kind

    def _gap(self, kind: str) -> int:
        return 1 + int(self._rng.random() * 2 / RATES[kind])


def spoil(image: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at ``path`` of a row image, or take it away; ``[*]`` is the first element.

    Containers on the way are copied, since versions share them.
    """
    holder, name = _holder(image, path)
    if value is ABSENT:
        holder.pop(name, None)
    else:
        holder[name] = value


def as_text(image: dict[str, Any], path: str) -> None:
    """Write the number at ``path`` as a string."""
    holder, name = _holder(image, path)
    value = holder.get(name)
    if value is not None:
        holder[name] = f"{value:.2f}" if isinstance(value, float) else str(value)


def _holder(image: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, name = path.removeprefix("$.").split(".")
    for parent in parents:
        member = parent.removesuffix("[*]")
        if member == parent:
            image[member] = image = dict(image[member])
        else:
            first, *rest = image[member]
            first = dict(first)
            image[member] = [first, *rest]
            image = first
    return image, name
