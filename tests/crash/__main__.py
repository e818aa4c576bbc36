"""``python -m tests.crash``: kill a pipeline some hundred times and compare what is left with an undisturbed lake."""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from cenote.verify import verify
from cenote.workspace import Workspace
from tests.crash.digests import digests
from tests.crash.life import NOW, attempt, begin, more_lands, until_it_lives

CUSTOMERS = 4


def main() -> int:
    """Lives until enough kills were made; 0 where every lake equals the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how many processes to kill at least")
    parser.add_argument("--seed", type=int, default=7, help="the same seed kills at the same points")
    parser.add_argument("--sabotage", choices=["files_first", "progress_first"], help="break a commit order on purpose")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="cenote-crash-"))
    try:
        return _run(root, asked.kills, asked.seed, asked.sabotage)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run(root: Path, kills: int, seed: int, sabotage: str | None) -> int:
    choose = random.Random(seed)
    whole, points = _undisturbed(root / "undisturbed", seed)
    print(f"undisturbed: {len(whole)} digests, {points} points", flush=True)
    killed: Counter[str] = Counter()
    differences, life = 0, 0
    while killed.total() < kills:
        sweeping = life == 0
        made = _live(root / f"life-{life}", seed, sweeping, points, choose, killed, sabotage)
        found = {name for name, digest in digests(made).items() if whole.get(name) != digest}
        told = [f"{p.check} {p.where}" for p in verify(made)]
        told_of = f"differences: {sorted(found) or 'none'}; {told or 'verified'}"
        print(f"life {life}: {killed.total()} kills so far; {told_of}", flush=True)
        differences += len(found) + len(told)
        shutil.rmtree(root / f"life-{life}")
        life += 1
    print(f"{killed.total()} kills at {len(killed)} different points in {life} lives: {differences} differences")
    return 1 if differences else 0


def _undisturbed(folder: Path, seed: int) -> tuple[dict[str, str], int]:
    made = begin(folder, CUSTOMERS, seed)
    points = attempt(made, folder).points
    more_lands(made, folder, CUSTOMERS, seed)
    attempt(made, folder)
    return digests(Workspace(made, clock=lambda: NOW)), points


def _live(
    folder: Path, seed: int, sweeping: bool, points: int, choose: random.Random, killed: Counter[str],
    sabotage: str | None,
) -> Workspace:  # fmt: skip
    """One lake through both landings; a kill at each new point, or at random ones."""
    made = begin(folder, CUSTOMERS, seed)
    for part in (1, 2):
        if part == 2:
            more_lands(made, folder, CUSTOMERS, seed)

        def next_point(number: int) -> tuple[int | None, bool]:
            return (None, True) if sweeping else (choose.randrange(points // 6) if number < 60 else None, False)

        for lived in until_it_lives(made, folder, next_point, sabotage):
            if lived.died_at:
                killed[lived.died_at] += 1
                print(f"  kill {killed.total()}: part {part}, {lived.died_at}", flush=True)
    return Workspace(made, clock=lambda: NOW)


if __name__ == "__main__":
    sys.exit(main())
