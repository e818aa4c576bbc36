"""Squeezed patterns in squeezed content, and which bytes of a content they may stand in at all.

Belongs here: the first pass, which finds too much rather than too little. Must not: knowing what a pattern is a form
of. Short patterns are found by Aho-Corasick (ahocorasick_rs), long ones by their windows (grams.py).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import ahocorasick_rs
import numpy as np

from cenote.residue.grams import LEAST, Grams

_SEPARATORS = bytes(b for b in range(128) if not chr(b).isalnum())
_LOWER = bytes(range(256)).lower()
_DFA_UP_TO, _DFA_FROM = 5_000, 64 << 20
"""The faster automaton is built for so few patterns that it fits in a core's cache, and for so much content that its
making pays."""
_RUN, _WORD = 7, 4
_BEYOND_ASCII = np.uint32(0x80808080)


def squeeze(content: bytes) -> bytes:
    """Lower case, without anything of ASCII that is not a letter or a digit."""
    return content.translate(_LOWER, _SEPARATORS)


class Patterns:
    """Looks for squeezed patterns. ``expected``: about how many bytes will be searched."""

    def __init__(self, patterns: Sequence[bytes], expected: int = 0) -> None:
        self._expected = expected
        self._short = [pattern for pattern in patterns if len(pattern) < LEAST]
        self._long = Grams([pattern for pattern in patterns if len(pattern) >= LEAST])

    def __len__(self) -> int:
        return len(self._short) + len(self._long.patterns)

    def seen(self, squeezed: bytes) -> set[bytes]:
        """The patterns that stand in squeezed content."""
        found = {self._long.patterns[number] for number in self._long.find(squeezed)}
        found = {pattern for pattern in found if pattern in squeezed}
        if self._short:
            matches = self._automaton.find_matches_as_indexes(squeezed, overlapping=True)
            found |= {self._short[number] for number in {match[0] for match in matches}}
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_automaton"}

    @cached_property
    def _automaton(self) -> Any:
        fast = len(self._short) <= _DFA_UP_TO and self._expected >= _DFA_FROM
        kind = ahocorasick_rs.Implementation.DFA if fast else ahocorasick_rs.Implementation.ContiguousNFA
        return ahocorasick_rs.BytesAhoCorasick(self._short, implementation=kind)


def may_stand_in_runs(pattern: bytes) -> bool:
    """Whether a squeezed pattern, with any separators, is found in :func:`plain_runs` of whatever it stands in."""
    return len(pattern) >= _RUN and pattern.isascii()


def plain_runs(content: bytes) -> bytes:
    """Every run of seven and more ASCII bytes of a content, with some bytes around it: little of what is compressed or
    encrypted.

    Letters, digits and the separators between them are all ASCII. Whatever has seven such bytes in a row has four of
    them at a place that is a multiple of four; these are kept, and the four before and after.
    """
    words = np.frombuffer(content, "<u4", len(content) // _WORD)
    plain = (words & _BEYOND_ASCII) == 0
    kept = plain.copy()
    kept[1:] |= plain[:-1]
    kept[:-1] |= plain[1:]
    return words[kept].tobytes() + content[len(words) * _WORD :]
