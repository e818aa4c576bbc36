"""Searches beside writers: a commit is seen by the next search, and no answer mixes two states of a passage."""

import hashlib
import importlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import polars as pl
import pytest

from cenote import vectors
from cenote.embedding import embedder
from cenote.errors import SearchError
from cenote.lake import Lake
from cenote.tables import Commit
from cenote.vectors.store import Store
from cenote.workspace import Workspace
from transforms.passages import SCHEMA

ROWS = 60
AT_ONCE = 100


def passages(generation: int) -> pl.DataFrame:
    """The same passages in another state: text, title and metadata tell which."""
    texts = [f"Parcel number {row} came late; state {generation}." for row in range(ROWS)]
    return pl.DataFrame(
        {
            "passage_id": [f"{row:024x}-{row:010d}#memos#0" for row in range(ROWS)],
            "lineage_id": [f"{row:024x}-{row:010d}" for row in range(ROWS)],
            "namespace": "memos",
            "dataset": "invoices",
            "subject_id": None,
            "mentions": [[] for _ in range(ROWS)],
            "chunk": 0,
            "title": f"state {generation}",
            "text": texts,
            "content_hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
            "at": None,
            "metadata": f'{{"state":{generation}}}',
        },
        schema=SCHEMA,
        strict=False,
    )


@pytest.fixture
def memos(make_space: Callable[..., Workspace]) -> Workspace:
    """A lake with the passages in their first state."""
    space, model = make_space(), embedder("packaged")
    Store(space).create(model.name, model.dimension)
    write(space, 0)
    return space


def write(space: Workspace, generation: int) -> None:
    told = passages(generation)
    Store(space).upsert(told, embedder("packaged").encode(told["text"].to_list()))


def states(space: Workspace, mode: str = "text") -> set[str]:
    return set(vectors.search(space, "which parcel came late", k=10, mode=mode)["title"])


def test_a_commit_of_another_process_is_seen_by_the_next_search(memos: Workspace) -> None:
    assert states(memos) == {"state 0"}
    change = "table.update(values={'title': 'state 1'})"
    code = f"import lancedb, sys; table = lancedb.connect(sys.argv[1]).open_table('passages'); {change}"
    subprocess.run([sys.executable, "-c", code, str(memos.path("vectors"))], check=True)
    assert states(memos) == {"state 1"}
    write(memos, 2)
    assert states(memos, "hybrid") == {"state 2"}


def test_a_search_answers_from_the_state_that_it_began_with(memos: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("cenote.vectors.search")
    by_words = module._by_words

    def late(*asked: object) -> pl.DataFrame:
        with monkeypatch.context() as patch:
            patch.setattr(module, "_by_words", by_words)
            write(memos, 1)
            assert states(memos, "hybrid") == {"state 1"}
        return by_words(*asked)

    monkeypatch.setattr(module, "_by_words", late)
    assert states(memos, "hybrid") == {"state 0"}


def test_a_table_that_was_made_anew_or_put_back_is_not_taken_for_the_one_before(memos: Workspace) -> None:
    folder = memos.path("vectors")
    shutil.copytree(folder, folder.with_name("kept"))
    assert states(memos) == {"state 0"}
    model = embedder("packaged")
    Store(memos).create(model.name, model.dimension)
    assert states(memos) == set()
    write(memos, 1)
    assert states(memos) == {"state 1"}
    shutil.rmtree(folder)
    with pytest.raises(SearchError, match="no passages yet"):
        states(memos)
    folder.with_name("kept").rename(folder)
    assert states(memos) == {"state 0"}


@pytest.mark.slow
def test_a_hundred_searches_during_a_run(make_space: Callable[..., Workspace]) -> None:
    space = make_space()
    model = embedder("packaged")
    writer = Store(space)
    writer.create(model.name, model.dimension)
    first = passages(0)
    vector = model.encode(first["text"].to_list())
    writer.upsert(first, vector)
    vectors.ensure_indexes(space)
    table = space.table("gold", "states")
    table.overwrite(pl.DataFrame({"state": [0], "lineage_id": ["states-0"]}), Commit("gold"))
    stop, written = threading.Event(), []

    def write() -> None:
        for generation in count(1):
            if stop.is_set():
                return
            Store(space).upsert(passages(generation), vector)
            vectors.ensure_indexes(space)
            table.overwrite(pl.DataFrame({"state": [generation], "lineage_id": ["states-0"]}), Commit("gold"))
            written.append(generation)

    together = threading.Barrier(AT_ONCE + 1)

    def ask(number: int) -> pl.DataFrame:
        lake, mode = Lake(space), ("hybrid", "vector", "text")[number % 3]
        together.wait(60)
        if number % 4:
            return lake.search("which parcel came late", k=10, mode=mode)
        return lake.sql(f"select s.* from search('which parcel came late', k => 10, mode => '{mode}') s, gold.states")

    run = threading.Thread(target=write)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked = [threads.submit(ask, number) for number in range(AT_ONCE)]
        run.start()
        together.wait(60)
        answers = [answer.result(120) for answer in asked]
    stop.set()
    run.join()
    assert written, "the run wrote meanwhile"
    for found in answers:
        assert found.height == 10
        assert found["passage_id"].is_unique().all(), "no passage is there twice, in two states"
        state = found["title"].str.extract(r"state (\d+)", 1).cast(pl.Int64)
        assert found["text"].str.extract(r"state (\d+)\.", 1).cast(pl.Int64).equals(state, null_equal=True)
        assert found["metadata"].str.json_path_match("$.state").cast(pl.Int64).equals(state)
        assert state.n_unique() == 1, "all hits are of one state of the table"
