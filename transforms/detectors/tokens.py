"""A chunk's tokens: runs of letters and digits, each with what it is made of and whether a dictionary knows it.

Belongs here: the cheap passes over all bytes that find the few places worth a pattern. Must not: any kind of personal
data. Most text is plain words. Patterns run on *words* (runs without white space) around a telling mark, on *runs of
numbers* (scene.py), and near known words; capitalised tokens are the candidates for names.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import Buffer, Positions
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
_MARGIN = 80
_FED = b"\n" * _MARGIN
_PIECES = {"start": pl.Int64, "text": pl.String}


@dataclass(frozen=True)
class Tokens:
    """One chunk, looked at once."""

    buffer: Buffer
    texts: pl.Series

    @lazy
    def classes(self) -> npt.NDArray[np.uint8]:
        """The class of each byte."""
        return np.frombuffer(self.buffer.data.translate(_CLASSES), dtype=np.uint8)

    @lazy
    def _edges(self) -> Positions:
        inside = np.zeros(len(self.classes) + 2, dtype=bool)
        np.greater_equal(self.classes, DIGIT, out=inside[1:-1])
        return np.flatnonzero(inside[1:] != inside[:-1])

    @lazy
    def starts(self) -> Positions:
        """Where each token begins."""
        return np.ascontiguousarray(self._edges[::2])

    @lazy
    def ends(self) -> Positions:
        """Where each token ends."""
        return np.ascontiguousarray(self._edges[1::2])

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
    def _spaces(self) -> Positions:
        return np.concatenate([[-1], np.flatnonzero(self.classes == SPACE), [len(self.classes)]])

    @lazy
    def _marks(self) -> Positions:
        return np.flatnonzero(self.classes == MARK)

    def marks_at(self, mark: str) -> Positions:
        """Positions of one of the marks ``@ : . - % & \\ <``."""
        return self._marks[self.buffer.codes[self._marks] == ord(mark)]

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
        return pl.DataFrame({"start": begin, "text": self.buffer.cut(begin, finish)}, schema=_PIECES)

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
        return self._fed[positions + _MARGIN]

    def kind(self, positions: Positions) -> npt.NDArray[np.uint8]:
        """The classes of the bytes at positions; SPACE beyond either end."""
        return _BY_CODE[self.code(positions)]

    def is_point(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Whether a mark that is no space stands at positions."""
        kind = self.kind(positions)
        return (kind == POINT) | (kind == MARK)

    @lazy
    def _fed(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(_FED + self.buffer.data + _FED, dtype=np.uint8)


_BY_CODE = np.frombuffer(_CLASSES, dtype=np.uint8)


def joined(begin: Positions, finish: Positions) -> tuple[Positions, Positions]:
    """Ranges in order, those that touch made one."""
    if len(begin) == 0:
        return begin, finish
    reach = np.maximum.accumulate(finish)
    apart = begin[1:] >= reach[:-1]
    return begin[np.concatenate([[True], apart])], reach[np.concatenate([apart, [True]])]
