"""Killed at random moments while it erases, and run again: the same lake in the end.

``CENOTE_KILLS`` says how often; 30 is what is asked for, and the default is what fits into the suite's time.
"""

import multiprocessing
import os
import random
import shutil
import time
from itertools import pairwise
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from cenote import erasure, residue
from cenote.erasure.people import people
from tests import erasure_lake
from tests.erasure_lake import CANARY, contents, opened

KILLS = int(os.environ.get("CENOTE_KILLS", "3"))
CONTEXT = multiprocessing.get_context("spawn")  # a fork may copy a lock that another thread holds


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in which Ana's erasure has been asked for; no passages and features, which take long to import."""
    folder = shutil.copytree(
        erasure_lake.built(tmp_path_factory, whole=False), tmp_path_factory.mktemp("killed") / "built"
    )
    space = opened(folder)
    erasure.request(space, people(space, ["person:PERSON-0001"]), "request 1")
    return folder


def _erase(first: Path, second: Path | None, began: Event) -> None:
    """Go on with one lake's erasure to its end, then begin with another's."""
    _carry_out(first)
    began.set()
    if second:
        _carry_out(second)


def _carry_out(folder: Path) -> None:
    space = opened(folder)
    erasure.run(space, erasure.requests(space)[0], certified=False)


def _run(first: Path, second: Path | None, kill_after: float = 0.0) -> float:
    """Do so in a process of its own, killed some seconds after it began with the second; returns how long it ran."""
    began = CONTEXT.Event()
    process = CONTEXT.Process(target=_erase, args=(first, second, began))
    process.start()
    assert began.wait(200)
    begun = time.perf_counter()
    if second and kill_after:
        process.join(kill_after)
        process.kill()
    process.join(100)
    assert process.exitcode in ((0, -9) if kill_after else (0,))
    return time.perf_counter() - begun


@pytest.mark.timeout(3600)
def test_killed_at_random_moments_and_run_again_it_gives_the_same_lake(built: Path, tmp_path: Path) -> None:
    lakes = [shutil.copytree(built, tmp_path / f"lake-{number}") for number in range(KILLS + 2)]
    seconds = _run(lakes[0], lakes[1])
    wanted = contents(opened(lakes[0]))
    (pseudonym,) = erasure.requests(opened(lakes[0]))[0].subjects
    moments, steps = random.Random(7), []
    for unfinished, next_one in pairwise(lakes[1:]):
        _run(unfinished, next_one, moments.uniform(0.0, seconds) or 0.01)
        steps.append(len(erasure.requests(opened(next_one))[0].state.get("done", ())))
    _run(lakes[-1], None)
    assert len(set(steps)) > 1, "the moments were spread over the steps"
    for lake in lakes[1:]:
        found = contents(opened(lake))
        assert found.keys() == wanted.keys()
        for name, rows in wanted.items():
            assert found[name].equals(rows, null_equal=True), (lake.name, name)
        assert residue.scan(lake / "data", [*CANARY.values(), pseudonym]) == []
        assert [request.status for request in erasure.requests(opened(lake))] == ["erased"]
