"""What of a text the tagger reads: not texts where no name can be, and long numbers and addresses on the net cut short.

Belongs here: both decisions, by letters and lists alone. Must not: scores (head.py), what is personal data (the
columnar detectors find what is cut short here). Reading costs milliseconds a text, these decisions microseconds. Texts
that differ only in such numbers become one.
"""

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from transforms.detectors.lexicon import word_sets
from transforms.tagger.lists import ROLES, roles

_MADE = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|https?://[^\s<>\"')\]]*[\w/]"
    r"|(?<![\w+])(?:[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?|\+?\(?\d(?:[ ().-]{0,2}\d){8,})(?!\w)"
)
_TOWN_NUMBER = re.compile(r"\d{5}-\d{4}$")  # a postal code belongs to its address
_NUMBER, _MAIL, _LINK = "5550100", "x@y.org", "http://y.org"
_WORD = re.compile(r"[^\W\d_]+")
_BEGINS = re.compile(r"(?:^|[.!?:]['\")]?\s|\n)\s*$")
_TELLING = sum(1 << ROLES.index(role) for role in ("given", "surname", "place", "country", "region", "group", "titles"))
_PEOPLES = re.compile(r"...(?:ians?|ans|is|eses?|ists?)$")
_DIGIT = re.compile(r"\d")


class Short(NamedTuple):
    """A text with parts of it cut short: where each such part begins and ends, here and in the text as it was."""

    text: str
    here: list[int]
    there: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the text as it was that a range of this one came from: whole parts."""
        first, last = bisect_right(self.here, start) - 1, bisect_left(self.here, end) - 1
        begin = self.there[first] + (0 if first % 2 else start - self.here[first])
        finish = self.there[last + 1] if last % 2 else self.there[last] + end - self.here[last]
        return begin, finish


def shortened(text: str) -> Short:
    """The text with e-mail addresses, links and numbers of nine or more digits as short ones.

    Texts of several lines stay as they are: how long their lines are tells forms and letterheads.
    """
    parts: list[str] = []
    here, there, last = [0], [0], 0
    for match in _MADE.finditer(text) if "\n" not in text else ():
        made = match.group()
        if _TOWN_NUMBER.match(made):
            continue
        short = _MAIL if "@" in made else _LINK if made.startswith("http") else _NUMBER
        parts += [text[last : match.start()], short]
        here += [here[-1] + match.start() - last, here[-1] + match.start() - last + len(short)]
        there += [match.start(), match.end()]
        last = match.end()
    if not parts:
        return Short(text, [0, len(text)], [0, len(text)])
    parts.append(text[last:])
    return Short("".join(parts), [*here, here[-1] + len(text) - last], [*there, len(text)])


def may_name(text: str) -> bool:
    """Whether a name, a place or an organisation may stand in a text.

    Not where sentences begin with a capital, as they should, and no other word has one, the words that begin sentences
    are known to be none, no list of names or places has any word that is nothing else, and no number might be an age or
    of a house.
    """
    words = list(_WORD.finditer(text))
    if not words:
        return False
    if not words[0].group()[0].isupper():
        return True  # whoever writes without capitals writes names without them
    return _DIGIT.search(text) is not None or any(_may_name(text, word) for word in words)


def _may_name(text: str, match: re.Match[str]) -> bool:
    word = match.group()
    low = word.lower()
    if low in word_sets()[1]:
        return not (word[0].islower() or len(word) == 1 or (word[1:].islower() and _begins(text, match.start())))
    return not word.islower() or roles().get(low, 0) & _TELLING > 0 or _PEOPLES.search(low) is not None


def _begins(text: str, at: int) -> bool:
    return _BEGINS.search(text, max(0, at - 4), at) is not None
