"""Where a path stands: whose object it is in, and what its name means there.

Belongs here: reading names in their surroundings. Must not: the words themselves (lexicon.py), kinds, values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from transforms.classification import lexicon as lex
from transforms.classification.words import words
from transforms.json_columns import parse_path

PERSON, ORGANIZATION, THING = "person", "organization", "thing"
_NO_CONTENT = lex.NO_CONTENT | lex.ORGANIZATIONS | (lex.META - lex.listed("type category quantity event reason kind"))
_DESCRIBED = lex.listed("description detail info about summary body text content")
_ENTITIES = {
    "representative": "employee", "manager": "employee", "supervisor": "employee", "assignee": "employee",
    "clerk": "employee", "client": "customer", "holder": "owner", "individual": "person",
}  # fmt: skip
_PATIENTS = lex.listed("subject client")
_PRACTITIONERS = lex.listed("performer requester physician author individual")
Words = tuple[str, ...]
_BORN: Words = ("birth", "date")
_NAMED: set[Words] = {("first", "name"), ("family", "name")}


@dataclass(frozen=True)
class Place:
    """A path in words: its leaf, the objects around it from the outermost in, its dataset; and their own names."""

    leaf: Words
    containers: tuple[Words, ...]
    dataset: Words
    parent: tuple[str, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """The words that say what it is: the leaf's, with those of the object around it where they say too little."""
        if not set(self.leaf) <= lex.GENERIC | {"boolean", "decimal"}:
            return frozenset(self.leaf)
        around = self._inner
        if around is None and not set(self.leaf) & {"name", "code", "number"}:
            around = self.dataset
        return frozenset((*(around or ()), *self.leaf))

    @property
    def around(self) -> frozenset[str]:
        """The words of the leaf and of the two objects around it."""
        return frozenset(w for part in (*self.containers[-2:], self.leaf) for w in part)

    @property
    def last(self) -> str:
        """The word that the name ends in."""
        return next((w for w in reversed(self.leaf) if not w.isdigit()), "")

    @cached_property
    def context(self) -> str | None:
        """Whose object it is: a person's, an organization's, a thing's, or None where names do not tell."""
        own = tuple(w for w in self.leaf if w not in lex.WEAK_PERSONS | lex.ATTRIBUTES)
        told = (_whose(part) for part in (own, *reversed(self.containers)))
        return next((whose for whose in told if whose), None) or _whose(self.dataset, whole=True)

    @property
    def _inner(self) -> Words | None:
        """The nearest object around it that says something."""
        return next((c for c in reversed(self.containers) if not set(c) <= lex.WRAPPERS), None)

    # what it is called

    @property
    def has_name_part(self) -> bool:
        """Whether it is a part of a name that only persons have, or says whose name it is."""
        return bool(self.words & lex.NAME_PARTS) or ("name" in self.words and bool(self.words & lex.PERSONS))

    @property
    def is_bare_name(self) -> bool:
        """Whether it is called ``name``, or is how an object about a person is displayed."""
        if "display" in self.leaf and self.containers and _head(self.containers[-1]):
            return True
        return self.last == "name" or self.leaf[:1] == ("name",)

    @property
    def is_text(self) -> bool:
        """Whether it is called by what people write: a note, or, where it is not a thing's, a message."""
        if {self.last, *self.leaf[-2:]} & lex.WRITTEN:
            return True
        if set(self.leaf) <= lex.GENERIC and self.words & lex.WRITTEN:
            return True
        return self.context != THING and self.last not in ("count", "id")

    @property
    def is_open_value(self) -> bool:
        """Whether it is a value whose meaning stands elsewhere."""
        return bool({"value", "answer", "response"} & set(self.leaf)) and self.last not in lex.META

    @property
    def is_public(self) -> bool:
        """Whether it is how everybody reaches an organization."""
        return bool(lex.DESKS & set(self.leaf))

    @property
    def is_question(self) -> bool:
        """Whether it says if there is something: ``require_signature``, ``has_phone``."""
        return len(self.leaf) > 1 and self.leaf[0] in lex.ASKS

    def is_care_date(self, kind: str) -> bool:
        """Whether it is a date, and no mark of the system's own."""
        dated = kind in ("date", "timestamp") or (kind == "string" and self.last in lex.DATES)
        stamped = self.leaf[0] == "created" and len(self.leaf) > 1
        stamped = stamped or bool(set(self.leaf) & (lex.STAMPS - {"created", "recorded"}))
        return dated and not stamped and "birth" not in self.leaf

    @property
    def is_content(self) -> bool:
        """Whether it holds what a record says, by the shape of its path."""
        if not set(self.leaf) & lex.CONTENT or self.last in _NO_CONTENT or self.last in lex.IDS - {"code", "number"}:
            return False
        return not ({w for c in self.containers for w in c} | set(self.leaf[:-1])) & _NO_CONTENT

    # whom it concerns

    def is_described(self, around: "Surroundings") -> bool:
        """Whether it is somebody's words by or about a person: ``customer.description``, a ticket's ``body``."""
        if self.last in _DESCRIBED and self.is_directly_person(around):
            return True
        said = self.last in _DESCRIBED | {"title", "subject", "headline"} and not self.containers
        return said and bool(lex.TALKS & set(around.words))

    def is_directly_person(self, around: "Surroundings") -> bool:
        """Whether the object it is in is a person, with nothing else between."""
        for depth in range(len(self.containers), 0, -1):
            if _head(self.containers[depth - 1]) or self.parent[:depth] in around.persons:
                return True
            if _whose(self.containers[depth - 1]) or not set(self.containers[depth - 1]) <= lex.NEUTRAL:
                return False
        return around.of_person

    def identified(self, around: "Surroundings") -> str | None:
        """The word for the person whom the path identifies, if it does."""
        if {"report", "reports"} & set(self.leaf) and self.last == "to":
            return "manager"
        if self.last in ("by", "to") and set(self.leaf) & lex.ACTS:
            return "user"
        rest = [w for w in self.leaf if w not in lex.HELPERS and not w.isdigit()]
        if not rest:
            return None
        while rest and rest[-1] in lex.IDS:
            rest.pop()
        while rest and rest[0] in lex.IDS:  # numero_client
            rest.pop(0)
        if rest[-1:] == ["account"] and len(rest) > 1:
            rest.pop()
        if rest == ["value"] and self._inner == ("identifier",):
            rest = []
        if rest:
            sure = rest[-1] not in lex.WEAK_PERSONS or len(rest) < len(self.leaf)
            return rest[-1] if rest[-1] in lex.PERSONS and sure and rest[0] not in lex.META else None
        if self._inner == ("identifier",):
            return "person" if self.parent[:-1] in around.persons else around.person
        if self._inner is None:
            return around.person
        return _head(self._inner) or ("person" if self.parent in around.persons else None)


class Surroundings:
    """What holds for a whole dataset: whose records they are, which objects are persons, addresses, or name a contact.

    An object with a birth date, or with a given and a family name, is a person whatever it is called.
    """

    def __init__(self, dataset: str, paths: Sequence[str]) -> None:
        self.words = tuple(w for w in words(dataset) if w not in lex.NOISE and not w.isdigit())
        beside: dict[tuple[str, ...], set[str]] = {}
        said: set[str] = set()
        parts: dict[tuple[str, ...], set[Words]] = {}
        for steps in map(_steps, paths):
            said |= {w for step in steps for w in words(step)}
            if steps:
                beside.setdefault(steps[:-1], set()).update(words(steps[-1]))
                parts.setdefault(steps[:-1], set()).add(words(steps[-1]))
        self.persons = {parent for parent, names in parts.items() if _BORN in names or names >= _NAMED}
        self.person = _head(self.words) or ("person" if () in self.persons else None)
        self.of_health = bool(set(self.words) & lex.HEALTH_RECORDS or said & lex.SURE_HEALTH)
        self._addresses = {parent for parent, w in beside.items() if w & {"city", "postal", "street", "district"}}
        self._contacts = {
            parent for parent, w in beside.items() if {"contact", "name"} <= w or {"first", "family", "name"} <= w
        }

    @property
    def of_person(self) -> bool:
        """Whether every record is a person."""
        return self.person is not None

    def place(self, path: str) -> Place:
        """A path of the dataset in words."""
        steps = _steps(path)
        return Place(words(steps[-1]) if steps else ("",), tuple(map(words, steps[:-1])), self.words, steps[:-1])

    def is_address(self, place: Place) -> bool:
        """Whether the place is in an address."""
        near = {w for c in place.containers[-1:] for w in c} | set(place.leaf)
        telling = {"address", "billing", "shipping", "home", "street", "birth"}
        return bool(near & telling) or place.parent in self._addresses

    def has_contact(self, place: Place) -> bool:
        """Whether an organization's record names the person to talk to, whose address and phone these then are."""
        return any(place.parent[:depth] in self._contacts for depth in range(len(place.parent) + 1))

    def entity(self, who: str) -> str:
        """The kind of person that a word stands for."""
        if self.of_health and who in _PATIENTS:
            return "patient"
        if self.of_health and who in _PRACTITIONERS:
            return "practitioner"
        return _ENTITIES.get(who, who)


def _steps(path: str) -> tuple[str, ...]:
    plain = "$" + path.removeprefix("$envelope").removeprefix("$")
    return tuple(step for step in parse_path(plain) if isinstance(step, str))


def _whose(name: Words, whole: bool = False) -> str | None:
    """What the last telling word of a name says. ``whole``: it is the name of the dataset."""
    if {"shipping", "from"} <= set(name):  # where goods leave
        return ORGANIZATION
    for word in reversed(name):
        if word in lex.PERSONS or word in lex.PARTIES:
            return PERSON
        if word in lex.ORGANIZATIONS or (whole and word in lex.DATASET_THINGS):
            return ORGANIZATION
        if word in lex.THINGS:
            return THING
    return None


def _head(name: Words) -> str | None:
    """The person that a name is about: its last word, as in English."""
    return name[-1] if name and name[-1] in lex.PERSONS else None
