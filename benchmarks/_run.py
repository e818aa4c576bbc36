"""Contenders of a benchmark, each in a process of its own, so that time and memory are its own.

Belongs here: starting, measuring, reporting. Must not: what is compared.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PRINTED = Path(__file__).with_name("results")
FIGURES = PRINTED / "figures.json"
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"


@dataclass
class Measured:
    """What a process took: wall and CPU seconds (user, system, of all its threads), peak memory in MiB, its output."""

    wall: float
    cpu: float
    mib: float
    output: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, float]:
        """The figures, rounded."""
        return {"wall": round(self.wall, 2), "cpu": round(self.cpu, 2), "mib": round(self.mib)}


_LAUNCHER = """
import json, os, sys, time
begun = time.perf_counter()
pid = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
told = [time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]
open(sys.argv[1], "w").write(json.dumps([os.waitstatus_to_exitcode(status), *told]))
"""


def measured(command: Sequence[object], environment: Mapping[str, object] = {}) -> Measured:
    """Run a command and measure it. Raises ``SystemExit`` with the end of its errors where it fails.

    A small process starts it, since a process's peak memory counts that of the one that it was forked from.
    """
    settings = os.environ | {name: str(value) for name, value in environment.items()}
    with tempfile.NamedTemporaryFile("r") as told:
        launch = [sys.executable, "-S", "-c", _LAUNCHER, told.name, *map(str, command)]
        done = subprocess.run(launch, capture_output=True, text=True, env=settings, cwd=ROOT, check=True)
        code, wall, cpu, mib = json.load(told)
    if code:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return Measured(wall, cpu, mib, done.stdout)


def lake(home: Path, **more: object) -> dict[str, object]:
    """The environment of a lake in ``home`` for the command line: no embeddings, and a fixed day."""
    settings = {
        "CENOTE_HOME": home / "data",
        "CENOTE_VAULT": home / "vault",
        "CENOTE_AS_OF": "2026-11-20",
        "CENOTE_NAMES": 0,
        "HF_HUB_OFFLINE": 1,
        "DO_NOT_TRACK": 1,
    }
    return settings | more


def cenote(*arguments: object) -> list[object]:
    """The command line of ``cenote``."""
    return [Path(sys.executable).with_name("cenote"), *arguments]


def figures() -> dict[str, Any]:
    """What benchmarks remembered last, by name."""
    return dict(json.loads(FIGURES.read_text())) if FIGURES.exists() else {}


def remember(name: str, results: object) -> None:
    """Keep results for the report."""
    PRINTED.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(figures() | {name: results}, indent=1, sort_keys=True) + "\n")
