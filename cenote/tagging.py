"""Names, places and organisations in text by the trained tier: the packaged encoder and the tagger's head together.

Belongs here: vectors of words from the packaged encoder, in batches whose shape is always the same, and remembering
texts already read. Must not: features, scores, spans (transforms/tagger), training (training/).

The same text must give the same spans whatever stands beside it in a batch, or a replay would mask otherwise. Texts
are cut into windows of set lengths and run in batches of few set sizes, in float32, so that the arithmetic of a row
never depends on its neighbours.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Vectors = NDArray[np.float32]
_Result = TypeVar("_Result")

BUCKETS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128)
"""Lengths of windows, in tokens with the two that frame them."""

LAYERS = (3,)
"""After which layers of the encoder a word's vector is taken; they stand side by side."""

_TOKENS = 768  # of a batch: its activations stay in the core's own cache
_LEAST = 192  # of the last batch of a length; with far fewer the arithmetic would be another
_OVERLAP = 24  # tokens that windows of a long text share
_TEXTS = 2048  # that are tokenised at a time


@dataclass(frozen=True)
class Words:
    """A text's words: where they begin and end (characters), and a vector for each."""

    offsets: list[tuple[int, int]]
    vectors: Vectors


@dataclass(frozen=True)
class _Window:
    """Tokens of a text that are run together; of them ``keep`` (from, to) are taken."""

    text: int
    ids: list[int]
    first: int
    keep: tuple[int, int]


class WordEncoder:
    """The packaged encoder, giving vectors of words. One thread per core, each with one torch thread."""

    def __init__(self, workers: int | None = None) -> None:
        from tokenizers import Tokenizer

        from cenote.embedding import cores, one_thread, packaged_encoder, packaged_folder

        self._tokenizer = Tokenizer.from_file(str(packaged_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._begin, self._end = (self._tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
        self._workers = ThreadPoolExecutor(workers or cores(), "tagging", initializer=one_thread)
        self._encoder = self._workers.submit(packaged_encoder).result()
        self.width = self._encoder.dimension * len(LAYERS)

    def words(self, texts: Sequence[str]) -> Iterator[Words]:
        """The words of each text, in order, some texts at a time."""
        for begin in range(0, len(texts), _TEXTS):
            yield from self._some(texts[begin : begin + _TEXTS])

    def map(self, work: Callable[..., _Result], *items: Iterable[Any]) -> Iterator[_Result]:
        """Results of work in order, done on the encoder's threads."""
        return self._workers.map(work, *items)

    def _some(self, texts: Sequence[str]) -> list[Words]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        vectors = [np.empty((len(e.ids), self.width), np.float32) for e in encodings]
        windows = [w for n, e in enumerate(encodings) for w in _windows(n, e.ids)]
        batches = _batches(windows)
        for (_, batch), found in zip(batches, self._workers.map(self._run, batches), strict=True):
            for row, window in enumerate(batch):
                low, high = window.keep
                at = 1 - window.first
                vectors[window.text][low:high] = found[row, low + at : high + at]
        return [_of_words(e, v) for e, v in zip(encodings, vectors, strict=True)]

    def _run(self, batch: tuple[int, list[_Window]]) -> Vectors:
        """Vectors of a batch's tokens: rows x length x width. The batch is filled up with empty rows to a set size."""
        import torch

        length, windows = batch
        rows = _rows(length, len(windows))
        ids = np.zeros((rows, length), np.int64)
        lengths = np.ones(rows, np.int64)
        for row, window in enumerate(windows):
            tokens = [self._begin, *window.ids, self._end]
            ids[row, : len(tokens)] = np.array(tokens, np.int64)
            lengths[row] = len(tokens)
        with torch.inference_mode():
            layers = self._layers(torch.from_numpy(ids), torch.from_numpy(lengths))
            found: Vectors = torch.cat(layers, -1).view(rows, length, self.width).numpy()
        return found

    def _layers(self, ids: "Tensor", lengths: "Tensor") -> "list[Tensor]":
        return self._encoder.layers(ids, lengths, LAYERS)


def _windows(text: int, ids: list[int]) -> list[_Window]:
    """A text's tokens in windows; each token is taken from the window where it stands least at the edge."""
    most = BUCKETS[-1] - 2
    if len(ids) <= most:
        return [_Window(text, ids, 0, (0, len(ids)))] if ids else []
    step = most - _OVERLAP
    firsts = range(0, len(ids) - _OVERLAP, step)
    cuts = [0, *(first + _OVERLAP // 2 for first in firsts[1:]), len(ids)]
    return [_Window(text, ids[first : first + most], first, (cuts[n], cuts[n + 1])) for n, first in enumerate(firsts)]


def _rows(length: int, windows: int) -> int:
    """The rows of a batch: as many as fit into the smallest of the set sizes that holds so many windows."""
    size = _LEAST
    while size // length < windows:
        size *= 2
    return size // length


def _batches(windows: list[_Window]) -> list[tuple[int, list[_Window]]]:
    """Windows of one bucket, as many as a batch takes."""
    found = []
    for shorter, length in zip((0, *BUCKETS), BUCKETS, strict=False):
        mine = [w for w in windows if shorter < len(w.ids) + 2 <= length]
        rows = _TOKENS // length
        found += [(length, mine[n : n + rows]) for n in range(0, len(mine), rows)]
    return found


def _of_words(encoding: Any, vectors: Vectors) -> Words:
    """Tokens put together to words: the mean of their vectors."""
    if not len(vectors):
        return Words([], vectors)
    ids: NDArray[np.int64] = np.array(encoding.word_ids, np.int64)
    heads = np.flatnonzero(np.diff(ids, prepend=-1))
    sizes = np.diff(heads, append=len(ids))
    offsets = encoding.offsets
    tails = heads + sizes - 1
    spans = [(offsets[head][0], offsets[tail][1]) for head, tail in zip(heads.tolist(), tails.tolist(), strict=True)]
    means: Vectors = (np.add.reduceat(vectors, heads, axis=0) / sizes[:, None]).astype(np.float32)
    return Words(spans, means)


@cache
def word_encoder() -> WordEncoder:
    """The encoder of words, loaded once per process. Raises ``SearchError`` where it is not as published."""
    with _LOADING:
        return WordEncoder()


_LOADING = threading.Lock()
