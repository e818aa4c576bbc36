"""Many long patterns in one content, at the speed of reading it.

Belongs here: one algorithm over bytes. Must not: knowing what the patterns are. Whatever holds a piece of fifteen bytes
holds one of its eight-byte windows at a place that is a multiple of eight. So the windows of a piece of each pattern go
into one table, and of the content only every eighth position is looked up: the work does not grow with the patterns.
The piece is a pattern's beginning or its end, whichever has less in common with other patterns, or more digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 15
"""Bytes that a pattern must have."""

_WIDTH = 8
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth, multiplicative hashing)
_AGAIN = np.uint64(0xD6E8FEB86659FD93)  # another odd number, for a second look at what passed the first
_MOST_BITS = 26
_COUNTED_BITS = 24
_FEW = 8
"""So many patterns may have a window in common that it does not matter."""

_BLOCK = 1 << 15  # words looked up at once, so that they stay in a core's cache


class Grams:
    """A table of patterns, each of at least fifteen bytes; pickled without what is quickly made again."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self.patterns = patterns
        pieces = _pieces(patterns)
        windows = _windows(pieces)
        self._owners = np.lexsort((windows[:, -1], windows[:, 0])).astype(np.int32)  # these two have all of a piece
        ends = windows[self._owners][:, [0, -1]]
        first = np.flatnonzero(np.append(True, (ends[1:] != ends[:-1]).any(axis=1))[: len(pieces)])
        self._bounds = np.append(first, len(pieces))
        self._pieces = pieces[self._owners[first]]
        keys = windows[self._owners[first]].ravel()
        order = np.argsort(keys)
        self._keys = keys[order]
        self._piece_of, self._offsets = (order // _WIDTH).astype(np.int32), (order % _WIDTH).astype(np.int8)
        self._tabulate()

    def _tabulate(self) -> None:
        bits = min(_MOST_BITS, max(12, len(self._keys).bit_length() + 4))
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, bool)
        self._table[self._hashed(self._keys)] = True
        self._second = np.zeros(1 << bits, bool)
        self._second[self._hashed(self._keys, _AGAIN)] = True

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_table", "_second")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._tabulate()

    def find(self, content: bytes) -> set[int]:
        """Numbers of the patterns that may stand in ``content``: fifteen bytes of each do."""
        if not len(self._keys) or len(content) < LEAST:
            return set()
        words = np.frombuffer(content, "<u8", len(content) // _WIDTH)
        hashes, passed = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, bool)  # made once: fresh memory costs as much
        parts = (words[begin : begin + _BLOCK] for begin in range(0, len(words), _BLOCK))
        found = [self._places(part, hashes[: len(part)], passed[: len(part)]) for part in parts]
        places = np.concatenate([part + number * _BLOCK for number, part in enumerate(found)])
        first = np.searchsorted(self._keys, words[places], "left")
        counts = np.searchsorted(self._keys, words[places], "right") - first
        places, first, counts = (part[counts > 0] for part in (places, first, counts))
        if not len(places):
            return set()
        rows = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        starts = np.repeat(places * _WIDTH, counts) - self._offsets[rows]
        inside = (starts >= 0) & (starts + LEAST <= len(content))
        starts, pieces = starts[inside], self._piece_of[rows[inside]]
        text = np.frombuffer(content, np.uint8)
        same = (text[starts[:, None] + np.arange(LEAST)] == self._pieces[pieces]).all(axis=1)
        return {number for piece in np.unique(pieces[same]) for number in self._having(piece)}

    def _having(self, piece: int) -> list[int]:
        """Patterns with a piece."""
        found: list[int] = self._owners[self._bounds[piece] : self._bounds[piece + 1]].tolist()
        return found

    def _places(self, words: NDArray[np.uint64], hashes: NDArray[np.uint64], passed: NDArray[np.bool_]) -> Any:
        """Places of a block's words that are probably windows; two arrays of its length are written over."""
        np.right_shift(np.multiply(words, _MIX, out=hashes), self._shift, out=hashes)
        np.take(self._table, hashes.view(np.int64), out=passed, mode="clip")
        places = np.flatnonzero(passed)
        return places[self._second[self._hashed(words[places], _AGAIN)]]

    def _hashed(self, words: NDArray[np.uint64], by: np.uint64 = _MIX) -> NDArray[np.uint64]:
        return (words * by) >> self._shift


def _pieces(patterns: Sequence[bytes]) -> NDArray[np.uint8]:
    """Fifteen bytes of each pattern."""
    ends = [_rows([p[:LEAST] for p in patterns]), _rows([p[-LEAST:] for p in patterns])]
    places = (np.stack([_windows(rows) for rows in ends]) * _MIX) >> np.uint64(64 - _COUNTED_BITS)
    counts = np.bincount(places.ravel().view(np.int64)) // _FEW  # some are counted together, which does no harm
    common = counts[places].max(axis=2)
    first, last = (((rows >= ord("0")) & (rows <= ord("9"))).sum(axis=1) for rows in ends)
    begins = (common[0] < common[1]) | ((common[0] == common[1]) & (first >= last))
    return np.where(begins[:, None], *ends)


def _rows(parts: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, LEAST)


def _windows(rows: NDArray[np.uint8]) -> NDArray[Any]:
    """The eight windows of each row, as numbers."""
    windows = np.lib.stride_tricks.sliding_window_view(rows, _WIDTH, axis=1)
    return np.ascontiguousarray(windows).view("<u8").reshape(len(rows), _WIDTH)
