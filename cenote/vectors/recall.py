"""How many of the nearest vectors the vector index finds: measured against exact search.

Belongs here: the measurement. Must not: what follows from it (a check, cenote/quality.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cenote.vectors.indexes import has_vector_index
from cenote.vectors.search import by_index
from cenote.vectors.store import Store
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
    store = Store(space)
    if store.identity is None or not has_vector_index(store.table):
        return None
    table, rows = store.table, store.count()
    asked = _questions(table, rows, min(questions, rows))
    kth = _kth_nearest(table, asked, min(k, rows))
    found = [_cosines(table, question, k) for question in asked]
    right = sum(int((cosines >= least - _EQUAL).sum()) for cosines, least in zip(found, kth, strict=True))
    return Recall(len(asked), k, right / (len(asked) * min(k, rows)))


def _questions(table: Any, rows: int, count: int) -> np.ndarray:
    places = np.linspace(0, rows - 1, count).astype(int)
    stored = _matrix(table.take_offsets(places.tolist()).select(["vector"]).to_arrow()["vector"])
    moved = stored + 0.5 * np.roll(stored, 1, axis=0)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-12))


def _kth_nearest(table: Any, asked: np.ndarray, k: int) -> np.ndarray:
    """Cosine of the ``k``-th nearest vector to each question, by comparing all."""
    best = np.full((len(asked), k), -2.0, np.float32)
    for batch in table.to_lance().to_batches(columns=["vector"], batch_size=_BATCH):
        both = np.concatenate([best, asked @ _matrix(batch["vector"]).T], axis=1)
        best = -np.partition(-both, k - 1, axis=1)[:, :k]
    return np.asarray(best.min(axis=1))


def _cosines(table: Any, question: np.ndarray, k: int) -> np.ndarray:
    answer = by_index(table.search(question).distance_type("cosine"), k)
    return np.asarray(1 - answer.select(["_distance"]).limit(k).to_arrow()["_distance"].to_numpy())


def _matrix(vectors: pa.Array | pa.ChunkedArray) -> np.ndarray:
    whole = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
    flat = whole.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(-1, whole.type.list_size))
