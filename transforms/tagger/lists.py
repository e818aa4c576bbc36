"""The lists that the tagger knows: names, places, groups of people, and words that tell what stands beside them.

Belongs here: reading the packaged lists into one table of words. Must not: what is made of them (features.py).
"""

from functools import cache
from importlib.resources import files

ROLES = (
    "given", "surname", "place", "place_part", "country", "region", "group", "titles", "streets", "units", "companies",
    "institutes", "calendar", "states", "common",
)  # fmt: skip
_SECTIONS = {
    "towns": "place", "countries": "country", "regions": "region", "landmarks": "region",
    "adjectives": "group", "people": "group",
}  # fmt: skip


def sections(text: str) -> dict[str, list[str]]:
    """The lists of a file: a line with a name and a colon begins one, commas part its members, ``#`` a comment."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for line in text.splitlines():
        head, colon, rest = line.partition(":")
        if colon and head.replace("_", "").isalpha() and head.islower():
            words = found.setdefault(head, [])
            line = rest
        if not line.startswith("#"):
            words += [word.strip(" ,") for word in line.split(", ") if word.strip(" ,")]
    return found


@cache
def names() -> dict[str, str]:
    """Names in lower case and whether each is given (``g``), a surname (``s``) or both."""
    lines = _text("names.txt").splitlines()
    return {word: role for word, _, role in (line.rpartition(" ") for line in lines) if word}


@cache
def places() -> dict[str, list[str]]:
    """Towns, countries, regions, landmarks, and groups of people (adjectives, people), as written."""
    return sections(_text("places.txt"))


@cache
def roles() -> dict[str, int]:
    """For each known word in lower case the set of its roles, as bits in the order of ``ROLES``."""
    table: dict[str, int] = {}

    def add(word: str, role: str) -> None:
        table[word] = table.get(word, 0) | 1 << ROLES.index(role)

    for name, role in names().items():
        for letter, what in (("g", "given"), ("s", "surname")):
            if letter in role:
                add(name, what)
    for section, members in places().items():
        for member in members:
            words = [w for w in member.lower().replace("-", " ").replace(".", "").split() if w != "the"]
            for word in words:
                add(word, _SECTIONS[section] if len(words) == 1 or section == "countries" else "place_part")
    for section, members in sections(_text("cues.txt")).items():
        for member in members:
            add(member, section)
    return table


def _text(name: str) -> str:
    return (files("transforms.resources") / name).read_text(encoding="utf-8")
