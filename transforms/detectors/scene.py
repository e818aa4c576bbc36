"""What every detector looks at: tokens, and runs of numbers by shape (``12/05/1985`` has the shape ``99/99/9999``).

Belongs here: finding number-like things of many formats in one go. Must not: what a shape means (the detectors). A
text has few distinct shapes, so each format's pattern runs on the distinct shapes only, whatever the amount of text.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.cues import CUES
from transforms.detectors.spans import search
from transforms.detectors.tokens import DIGIT, UNDER, UPPER, WIDE, Tokens

_GAP, _LONG = 3, 200
_SHAPE = bytes.maketrans(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\t",
    b"9999999999AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ",
)
_GLUE = np.zeros(256, dtype=bool)
_GLUE[[ord(c) for c in " ()/-.+\t"]] = True
_BEFORE = [ord("("), ord("+")]
_FOUND = {"start": pl.Int64, "end": pl.Int64, "text": pl.String}


@dataclass(frozen=True)
class Scene(Tokens):
    """Tokens, and runs of numbers: tokens with digits (and short capitals beside them), joined over marks and
    spaces.
    """

    @cached_property
    def cues(self) -> npt.NDArray[np.int16]:
        """What each token announces (cues.py), as flags."""
        return CUES.codes(self.hashes)

    def cued(self, cue: int) -> Positions:
        """Indexes of the tokens that announce something."""
        index, cues = self._cued
        return index[(cues & cue) > 0]

    @cached_property
    def _cued(self) -> tuple[Positions, npt.NDArray[np.int16]]:
        index = np.flatnonzero(self.cues)
        return index, self.cues[index]

    @cached_property
    def numeric(self) -> Positions:
        """Indexes of the tokens with digits."""
        return np.flatnonzero((self.bits & (DIGIT | UNDER | WIDE)) == DIGIT)

    @cached_property
    def _runs(self) -> "_Runs":
        starts, ends = self._ranges()
        shapes = self.buffer.cut(starts, ends, data=self.buffer.data.translate(_SHAPE)).alias("text").to_frame()
        distinct = shapes.unique(maintain_order=True).with_row_index("id")
        ids = shapes.join(distinct, on="text", maintain_order="left")["id"].to_numpy()
        texts = distinct["text"].to_list()
        sizes = np.array([len(text) for text in texts], dtype=np.int64)
        heads = np.cumsum(sizes + 1) - sizes - 1
        long = distinct.select(pl.Series("start", heads, dtype=pl.Int64), "text").filter(pl.Series(sizes > _LONG))
        return _Runs(
            starts=starts[np.argsort(ids, kind="stable")],
            bounds=np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=len(texts)))]),
            heads=heads,
            line="\n".join(text if len(text) <= _LONG else "\n" * len(text) for text in texts),
            long=long,
        )

    def _ranges(self) -> tuple[Positions, Positions]:
        starts, ends, raw = self.starts, self.ends, self.buffer.codes
        digits = (self.bits & (DIGIT | UNDER | WIDE)) == DIGIT
        index = np.flatnonzero(digits | ((self.bits == UPPER) & (ends - starts <= 2)))
        if len(index) == 0:
            return starts[:0], ends[:0]
        gap = starts[index[1:]] - ends[index[:-1]]
        joined = (np.diff(index) == 1) & (gap <= _GAP)
        at = ends[index[:-1]]
        for step in range(_GAP):
            joined &= (gap <= step) | _GLUE[raw[np.minimum(at + step, len(raw) - 1)]]
        opens = np.concatenate([[True], ~joined])
        begin, finish = starts[index[opens]], ends[index[np.concatenate([~joined, [True]])]]
        some = np.logical_or.reduceat(digits[index], np.flatnonzero(opens))
        begin, finish = begin[some], finish[some]
        for _ in range(2):
            begin = begin - ((begin > 0) & np.isin(raw[np.maximum(begin - 1, 0)], _BEFORE))
        return begin, finish

    def shaped(self, pattern: str) -> pl.DataFrame:
        """Parts of runs whose shape matches: ``start``, ``end``, ``text`` (as it stands in the text).

        In a pattern ``9`` is any digit and ``A`` any ASCII letter.
        """
        runs = self._runs
        found = np.array([match.span() for match in _compiled(pattern).finditer(runs.line)], np.int64).reshape(-1, 2)
        if runs.long.height:
            found = np.concatenate([found, search(runs.long, pattern).select("start", "end").to_numpy()])
        if len(found) == 0:
            return pl.DataFrame(schema=_FOUND)
        shape = np.searchsorted(runs.heads, found[:, 0], side="right") - 1
        count = runs.bounds[shape + 1] - runs.bounds[shape]
        part = np.repeat(np.arange(len(found)), count)
        run = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count) + runs.bounds[shape[part]]
        begin = runs.starts[run] + (found[:, 0] - runs.heads[shape])[part]
        order = np.argsort(begin, kind="stable")
        begin = begin[order]
        finish = begin + (found[:, 1] - found[:, 0])[part][order]
        return pl.DataFrame({"start": begin, "end": finish, "text": self.buffer.cut(begin, finish)})


class _Runs(NamedTuple):
    """Runs of numbers: ``starts`` ordered by shape, where each shape's runs begin in them (``bounds``); the distinct
    shapes as lines, where each begins (``heads``); the very long ones apart, with blanks in their place.
    """

    starts: Positions
    bounds: Positions
    heads: Positions
    line: str
    long: pl.DataFrame


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A shape's pattern for Python's engine: the lines are few, and it gives positions at once."""
    return re.compile(pattern.replace(r"(?-u:\b)", r"\b"), re.ASCII)
