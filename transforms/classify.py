"""How sensitive a field is: HIGH, MEDIUM, LOW or PUBLIC, by its name, the names around it, its type and its values.

Belongs here: the verdict, and whether values contradict a contract. Must not: the words and the table of kinds
(transforms/classification), detection in text (transforms/detect.py), reading files. A reason is said in words and
never quotes a value. What the levels mean, and measured figures: docs/classification.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from transforms.classification.context import ORGANIZATION, PERSON, THING, Place, Surroundings
from transforms.classification.evidence import STRONG, Evidence, count_kinds, evidence
from transforms.classification.kinds import KINDS, Kind
from transforms.classification.lexicon import META, SYSTEM_TEXT
from transforms.contract import Contract, Field, Mask

_BY_NAME = {kind.name: kind for kind in KINDS}
_BEFORE_IDS = ("SECRET", "EMAIL", "NATIONAL_ID", "ACCOUNT", "IP", "DEVICE", "NAME")
_TAIL = 12
_OF_VALUES = {"CARD": "ACCOUNT", "IBAN": "ACCOUNT", "WALLET": "ACCOUNT", "MAC": "DEVICE", "PERSON": "NAME"}


@dataclass(frozen=True)
class Column:
    """A scalar path of a dataset (``$.lines[*].note``), its logical type, and a sample of its values as text."""

    path: str
    type: str = "string"
    values: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.String))


@dataclass(frozen=True)
class Verdict:
    """What a column holds: level, kind of personal data if any, the mask that fits, and why.

    ``entity``: whose identifier it is, where it is one.
    """

    path: str
    level: str
    kind: str | None
    mask: Mask
    reason: str
    entity: str | None = None

    @property
    def sensitive(self) -> bool:
        """Whether it is about a person: HIGH or MEDIUM."""
        return self.level in ("HIGH", "MEDIUM")


def classify(columns: Sequence[Column], dataset: str) -> list[Verdict]:
    """Judge all scalar paths of a dataset together, since the ones beside a path tell what it means.

    Values may be missing: then names alone decide. The same columns always give the same verdicts. Raises
    ``ValueError`` for what is no path.
    """
    around = Surroundings(dataset, [c.path for c in columns])
    seen = evidence([c.values for c in columns])
    verdicts = [_judge(_Case(c, around.place(c.path), around, e)) for c, e in zip(columns, seen, strict=True)]
    verdicts = _same_ids(columns, verdicts)
    if not any(v.sensitive for v in verdicts):
        return verdicts
    why = "nothing personal in its name or values, but part of a record about a person"
    return [v if v.kind else replace(v, level="LOW", reason=why) for v in verdicts]


def contradictions(frame: pl.DataFrame, contract: Contract) -> list[tuple[str, str, int]]:
    """Where a contract says that nobody is concerned, and values say otherwise: (path, kind, number of values), sorted.

    ``frame``: silver rows or a sample of them, columns named as the contract's fields. Looked at are texts, nested ones
    too, that are classed PUBLIC or LOW and kept in clear, for kinds that prove themselves by form or check digits.
    """
    found: dict[tuple[str, str], int] = {}
    columns = [
        clear
        for column in contract.fields
        if column.name in frame.columns
        for clear in _clear_texts(frame.get_column(column.name), column, column.path)
    ]
    counts = count_kinds([texts for _, texts in columns], STRONG)
    for (path, _), kinds in zip(columns, counts, strict=True):
        for kind, count in kinds.items():
            found[path, kind] = found.get((path, kind), 0) + count
    return [(path, kind, count) for (path, kind), count in sorted(found.items())]


def _clear_texts(values: pl.Series, here: Field, path: str) -> list[tuple[str, pl.Series]]:
    """The text leaves of a column that are classed PUBLIC or LOW and kept, by path."""
    if here.mask.strategy != "keep":
        return []
    if isinstance(values.dtype, pl.List) and here.items:
        return _clear_texts(values.drop_nulls().explode(), here.items, f"{path}[*]")
    if isinstance(values.dtype, pl.Struct) and here.properties:
        there = {f.name for f in values.dtype.fields}
        members = [p for p in here.properties if p.name in there]
        found = [_clear_texts(values.struct.field(p.name), p, path + p.path.removeprefix("$")) for p in members]
        return [leaf for leaves in found for leaf in leaves]
    return [(path, values)] if values.dtype == pl.String and here.classification in ("PUBLIC", "LOW") else []


def _same_ids(columns: Sequence[Column], verdicts: list[Verdict]) -> list[Verdict]:
    """Columns that hold what identifies a person elsewhere (``urn:uuid:...`` beside ``...``) identify them as well."""
    ids: dict[str, str] = {}
    for column, verdict in zip(columns, verdicts, strict=True):
        if verdict.kind == "SUBJECT_ID" and column.type == "string":
            ids |= dict.fromkeys(_tails(column.values), verdict.entity or "person")
    found = []
    for column, verdict in zip(columns, verdicts, strict=True):
        same = _tails(column.values) & ids.keys() if column.type == "string" and verdict.level != "HIGH" else set()
        if same:
            entity = min(ids[value] for value in same)
            mask, why = Mask("token", {"entity": entity}), "it holds what identifies a person at another path"
            verdict = Verdict(column.path, "HIGH", "SUBJECT_ID", mask, why, entity)
        found.append(verdict)
    return found


def _tails(values: pl.Series) -> set[str]:
    """What ids end in behind colons and slashes, as far as it is too long to be the same by chance."""
    tails = values.drop_nulls().cast(pl.String).unique().str.extract(r"([^:/\s]+)$")
    return set(tails.filter(tails.str.len_chars() >= _TAIL).drop_nulls())


# the verdict: the first rule that has something to say decides


@dataclass(frozen=True)
class _Case:
    """A column, what its name means where it stands, the dataset around it, and what its values say."""

    column: Column
    place: Place
    around: Surroundings
    seen: Evidence

    @property
    def is_text(self) -> bool:
        return self.column.type == "string"

    @property
    def about_person(self) -> bool:
        return self.place.context == PERSON or self.around.of_person or self.around.of_health

    def is_a(self, kind: Kind, reason: str) -> Verdict:
        """The verdict that it is of a kind."""
        return Verdict(self.column.path, kind.level, kind.name, _mask(kind, self.column.type), reason)

    def may_be(self, level: str, kind: str, strategy: str, reason: str) -> Verdict:
        """A verdict that no single kind stands for."""
        return Verdict(self.column.path, level, kind, Mask(strategy), reason)


def _judge(case: _Case) -> Verdict:
    for rule in _RULES:
        if verdict := rule(case):
            return verdict
    return Verdict(case.column.path, "PUBLIC", None, Mask(), "nothing personal in its name or values")


def _by_sure_name(case: _Case) -> Verdict | None:
    """Kinds that come before identifiers: an account number is no account's id."""
    verdict = _by_name(case)
    return verdict if verdict and verdict.kind in _BEFORE_IDS else None


def _by_name(case: _Case) -> Verdict | None:
    """The kind whose phrase fits the name best."""
    kind = _fitting(case.column.type, case.place)
    if kind is None or not _counts(kind, case):
        return None
    if kind.name == "PHONE" and "EMAIL" in case.seen.kinds:
        kind = _BY_NAME["EMAIL"]
    of_organization = case.place.context == ORGANIZATION and not case.around.has_contact(case.place)
    if case.place.is_public or (of_organization and kind.organization == "LOW"):
        reason = f"its name says {kind.what}, but of an organization"
        return Verdict(case.column.path, "PUBLIC", None, Mask(), reason)
    return case.is_a(kind, f"its name says {kind.what}")


def _fitting(type_: str, place: Place) -> Kind | None:
    """The kind with the longest phrase in the name; the last word must be of it if it turns the meaning."""
    best: tuple[int, Kind | None] = (0, None)
    if place.is_question:
        return None
    for kind in KINDS:
        if type_ not in kind.types or (type_ == "boolean" and not kind.flags):
            continue
        for phrase in kind.phrases:
            whole = next((word[1:] for word in phrase if word.startswith("=")), None)
            fits = place.leaf == (whole,) if whole else phrase <= place.words
            if fits and len(phrase) > best[0] and (whole or place.last not in META - phrase):
                best = len(phrase), kind
    return best[1]


def _counts(kind: Kind, case: _Case) -> bool:
    """Whether a kind that a name says counts where it stands."""
    place = case.place
    if kind.needs_person and not case.about_person:
        return False
    if kind.name == "STATE":  # or the state of a machine
        return case.around.is_address(place)
    if kind.name == "COMPANY":
        return case.around.of_person or place.context == PERSON
    if kind.name == "NAME":
        return place.context not in (THING, ORGANIZATION) or place.has_name_part
    if kind.name == "TEXT":
        return place.is_text and not place.around & SYSTEM_TEXT
    return kind.name != "IMAGE" or place.context != THING


def _mask(kind: Kind, type_: str) -> Mask:
    if kind.options.get("to") == "year" and type_ not in ("date", "timestamp"):
        return Mask("redact")
    if kind.name == "GEO" and type_ == "number":
        return Mask("generalize", {"to": "bucket", "width": 1})
    return Mask(kind.mask, dict(kind.options))


def _identifier(case: _Case) -> Verdict | None:
    """A person's id: ``customer_id``, ``customer``, ``customer.id``, ``createdBy``; ``id`` in a dataset of persons."""
    who = case.place.identified(case.around) if case.column.type in ("string", "integer") else None
    if who is None:
        return None
    entity = case.around.entity(who)
    reason = f"it identifies a person ({entity})"
    return Verdict(case.column.path, "HIGH", "SUBJECT_ID", Mask("token", {"entity": entity}), reason, entity)


def _bare_name(case: _Case) -> Verdict | None:
    """``name`` alone: a person's in an object about a person, else what the values say."""
    if not case.is_text or not case.place.is_bare_name or case.place.is_public:
        return None
    if case.place.context == PERSON:
        return case.is_a(_BY_NAME["NAME"], "a name, in an object about a person")
    if case.place.context is None and case.seen.share("PERSON") >= 0.5:
        return case.is_a(_BY_NAME["NAME"], "most of its values look like names of persons")
    return None


def _document(case: _Case) -> Verdict | None:
    """Attachments and marked-up text repeat who a record is about."""
    if not (case.is_text and case.about_person and (case.seen.encoded or case.seen.markup)):
        return None
    what = "an encoded document" if case.seen.encoded else "marked-up text"
    return case.may_be("HIGH", "DOCUMENT", "drop", f"{what} in a record about a person, which may repeat anything")


def _by_values(case: _Case) -> Verdict | None:
    if not case.is_text:
        return None
    seen, whose = case.seen, case.place.context
    if seen.is_text:
        told = f"text in which personal data was found ({', '.join(sorted(seen.anywhere)).lower()})"
        return case.is_a(_BY_NAME["TEXT"], told) if seen.anywhere else None
    for found, share in seen.kinds.items():
        public = whose == ORGANIZATION and found in ("PHONE", "ADDRESS")
        likely = share >= 0.2 if found in STRONG else share >= 0.6 and whose in (None, PERSON)
        if likely and not public:
            kind = _BY_NAME.get(_OF_VALUES.get(found, found), _BY_NAME["NATIONAL_ID"])
            return case.is_a(kind, f"{share:.0%} of its values look like {kind.what}")
    return None


def _health(case: _Case) -> Verdict | None:
    """What a record about somebody's health says: when care was given, and what was found or done."""
    if not case.around.of_health:
        return None
    if case.place.is_care_date(case.column.type):
        return case.may_be("MEDIUM", "CARE_DATE", "keep", "a date of care")
    if case.place.is_content and case.column.type != "boolean" and not case.seen.constant:
        return case.may_be("MEDIUM", "HEALTH", "keep", "what a record about somebody's health says")
    return None


def _anything(case: _Case) -> Verdict | None:
    """``description``, ``value`` and the like, directly in a person's record: it may be anything."""
    if case.is_text and case.place.is_described(case.around):
        return case.is_a(_BY_NAME["TEXT"], "somebody's words by or about a person")
    if not case.place.is_open_value or not case.place.is_directly_person(case.around):
        return None
    reason = "a value about a person whose meaning stands elsewhere"
    if case.is_text:
        return case.may_be("HIGH", "ANYTHING", "redact", reason)
    return None if case.column.type == "boolean" else case.may_be("MEDIUM", "ANYTHING", "keep", reason)


def _long_text(case: _Case) -> Verdict | None:
    """Long text, but for what describes a thing."""
    if not (case.is_text and case.seen.is_text) or case.place.context == THING or case.place.around & SYSTEM_TEXT:
        return None
    return case.is_a(_BY_NAME["TEXT"], "long text, which may hold anything about anybody")


_RULES = (
    _by_sure_name, _identifier, _by_name, _bare_name, _document, _by_values, _anything, _health, _long_text,
)  # fmt: skip
