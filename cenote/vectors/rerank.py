"""Reading question and passage together: a cross-encoder orders the best hits anew.

Belongs here: running the model that the settings name. Must not: choosing hits. Slower than comparing vectors by orders
of magnitude, so it reads only what a search found.
"""

from functools import lru_cache
from typing import Any

import polars as pl

from cenote.errors import SearchError


def reranked(hits: pl.DataFrame, query: str, model: str) -> pl.DataFrame:
    """Hits in the order of a cross-encoder, whose output is their score. Raises ``SearchError``."""
    if hits.is_empty():
        return hits
    scores = _cross_encoder(model).predict([(query, text) for text in hits["text"]], show_progress_bar=False)
    return hits.with_columns(pl.Series("score", scores, dtype=pl.Float64)).sort(
        "score", "passage_id", descending=[True, False]
    )


@lru_cache(maxsize=2)
def _cross_encoder(model: str) -> Any:
    from sentence_transformers import CrossEncoder

    try:
        found = CrossEncoder(model)
    except Exception as error:
        raise SearchError(
            f"the rerank model {model!r} cannot be loaded ({type(error).__name__})",
            "set CENOTE_RERANK_MODEL to a cross-encoder that sentence-transformers can reach, by name or folder",
        ) from None
    if found.num_labels != 1:
        raise SearchError(
            f"the rerank model {model!r} gives {found.num_labels} figures for a pair, not one",
            "set CENOTE_RERANK_MODEL to a model that scores pairs",
        )
    return found
