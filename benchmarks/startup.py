"""How long commands take to answer at all: ``python -m benchmarks startup``.

Each command runs in a fresh process; the least of ten counts. Beside them, a bare start of Python in the same
environment, which nothing can beat. The limits: help 0.3 s, SQL 1 s, definitions 5 s.
"""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks._run import cenote, lake, measured, remember

TIMES = 10
LIMITS = {"cenote --help": 0.3, "cenote sql 'select 1'": 1.0, "import pipelines.definitions": 5.0}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="cenote-startup-") as folder:
        environment = lake(Path(folder))
        measured(cenote("vault", "init"), environment)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "cenote --help": cenote("--help"),
            "cenote sql 'select 1'": cenote("sql", "select 1"),
            "import pipelines.definitions": [sys.executable, "-c", "import pipelines.definitions"],
        }
        table = Table("command", "seconds", "CPU seconds", "limit")
        told = {}
        for name, command in commands.items():
            runs = [measured(command, environment) for _ in range(TIMES)]
            wall, cpu = min(m.wall for m in runs), min(m.cpu for m in runs)
            limit = LIMITS.get(name)
            table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{limit:.1f}" if limit else "")
            told[name] = {"wall": round(wall, 3), "cpu": round(cpu, 3), "limit": limit}
    Console().print(table)
    remember("startup", told)


if __name__ == "__main__":
    main()
