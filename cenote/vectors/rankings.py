"""Rankings of hits: several made one, and near duplicates taken out.

Belongs here: arithmetic on hits. Must not: asking stores or models. Hits are frames, best first, with ``passage_id``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from cenote.embedding import Vectors

FUSION = 10
"""What is added to a rank. Cormack, Clarke and Büttcher (2009) took 60 for whole runs; docs/search.md says why less."""


def fused(
    lists: Sequence[pl.DataFrame], weights: Sequence[float], constant: int = FUSION, by: str = "passage_id"
) -> pl.DataFrame:
    """Hits of several lists as one, by weighted reciprocal rank: each gives a hit weight / (constant + its rank).

    A list with weight 0 gives nothing. ``by``: the column that tells hits apart. Of equals, who comes first in the
    lists stays first. Columns: score, and ``by``.
    """
    gains: dict[Any, float] = {}
    for hits, weight in zip(lists, weights, strict=True):
        if weight > 0:
            for rank, name in enumerate(hits[by].to_list(), 1):
                gains[name] = gains.get(name, 0.0) + weight / (constant + rank)
    best = sorted(gains, key=gains.__getitem__, reverse=True)
    columns = {"score": [gains[name] for name in best], by: best}
    return pl.DataFrame(columns, {"score": pl.Float64, by: lists[0][by].dtype})


def distinct(hits: pl.DataFrame, vectors: "tuple[pl.Series, Vectors]", below: float) -> pl.DataFrame:
    """Hits without those whose text is that of a better one, or has a cosine of ``below`` or more to it.

    ``vectors``: content hashes and, a row each, vectors of length 1.
    """
    hits = hits.unique("content_hash", keep="first", maintain_order=True)
    hashes, rows = vectors
    places = {name: place for place, name in enumerate(hashes)}
    found = rows[[places[name] for name in hits["content_hash"]]]
    near = np.triu(found @ found.T >= below, k=1)  # near[i, j]: j is worse than i, and says the same
    kept: list[int] = []
    for hit in range(len(found)):  # whether a hit counts depends on whether the better one was kept
        if not near[kept, hit].any():
            kept.append(hit)
    return hits[kept]
