"""Finding passages: by meaning, by words, or by both.

Belongs here: asking the passage table and ranking what it answers. Must not: writing it.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from cenote.embedding import embedder
from cenote.erasure.suppression import hidden
from cenote.errors import SearchError, unknown
from cenote.vectors.indexes import has_vector_index
from cenote.vectors.store import Store, about, one_of
from cenote.workspace import Workspace

MODES = ("hybrid", "vector", "text")
COLUMNS = ("passage_id", "lineage_id", "subject_id", "dataset", "namespace", "title", "text", "at", "metadata")
FUSION = 60  # Cormack, Clarke, Büttcher 2009: a hit counts 1 / (60 + rank) in each list
_DEEPEST = 50  # hits that each list gives to a fusion, at least
_EF, _REFINE = 200, 5  # measured: recall@10 of 1.000 at 100k passages


def search(
    space: Workspace,
    query: str,
    *,
    k: int = 10,
    namespace: str | Sequence[str] | None = None,
    mode: str = "hybrid",
    where: str | None = None,
) -> pl.DataFrame:
    """The ``k`` passages that answer ``query`` best, best first.

    ``mode``: ``vector`` ranks by meaning (score: cosine), ``text`` by words (BM25), ``hybrid`` fuses both rankings
    (reciprocal ranks). ``namespace`` and ``where`` (a SQL condition over the columns of transforms.passages.SCHEMA) are
    applied before ranking, so ``k`` hits come back where that many match. Columns: rank (from 1), score, passage_id,
    lineage_id, subject_id, dataset, namespace, title, text, at, metadata (JSON). Raises ``SearchError``.
    """
    if mode not in MODES:
        raise SearchError(unknown("search mode", mode, MODES), "use hybrid, vector or text")
    if k < 1:
        raise SearchError(f"k is {k}", "ask for at least one passage")
    store = Store(space)
    if store.identity is None:
        raise SearchError("this lake has no passages yet", "run `cenote run --select vectors`")
    condition = _condition(namespace, where, hidden(space))
    try:
        if mode == "hybrid":
            depth = max(_DEEPEST, 2 * k)
            meant = _by_meaning(space, store, query, depth, condition)
            hits = fused([meant, _by_words(store, query, depth, condition)])
        else:
            words = mode == "text"
            hits = _by_words(store, query, k, condition) if words else _by_meaning(space, store, query, k, condition)
    except (ValueError, RuntimeError) as error:
        # a condition quotes no data but its own words; the library's message names the column or the place
        raise SearchError(f"the search cannot be run: {error}", "check the condition `where`") from None
    return hits.head(k).with_row_index("rank", offset=1).select(pl.col("rank").cast(pl.Int64), "score", *COLUMNS)


def fused(lists: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Hits of several lists as one, by reciprocal rank: each list gives a hit 1 / (60 + its rank)."""
    ranked = [hits.with_columns(score=1 / (FUSION + pl.int_range(1, pl.len() + 1))) for hits in lists]
    return (
        pl.concat(ranked)
        .group_by("passage_id", maintain_order=True)
        .agg(pl.col("score").sum(), pl.exclude("score").first())
        .sort("score", "passage_id", descending=[True, False])
    )


def _condition(namespace: str | Sequence[str] | None, where: str | None, people: Sequence[str]) -> str | None:
    chosen = [namespace] if isinstance(namespace, str) else namespace
    parts = [one_of("namespace", chosen)] if chosen else []
    parts += [f"NOT {about(people)}"] if people else []
    parts += [f"({where})"] if where else []
    return " AND ".join(parts) or None


def _by_meaning(space: Workspace, store: Store, query: str, k: int, condition: str | None) -> pl.DataFrame:
    model = embedder(space.settings.embedding_model)
    if (store.identity or {}).get("model") != model.name:
        raise SearchError(
            "the passages were embedded with another model than the settings name",
            "run `cenote run --select vectors`, or set CENOTE_EMBEDDING_MODEL back",
        )
    question = store.table.search(model.query(query)).distance_type("cosine")
    indexed = has_vector_index(store.table)
    question = question.ef(_EF).refine_factor(_REFINE) if indexed else question.bypass_vector_index()
    hits = _asked(question, [*COLUMNS, "_distance"], k, condition)
    return hits.select((1 - pl.col("_distance")).cast(pl.Float64).alias("score"), *COLUMNS)


def _by_words(store: Store, query: str, k: int, condition: str | None) -> pl.DataFrame:
    from lancedb.query import MatchQuery  # not the query language, whose signs would be errors

    match = MatchQuery(query, "text")  # type: ignore[call-arg]  # its defaults are invisible to mypy
    hits = _asked(store.table.search(match, query_type="fts"), [*COLUMNS, "_score"], k, condition)
    return hits.select(pl.col("_score").cast(pl.Float64).alias("score"), *COLUMNS)


def _asked(question: Any, columns: list[str], k: int, condition: str | None) -> pl.DataFrame:
    question = question.where(condition, prefilter=True) if condition else question
    found = pl.from_arrow(question.select(columns).limit(k).to_arrow())
    assert isinstance(found, pl.DataFrame)
    return found
