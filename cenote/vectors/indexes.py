"""The indexes over all passages: full text, filters and, above a size, vectors.

Belongs here: when an index is made and brought up to date. Must not: how it is used (search). Rows that no index covers
yet are still found: LanceDB reads them as they are, only more slowly.
"""

from datetime import datetime
from typing import Any

from cenote.report import StageReport
from cenote.vectors.store import LOCK, Store
from cenote.workspace import Workspace

# Exact search takes about 1.6 ms per 1,000 passages of 384 dimensions (2 cores), so some 80 ms at this size.
VECTOR_INDEX_FROM = 50_000
TABLE = "vectors/indexes"


def ensure_indexes(space: Workspace, vector_index_from: int = VECTOR_INDEX_FROM, rebuild: bool = False) -> StageReport:
    """Bring all indexes up to date, and make the vector index once there are ``vector_index_from`` passages.

    ``rebuild`` makes the vector index anew: an index that grew for long may find less (cenote/vectors/recall.py).

    ``written``: rows newly covered, by the index that lacked most. Details: ``vector_index`` says how vectors are
    searched (``exact`` or ``hnsw``), ``index_age_hours`` how long ago the oldest index was written.
    """
    with space.lock(LOCK):
        store = Store(space)
        if store.identity is None:
            return StageReport(TABLE, 0, 0, None, fresh=True)
        table, rows = store.table, store.count()
        lacking = max((index.num_unindexed_rows or 0 for index in table.list_indices()), default=0)
        wanted = rows >= vector_index_from and (rebuild or not has_vector_index(table))
        if lacking:
            table.optimize()
        if wanted:
            _index_vectors(table)
            lacking = rows
        details = {
            "vector_index": "hnsw" if has_vector_index(table) else "exact",
            "index_age_hours": _age(table, space.clock()),
        }
        return StageReport(TABLE, rows, lacking, store.version, not lacking, details)


def has_vector_index(table: Any) -> bool:
    """Whether vectors are searched through an index."""
    return any("vector" in index.columns for index in table.list_indices())


def _age(table: Any, now: datetime) -> float:
    """Hours since the oldest index was written; 0 where the lake's clock stands before that."""
    written = [index.created_at for index in table.list_indices() if index.created_at is not None]
    return round(max((now - min(written, default=now)).total_seconds(), 0.0) / 3600, 2)


def _index_vectors(table: Any) -> None:
    """HNSW over 8-bit scalars; asked with ef=200 and refined it finds what exact search finds (IVF_PQ: 0.18)."""
    from lancedb.index import HnswSq

    table.create_index("vector", config=HnswSq(distance_type="cosine", m=20, ef_construction=300))
