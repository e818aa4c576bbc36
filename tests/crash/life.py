"""The life of a lake that is killed: attempts, each in a process of its own, until one lives to the end.

Belongs here: starting, killing, starting again. Must not: what a point is, or what is compared.

Processes are forked from a server that has imported everything and run nothing, so that an attempt starts at once. The
clock stands still, so that what landed at the same moment has the same order whenever it was written.
"""

import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cenote.settings import Settings
from tests.crash.points import Deadline

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PRELOADED = ["tests.crash.imports"]
SIGKILLED = -9


@dataclass(frozen=True)
class Attempt:
    """One process: the label of the point where it died, None where it lived."""

    died_at: str | None
    points: int


def settings(folder: Path, **more: Any) -> Settings:
    """Settings of a lake below ``folder``."""
    return Settings(home=folder / "data", vault=folder / "vault", as_of=NOW, **more)


def begin(folder: Path, customers: int, seed: int, **more: Any) -> Settings:
    """A lake with a vault and the first part of a sample that waits in its landing zone.

    Lakes beside each other begin with the same vault, so that the same people have the same pseudonyms.
    """
    from cenote.sample import generate
    from cenote.vault import Vault

    made, common = settings(folder, **more), settings(folder.parent / "common")
    if not common.vault.exists():
        Vault.create(common)
    shutil.copytree(common.vault, made.vault)
    generate(made.landing, customers, seed, NOW - timedelta(days=30))
    (made.home / "truth.json").unlink()
    return made


def more_lands(made: Settings, folder: Path, customers: int, seed: int) -> None:
    """The rest of the sample lands: a later telling of the same story, with changes to what is known already."""
    from cenote.sample import generate

    generate(folder / "later" / "landing", customers, seed + 1, NOW)
    for file in sorted((folder / "later" / "landing").rglob("*")):
        if file.is_file():
            target = made.landing / file.relative_to(folder / "later" / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_name(f"later-{target.name}").write_bytes(file.read_bytes())


def attempt(
    made: Settings, folder: Path, die_at: int | None = None, sweep: bool = False, sabotage: str | None = None
) -> Attempt:
    """Run the pipeline in a process of its own; it dies at the ``die_at``-th point, or at the first unvisited one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    visited = folder / "visited.txt"
    before = visited.read_text().splitlines() if visited.exists() else []
    told = folder / "points.json"
    told.unlink(missing_ok=True)
    arguments = (made.model_dump(), str(told), die_at, str(visited), sweep, sabotage)
    process = context.Process(target=_live, args=arguments)
    process.start()
    process.join()
    after = visited.read_text().splitlines() if visited.exists() else []
    if process.exitcode == SIGKILLED:
        return Attempt(after[-1] if len(after) > len(before) else "?", 0)
    if process.exitcode != 0:
        raise AssertionError(f"the pipeline failed with exit code {process.exitcode}; see above")
    return Attempt(None, len(json.loads(told.read_text())))


def _live(
    given: dict[str, Any], told: str, die_at: int | None, visited: str, sweep: bool, sabotage: str | None
) -> None:
    """What an attempt's process does."""
    from functools import partial

    import pipelines.resources
    import pipelines.run
    from cenote.workspace import Workspace
    from tests.crash import sabotage as broken

    made = Settings(**given)
    known = frozenset(Path(visited).read_text().splitlines()) if Path(visited).exists() else frozenset()
    deadline = Deadline(made.home, Path(visited), die_at, known if sweep else None)
    still = partial(Workspace, clock=lambda: NOW)
    for module in (pipelines.resources, pipelines.run):
        module.Workspace = still  # type: ignore[attr-defined]
    if sabotage:
        getattr(broken, sabotage)()
    deadline.watch()
    outcome = pipelines.run.run_pipeline(settings=made, quiet=True, debug=True)
    if not outcome.success:
        print("\n".join(outcome.errors))
        raise SystemExit(1)
    Path(told).write_text(json.dumps(deadline.seen))


def until_it_lives(
    made: Settings, folder: Path, next_point: Callable[[int], tuple[int | None, bool]], sabotage: str | None = None
) -> Iterator[Attempt]:
    """Attempts until one is not killed. ``next_point(n)``: where the n-th dies, and whether it sweeps new points."""
    number = 0
    while True:
        die_at, sweep = next_point(number)
        lived = attempt(made, folder, die_at, sweep, sabotage)
        yield lived
        if lived.died_at is None:
            return
        number += 1
