"""Words that templates are filled with: names, places, organisations, streets, and made-up ones of their kind.

Belongs here: reading lists and inventing words that sound like those of a list. Must not: how values stand in text
(slots.py). Lists are split into a part for training and a part for development, so that a name is never in both.
"""

import random
from collections import defaultdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from transforms.tagger.lists import ROLES, names, places, roles, sections

Piece = tuple[str, str]
"""Text and its kind; no kind: not marked."""

_FOLDER = Path(__file__).parent / "values"
_ORDER = 3


@cache
def lists(file: str) -> dict[str, list[str]]:
    """The lists of ``training/values/<file>.txt``."""
    return sections((_FOLDER / f"{file}.txt").read_text(encoding="utf-8"))


def held_out(word: str, share: float = 0.15) -> bool:
    """Whether a value or a skeleton belongs to development; depends on the text alone."""
    return int.from_bytes(sha256(word.encode()).digest()[:4], "big") < share * 2**32


class Words:
    """Values for training or for development, with made-up ones among them."""

    def __init__(self, rng: random.Random, dev: bool) -> None:
        self.rng = rng
        self._dev = dev
        roles = names()
        self.given = self._mine([n for n, role in roles.items() if "g" in role])
        self.surnames = self._mine([n for n, role in roles.items() if "s" in role])
        self.places = {name: self._mine(words) for name, words in places().items()}
        self._chains = {
            "given": _chain(self.given),
            "surnames": _chain(self.surnames),
            "towns": _chain([w.lower() for w in self.places["towns"]]),
        }

    def number(self, low: int, high: int) -> int:
        """A number, both ends included."""
        return self.rng.randint(low, high)

    def letter(self) -> str:
        """A capital letter."""
        return self.rng.choice("ABCDEFGHIJKLMNOPRSTVWZ")

    def _mine(self, words: list[str]) -> list[str]:
        return [w for w in dict.fromkeys(words) if held_out(w) == self._dev]

    def pick(self, file: str, name: str) -> str:
        """A word of a list."""
        return self.rng.choice(lists(file)[name])

    def mine(self, file: str, name: str) -> str:
        """A word of a list, of this side's part."""
        return self.rng.choice(_mine(file, name, self._dev)).removeprefix("the ")

    def first(self) -> str:
        """A given name; one of five is made up."""
        if self.rng.random() < 0.2:
            return self._made("given")
        return self._listed(self.given)

    def last(self) -> str:
        """A surname; one of four is made up."""
        if self.rng.random() < 0.25:
            return self._made("surnames")
        return self._listed(self.surnames)

    def town(self) -> str:
        """A town; one of three is made up."""
        draw = self.rng.random()
        if draw < 0.18:
            return self._made("towns")
        if draw < 0.36:
            return self.rng.choice(_BEFORE) + self._made("towns").split(" ")[0] + self.rng.choice(_AFTER)
        return self.rng.choice(self.places["towns"])

    def place(self, name: str) -> str:
        """A place or group of the packaged lists."""
        return self.rng.choice(self.places[name]).removeprefix("the ")

    def _listed(self, words: list[str]) -> str:
        """A word of a list; other scripts than Latin come seldom."""
        word = self.rng.choice(words)
        if word[0] > "\u024f" and self.rng.random() < 0.9:
            word = self.rng.choice(words)
        return titled(word)

    def _made(self, name: str) -> str:
        """A word that no list has, its letters following one another as in the list."""
        chain = self._chains[name]
        for _ in range(20):
            word = "^" * _ORDER
            while len(word) < 16 + _ORDER and not word.endswith("$"):
                word += self.rng.choice(chain[word[-_ORDER:]])
            word = word.strip("^$ -'")
            if 3 <= len(word) <= 14 and not roles().get(word, 0) >> ROLES.index("common"):
                return titled(word)
        return titled(self.rng.choice(self.surnames))


_BEFORE = (
    "",
    "",
    "",
    "",
    "",
    "",
    "New ",
    "Port ",
    "Saint ",
    "St. ",
    "San ",
    "Upper ",
    "East ",
    "Bad ",
    "Fort ",
    "Lake ",
)
_AFTER = (
    "", "", "", "ville", "ton", "burg", "ford", "stad", "dorf", "heim", "sund", "by", "ham", " Springs", " Heights",
    " Falls", " Beach", "-sur-Mer", " am See", "ów", "grad", "vik", "pur", "abad",
)  # fmt: skip


@cache
def _mine(file: str, name: str, dev: bool) -> list[str]:
    found = [w for w in lists(file)[name] if held_out(w) == dev]
    return found or lists(file)[name]


def _chain(words: list[str]) -> dict[str, list[str]]:
    """What follows each run of letters in the words."""
    chain: dict[str, list[str]] = defaultdict(list)
    for word in words:
        if all((c.isalpha() and ord(c) < 0x250) or c in " -'" for c in word):
            padded = "^" * _ORDER + word + "$"
            for at in range(_ORDER, len(padded)):
                chain[padded[at - _ORDER : at]].append(padded[at])
    return chain


def titled(word: str) -> str:
    """The word with capitals where names have them."""
    parts = [p[:1].upper() + p[1:] for p in word.split("-")]
    word = "-".join(" ".join(q[:1].upper() + q[1:] for q in p.split(" ")) for p in parts)
    return word[:2] + word[2:3].upper() + word[3:] if word[1:2] == "'" else word
