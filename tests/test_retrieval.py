"""Search finds what people agreed is right, on samples of published questions (all of them: benchmarks/search.py)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import search as bench
from cenote.workspace import Workspace


def hybrid_is_best(found: dict[str, tuple[float, float]]) -> bool:
    """nDCG@10 and recall@10 of hybrid search are those of the better of its parts, or more (but for 0.002)."""
    text, vector, hybrid = (found[mode] for mode in ("text", "vector", "hybrid"))
    return all(both >= max(one, other) - 0.002 for one, other, both in zip(text, vector, hybrid, strict=True))


@pytest.mark.slow
def test_medical_questions_find_their_own_abstract(shared_data: Path, make_space: Callable[..., Workspace]) -> None:
    questions = bench.pubmedqa(shared_data / "retrieval", documents=60)
    space = bench.lake_of(make_space(), questions)
    found = {mode: bench.quality(space, questions, mode) for mode in bench.MODES}
    assert all(ndcg > 0.93 and recall > 0.96 for ndcg, recall in found.values()), found
    assert hybrid_is_best(found), found


@pytest.mark.slow
def test_messages_find_others_of_their_intent(shared_data: Path, make_space: Callable[..., Workspace]) -> None:
    questions = bench.banking77(shared_data / "retrieval", messages=1500, questions=150)
    space = bench.lake_of(make_space(), questions)
    found = {mode: bench.quality(space, questions, mode) for mode in bench.MODES}
    assert found["vector"][0] > 0.65 and hybrid_is_best(found), found
    assert found["vector"][0] > found["text"][0] + 0.1, found  # meaning, not words
