"""Run every benchmark, one after the other: ``python -m benchmarks [name ...] [--option value ...]``.

Belongs here: finding and running them, and keeping what they print for the report. Options go to each benchmark, which
takes those that it knows. Must not: measuring. A benchmark is a module of this package with a ``main()``.
"""

import contextlib
import importlib
import io
import pkgutil
import sys
from typing import TextIO

from rich.console import Console

import benchmarks
from benchmarks._run import PRINTED

LAST = "report"  # it tells of all others


def names() -> list[str]:
    """Every benchmark, by name; the report at the end."""
    found = {m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_")}
    return [*sorted(found - {LAST}), LAST]


class Both(io.TextIOBase):
    """Text that goes to the terminal and is kept."""

    def __init__(self, shown: TextIO) -> None:
        self._shown = shown
        self.kept = io.StringIO()

    def write(self, text: str) -> int:
        self._shown.write(text)
        return self.kept.write(text)

    def flush(self) -> None:
        self._shown.flush()


def main(words: list[str]) -> None:
    """Run the chosen benchmarks, or all."""
    first_option = next((n for n, word in enumerate(words) if word.startswith("--")), len(words))
    chosen, sys.argv = words[:first_option], [sys.argv[0], *words[first_option:]]
    for name in chosen or names():
        Console().rule(name)
        told = Both(sys.stdout)
        with contextlib.redirect_stdout(told):
            importlib.import_module(f"benchmarks.{name}").main()
        if name != LAST:
            PRINTED.mkdir(exist_ok=True)
            command = " ".join(["python -m benchmarks", name, *words[first_option:]])
            (PRINTED / f"{name}.txt").write_text(f"$ {command}\n{told.kept.getvalue().rstrip()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
