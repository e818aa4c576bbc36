"""Finding passages: by meaning, by words, or by both.

Belongs here: asking the passage table and ranking what it answers. Must not: writing it, fusing rankings and taking out
near duplicates (rankings.py), reading pairs with a cross-encoder (rerank.py), clear text (opened.py).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl

from cenote.embedding import lake_embedder
from cenote.erasure.suppression import hidden
from cenote.errors import SearchError, unknown
from cenote.vectors import rerank
from cenote.vectors.indexes import has_vector_index
from cenote.vectors.opened import with_clear_text
from cenote.vectors.rankings import distinct, fused
from cenote.vectors.store import Store, about, one_of
from cenote.workspace import Workspace

MODES = ("hybrid", "vector", "text")
COLUMNS = ("passage_id", "lineage_id", "subject_id", "dataset", "namespace", "title", "text", "at", "metadata")
_ASKED = (*COLUMNS, "content_hash")
_FUSED = ("passage_id", "_rowid")
_DEEPEST = 50  # hits that each list gives to a fusion, a reranker or a search for near duplicates, at least
_EF, _REFINE = 200, 5  # recall@10 at 100k passages: `python -m benchmarks latency`
_AT_ONCE = ThreadPoolExecutor(4, "search")


def search(
    space: Workspace,
    query: str,
    *,
    k: int = 10,
    namespace: str | Sequence[str] | None = None,
    mode: str = "hybrid",
    where: str | None = None,
    distinct_below: float | None = None,
    reveal: str | None = None,
) -> pl.DataFrame:
    """The ``k`` passages that answer ``query`` best, best first.

    ``mode``: ``vector`` ranks by meaning (score: cosine), ``text`` by words (BM25), ``hybrid`` fuses both rankings
    (reciprocal ranks, weighted by the setting ``vector_weight``). Where the setting ``rerank_model`` names a
    cross-encoder, it orders the best hits anew, and the score is its. ``namespace`` and ``where`` (a SQL condition
    over the columns of transforms.passages.SCHEMA) are applied before ranking, so ``k`` hits come back where that many
    match.

    ``distinct_below``: hits whose vectors have a cosine of this or more to that of a better hit are left out; default:
    the setting of that name. ``reveal``: why clear text must be seen; it is opened for holders of the keys, audited, in
    a column ``clear_text``. Columns: rank (from 1), score, passage_id, lineage_id, subject_id, dataset, namespace,
    title, text, at, metadata (JSON). Raises ``SearchError``; ``VaultError`` where nothing may be revealed.
    """
    if mode not in MODES:
        raise SearchError(unknown("search mode", mode, MODES), "use hybrid, vector or text")
    if k < 1:
        raise SearchError(f"k is {k}", "ask for at least one passage")
    store = Store(space)
    if store.identity is None:
        raise SearchError("this lake has no passages yet", "run `cenote run --select vectors`")
    settings = space.settings
    apart = settings.distinct_below if distinct_below is None else distinct_below
    condition = _condition(namespace, where, hidden(space))
    depth = max(_DEEPEST, 2 * k) if mode == "hybrid" or apart is not None or settings.rerank_model else k
    try:
        hits = _ranked(space, store, query, mode, depth, condition)
        if mode == "hybrid":  # what stands in the rows is read of those only that are shown, or looked at again
            hits = store.filled(hits if settings.rerank_model or apart is not None else hits.head(k), _ASKED)
        if settings.rerank_model:
            hits = rerank.reranked(hits, query, settings.rerank_model)
        if apart is not None:
            hits = distinct(hits, store.vectors_of(hits["content_hash"]), apart)
    except (ValueError, RuntimeError) as error:
        # a condition quotes no data but its own words; the library's message names the column or the place
        raise SearchError(f"the search cannot be run: {error}", "check the condition `where`") from None
    hits = hits.head(k).with_row_index("rank", offset=1).select(pl.col("rank").cast(pl.Int64), "score", *COLUMNS)
    return hits if reveal is None else with_clear_text(space, hits, reveal)


def _ranked(space: Workspace, store: Store, query: str, mode: str, k: int, condition: str | None) -> pl.DataFrame:
    """The best hits; of both rankings together, their scores and row ids."""
    if mode == "text":
        return _by_words(store, query, k, condition, _ASKED)
    if mode == "vector":
        return _by_meaning(space, store, query, k, condition, _ASKED)
    told = _AT_ONCE.submit(_by_words, store, query, k, condition, _FUSED)
    meant = _by_meaning(space, store, query, k, condition, _FUSED)
    weight = space.settings.vector_weight
    return fused([meant, told.result()], [weight, 1 - weight])


def _condition(namespace: str | Sequence[str] | None, where: str | None, people: Sequence[str]) -> str | None:
    chosen = [namespace] if isinstance(namespace, str) else namespace
    parts = [one_of("namespace", chosen)] if chosen else []
    parts += [f"NOT {about(people)}"] if people else []
    parts += [f"({where})"] if where else []
    return " AND ".join(parts) or None


def _by_meaning(
    space: Workspace, store: Store, query: str, k: int, condition: str | None, columns: Sequence[str]
) -> pl.DataFrame:
    model = lake_embedder(space.settings)
    if (store.identity or {}).get("model") != model.name:
        raise SearchError(
            "the passages were embedded with another model than the settings name",
            "run `cenote run --select vectors`, or set CENOTE_EMBEDDING_MODEL back",
        )
    question = store.table.search(model.query(query)).distance_type("cosine")
    indexed = has_vector_index(store.table)
    question = by_index(question, k) if indexed else question.bypass_vector_index()
    hits = _asked(question, [*columns, "_distance"], k, condition)
    return hits.select((1 - pl.col("_distance")).cast(pl.Float64).alias("score"), *columns)


def by_index(question: Any, k: int) -> Any:
    """A question for ``k`` vectors, asked of the vector index, which takes none for more candidates than its ``ef``."""
    return question.ef(max(_EF, k * _REFINE)).refine_factor(_REFINE)


def _by_words(store: Store, query: str, k: int, condition: str | None, columns: Sequence[str]) -> pl.DataFrame:
    from lancedb.query import MatchQuery  # not the query language, whose signs would be errors

    match = MatchQuery(query, "text")  # type: ignore[call-arg]  # its defaults are invisible to mypy
    hits = _asked(store.table.search(match, query_type="fts"), [*columns, "_score"], k, condition)
    return hits.select(pl.col("_score").cast(pl.Float64).alias("score"), *columns)


def _asked(question: Any, columns: list[str], k: int, condition: str | None) -> pl.DataFrame:
    question = question.where(condition, prefilter=True) if condition else question
    found = pl.from_arrow(question.select(columns).limit(k).to_arrow())
    assert isinstance(found, pl.DataFrame)
    return found
