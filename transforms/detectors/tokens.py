"""A chunk's tokens: runs of letters and digits, each with what it is made of and whether a dictionary knows it.

Belongs here: the cheap passes over all bytes that find the few places worth a pattern. Must not: any kind of personal
data. Most text is plain words. Patterns run on *words* (runs without white space) around a telling mark, on *runs of
numbers* (scene.py), and near known words; capitalised tokens are the candidates for names.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import MARGIN, Buffer, Positions, count_before
from transforms.detectors.cues import RARE
from transforms.detectors.folding import MORE
from transforms.detectors.lazy import lazy
from transforms.detectors.words import words

if TYPE_CHECKING:
    from transforms.detectors.compiled.sweep import Swept

SPACE, POINT, MARK, DIGIT, UPPER, LOWER, UNDER, WIDE = 0, 1, 2, 8, 16, 32, 64, 128
LETTER, ALNUM = UPPER | LOWER | WIDE, DIGIT | UPPER | LOWER | WIDE
"""What bytes are: below DIGIT they part tokens. A MARK is a point that detectors ask for."""

_MARKS = b"@:.-%&\\<"


def _classes() -> npt.NDArray[np.uint8]:
    table = np.full(256, POINT, dtype=np.uint8)
    for some, code in (
        (b"\t\n\v\f\r \x00", SPACE),
        (_MARKS, MARK),
        (b"_", UNDER),
        (b"0123456789", DIGIT),
        (bytes(range(65, 91)), UPPER),
        (bytes(range(97, 123)), LOWER),
        (MORE.encode(), WIDE),
    ):
        table[[*some]] = code
    return table


CLASSES = _classes()
PIECES = {"start": pl.Int64, "text": pl.String}
"""Pieces of text to search, each with where it begins."""


class Cues(NamedTuple):
    """Tokens that announce something: their indexes, what each means, where it begins and ends."""

    tokens: Positions
    meanings: Positions
    starts: Positions
    ends: Positions


@dataclass(frozen=True)
class Tokens:
    """One chunk, looked at once."""

    buffer: Buffer
    texts: pl.Series

    @lazy
    def _swept(self) -> "Swept":
        from transforms.detectors.compiled.sweep import sweep

        size = len(self.buffer.raw)
        room = (np.empty((8, size // 2 + 2), np.int64), np.empty((2, size + 2), np.int64))
        traits = np.empty((2, size // 2 + 2), np.uint8)
        return sweep(self.buffer.codes, self.buffer.raw, CLASSES, words().tables, RARE, *room, traits)

    @lazy
    def classes(self) -> npt.NDArray[np.uint8]:
        """The class of each byte."""
        return CLASSES[self.buffer.codes[:-MARGIN]]

    @lazy
    def starts(self) -> Positions:
        """Where each token begins."""
        return self._swept.starts

    @lazy
    def ends(self) -> Positions:
        """Where each token ends."""
        return self._swept.ends

    @lazy
    def bits(self) -> npt.NDArray[np.uint8]:
        """Which classes of bytes stand in each token."""
        return self._swept.bits

    @lazy
    def meanings(self) -> npt.NDArray[np.int64]:
        """What each token means (words.py)."""
        return self._swept.meanings

    @lazy
    def long(self) -> Positions:
        """Indexes of the tokens of at least eight bytes."""
        return self._swept.long

    @lazy
    def numeric(self) -> Positions:
        """Indexes of the tokens with digits, without letters beyond ASCII and underscores."""
        return self._swept.numeric

    @lazy
    def capitals(self) -> Positions:
        """Indexes of the tokens of letters only that begin with a capital, or a letter beyond ASCII."""
        return self._swept.capitals

    @lazy
    def dots(self) -> Positions:
        """Positions of full stops between letters or digits."""
        return self._swept.dots

    @lazy
    def cues(self) -> "Cues":
        """The tokens with a cue of ``RARE``."""
        index = self._swept.cued
        return Cues(index, *(column.take(index) for column in (self.meanings, self.starts, self.ends)))

    def cued(self, cue: int) -> Positions:
        """Indexes of the tokens that announce something; a cue of ``RARE``."""
        return self.cues.tokens[(self.cues.meanings & cue) > 0]

    def announced(self, index: Positions, cue: int) -> npt.NDArray[np.bool_]:
        """Whether the tokens at some indexes announce something; False where there is no such token."""
        inside = (index >= 0) & (index < len(self.meanings))
        return inside & (self.meanings.take(np.where(inside, index, 0)) & cue > 0) if len(self.meanings) else inside

    @lazy
    def sizes(self) -> npt.NDArray[np.uint8]:
        """How many bytes each token has; 255 for more."""
        return self._swept.sizes

    @lazy
    def _mark_codes(self) -> npt.NDArray[np.uint8]:
        return self.code(self._swept.marks)

    def marks_at(self, mark: str) -> Positions:
        """Positions of one of the marks ``@ : . - % & \\ <``."""
        return self._swept.marks[self._mark_codes == ord(mark)]

    def words_at(self, positions: Positions) -> pl.DataFrame:
        """The runs without white space that hold the positions (in order): ``start``, ``text``; each once."""
        begin, finish = self.to_spaces(positions, positions)
        new = np.ones(len(begin), bool)
        new[1:] = begin[1:] != begin[:-1]
        return self.pieces(begin[new], finish[new])

    def pieces(self, begin: Positions, finish: Positions) -> pl.DataFrame:
        """Ranges as pieces to search: ``start``, ``text``."""
        return pl.DataFrame({"start": begin, "text": self.buffer.cut(begin, finish)}, schema=PIECES)

    def long_tokens(self, size: int, bits: int) -> pl.DataFrame:
        """The words around tokens of at least ``size`` (eight or more) bytes with any class of ``bits``."""
        index = self.long[self.sizes[self.long] >= size]
        return self.words_at(self.starts[index[(self.bits[index] & bits) > 0]])

    def to_spaces(self, begin: Positions, finish: Positions) -> tuple[Positions, Positions]:
        """Widen ranges to the white space around them."""
        if len(begin) == 0:
            return begin, finish
        spaces = self._swept.spaces
        left = spaces[count_before(spaces, begin) - 1] + 1
        right = spaces[count_before(spaces, finish)]
        return left, right

    def near(self, index: Positions, before: int, after: int) -> pl.DataFrame:
        """Pieces of text around tokens, within their rows, joined where they touch: ``start``, ``text``."""
        return self.pieces(*joined(*self.buffer.around(self.starts[index], self.ends[index], before, after)))

    def code(self, positions: Positions) -> npt.NDArray[np.uint8]:
        """The folded bytes at positions; line feeds beyond either end."""
        return self.buffer.codes.take(positions)

    def kind(self, positions: Positions) -> npt.NDArray[np.uint8]:
        """The classes of the bytes at positions; SPACE beyond either end."""
        return CLASSES.take(self.code(positions))

    def is_point(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Whether a mark that is no space stands at positions."""
        kind = self.kind(positions)
        return (kind == POINT) | (kind == MARK)


def joined(begin: Positions, finish: Positions) -> tuple[Positions, Positions]:
    """Ranges in order, those that touch made one."""
    if len(begin) == 0:
        return begin, finish
    reach = np.maximum.accumulate(finish)
    apart = begin[1:] >= reach[:-1]
    return begin[np.concatenate([[True], apart])], reach[np.concatenate([apart, [True]])]
