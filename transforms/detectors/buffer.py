"""A chunk of texts as one byte buffer: positions are bytes in it, whatever row they are in.

Belongs here: cutting the buffer, looking left and right of positions, going between positions and rows. Must not:
knowing any kind of personal data.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Positions = npt.NDArray[np.int64]
OPEN, CLOSE = "\x02", "\x03"
_UNMARK = bytes.maketrans(b"\x02\x03", b"  ")
_QUOTES = {
    b"\xe2\x80\x98": "'",
    b"\xe2\x80\x99": "'",
    b"\xe2\x80\x9c": '"',
    b"\xe2\x80\x9d": '"',
    b"\xc2\xab": '"',
    b"\xc2\xbb": '"',
}
_FEED, _MARGIN = 10, 80


@dataclass(frozen=True)
class Buffer:
    """Texts joined by line feeds. ``starts`` and ``ends``: the byte range of each row.

    ``plain`` has the bytes as they came; ``data`` is what is searched: the same, with typographic quotes as plain ones.
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

    @cached_property
    def data(self) -> bytes:
        """The bytes to search."""
        return _tidy(self.plain)

    @cached_property
    def codes(self) -> npt.NDArray[np.uint8]:
        """The buffer as numbers."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @cached_property
    def lower(self) -> bytes:
        """The buffer in lower case (ASCII letters)."""
        return self.data.lower()

    @cached_property
    def _inner(self) -> Positions:
        """Positions of the bytes that continue a character."""
        if self.plain.isascii():
            return np.zeros(0, np.int64)
        return np.flatnonzero((np.frombuffer(self.plain, dtype=np.uint8) & 0xC0) == 0x80)

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
        begins = np.append(np.flatnonzero((np.frombuffer(self.plain, dtype=np.uint8) & 0xC0) != 0x80), len(self.plain))
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
        ranges = pl.DataFrame({"at": starts, "size": ends - starts})
        return ranges.select(pl.lit(data).bin.slice("at", "size").cast(pl.String)).to_series()

    @cached_property
    def _margined(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The searched bytes, in lower case and as they are, with line feeds on either side."""
        margin = bytes([_FEED]) * _MARGIN
        return tuple(np.frombuffer(margin + data + margin, dtype=np.uint8) for data in (self.lower, self.data))  # type: ignore[return-value]

    def _beside(self, begin: Positions, size: int, lower: bool) -> npt.NDArray[np.uint8]:
        """``size`` bytes from each position on, as rows of a matrix."""
        margined = self._margined[0 if lower else 1]
        return np.lib.stride_tricks.sliding_window_view(margined, size)[begin + _MARGIN].copy()

    def before(self, positions: Positions, size: int = 48, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes before each position, in lower case (ASCII); line feeds stand where the row begins
        later.
        """
        beside = self._beside(positions - size, size, lower)
        room = positions - self.starts[self.rows(positions)]
        tight = np.flatnonzero(room < size)
        beside[tight] = np.where(np.arange(size) < (size - room[tight])[:, None], _FEED, beside[tight])
        torn = np.ones(len(positions), bool)
        for column in range(min(3, size)):
            torn &= (beside[:, column] & 0xC0) == 0x80
            beside[torn, column] = _FEED
        return strings(np.arange(len(positions) + 1) * size, beside.tobytes())

    def after(self, positions: Positions, size: int = 16, *, lower: bool = True) -> pl.Series:
        """The ``size`` bytes from each position, in lower case (ASCII); line feeds stand where the row ends earlier."""
        beside = self._beside(positions, size, lower)
        room = self.ends[self.rows(positions)] - positions
        tight = np.flatnonzero(room < size)
        beside[tight] = np.where(np.arange(size) >= room[tight][:, None], _FEED, beside[tight])
        for back, lead in ((1, 0xC0), (2, 0xE0), (3, 0xF0)):
            if size >= back:
                beside[beside[:, -back] >= lead, -back:] = _FEED
        return strings(np.arange(len(positions) + 1) * size, beside.tobytes())

    def around(self, starts: Positions, ends: Positions, before: int, after: int) -> tuple[Positions, Positions]:
        """Ranges widened by some bytes on either side, within their rows and between characters."""
        rows = self.rows(starts)
        begin = np.minimum(self._to_character(np.maximum(starts - before, self.starts[rows])), starts)
        finish = np.maximum(self._to_character(np.minimum(ends + after, self.ends[rows])), ends)
        return begin, finish

    def _to_character(self, positions: Positions) -> Positions:
        """Move positions right until they stand between characters."""
        moved = positions.copy()
        for _ in range(3):
            inside = moved < len(self.data)
            inside[inside] = (self.codes[moved[inside]] & 0xC0) == 0x80
            moved += inside
        return moved


def strings(bounds: Positions, data: bytes) -> pl.Series:
    """The texts between consecutive bounds of a buffer."""
    if len(bounds) < 2:
        return pl.Series([], dtype=pl.String)
    bounds = np.ascontiguousarray(bounds, dtype=np.int64)
    return pl.Series(pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(data)))


def _tidy(plain: bytes) -> bytes:
    """The same bytes for searching: the marks of search are spaces, typographic quotes are plain; no position moves."""
    data = plain.translate(_UNMARK) if b"\x02" in plain or b"\x03" in plain else plain
    if data.isascii():
        return data
    codes = np.frombuffer(data, dtype=np.uint8)
    tidied = codes.copy()
    for lead in (0xE2, 0xC2):
        at = np.flatnonzero(codes == lead)
        for mark, simple in _QUOTES.items():
            if mark[0] == lead:
                found = at[(codes[at + 1] == mark[1]) & (codes[at + len(mark) - 1] == mark[-1])]
                for place in range(len(mark)):
                    tidied[found + place] = ord(" " if place else simple)
    return tidied.tobytes()
