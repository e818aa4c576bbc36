"""Spans: where personal data stands, of which kind, how sure.

Belongs here: what detectors give, searching a pattern over many pieces of text with positions, and settling overlaps.
Must not: any pattern. Positions are bytes in the buffer of a chunk.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import CLOSE, OPEN, Buffer, Positions
from transforms.detectors.patterns import TEXT, ask, fast

Scores = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Spans(NamedTuple):
    """Spans of one kind: where they begin and end, and how sure each is (0 to 1)."""

    kind: str
    start: Positions
    end: Positions
    score: Scores | float

    @property
    def scores(self) -> Scores:
        """A score for each span."""
        return np.broadcast_to(np.asarray(self.score, dtype=np.float64), self.start.shape)

    def where(self, mask: "Mask | Positions") -> "Spans":
        """The spans of a mask, or at some places."""
        return Spans(self.kind, self.start[mask], self.end[mask], self.scores[mask])


class Matches(NamedTuple):
    """Where a pattern matches, in order of the pieces."""

    start: Positions
    end: Positions

    def where(self, mask: "Mask | pl.Series") -> "Matches":
        """The matches of a mask."""
        chosen = np.asarray(mask)
        return Matches(self.start[chosen], self.end[chosen])


_NOWHERE = np.zeros(0, np.int64)
NO_MATCHES = Matches(_NOWHERE, _NOWHERE)


def search(pieces: pl.DataFrame, pattern: str) -> Matches:
    """All matches of a regex in pieces of folded text.

    ``pieces``: ``start`` (position of the piece in the buffer) and ``text``. A pattern with the named groups ``pre``
    and ``value`` (and nothing outside them) finds the value only. The engine gives no positions, so it marks the
    matches; what lies before a mark, less the marks, is its position. ``post`` may name what must stand behind.
    """
    if pieces.is_empty():
        return NO_MATCHES
    mark = f"${{pre}}{OPEN}${{value}}{CLOSE}${{post}}" if "(?P<value>" in pattern else f"{OPEN}${{0}}{CLOSE}"
    marked = ask(pieces["text"], TEXT.str.replace_all(fast(pattern), mark)).rechunk().to_arrow().cast("large_string")
    bounds, data = marked.buffers()[1:3]
    if data is None:
        return NO_MATCHES
    heads = np.frombuffer(bounds, dtype=np.int64, count=len(marked) + 1)
    codes = np.frombuffer(data, dtype=np.uint8, count=int(heads[-1]))
    at = np.flatnonzero((codes == ord(OPEN)) | (codes == ord(CLOSE)))
    if len(at) == 0:
        return NO_MATCHES
    piece = np.searchsorted(heads, at, side="right") - 1
    marks_before = np.searchsorted(at, heads[piece])
    places = at - heads[piece] - (np.arange(len(at)) - marks_before) + pieces["start"].to_numpy()[piece]
    return Matches(places[::2], places[1::2])


class Settled(NamedTuple):
    """Spans in order, not overlapping; ``source``: which of the given ``Spans`` names the kind of each."""

    start: Positions
    end: Positions
    source: Positions
    score: Scores

    def where(self, mask: "Mask | Positions") -> "Settled":
        """The spans of a mask, or at some places."""
        return Settled(self.start[mask], self.end[mask], self.source[mask], self.score[mask])


def settle(buffer: Buffer, found: Sequence[Spans], threshold: float) -> Settled:
    """Overlapping spans as one span that covers them all, of the kind of the surest (then longest) of them.

    Covering all of them leaves no rest of a beaten span in clear. Spans are widened to whole characters; those below
    the threshold do not count.
    """
    every = _together(found)
    every = every.where(every.score >= threshold)
    start, end = buffer.whole(every.start, every.end)
    order = np.argsort(start, kind="stable")
    every = every._replace(start=start, end=end).where(order[(end > start)[order]])
    if len(every.start) == 0:
        return every
    opens = np.concatenate([[True], every.start[1:] >= np.maximum.accumulate(every.end)[:-1]])
    if opens.all():
        return every
    heads = np.flatnonzero(opens)
    sizes = np.diff(np.append(heads, len(opens)))
    several = sizes > 1
    among = np.flatnonzero(np.repeat(several, sizes))
    group = np.repeat(np.arange(len(heads)), sizes)[among]
    ranked = among[np.lexsort((-among, (every.end - every.start)[among], every.score[among], group))]
    best = heads.copy()
    best[several] = ranked[np.cumsum(sizes[several]) - 1]
    return Settled(every.start[heads], np.maximum.reduceat(every.end, heads), every.source[best], every.score[best])


def doubts(found: Sequence[Spans], threshold: float) -> Settled:
    """The spans that are not sure enough, as they are."""
    every = _together(found)
    return every.where((every.score < threshold) & (every.end > every.start))


def _together(found: Sequence[Spans]) -> Settled:
    if not found:
        return Settled(_NOWHERE, _NOWHERE, _NOWHERE, np.zeros(0))
    return Settled(
        np.concatenate([some.start for some in found]),
        np.concatenate([some.end for some in found]),
        np.repeat(np.arange(len(found)), [len(some.start) for some in found]),
        np.concatenate([some.scores for some in found]),
    )
