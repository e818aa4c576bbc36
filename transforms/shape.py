"""What a contract says of a place in a raw record: which field it belongs to, whether it names a person.

Belongs here: paths of raw records against a contract. Must not: values, reading JSON (jsonscan.py). Change envelopes
are looked through: a field is the same field in the row before and after, and in Kafka Connect's wrapping.
"""

from collections.abc import Iterator
from functools import cached_property

from transforms.contract import Contract, Field
from transforms.json_columns import EACH, Steps, parse_path

_ENVELOPE = "$envelope"
PERSONAL = ("HIGH", "MEDIUM")


class Shape:
    """A contract's fields by where they stand in a record. ``people``: the kinds of people that the lake knows."""

    def __init__(self, contract: Contract, people: frozenset[str]) -> None:
        self.contract = contract
        self._people = people

    def field(self, path: Steps) -> Field | None:
        """The innermost field that a place belongs to; None where the contract does not name it."""
        for inside in self._inside(path):
            for length in range(len(inside), -1, -1):
                if found := self._fields.get(inside[:length]):
                    whole = length == len(inside) or not (found.properties or found.items)
                    return found if whole else None
        return None

    def is_subject(self, path: Steps) -> bool:
        """Whether the natural id of the record's owner stands there."""
        return any(inside in self._subjects for inside in self._inside(path))

    def entity(self, path: Steps) -> str | None:
        """The kind of person that a place names by natural id, the record's owner aside; None where it names none."""
        return next((found for i in self._inside(path) if (found := self._names.get(i))), None)

    def is_operation(self, path: Steps) -> bool:
        """Whether the operation of a change envelope stands there."""
        envelope = self.contract.change.envelope
        return envelope is not None and any(path[len(w) :] == parse_path(envelope.op) for w in self._wraps(path))

    def identifies(self, path: Steps) -> bool:
        """Whether the value names its owner, so that it may be looked for in other people's texts."""
        field = self.field(path)
        if field is None or field.classification != "HIGH" or field.type != "string" or self.entity(path):
            return False
        strategy, options = field.mask.strategy, field.mask.options
        return strategy in ("token", "redact", "partial", "pseudonym_name", "drop", "keep") or (
            strategy == "generalize" and options.get("to") == "subnet"
        )

    def is_text(self, path: Steps) -> bool:
        """Whether free text may stand there: the contract says so, or does not name the place."""
        field = self.field(path)
        return field is None or field.mask.strategy == "text"

    @property
    def named(self) -> list[tuple[str, Steps]]:
        """Entities and the places where a record names such people, from the top of the record, the owner aside."""
        return [(entity, prefix + path) for path, entity in self._names.items() for prefix in self._prefixes(path)]

    def strip(self, entity: str) -> tuple[str, ...]:
        """What may stand before the natural id of such a person in these records, wherever it is declared."""
        people = (*self.contract.mentions, *([self.contract.subject] if self.contract.subject else []))
        found = [prefix for who in people if who.entity == entity for prefix in who.strip]
        masks = [field.mask for field in self._fields.values() if field.mask.strategy == "token"]
        found += [
            prefix for mask in masks if mask.options.get("entity") == entity for prefix in mask.options.get("strip", ())
        ]
        return tuple(dict.fromkeys(found))

    # inner workings

    @cached_property
    def _subjects(self) -> frozenset[Steps]:
        """Where the owner's natural id stands, or stood."""
        subject = self.contract.subject
        return frozenset(map(self._path, self.contract.places(subject.path))) if subject else frozenset()

    @cached_property
    def _fields(self) -> dict[Steps, Field]:
        return dict(_walk(self.contract.fields, ()))

    @cached_property
    def _names(self) -> dict[Steps, str]:
        """Declared mentions, and fields whose mask makes the pseudonym of a person of them."""
        mentions = self.contract.mentions
        found = {self._path(path): m.entity for m in mentions for path in self.contract.places(m.path)}
        for path, field in self._fields.items():
            if field.mask.strategy == "token" and "entity" in field.mask.options:
                found.setdefault(path, str(field.mask.options["entity"]))
        return {path: who for path, who in found.items() if path not in self._subjects and who in self._people}

    @staticmethod
    def _path(path: str) -> Steps:
        if path.startswith(_ENVELOPE):
            return (_ENVELOPE, *_loose(parse_path("$" + path.removeprefix(_ENVELOPE))))
        return _loose(parse_path(path))

    def _inside(self, path: Steps) -> Iterator[Steps]:
        """A place as paths of fields see it: from the row image, or from the envelope."""
        envelope = self.contract.change.envelope
        if envelope is None:
            yield path
            return
        for wrap in self._wraps(path):
            inner = path[len(wrap) :]
            for image in (parse_path(envelope.after), parse_path(envelope.before)):
                if inner[: len(image)] == image:
                    yield inner[len(image) :]
            yield (_ENVELOPE, *inner)

    @staticmethod
    def _wraps(path: Steps) -> list[Steps]:
        return [(), ("payload",)] if path[:1] == ("payload",) else [()]

    def _prefixes(self, path: Steps) -> list[Steps]:
        """What stands before a field's path in records."""
        envelope = self.contract.change.envelope
        if envelope is None:
            return [()]
        images = [parse_path(envelope.after), parse_path(envelope.before)]
        return [(*wrap, *image) for wrap in ((), ("payload",)) for image in images] if path[:1] != (_ENVELOPE,) else []


def _walk(fields: tuple[Field, ...], inside: Steps) -> Iterator[tuple[Steps, Field]]:
    """Fields and their paths, members and elements included; ``inside`` is where their object stands."""
    for field, place in ((f, place) for f in fields for place in (f.path, *f.formerly)):
        path = inside + _loose(parse_path(place)) if inside else Shape._path(place)
        inner: Field | None = field
        while inner:
            yield path, inner
            yield from _walk(inner.properties, path) if inner.properties else ()
            path, inner = (*path, EACH), inner.items


def _loose(steps: Steps) -> Steps:
    """Any position of an array is as good as another."""
    return tuple(EACH if isinstance(step, int) else step for step in steps)
