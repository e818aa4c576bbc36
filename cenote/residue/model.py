"""What is looked for and what is found.

Belongs here: needles, hits, and the account of a search. Must not: looking for anything, or showing a needle: a hit
has its number.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

LEAST_CHARACTERS = 4
"""A needle of fewer letters and digits would be found by chance."""

KINDS = ("identifier", "pseudonym", "text", "phrase", "word")
"""``identifier``: a value that names one person, looked for in every disguise. ``pseudonym``: the same, and search
may give back no row that belongs to it. ``text``: something the person wrote, looked for by its words and by its
meaning. ``phrase``: by its words only, because others wrote much the same. ``word``: a word that nobody else used,
looked for in the token dictionaries of full-text indexes."""

_PSEUDONYM = re.compile(r"[a-z][a-z0-9_]*_[0-9a-f]{24}")
_TEXT_FROM = 40


@dataclass(frozen=True)
class Needle:
    """A value that must not be found. Stays out of ``repr``."""

    value: str = field(repr=False)
    kind: str = "identifier"

    @classmethod
    def of(cls, value: "str | Needle") -> "Needle":
        """A needle whose kind is told by its looks, where it has none."""
        if isinstance(value, Needle):
            return value
        if _PSEUDONYM.fullmatch(value):
            return cls(value, "pseudonym")
        return cls(value, "text" if len(value) >= _TEXT_FROM and " " in value else "identifier")


@dataclass(frozen=True, order=True)
class Hit:
    """A needle that was found: the file below the folder, where in it, the needle's number, and in which disguise."""

    file: str
    where: str
    needle: int
    form: str = "plain"


@dataclass
class Examined:
    """What a search read and found.

    ``opaque``: files that could not be decoded, or that hold something which cannot be; their bytes were searched.
    ``reasons`` says why, by file. ``bytes``: on the disk; ``searched``: after decoding. ``asked``: questions put to
    search.
    """

    hits: list[Hit] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    searched: int = 0
    opaque: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict, repr=False)
    needles: int = 0
    asked: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was found and nothing was left undecoded."""
        return not self.hits and not self.opaque

    @property
    def speed(self) -> float:
        """Megabytes of decoded content searched per second."""
        return self.searched / 1e6 / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Counts and places as plain values."""
        told = asdict(self) | {"clean": self.clean, "mb_per_second": round(self.speed, 1)}
        return told | {"seconds": round(self.seconds, 3)}


def needles_of(values: "Sequence[str | Needle]") -> list[Needle]:
    """Needles, in order. Raises ``ValueError`` naming, by number, one that is too short or of no known kind."""
    found = [Needle.of(value) for value in values]
    for number, needle in enumerate(found):
        if sum(map(str.isalnum, needle.value)) < LEAST_CHARACTERS:
            raise ValueError(f"needle {number} has fewer than {LEAST_CHARACTERS} letters and digits")
        if needle.kind not in KINDS:
            raise ValueError(f"needle {number} is of no known kind; known are {', '.join(KINDS)}")
    return found
