"""Embeddings of the person's own words: they can be inverted, so a vector that stays is residue as a text is.

Belongs here: comparing vectors. Must not: reading them, or any model's details. Correlation instead of the cosine, so
that vectors kept as bytes (scalar quantisation) are compared without their bounds; for embeddings both are the same.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from cenote.residue.model import Hit, Needle
from cenote.residue.piece import Piece

SAME = 0.995
"""Correlation from which two vectors are of the same text; other wording gives less than 0.99.

Of one text, the vector of many computed together and that of a question may differ in precision (down to 0.998).
"""

SAME_ROUGHLY = 0.99
"""The same where one of them was quantised to a byte a number."""

_ROWS = 16_384
Encode = Callable[[Sequence[str]], Any]


class Meaning:
    """Compares vectors with those of the ``text`` needles, which are embedded when the first vectors are met."""

    def __init__(self, needles: Sequence[Needle], encode: Encode) -> None:
        self.numbers = [number for number, needle in enumerate(needles) if needle.kind == "text"]
        self._texts = [needles[number].value for number in self.numbers]
        self._encode, self._lock = encode, Lock()

    @cached_property
    def _own(self) -> Any:
        return standard(self._encode(self._texts))

    def hits(self, file: str, piece: Piece) -> set[Hit]:
        """Needles whose vector stands in a piece."""
        if not self.numbers:
            return set()
        with self._lock:
            own = self._own
        if piece.vectors.shape[1] != own.shape[1]:
            return set()
        same = SAME if piece.vectors.dtype.kind == "f" else SAME_ROUGHLY
        found: set[int] = set()
        for begin in range(0, len(piece.vectors), _ROWS):
            alike = correlations(piece.vectors[begin : begin + _ROWS], own)
            found |= set((alike >= same).any(axis=0).nonzero()[0].tolist())
        return {Hit(file, piece.where, self.numbers[n], "embedding") for n in found}


def embedded(meaning: Meaning | None) -> Any:
    """The vectors of the person's own words, to be compared elsewhere; None where there are none."""
    return meaning._own if meaning is not None and meaning.numbers else None


def rows_of(vectors: Any) -> Any:
    """An Arrow array of fixed-size lists as a two-dimensional array."""
    return vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)


def correlations(rows: Any, own: Any) -> Any:
    """The correlation of each of some rows with each of some that are :func:`standard`; NaN for what is no numbers."""
    import numpy as np

    with np.errstate(all="ignore"):
        rows = rows.astype(np.float32, copy=False)
        mean = rows.mean(axis=1, dtype=np.float64)
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        lengths = np.sqrt(squares - rows.shape[1] * mean * mean)
        return (rows @ own.T) / lengths[:, None]  # ``own`` sums to 0, so that the mean of a row does not count


def standard(rows: Any) -> Any:
    """Rows with mean 0 and length 1; those that are no numbers become 0."""
    import numpy as np

    with np.errstate(all="ignore"):
        centred = rows.astype(np.float32) - rows.astype(np.float32).mean(axis=1, keepdims=True)
        return np.nan_to_num(centred / np.linalg.norm(centred, axis=1, keepdims=True), posinf=0, neginf=0)
