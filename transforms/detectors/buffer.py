"""A chunk of texts as one byte buffer: positions are bytes in it, whatever row they are in.

Belongs here: cutting the buffer, looking left and right of positions, going between positions and rows. Must not:
knowing any kind of personal data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.detectors.folding import fold_all
from transforms.detectors.lazy import lazy

Positions = npt.NDArray[np.int64]
OPEN, CLOSE = "\x02", "\x03"
_FEED, _MARGIN = 10, 80


@dataclass(frozen=True)
class Buffer:
    """Texts joined by line feeds. ``starts`` and ``ends``: the byte range of each row.

    ``plain`` has the bytes as they came; ``data`` is what is searched: the same, folded to ASCII (folding.py).
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
        plain = texts.str.join("\n").to_arrow().buffers()[2].to_pybytes()[:size] if size > 0 else b""
        return cls(plain, ends - lengths, ends)

    @lazy
    def data(self) -> bytes:
        """The bytes to search."""
        return fold_all(self.plain)

    @lazy
    def codes(self) -> npt.NDArray[np.uint8]:
        """The buffer as numbers."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @lazy
    def raw(self) -> npt.NDArray[np.uint8]:
        """The bytes as they came, as numbers."""
        return np.frombuffer(self.plain, dtype=np.uint8)

    @lazy
    def wide(self) -> Positions:
        """Positions of the first bytes of characters beyond ASCII."""
        return np.zeros(0, np.int64) if self.plain.isascii() else np.flatnonzero(self.raw >= 0xC2)

    @lazy
    def lower(self) -> bytes:
        """The bytes as they came, in lower case (ASCII letters): what words are looked up by."""
        return self.plain.lower()

    @lazy
    def _inner(self) -> Positions:
        """Positions of the bytes that continue a character."""
        if self.plain.isascii():
            return np.zeros(0, np.int64)
        return np.flatnonzero((self.raw & 0xC0) == 0x80)

    def _counted(self, positions: Positions) -> Positions:
        """How many characters begin before each position."""
        return positions - np.searchsorted(self._inner, positions)

    def rows(self, positions: Positions) -> Positions:
        """The row of each position."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def characters(self, positions: Positions) -> Positions:
        """Positions as characters within their rows."""
        return self._counted(positions) - self._counted(self.starts[self.rows(positions)])

    def positions(self, rows: Positions, characters: Positions) -> Positions:
        """Characters within rows as positions."""
        begins = np.append(np.flatnonzero((self.raw & 0xC0) != 0x80), len(self.plain))
        return begins[self._counted(self.starts[rows]) + characters.astype(np.int64)]

    def cut(self, starts: Positions, ends: Positions, *, plain: bool = False, data: bytes | None = None) -> pl.Series:
        """The texts of byte ranges, which must lie between characters.

        ``plain``: the bytes as they came. ``data``: another buffer of the same layout.
        """
        data = data or (self.plain if plain else self.data)
        if len(starts) == 0:
            return pl.Series([], dtype=pl.String)
        if (starts[1:] >= ends[:-1]).all():
            return strings(np.column_stack([starts, ends]).ravel(), data).gather_every(2)
        sizes = ends - starts
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        at = np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], sizes)
        return strings(bounds, np.frombuffer(data, dtype=np.uint8)[at].data)

    @lazy
    def _margined(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The searched bytes, in lower case and as they are, with line feeds on either side."""
        margin = bytes([_FEED]) * _MARGIN
        return tuple(np.frombuffer(margin + data + margin, dtype=np.uint8) for data in (self.data.lower(), self.data))  # type: ignore[return-value]

    def prepare(self) -> None:
        """Compute what cutting and looking beside positions take."""
        _ = self._margined, self._inner

    def _beside(self, begin: Positions, size: int, lower: bool) -> npt.NDArray[np.uint8]:
        """``size`` bytes from each position on, as rows of a matrix."""
        margined = self._margined[0 if lower else 1]
        return np.lib.stride_tricks.sliding_window_view(margined, size)[begin + _MARGIN]

    def before(self, positions: Positions, size: int = 48, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes before each position, in lower case; line feeds stand where the row begins later."""
        beside = self._beside(positions - size, size, lower)
        room = positions - self.starts[self.rows(positions)]
        tight = np.flatnonzero(room < size)
        beside[tight] = np.where(np.arange(size) < (size - room[tight])[:, None], _FEED, beside[tight])
        return strings(np.arange(len(positions) + 1) * size, beside.data)

    def after(self, positions: Positions, size: int = 16, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes from each position, in lower case; line feeds stand where the row ends earlier."""
        beside = self._beside(positions, size, lower)
        room = self.ends[self.rows(positions)] - positions
        tight = np.flatnonzero(room < size)
        beside[tight] = np.where(np.arange(size) >= room[tight][:, None], _FEED, beside[tight])
        return strings(np.arange(len(positions) + 1) * size, beside.data)

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
        before = starts.copy()
        for _ in range(3):
            before -= self._continues(before)
        return before, self._to_character(ends)

    def _continues(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Whether the bytes at positions continue a character."""
        inside = positions < len(self.raw)
        inside[inside] = (self.raw[positions[inside]] & 0xC0) == 0x80
        return inside

    def _to_character(self, positions: Positions) -> Positions:
        """Move positions right until they stand between characters."""
        if self.plain.isascii():
            return positions
        moved = positions.copy()
        for _ in range(3):
            moved += self._continues(moved)
        return moved


def strings(bounds: Positions, data: bytes | memoryview) -> pl.Series:
    """The texts between consecutive bounds of a buffer."""
    if len(bounds) < 2:
        return pl.Series([], dtype=pl.String)
    bounds = np.ascontiguousarray(bounds, dtype=np.int64)
    return pl.Series(pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(data)))
