"""The way of a dataset's records to its files, mishaps included.

Belongs here: spoiling, ordering, writing and counting. Must not: making good records.
"""

from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from cenote.sample.files import FORMS, Files
from cenote.sample.mess import (
    ABSENT,
    DOUBLE_BREAKS,
    EXTRAS,
    NOT_OBJECTS,
    RATES,
    REJECTED,
    SPOILS,
    Mishaps,
    as_text,
    spoil,
)
from cenote.sample.people import pick
from cenote.sample.truth import Truth

_ANY = tuple(RATES)
_LAST = tuple(kind for kind in RATES if kind not in ("out_of_order", "late"))  # what a key's last record may suffer
_WHEN = itemgetter(0)
_encode = msgspec.json.Encoder().encode

_DELETE = tuple(kind for kind in _LAST if kind != "broken")


class Version(NamedTuple):
    """One record about a key: when it was made (epoch seconds), the record, the row image in it, and what it says.

    ``deletes``: the key ends here. ``state`` and ``cents`` are summed over current rows.
    """

    at: int
    record: dict[str, Any]
    image: dict[str, Any]
    deletes: bool = False
    state: str | None = None
    cents: int = 0


class Feed:
    """Takes the versions of each key of one dataset and writes them, in the order of time within a block."""

    def __init__(self, out: Path, dataset: str, truth: Truth, seed: int, *, name_deleted: bool = True) -> None:
        form = FORMS[dataset]
        self._dataset, self._all_truth = dataset, truth
        self._truth = truth.dataset(dataset)
        self._spoils = SPOILS[dataset]
        self._rng = Random(f"{seed}/mess/{dataset}")
        self._mishaps = Mishaps(self._spoils, self._rng)
        self._main = Files(out / dataset, dataset, form)
        self._later = Files(out / dataset, f"{dataset}-later", form)
        self._lines: list[tuple[int, bytes]] = []
        self._name_deleted = name_deleted or truth.with_values
        self._broken = 0

    def put(self, key: str, versions: list[Version]) -> None:
        """Take all versions of a key, in the order of their making."""
        self._truth.records += len(versions)
        if self._mishaps.spare(len(versions)):  # as nearly always
            for version in versions:
                self._lines.append((version.at, _encode(version.record)))
            self._settle(key, versions[-1])
        else:
            self._settle(key, self._struck(versions))

    def _struck(self, versions: list[Version]) -> Version | None:
        """Send off versions some of which may come to harm; returns the newest that is accepted."""
        last = len(versions) - 1
        newest = None
        guarded = -1  # what an out-of-order record hides behind must itself arrive
        for at, version in enumerate(versions):
            kind = self._mishaps.strikes(() if at == guarded else self._possible(version, at == last))
            if kind is None:
                self._lines.append((version.at, _encode(version.record)))
                newest = version
                continue
            guarded = at + 1 if kind == "out_of_order" else guarded
            if self._strike(kind, version, versions[at + 1].at if kind == "out_of_order" else version.at):
                newest = version
        return newest

    def _possible(self, version: Version, last: bool) -> tuple[str, ...]:
        if version.deletes:  # little is asked of a delete, so it is hard to break
            return _DELETE
        return _LAST if last and self._spoils.keyed else _ANY

    def flush(self) -> None:
        """Write what was taken since the last time, ordered by time."""
        self._lines.sort(key=_WHEN)
        self._main.write([line for _, line in self._lines])
        self._lines.clear()

    def close(self) -> None:
        """Write the rest and finish the files."""
        self.flush()
        for files in (self._main, self._later):
            files.close()
            self._truth.files += files.count
            self._truth.bytes += files.bytes

    def _settle(self, key: str, newest: Version | None) -> None:
        if newest is None:
            return
        if not newest.deletes:
            self._truth.settle(newest.state, newest.cents)
            return
        self._truth.deleted += 1
        if self._name_deleted:
            self._truth.deleted_keys.append(key)

    def _strike(self, kind: str, version: Version, after: int) -> bool:
        """Let a mishap happen to a record and send it off; returns whether the record is still accepted."""
        self._change(kind, version.image)
        line = self._garble(kind, _encode(version.record))
        if kind != "late":
            self._lines.append((after + 1 if kind == "out_of_order" else version.at, line))
        if kind == "duplicate":
            self._lines.append((version.at, line))
        if kind in ("late", "redelivered"):
            self._later.write([line])
        self._truth.mess[kind] += 1
        self._truth.records += kind in ("duplicate", "redelivered")
        self._truth.rejected += kind in REJECTED
        return kind not in REJECTED

    def _garble(self, kind: str, line: bytes) -> bytes:
        """Cut a line off, or put some other JSON in its place."""
        if kind == "malformed":
            self._truth.reject("malformed_json", "$")
            return line[: int(len(line) * (0.3 + 0.65 * self._rng.random()))]
        if kind == "not_an_object":
            self._truth.reject("not_an_object", "$")
            return pick(self._rng, NOT_OBJECTS)
        return line

    def _change(self, kind: str, image: dict[str, Any]) -> None:
        """Change the row image, where that is what the mishap does."""
        if kind == "broken":
            self._break(image)
        elif kind == "extra_field":
            self._add_field(image)
        elif kind == "absent_field":
            spoil(image, pick(self._rng, self._spoils.optional), ABSENT)
        elif kind == "text_number":
            as_text(image, pick(self._rng, self._spoils.numbers))

    def _break(self, image: dict[str, Any]) -> None:
        breaks = self._spoils.breaks
        self._broken += 1
        chosen = {breaks[self._broken % len(breaks)].path: breaks[self._broken % len(breaks)]}
        if self._broken % DOUBLE_BREAKS == 0:
            second = breaks[(self._broken + 1) % len(breaks)]
            chosen.setdefault(second.path, second)
        for found in chosen.values():
            spoil(image, found.path, found.value)
            self._truth.reject(found.rule, found.path)

    def _add_field(self, image: dict[str, Any]) -> None:
        """Add a field that no contract names; a customer's may hold an e-mail address."""
        if self._dataset == "customers" and self._rng.random() < 0.3:
            email = f"backup{int(self._rng.random() * 1e6)}@example.org"
            image["backup_contact"] = {"email": email}
            self._all_truth.planted(self._dataset, "email_in_unnamed_field", email)
        else:
            name, value = pick(self._rng, EXTRAS)
            image[name] = value
