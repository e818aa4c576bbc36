"""Asking search for a person with the person's own words.

Belongs here: questions, and what an answer gives away. Must not: reading files. It asks the doors that users have, by
meaning, by words and by both, so that what a file no longer shows and an index still serves is found.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cenote.residue.meaning import SAME, Meaning
from cenote.residue.model import Hit, Needle, needles_of
from cenote.residue.piece import Piece
from cenote.residue.searcher import Searcher
from cenote.workspace import Workspace

MOST_QUESTIONS = 60
"""Needles that search is asked for, at most; each is asked in three modes."""

_MODES = ("hybrid", "vector", "text")
_ANSWERS = 10
_PLACE = "search"


def meaning(space: Workspace, needles: Sequence[str | Needle]) -> Meaning | None:
    """Compares vectors with those of the texts among the needles, in the lake's model; None where there is no text."""
    told = needles_of(needles)
    if not any(needle.kind == "text" for needle in told):
        return None

    def encode(texts: Sequence[str]) -> Any:
        from cenote.embedding import lake_embedder

        return lake_embedder(space.settings).encode(texts)

    return Meaning(told, encode)


def probe(space: Workspace, needles: Sequence[str | Needle] | Searcher) -> tuple[list[Hit], int]:
    """What search gives away, and how many questions it was asked. A searcher may be used again instead of its needles.

    A hit: an answer that belongs to a pseudonym among the needles, in which a needle stands, or that means what a text
    of the person means. Raises ``SearchError`` where there are passages and search does not work.
    """
    from cenote.vectors.store import Store

    if Store(space).identity is None:
        return [], 0
    return _Probe(space, needles if isinstance(needles, Searcher) else Searcher(needles)).run()


class _Probe:
    """One series of questions."""

    def __init__(self, space: Workspace, searcher: Searcher) -> None:
        self._space, self._searcher, self._needles = space, searcher, searcher.needles
        told = enumerate(self._needles)
        self._whose = {needle.value: number for number, needle in told if needle.kind == "pseudonym"}

    def run(self) -> tuple[list[Hit], int]:
        order = {"text": 0, "phrase": 1, "identifier": 2}
        asked = [number for number, needle in enumerate(self._needles) if needle.kind in order]
        asked = sorted(asked, key=lambda number: order[self._needles[number].kind])[:MOST_QUESTIONS]
        hits = {hit for number in asked for mode in _MODES for hit in self._ask(number, mode)}
        return sorted(hits), len(asked) * len(_MODES)

    def _ask(self, number: int, mode: str) -> Iterator[Hit]:
        from cenote.vectors import search

        needle = self._needles[number]
        for row in search(self._space, needle.value, k=_ANSWERS, mode=mode).iter_rows(named=True):
            where = f"answer {row['rank']} of {mode} search"
            if row["subject_id"] in self._whose:
                yield Hit(_PLACE, where, self._whose[row["subject_id"]], "owner")
            if mode == "vector" and needle.kind == "text" and row["score"] >= SAME:
                yield Hit(_PLACE, where, number, "embedding")
            told = "\n".join(str(row[column]) for column in ("title", "text", "metadata"))
            yield from self._searcher.hits(_PLACE, Piece(where, told.encode()))
