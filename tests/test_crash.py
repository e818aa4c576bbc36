"""Killed at any moment and run again, a lake is what it would have been: the harness of tests/crash on a small lake.

The whole of it, hundreds of kills in every asset: ``python -m tests.crash --kills 300 --seed 7``.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from cenote.verify import verify
from cenote.workspace import Workspace
from tests.crash.digests import digests
from tests.crash.life import NOW, attempt, begin, more_lands, until_it_lives

CONTRACTS = Path(__file__).parents[1] / "contracts"
KILLS = 4


@pytest.fixture
def few(tmp_path: Path) -> dict[str, Any]:
    """Settings of a lake with two datasets, and neither marts, features nor texts to embed."""
    for name in ("contracts", "marts", "features"):
        (tmp_path / name).mkdir()
    for name in ("consents", "follows"):
        shutil.copy(CONTRACTS / f"{name}.yaml", tmp_path / "contracts")
    return {name: tmp_path / name for name in ("contracts", "marts", "features")}


def undisturbed(folder: Path, few: dict[str, Any]) -> tuple[dict[str, str], list[int]]:
    """What the lake holds in the end, and how many points each of its two runs has."""
    made = begin(folder, 2, 7, **few)
    points = [attempt(made, folder).points]
    more_lands(made, folder, 2, 7)
    points.append(attempt(made, folder).points)
    return digests(Workspace(made, clock=lambda: NOW)), points


def live(folder: Path, few: dict[str, Any], deaths: list[list[int]], sabotage: str | None = None) -> Workspace:
    """The same, killed at some points of each of the two runs."""
    made = begin(folder, 2, 7, **few)
    for part, at in enumerate(deaths):
        if part:
            more_lands(made, folder, 2, 7)
        lived = list(until_it_lives(made, folder, lambda n, at=at: (at[n] if n < len(at) else None, False), sabotage))
        assert any(one.died_at for one in lived) or not at
    return Workspace(made, clock=lambda: NOW)


@pytest.mark.slow
def test_killed_and_run_again_nothing_differs_and_a_wrong_commit_order_is_caught(
    tmp_path: Path, few: dict[str, Any]
) -> None:
    whole, points = undisturbed(tmp_path / "undisturbed", few)
    choose = random.Random(7)
    killed = live(tmp_path / "killed", few, [[choose.randrange(p) for _ in range(KILLS // 2)] for p in points])
    assert digests(killed) == whole
    assert verify(killed) == []
    broken = live(tmp_path / "broken", few, [[1, 1], []], sabotage="files_first")
    assert digests(broken) != whole, "records are lost where landed files are taken before bronze has them"
