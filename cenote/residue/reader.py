"""Reading one file: decoded, and searched; here, or in a process of its own that does so for scan.py.

Belongs here: what happens to a file. Must not: walking folders, choosing how many read at once. A process is told what
to look for through its standard input, never its command line.
"""

import os
import pickle
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from cenote.residue.formats import Opaque, pieces
from cenote.residue.meaning import Meaning
from cenote.residue.model import Hit
from cenote.residue.piece import Piece
from cenote.residue.searcher import Searcher


@dataclass
class Read:
    """What reading one file gave."""

    files: int = 0
    size: int = 0
    searched: int = 0
    hits: set[Hit] = field(default_factory=set)
    opaque: str = ""


class Task(NamedTuple):
    """What a process is to look for: in files below a folder, for needles, of whose texts it gets the vectors."""

    folder: Path
    searcher: Searcher
    vectors: Any


def read(folder: Path, file: Path, searcher: Searcher, meaning: Meaning | None) -> Read | None:
    """What stands in a file, and in its name; None where it is gone."""
    name, found = shown(folder, file, searcher), Read()
    found.hits |= searcher.hits(name, _name(file.name))
    if file.is_symlink():
        found.opaque = "a link, which is not followed"
    if file.is_dir() or found.opaque:
        return found
    found.files = 1
    try:
        found.size = file.stat().st_size
        for piece in pieces(file):
            found.searched += len(piece.content)
            found.hits |= searcher.hits(name, piece)
            if meaning is not None and piece.vectors is not None:
                found.hits |= meaning.hits(name, piece)
    except FileNotFoundError:
        return None
    except Opaque as error:
        found.opaque = str(error)
    except OSError as error:
        found.opaque = f"not readable ({type(error).__name__})"
    return found


def _name(name: str) -> Piece:
    return Piece("name", name.encode("utf-8", "surrogateescape"))


def shown(folder: Path, file: Path, searcher: Searcher) -> str:
    """A file's path as it may be told: a part in which a needle stands is replaced by its inode."""
    parts = file.relative_to(folder).parts
    shown = []
    for depth, part in enumerate(parts, 1):
        if searcher.hits("", _name(part)):
            part = f"<withheld: inode {folder.joinpath(*parts[:depth]).lstat().st_ino}>"
        shown.append(part)
    return "/".join(shown)


def main() -> None:
    """Read the files that standard input names, and answer with what was found, until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    for library in ("pyarrow.parquet", "pyarrow.compute", "lance.file"):  # while nobody waits for an answer
        import_module(library)
    try:
        task: Task = pickle.load(sys.stdin.buffer)
    except EOFError:
        return
    searcher = task.searcher
    meaning = None if task.vectors is None else Meaning(searcher.needles, lambda _: task.vectors)
    while True:
        try:
            file: Path = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(read(task.folder, file, searcher, meaning), answers)
        answers.flush()
