"""What every detector looks at: tokens, and runs of numbers by shape (``12/05/1985`` has the shape ``99/99/9999``).

Belongs here: finding number-like things of many formats in one go, and what stands beside them. Must not: what a shape
means (the detectors). A text has few distinct shapes, so each format's pattern runs on the distinct shapes only,
whatever the amount of text.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import Positions, count_before, large_strings, places
from transforms.detectors.folding import Bytes
from transforms.detectors.lazy import lazy
from transforms.detectors.sides import ANYTHING, marked
from transforms.detectors.spans import Mask, Spans, search
from transforms.detectors.tokens import PIECES, Tokens

_GAP, _LONG = 3, 200
_SHAPE = np.arange(256, dtype=np.uint8)
_SHAPE[[*b"0123456789"]] = ord("9")
_SHAPE[[*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = ord("A")
_SHAPE[ord("\t")] = ord(" ")
_GLUE = np.zeros(256, dtype=bool)
_GLUE[[*b" ()/-.+\t"]] = True
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Scene(Tokens):
    """Tokens, and runs of numbers: tokens with digits (and short capitals beside them), joined over marks and
    spaces.

    ``least``: the score that a span must have to be reported; detectors may leave out what cannot reach it, even if
    a word that announces it came nearer.
    """

    least: float = 0.0

    def prepare(self) -> None:
        """Compute what nearly every detector asks for, before several threads do."""
        self.buffer.prepare()
        _ = self.starts, self.ends, self.bits, self.sizes, self.meanings, self.cues, self._mark_codes, self._runs

    def beside_number(self, index: Positions, reach: int) -> Positions:
        """The tokens of ``index`` that have a token with digits within some places."""
        if len(index) == 0 or len(self.numeric) == 0:
            return index[:0]
        at = count_before(self.numeric, index)
        right = self.numeric[np.minimum(at, len(self.numeric) - 1)]
        left = self.numeric[np.maximum(at - 1, 0)]
        return index[(np.abs(right - index) <= reach) | (np.abs(index - left) <= reach)]

    @lazy
    def _runs(self) -> "_Runs":
        from transforms.detectors.compiled.sweep import runs

        starts, ends = runs(self.buffer.codes, self.starts, self.ends, self.bits, self.numeric, _GLUE, _GAP)
        bounds, data = self.buffer.gathered(starts, ends)
        shapes = large_strings(bounds, _SHAPE[data]).dictionary_encode()
        ids, texts = shapes.indices.to_numpy(), shapes.dictionary.to_pylist()
        order = np.argsort(ids.astype(np.uint16) if len(texts) < 1 << 16 else ids, kind="stable")
        sizes = np.array([len(text) for text in texts], dtype=np.int64)
        heads = np.cumsum(sizes + 1) - sizes - 1
        long = np.flatnonzero(sizes > _LONG)
        return _Runs(
            starts=starts[order],
            bounds=np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=len(texts)))]),
            heads=heads,
            line="\n".join(text if len(text) <= _LONG else "\n" * len(text) for text in texts),
            long=pl.DataFrame({"start": heads[long], "text": [texts[place] for place in long]}, schema=PIECES),
        )

    def found(self, start: Positions, end: Positions) -> "Found":
        """Candidates at some positions."""
        return Found(self, start, end, end - start)

    def shaped(self, pattern: str, sides: Bytes = ANYTHING) -> "Found":
        """Parts of runs whose shape matches, with nothing of ``sides`` beside them. In a pattern ``9`` is any digit
        and ``A`` any ASCII letter.
        """
        from transforms.detectors.compiled.beside import placed

        runs = self._runs
        matches = [(*match.span(), match.group().count("9")) for match in _compiled(pattern).finditer(runs.line)]
        if runs.long.height:
            matches += [(a, b, b - a) for a, b in zip(*(c.tolist() for c in search(runs.long, pattern)), strict=True)]
        if not matches:
            return Found(self, _NONE, _NONE, _NONE)
        first, last, digits = np.array(matches, np.int64).T.copy()
        shape = np.searchsorted(runs.heads, first, side="right") - 1
        offsets = first - runs.heads[shape]
        found = placed(self.buffer.codes, runs.starts, runs.bounds, shape, offsets, last - first, digits, sides)
        order = np.argsort(found[0], kind="stable")
        return Found(self, *(column[order] for column in found))


@dataclass(frozen=True)
class Found:
    """Candidates of one detector: where they stand and how many digits they have (of a very long run: bytes).

    What stands beside them is looked at only when asked for.
    """

    scene: Scene
    start: Positions
    end: Positions
    digits: Positions

    def __len__(self) -> int:
        return len(self.start)

    def where(self, mask: "Mask | Positions | pl.Series") -> "Found":
        """The candidates of a mask, or at some places."""
        chosen = np.asarray(mask)
        if chosen.dtype == bool:
            if len(chosen) and chosen.all():
                return self
            chosen = np.flatnonzero(chosen)
        return Found(self.scene, self.start.take(chosen), self.end.take(chosen), self.digits.take(chosen))

    def joined(self, more: "Found") -> "Found":
        """These and more."""
        both = zip((self.start, self.end, self.digits), (more.start, more.end, more.digits), strict=True)
        return Found(self.scene, *(np.concatenate(pair) for pair in both))

    @property
    def size(self) -> Positions:
        """Bytes of each."""
        return self.end - self.start

    @property
    def text(self) -> pl.Series:
        """The candidates, folded."""
        return self.scene.buffer.cut(self.start, self.end)

    def left_in(self, marks: str, step: int = 1) -> Mask:
        """Whether the byte before each (or one further left) is one of some marks."""
        return marked(marks)[self.scene.code(self.start - step)]

    def right_in(self, marks: str) -> Mask:
        """Whether the byte behind each is one of some marks."""
        return marked(marks)[self.scene.code(self.end)]

    def free(self, sides: Bytes) -> Mask:
        """Whether nothing of ``sides`` (sides.py) stands beside each."""
        from transforms.detectors.compiled.beside import free

        return free(self.scene.buffer.codes, places(self.start), places(self.end), sides)

    def said(self, cue: int, reach: int = 48) -> Mask:
        """Whether a word of a cue stands within some bytes before each, in its row."""
        from transforms.detectors.compiled.beside import said

        cues, rows = self.scene.cues, self.scene.buffer.starts
        return said(cues.meanings, cues.starts, cues.ends, rows, places(self.start), cue, reach)

    def before(self, size: int) -> pl.Series:
        """The bytes before each, in lower case."""
        return self.scene.buffer.before(self.start, size)

    def after(self, size: int, *, lower: bool = True) -> pl.Series:
        """The bytes behind each."""
        return self.scene.buffer.after(self.end, size, lower=lower)

    def follows(self, cue: int, tokens: int) -> Mask:
        """Whether one of so many tokens before each is of a cue."""
        at = count_before(self.scene.starts, self.start)
        near = np.zeros(len(self), bool)
        for step in range(1, tokens + 1):
            near |= self.scene.announced(at - step, cue)
        return near

    def spans(self, kind: str, score: "npt.NDArray[np.float64] | pl.Series | float") -> Spans:
        """The candidates as spans of a kind."""
        return Spans(kind, self.start, self.end, score if isinstance(score, float) else np.asarray(score, np.float64))


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
