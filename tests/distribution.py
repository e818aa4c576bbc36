"""Which tests run in the same worker, in which order and place, and what workers make for each other.

Belongs here: the suite's time on several cores. Must not: any lake or fixture of its own.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SAMPLE = "sample_lake"
# What takes longest, longest first, so that no worker is left alone with one of these in the end.
LONGEST = (
    SAMPLE, "inversion", "erasure_lakes", "erasure_killed", "crash", "erasure", "migrations", "feature_repo", "canary",
    "retrieval", "infer", "classify", "features", "vectors", "graph_tables",
)  # fmt: skip

IN_MEMORY, ROOM = Path("/dev/shm"), 4 << 30


def begin_in_memory() -> None:
    """Have temporary folders in memory where there is room: lakes flush thousands of small files, and disks take
    their time for each."""
    if "TMPDIR" not in os.environ and os.access(IN_MEMORY, os.W_OK):
        there = os.statvfs(IN_MEMORY)
        if there.f_bavail * there.f_frsize > ROOM:
            os.environ["TMPDIR"] = str(IN_MEMORY)
            tempfile.tempdir = None  # what was found before


@cache
def unit_of(file: Path) -> str:
    """What a file's tests are scheduled with: its name; all that use the sample lake are one, so it is built once."""
    return SAMPLE if re.search(rf"\b{SAMPLE}\b", file.read_text()) else file.stem.removeprefix("test_")


def longest_first(items: list[pytest.Item]) -> None:
    """Put the longest units first; a unit's tests stay side by side and in their order."""
    items.sort(key=lambda item: (*LONGEST, unit_of(item.path)).index(unit_of(item.path)))


def scheduler(config: pytest.Config, log: Any) -> Any:
    """A scheduler of pytest-xdist that hands out units in the order in which they were collected."""
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(config.rootpath / nodeid.partition("::")[0])

    config.option.loadscopereorder = False  # else by number of tests
    return Units(config, log)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` has filled: in this worker, or in another one before. It is only to be read."""
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = root / f"once-{name}", root / f"once-{name}.made"
    with (root / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
