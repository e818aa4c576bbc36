"""What is seen of a word besides its meaning: its letters' shape, the lists that have it, what stands around.

Belongs here: words -> numbers, the same in training and in use. Must not: vectors of an encoder (cenote/tagging.py).
The encoder reads lower case only, so all that capitals tell is told here.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from transforms.tagger.lists import ROLES, roles

Features = NDArray[np.uint8]
Offsets = Sequence[tuple[int, int]]

_MARKS = ".,:;'\"()[]{}<>-–/&#@|*_=+$%\\"
_ENDINGS = re.compile(
    r"(?:stra(?:ß|ss)e|str|weg|gasse|platz|allee|straat|laan|plein|gracht|kade|gatan|vägen|gata|vegen|veien|vej|gade"
    r"|katu|stígur|vegur|braut|utca)$"
)
_TOWNISH = re.compile(r"(?:ville|burg|burgh|ton|ford|stad|stadt|dorf|heim|hausen|ham|bury|grad|abad|pur|vik|polis)$")
_FAMILY = re.compile(r"(?:sson|son|sen|dóttir|dottir|ski|ska|ová|ova|ov|ev|ez|ić|ic|enko|ian|yan|opoulos|idis|ini)$")
_STYLES = ("lower", "title", "initial", "upper", "mixed", "caseless", "mark", "blend")
_DIGITS = 6
_WORD = len(_STYLES) + _DIGITS + len(_MARKS) + 1 + 3 + len(ROLES)
_AROUND = 12
WIDTH = _WORD + _AROUND
LISTED = slice(_WORD - len(ROLES), _WORD)
"""Where the lists stand in a word's numbers; training hides them now and then."""


def features(text: str, offsets: Offsets) -> Features:
    """A row of ``WIDTH`` numbers, 0 or 1, for each word of a text; ``offsets``: where words begin and end in it."""
    found = np.zeros((len(offsets), WIDTH), np.uint8)
    if not offsets:
        return found
    words = [text[start:end] for start, end in offsets]
    for row, word in enumerate(words):
        found[row, :_WORD] = _of_word(word)
    found[:, _WORD:] = _around(text, words, offsets)
    return found


@lru_cache(maxsize=65536)
def _of_word(word: str) -> Features:
    found = np.zeros(_WORD, np.uint8)
    found[_STYLES.index(_style(word))] = 1
    at = len(_STYLES)
    if word.isdigit():
        found[at + min(len(word), _DIGITS) - 1] = 1
    at += _DIGITS
    if len(word) == 1 and not word.isalnum():
        found[at + (_MARKS.find(word) if word in _MARKS else len(_MARKS))] = 1
    at += len(_MARKS) + 1
    low = word.lower()
    for n, ending in enumerate((_ENDINGS, _TOWNISH, _FAMILY)):
        found[at + n] = len(low) > 3 and ending.search(low) is not None
    known = roles().get(low, 0)
    found[LISTED] = [known >> n & 1 for n in range(len(ROLES))]
    return found


def _style(word: str) -> str:
    if not any(c.isalpha() for c in word):
        return "mark" if not word[:1].isdigit() else "blend" if not word.isdigit() else "caseless"
    if any(c.isdigit() for c in word):
        return "blend"
    if word.islower():
        return "lower"
    if word.isupper():
        return "initial" if len(word) == 1 else "upper"
    if word.istitle() or (word[0].isupper() and word[1:].islower()):
        return "title"
    return "mixed" if word.lower() != word.upper() else "caseless"


def _around(text: str, words: list[str], offsets: Offsets) -> Features:
    """Gaps before and after, beginnings of sentences and lines, and how the whole text uses capitals."""
    count = len(words)
    found = np.zeros((count, _AROUND), np.uint8)
    starts, ends = [s for s, _ in offsets], [e for _, e in offsets]
    gaps = [text[0 : starts[0]], *(text[e:s] for e, s in zip(ends[:-1], starts[1:], strict=True)), text[ends[-1] :]]
    tight = np.array([not gap for gap in gaps])
    lines = np.array([gap.count("\n") for gap in gaps])
    tabbed = np.array(["\t" in gap or "  " in gap for gap in gaps])
    found[:, 0], found[:, 1] = tight[:-1], tight[1:]
    found[:, 2], found[:, 3] = lines[:-1] > 0, lines[1:] > 0
    found[:, 4] = lines[:-1] > 1
    found[:, 5], found[:, 6] = tabbed[:-1], tabbed[1:]
    found[0, 7] = found[-1, 8] = 1
    found[1:, 9] = [word in ".!?" or line > 0 for word, line in zip(words[:-1], lines[1:-1], strict=True)]
    letters = [w for w in words if w.isalpha()]
    found[:, 10] = sum(not w.islower() for w in letters) == 0
    found[:, 11] = 2 * sum(w.isupper() and len(w) > 1 for w in letters) > len(letters)
    return found
