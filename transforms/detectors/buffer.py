"""A chunk of texts as one byte buffer: positions are bytes in it, whatever row they are in.

Belongs here: cutting the buffer, looking left and right of positions, going between positions and rows. Must not:
knowing any kind of personal data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.detectors.folding import Folded, fold_all
from transforms.detectors.lazy import lazy

Positions = npt.NDArray[np.int64]
OPEN, CLOSE = "\x02", "\x03"
MARGIN = 80
"""Line feeds on either side of what is searched, so that looking beside a place needs no care at the ends."""
_LITTLE = 1 << 18  # bytes that are copied sooner than the engine is asked for a part of the buffer


@dataclass(frozen=True)
class Buffer:
    """Texts joined by line feeds. ``starts`` and ``ends``: the byte range of each row.

    ``plain`` has the bytes as they came; ``searched`` is the same, folded to ASCII (folding.py), between margins.
    """

    plain: bytes
    starts: Positions
    ends: Positions

    @classmethod
    def of(cls, texts: pl.Series) -> "Buffer":
        """Join texts (no nulls). The two marks that searching needs count as spaces."""
        lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
        ends = np.cumsum(lengths + 1) - 1
        size = int(ends[-1]) if len(texts) else 0
        plain = texts.str.join("\n").to_arrow().buffers()[2][:size].to_pybytes() if size > 0 else b""
        return cls(plain, ends - lengths, ends)

    @lazy
    def _folded(self) -> Folded:
        return fold_all(self.raw, MARGIN)

    @property
    def searched(self) -> npt.NDArray[np.uint8]:
        """The bytes to search, between line feeds."""
        return self._folded.searched

    @lazy
    def codes(self) -> npt.NDArray[np.uint8]:
        """The bytes to search, with the margin behind them: what stands before the first is found at -1."""
        return self.searched[MARGIN:]

    @lazy
    def raw(self) -> npt.NDArray[np.uint8]:
        """The bytes as they came, as numbers."""
        return np.frombuffer(self.plain, dtype=np.uint8)

    @property
    def wide(self) -> Positions:
        """Positions of the first bytes of characters beyond ASCII."""
        return self._folded.wide

    @lazy
    def lower(self) -> bytes:
        """The bytes as they came, in lower case (ASCII letters)."""
        return self.plain.lower()

    def _counted(self, positions: Positions) -> Positions:
        """How many characters begin before each position."""
        return positions - count_before(self._folded.inner, positions)

    def rows(self, positions: Positions) -> Positions:
        """The row of each position."""
        return count_before(self.starts, positions + 1) - 1

    def characters(self, positions: Positions) -> Positions:
        """Positions as characters within their rows."""
        return self._counted(positions) - self._counted(self.starts[self.rows(positions)])

    def positions(self, rows: Positions, characters: Positions) -> Positions:
        """Characters within rows as positions."""
        begins = np.append(np.flatnonzero((self.raw & 0xC0) != 0x80), len(self.plain))
        return begins[self._counted(self.starts[rows]) + characters.astype(np.int64)]

    def cut(self, starts: Positions, ends: Positions, *, plain: bool = False) -> pl.Series:
        """The texts of byte ranges, which must lie between characters; ``plain``: the bytes as they came."""
        data = self.raw if plain else self.codes
        if len(starts) == 0:
            return pl.Series([], dtype=pl.String)
        if (ends - starts).sum() > _LITTLE and (starts[1:] >= ends[:-1]).all():
            return strings(np.column_stack([starts, ends]).ravel(), data).gather_every(2)
        return strings(*_gathered(data, starts, ends))

    def gathered(self, starts: Positions, ends: Positions) -> tuple[Positions, npt.NDArray[np.uint8]]:
        """The bytes searched of some ranges, one behind the other, and where each begins; the end of the last."""
        return _gathered(self.codes, starts, ends)

    def prepare(self) -> None:
        """Compute what cutting and looking beside positions take."""
        _ = self.codes

    def before(self, positions: Positions, size: int = 48, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes before each position, in lower case; line feeds stand where the row begins later."""
        return self._windows(positions - size, self.starts[self.rows(positions)], positions, size, lower)

    def after(self, positions: Positions, size: int = 16, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes from each position, in lower case; line feeds stand where the row ends earlier."""
        return self._windows(positions, positions, self.ends[self.rows(positions)], size, lower)

    def _windows(self, begins: Positions, floors: Positions, roofs: Positions, size: int, lower: bool) -> pl.Series:
        from transforms.detectors.compiled.beside import windows

        data = windows(self.searched, places(begins), places(floors), places(roofs), MARGIN, size, int(lower))
        return strings(np.arange(len(begins) + 1) * size, data)

    def around(self, starts: Positions, ends: Positions, before: int, after: int) -> tuple[Positions, Positions]:
        """Ranges widened by some bytes on either side, within their rows and between characters."""
        rows = self.rows(starts)
        begin = np.minimum(self._to_character(np.maximum(starts - before, self.starts[rows])), starts)
        finish = np.maximum(self._to_character(np.minimum(ends + after, self.ends[rows])), ends)
        return begin, finish

    def whole(self, starts: Positions, ends: Positions) -> tuple[Positions, Positions]:
        """Ranges widened so that they hold whole characters."""
        if self.plain.isascii():
            return starts, ends
        return self._to_character(starts, -1), self._to_character(ends)

    def _continues(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Whether the bytes at positions continue a character."""
        last = len(self.raw) - 1
        return ((self.raw[np.minimum(positions, last)] & 0xC0) == 0x80) & (positions <= last)

    def _to_character(self, positions: Positions, step: int = 1) -> Positions:
        """Move positions right (or left) until they stand between characters."""
        if self.plain.isascii():
            return positions
        moved = positions.copy()
        inside = np.flatnonzero(self._continues(moved))
        while len(inside):
            moved[inside] += step
            inside = inside[self._continues(moved[inside])]
        return moved


def places(some: Positions) -> Positions:
    """Positions as compiled loops take them."""
    return np.ascontiguousarray(some, dtype=np.int64)


def count_before(ordered: Positions, asked: Positions) -> Positions:
    """How many of some positions in order are before each of those asked for."""
    from transforms.detectors.compiled.beside import below

    return below(places(ordered), places(asked))


def _gathered(
    data: npt.NDArray[np.uint8], starts: Positions, ends: Positions
) -> tuple[Positions, npt.NDArray[np.uint8]]:
    from transforms.detectors.compiled.beside import gather

    return gather(data, places(starts), places(ends))


def strings(bounds: Positions, data: bytes | npt.NDArray[np.uint8]) -> pl.Series:
    """The texts between consecutive bounds of a buffer."""
    return pl.Series(large_strings(bounds, data)) if len(bounds) > 1 else pl.Series([], dtype=pl.String)


def large_strings(bounds: Positions, data: bytes | npt.NDArray[np.uint8]) -> pa.LargeStringArray:
    """The texts between consecutive bounds of a buffer, for Arrow."""
    bounds = np.ascontiguousarray(bounds, dtype=np.int64)
    return pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(data))
