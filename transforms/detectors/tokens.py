"""A chunk's tokens: runs of letters and digits, each with what it is made of and whether a dictionary knows it.

Belongs here: the cheap passes over all bytes that find the few places worth a pattern. Must not: any kind of personal
data. Most text is plain words. Patterns run on *words* (runs without white space) around a telling mark, on *runs of
numbers* (scene.py), and near known words; capitalised tokens are the candidates for names.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import MARGIN, Buffer, Positions
from transforms.detectors.folding import MORE
from transforms.detectors.lazy import lazy

SPACE, POINT, MARK, DIGIT, UPPER, LOWER, UNDER, WIDE = 0, 1, 2, 8, 16, 32, 64, 128
LETTER, ALNUM = UPPER | LOWER | WIDE, DIGIT | UPPER | LOWER | WIDE
"""What bytes are: below DIGIT they part tokens. A MARK is a point that detectors ask for."""

_MARKS = b"@:.-%&\\<"


def _classes() -> bytes:
    table = bytearray([POINT] * 256)
    for some, code in (
        (b"\t\n\v\f\r \x00", SPACE),
        (_MARKS, MARK),
        (b"_", UNDER),
        (b"0123456789", DIGIT),
        (bytes(range(65, 91)), UPPER),
        (bytes(range(97, 123)), LOWER),
        (MORE.encode(), WIDE),
    ):
        for byte in some:
            table[byte] = code
    return bytes(table)


_CLASSES = _classes()
PIECES = {"start": pl.Int64, "text": pl.String}
"""Pieces of text to search, each with where it begins."""


@dataclass(frozen=True)
class Tokens:
    """One chunk, looked at once."""

    buffer: Buffer
    texts: pl.Series

    @lazy
    def _classed(self) -> bytes | bytearray:
        """The class of each byte, margins included."""
        return self.buffer.searched.translate(_CLASSES)

    @lazy
    def classes(self) -> npt.NDArray[np.uint8]:
        """The class of each byte."""
        return np.frombuffer(self._classed, dtype=np.uint8)[MARGIN:-MARGIN]

    @lazy
    def _inside(self) -> npt.NDArray[np.bool_]:
        """Whether each byte is part of a token, with one byte before the text and one behind it."""
        return np.frombuffer(self._classed, dtype=np.uint8)[MARGIN - 1 : 1 - MARGIN] >= DIGIT

    @lazy
    def starts(self) -> Positions:
        """Where each token begins."""
        return np.flatnonzero(self._inside[1:] > self._inside[:-1])

    @lazy
    def ends(self) -> Positions:
        """Where each token ends."""
        return np.flatnonzero(self._inside[1:] < self._inside[:-1])

    @lazy
    def sizes(self) -> Positions:
        """How many bytes each token has."""
        return self.ends - self.starts

    @lazy
    def long(self) -> Positions:
        """Indexes of the tokens of at least eight bytes."""
        return np.flatnonzero(self.sizes >= 8)

    @lazy
    def bits(self) -> npt.NDArray[np.uint8]:
        """Which classes of bytes stand in each token."""
        if len(self.starts) == 0:
            return np.zeros(0, np.uint8)
        return np.bitwise_or.reduceat(self.classes, self.starts) & np.uint8(ALNUM | UNDER)

    @lazy
    def capitals(self) -> Positions:
        """Indexes of the tokens of letters only that begin with a capital, or a letter beyond ASCII."""
        some = ((self.bits & (DIGIT | UNDER)) == 0) & ((self.bits & (UPPER | WIDE)) > 0)
        index = np.flatnonzero(some)
        return index[(self.classes[self.starts[index]] & (UPPER | WIDE)) > 0]

    @lazy
    def _spaces(self) -> Positions:
        """Positions of white space, with one before the text and one behind it."""
        near = np.frombuffer(self._classed, dtype=np.uint8)[MARGIN - 1 : 1 - MARGIN]
        at = np.flatnonzero(near == SPACE)
        at -= 1
        return at

    @lazy
    def _marks(self) -> tuple[Positions, npt.NDArray[np.uint8]]:
        at = np.flatnonzero(self.classes == MARK)
        return at, self.code(at)

    def marks_at(self, mark: str) -> Positions:
        """Positions of one of the marks ``@ : . - % & \\ <``."""
        at, codes = self._marks
        return at[codes == ord(mark)]

    @lazy
    def dots(self) -> Positions:
        """Positions of full stops between letters or digits."""
        at = self.marks_at(".")
        at = at[(at > 0) & (at < len(self.classes) - 1)]
        return at[(self.classes[at - 1] >= DIGIT) & (self.classes[at + 1] >= DIGIT)]

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
        left = self._spaces[np.searchsorted(self._spaces, begin, side="left") - 1] + 1
        right = self._spaces[np.searchsorted(self._spaces, finish, side="left")]
        return left, right

    def near(self, index: Positions, before: int, after: int) -> pl.DataFrame:
        """Pieces of text around tokens, within their rows, joined where they touch: ``start``, ``text``."""
        return self.pieces(*joined(*self.buffer.around(self.starts[index], self.ends[index], before, after)))

    def code(self, positions: Positions) -> npt.NDArray[np.uint8]:
        """The folded bytes at positions; line feeds beyond either end."""
        return self.buffer.codes[positions]

    def kind(self, positions: Positions) -> npt.NDArray[np.uint8]:
        """The classes of the bytes at positions; SPACE beyond either end."""
        return np.frombuffer(self._classed, dtype=np.uint8)[MARGIN:][positions]

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
