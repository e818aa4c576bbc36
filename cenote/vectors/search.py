"""Finding passages: by meaning, by words, or by both.

Belongs here: asking the passage table and ranking what it answers. Must not: writing it, fusing rankings and taking out
near duplicates (rankings.py), reading pairs with a cross-encoder (rerank.py), clear text (opened.py).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import polars as pl

from cenote.embedding import lake_embedder
from cenote.erasure.suppression import hidden
from cenote.errors import SearchError, unknown
from cenote.vectors import rerank
from cenote.vectors.current import State, current
from cenote.vectors.opened import with_clear_text
from cenote.vectors.rankings import distinct, fused
from cenote.vectors.store import about, one_of
from cenote.workspace import Workspace

MODES = ("hybrid", "vector", "text")
COLUMNS = ("passage_id", "lineage_id", "subject_id", "dataset", "namespace", "title", "text", "at", "metadata")
_DEEPEST = 50  # hits that each list gives to a fusion, a reranker or a search for near duplicates, at least
_LEFT_OUT = 200  # rows of hidden people that a search finds and drops, instead of a condition on every row
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
    state = current(space)
    if state is None:
        raise SearchError("this lake has no passages yet", "run `cenote run --select vectors`")
    settings = space.settings
    apart = settings.distinct_below if distinct_below is None else distinct_below
    again = apart is not None or bool(settings.rerank_model)  # whether any hit may be shown, not only the best k
    deep = max(_DEEPEST, 2 * k) if mode == "hybrid" or again else k
    question = _question(query, deep, deep if again else k, _condition(namespace, where), state, hidden(space))
    columns = COLUMNS if apart is None else (*COLUMNS, "content_hash", "vector")
    try:
        hits = _ranked(space, state, mode, question)
        hits = state.filled(hits.head(question.shown), columns)  # rows are read of those only that may be shown
        if settings.rerank_model:
            hits = rerank.reranked(hits, query, settings.rerank_model)
        if apart is not None:
            hits = distinct(hits, (hits["content_hash"], hits["vector"].to_numpy()), apart)
    except (ValueError, RuntimeError, OSError) as error:
        # a condition quotes no data but its own words; the library's message names the column or the place
        raise SearchError(f"the search cannot be run: {error}", "check the condition `where`") from None
    hits = hits.head(k)
    hits = hits.insert_column(0, pl.Series("rank", range(1, hits.height + 1), dtype=pl.Int64))
    hits = hits[["rank", "score", *COLUMNS]]
    return hits if reveal is None else with_clear_text(space, hits, reveal)


class _Question(NamedTuple):
    """How many hits a list gives, how many of its best may be shown, and which rows are none whatever they answer."""

    query: str
    hits: int
    shown: int
    condition: str | None
    unseen: np.ndarray

    def seen(self, hits: pl.DataFrame) -> pl.DataFrame:
        """Hits without rows that are not to be seen."""
        kept = hits if not len(self.unseen) else hits.filter(~np.isin(hits["_rowid"].to_numpy(), self.unseen))
        return kept.head(self.hits)


def _question(
    query: str, hits: int, shown: int, condition: str | None, state: State, people: Sequence[str]
) -> _Question:
    """A question that hides people: their rows are left out of the answers, or, where they are many, not searched."""
    unseen = state.rows_about(people)
    if len(unseen) <= _LEFT_OUT:
        return _Question(query, hits, shown, condition, unseen)
    told = f"NOT {about(people)}"
    return _Question(query, hits, shown, f"{told} AND ({condition})" if condition else told, unseen[:0])


def _ranked(space: Workspace, state: State, mode: str, question: _Question) -> pl.DataFrame:
    """Scores and row ids of the best hits."""
    if mode == "text":
        return _by_words(state, question)
    if mode == "vector":
        return _by_meaning(space, state, question)
    told = _AT_ONCE.submit(_by_words, state, question)
    meant = _by_meaning(space, state, question)
    weight = space.settings.vector_weight
    return fused([meant, told.result()], [weight, 1 - weight], by="_rowid")


def _condition(namespace: str | Sequence[str] | None, where: str | None) -> str | None:
    chosen = [namespace] if isinstance(namespace, str) else namespace
    parts = [one_of("namespace", chosen)] if chosen else []
    parts += [f"({where})"] if where else []
    return " AND ".join(parts) or None


def _by_meaning(space: Workspace, state: State, question: _Question) -> pl.DataFrame:
    model = lake_embedder(space.settings)
    if state.model != model.name:
        raise SearchError(
            "the passages were embedded with another model than the settings name",
            "run `cenote run --select vectors`, or set CENOTE_EMBEDDING_MODEL back",
        )
    more = len(question.unseen)
    vector = model.query(question.query)
    return question.seen(state.nearest(vector, question.hits + more, question.shown + more, question.condition))


def _by_words(state: State, question: _Question) -> pl.DataFrame:
    from lance.query import MatchQuery  # not the query language, whose signs would be errors

    words, count = MatchQuery(question.query, "text"), question.hits + len(question.unseen)
    found = state.asked(["_score", "_rowid"], full_text_query=words, limit=count, filter=question.condition)
    scores, rows = found["_score"].to_numpy().astype(float), found["_rowid"].to_numpy()
    return question.seen(pl.DataFrame({"score": scores, "_rowid": rows}))
