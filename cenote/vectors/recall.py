"""How many of the nearest vectors the vector index finds: measured against exact search.

Belongs here: the measurement. Must not: what follows from it (a check, cenote/quality.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cenote.vectors.current import current, matrix
from cenote.workspace import Workspace

LEAST = 0.98
_BATCH = 8_192
_EQUAL = 1e-5  # a hit this little farther than the k-th nearest is as good: the same text has the same vector


@dataclass(frozen=True)
class Recall:
    """What a measurement found: questions asked, and the share of the ``k`` nearest that the index gave."""

    asked: int
    k: int
    recall: float


def measure(space: Workspace, k: int = 10, questions: int = 100) -> Recall | None:
    """Recall@k of the vector index, asked as searches ask it, for stored vectors spread over the table and moved.

    The questions are stored vectors turned by about 25 degrees towards another: near passages, but none of them.
    None where vectors are searched exactly. All vectors are read once, in batches.
    """
    state = current(space)
    if state is None or not state.indexed:
        return None
    rows = state.rows.count_rows()
    k, count = min(k, rows), min(questions, rows)
    asked = _questions(state.rows, rows, count)
    kth = _kth_nearest(state.rows, asked, k)
    found = [state.nearest(question, k, k)["score"].to_numpy() for question in asked]
    right = sum(int((cosines >= least - _EQUAL).sum()) for cosines, least in zip(found, kth, strict=True))
    return Recall(len(asked), k, right / (len(asked) * k))


def _questions(stored_rows: Any, rows: int, count: int) -> np.ndarray:
    places = np.linspace(0, rows - 1, count).astype(int)
    stored = matrix(stored_rows.take(places.tolist(), columns=["vector"])["vector"])
    moved = stored + 0.5 * np.roll(stored, 1, axis=0)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-12))


def _kth_nearest(rows: Any, asked: np.ndarray, k: int) -> np.ndarray:
    """Cosine of the ``k``-th nearest vector to each question, by comparing all."""
    best = np.full((len(asked), k), -2.0, np.float32)
    for batch in rows.to_batches(columns=["vector"], batch_size=_BATCH):
        both = np.concatenate([best, asked @ matrix(batch["vector"]).T], axis=1)
        best = -np.partition(-both, k - 1, axis=1)[:, :k]
    return np.asarray(best.min(axis=1))
