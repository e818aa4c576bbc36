"""Search finds what people agreed is right, on samples of published questions (all of them: benchmarks/search.py)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import search as bench
from cenote.workspace import Workspace


@pytest.mark.slow
def test_medical_questions_find_their_own_abstract(shared_data: Path, make_space: Callable[..., Workspace]) -> None:
    questions = bench.pubmedqa(shared_data / "retrieval", documents=60)
    space = bench.lake_of(make_space(), questions)
    found = {mode: bench.quality(space, questions, mode) for mode in bench.MODES}
    assert all(ndcg > 0.93 and recall > 0.96 for ndcg, recall in found.values()), found
    assert found["hybrid"][0] >= max(found["text"][0], found["vector"][0]) - 0.02, found


@pytest.mark.slow
def test_messages_find_others_of_their_intent(shared_data: Path, make_space: Callable[..., Workspace]) -> None:
    questions = bench.banking77(shared_data / "retrieval", messages=1500, questions=150)
    space = bench.lake_of(make_space(), questions)
    found = {mode: bench.quality(space, questions, mode) for mode in bench.MODES}
    assert found["vector"][0] > 0.65 and found["hybrid"][0] > 0.6, found
    assert found["vector"][0] > found["text"][0] + 0.1, found  # meaning, not words
