"""Run every benchmark, one after the other: ``python -m benchmarks [name ...] [--option value ...]``.

Belongs here: finding and running them. Options go to each benchmark, which takes those that it knows. Must not:
measuring. A benchmark is a module of this package with a ``main()``.
"""

import importlib
import pkgutil
import sys

from rich.console import Console

import benchmarks


def names() -> list[str]:
    """Every benchmark, by name."""
    return sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_"))


def main(chosen: list[str]) -> None:
    """Run the chosen benchmarks, or all."""
    console = Console()
    first_option = next((n for n, word in enumerate(chosen) if word.startswith("--")), len(chosen))
    chosen, sys.argv = chosen[:first_option], [sys.argv[0], *chosen[first_option:]]
    for name in chosen or names():
        console.rule(name)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
