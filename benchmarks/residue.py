"""How fast a lake is searched for residue: a folder like a lake of 1M records, and the search's parts against floors.

Run: ``python -m benchmarks residue``. Floors: reading the files, and decoding them without looking for anything.
"""

import os
import random
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from cenote.residue import examine
from cenote.residue.formats import Piece, pieces
from cenote.residue.searcher import Searcher

ROWS = 200_000
PEOPLE = (1, 10, 100)
_LETTERS = string.ascii_lowercase


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = _lake(folder)
        table = Table(title=f"searching {size / 1e6:,.0f} MB of a lake", title_justify="left")
        for column in ("what", "seconds", "MB/s on disk", "MB/s decoded"):
            table.add_column(column, justify="left" if column == "what" else "right")
        decoded = _decode(folder)
        _row(table, "floor: read every byte", size, size, lambda: _read(folder))
        _row(table, "floor: decode everything", size, decoded, lambda: _decode(folder))
        for count in PEOPLE:
            searcher = Searcher(_needles(10 * count), size)
            searcher.hits("", Piece("", b"x"))  # makes the automaton
            what = f"search for {count} people ({searcher.patterns:,} patterns)"
            _row(table, what, size, decoded, lambda searcher=searcher: examine(folder, searcher))  # type: ignore[misc]
        Console().print(table)


def _row(table: Table, what: str, size: int, decoded: int, work: Callable[[], object]) -> None:
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    table.add_row(what, f"{seconds:,.2f}", f"{size / 1e6 / seconds:,.0f}", f"{decoded / 1e6 / seconds:,.0f}")


def _lake(folder: Path) -> int:
    """Sealed payloads, masked texts, numbers and a log, as a lake has them; returns bytes."""
    chance = random.Random(7)
    words = ["".join(chance.choices(_LETTERS, k=chance.randint(2, 9))) for _ in range(4_000)]
    ids = [f"customer_{n % 5_000:024x}" for n in range(ROWS)]
    texts = [" ".join(chance.choices(words, k=12)) for _ in range(ROWS)]
    sealed = [os.urandom(400) for _ in range(ROWS // 2)]
    pl.DataFrame({"id": ids[: len(sealed)], "payload": sealed}).write_parquet(folder / "bronze", compression="zstd")
    pl.DataFrame({"id": ids, "text": texts, "n": np.arange(ROWS)}).write_parquet(folder / "silver", compression="zstd")
    (folder / "log").write_text("\n".join(f"2026-11-20 INFO {i} {t}" for i, t in zip(ids, texts, strict=True)))
    return sum(file.stat().st_size for file in folder.iterdir())


def _needles(count: int) -> list[str]:
    chance = random.Random(count)
    return [f"{''.join(chance.choices(_LETTERS, k=9)).title()}.{n}@example.org" for n in range(count)]


def _read(folder: Path) -> int:
    return sum(len(file.read_bytes()) for file in folder.iterdir())


def _decode(folder: Path) -> int:
    return sum(len(piece.content) for file in folder.iterdir() for piece in pieces(file))
