"""The passage table as it stands: opened once for all searches of a process, and anew after each commit.

Belongs here: keeping a table open for reading, and seeing that it moved on. Must not: what is asked of it (search);
writing it (store). A look costs listing one folder: Lance adds a file to it for every commit, so a commit of any
process is seen by the next search. An opened table never moves, so what is asked of one state agrees, whatever is
written meanwhile.

Searches read through Lance itself: LanceDB's Python layer passes each answer through an event loop, batch by batch,
which takes longer than finding it.
"""

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from cenote.vectors.store import INDEX_CACHE, METADATA_CACHE, NAME, Store, about, frame, unreadable
from cenote.workspace import Workspace

_LAKES = 4  # whose tables stay open
_EF, _BREADTH, _REFINE = 200, 5, 2  # recall@10 at 100k passages: `python -m benchmarks latency`


@dataclass(frozen=True)
class State:
    """One state of the passage table: its rows, the model of its vectors, and whether an index finds them."""

    rows: Any
    model: str
    indexed: bool
    _about: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def asked(self, columns: Sequence[str], **question: Any) -> pa.Table:
        """Columns of what Lance's scanner answers: ``nearest``, ``full_text_query``, ``filter``, ``limit``."""
        scanner = self.rows.scanner(list(columns), prefilter=True, disable_scoring_autoprojection=True, **question)
        return scanner.to_table()

    def nearest(self, vector: np.ndarray, k: int, shown: int, condition: str | None = None) -> pl.DataFrame:
        """The ``k`` rows nearest to ``vector``, best first: score (cosine) and _rowid.

        An index looks at ``_EF`` candidates, or more, by rounded vectors. The best of them, ``_REFINE`` times as many
        as are ``shown``, are compared by their own, which are read one by one: comparing more found no more.
        """
        compared = _REFINE * shown
        question = {"column": "vector", "q": vector, "k": max(k, compared) if self.indexed else k, "metric": "cosine"}
        question |= {"ef": max(_EF, _BREADTH * shown, k)} if self.indexed else {"use_index": False}
        found = self.asked(["_distance", "_rowid"], nearest=question, filter=condition)
        scores, rows = 1 - found["_distance"].to_numpy().astype(np.float64), found["_rowid"].to_numpy()
        if self.indexed:
            near = self.vectors(rows[:compared])
            lengths = np.linalg.norm(near, axis=1) * np.linalg.norm(vector)
            scores[:compared] = near @ vector / lengths.clip(1e-12)
        best = np.argsort(-scores, kind="stable")[:k]
        return pl.DataFrame({"score": scores[best], "_rowid": rows[best]})

    def rows_about(self, people: Sequence[str]) -> np.ndarray:
        """Ids of the rows about some people, or naming them; looked for once, since a state does not change."""
        asked = tuple(people)
        if not asked:
            return np.array([], np.uint64)
        if (known := self._about.get(asked)) is None:
            known = self.asked(["_rowid"], filter=about(asked))["_rowid"].to_numpy()
            self._about.clear()  # who is hidden changes now and then: one answer is kept
            self._about[asked] = known
        return known

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows, a row each."""
        return matrix(self._taken(rows, ["vector"])["vector"])

    def filled(self, hits: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        """Hits, in their order, with columns of the rows that ``_rowid`` names."""
        return frame(self._taken(hits["_rowid"].to_numpy(), columns)).insert_column(0, hits["score"])

    def _taken(self, rows: np.ndarray, columns: Sequence[str]) -> pa.Table:
        # By number, and in that order: a condition on `_rowid`, the public way, takes half as long again.
        return self.rows._take_rows(rows.tolist(), columns=list(columns))


def matrix(vectors: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Vectors of a column, a row each."""
    whole = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
    return np.asarray(whole.flatten().to_numpy(zero_copy_only=False).reshape(-1, whole.type.list_size))


_seen: dict[Path, tuple[Hashable, State]] = {}


def current(space: Workspace) -> State | None:
    """The latest state, or None where there is no table. Raises ``TableError``."""
    folder = space.path("vectors")
    stamp = _stamp(folder)  # taken first: what is committed meanwhile makes the next look differ
    known, state = _seen.get(folder, (None, None))
    if stamp is None or state is None or stamp != known:
        if (identity := Store(space).identity) is None:
            return None
        state = _opened(folder, identity)
        _keep(folder, stamp, state)
    return state


def _opened(folder: Path, identity: dict[str, Any]) -> State:
    import lance

    try:
        rows = lance.dataset(folder / f"{NAME}.lance", session=_session(folder, identity["id"]))
        indexed = any("vector" in index.field_names for index in rows.describe_indices())
    except (ValueError, RuntimeError, OSError) as error:
        raise unreadable(error) from None
    return State(rows, identity["model"], indexed)


@lru_cache(maxsize=_LAKES)
def _session(folder: Path, identity: str) -> Any:  # noqa: ARG001  (a key of the cache)
    """Bounded caches that all states of a table share, so that an index is read from the disk once.

    A table that was made anew has another identity and shares nothing with the older one at its place.
    """
    import lance

    return lance.Session(index_cache_size_bytes=INDEX_CACHE, metadata_cache_size_bytes=METADATA_CACHE)


def _keep(folder: Path, stamp: Hashable, state: State) -> None:
    _seen.pop(folder, None)
    _seen[folder] = stamp, state
    for oldest in list(_seen)[:-_LAKES]:
        _seen.pop(oldest, None)


def _stamp(folder: Path) -> Hashable:
    """What differs after every commit, and after a table was made anew or restored; None where nothing is there."""
    versions = folder / f"{NAME}.lance" / "_versions"
    try:
        made, moved = (folder / f"{NAME}.json").stat(), versions.stat()
        with os.scandir(versions) as found:
            names = frozenset(file.name for file in found)
    except FileNotFoundError:
        return None
    return made.st_ino, made.st_mtime_ns, moved.st_ino, moved.st_mtime_ns, names
