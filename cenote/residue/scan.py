"""Searching a folder: every file, decoded, on several threads.

Belongs here: walking, and the account of it. Must not: formats, disguises. Memory stays bounded by a few batches for
each thread, whatever the folder's size.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cenote.residue.formats import Opaque, pieces
from cenote.residue.meaning import Meaning
from cenote.residue.model import Examined, Hit, Needle
from cenote.residue.piece import Piece
from cenote.residue.searcher import Searcher

Progress = Callable[[int, int], None]
_MOST_THREADS = 4


@dataclass
class _Read:
    """What reading one file gave."""

    files: int = 0
    size: int = 0
    searched: int = 0
    hits: set[Hit] = field(default_factory=set)
    opaque: str = ""


def scan(folder: Path, needles: Sequence[str | Needle]) -> list[Hit]:
    """Every file and place below ``folder`` where one of ``needles`` stands, in any of its disguises.

    Raises ``ValueError`` for a needle of fewer than four letters and digits: it would be found by chance.
    """
    return examine(folder, needles).hits


def examine(
    folder: Path,
    needles: Sequence[str | Needle] | Searcher,
    *,
    meaning: Meaning | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Examined:
    """As :func:`scan`, with what was read. A searcher may be used again instead of its needles.

    ``meaning`` finds embeddings of the person's own words. ``progress(done, total)`` is told bytes of files. What a
    link leads to is not read; the link is told as opaque.
    """
    begun = time.perf_counter()
    files = sorted(_files(folder))
    total, done = sum(size for _, size in files), 0
    searcher = needles if isinstance(needles, Searcher) else Searcher(needles, total)
    found = Examined(needles=len(searcher.needles))
    count = threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(count, "residue") as pool:
        for (file, size), read in _in_order(pool, count, files, lambda file: _read(folder, file, searcher, meaning)):
            done += size
            if progress:
                progress(done, total)
            if read is None:
                continue  # removed meanwhile, by a cleanup or a commit
            found.files += read.files
            found.bytes += read.size
            found.searched += read.searched
            found.hits += read.hits
            if read.opaque:
                name = _shown(folder, file, searcher)
                found.opaque.append(name)
                found.reasons[name] = read.opaque
    found.hits.sort()
    found.seconds = time.perf_counter() - begun
    return found


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files, folders (their names count) and links below a folder, and the sizes of files."""
    for root, folders, names in os.walk(folder):
        at = Path(root)
        yield from ((at / name, 0) for name in folders)
        for name in names:
            with suppress(FileNotFoundError):
                yield at / name, (at / name).lstat().st_size


def _in_order(
    pool: ThreadPoolExecutor,
    count: int,
    files: Sequence[tuple[Path, int]],
    read: Callable[[Path], _Read | None],
) -> Iterator[tuple[tuple[Path, int], _Read | None]]:
    """Results in the order of the files, a few read ahead."""
    waiting: list[tuple[tuple[Path, int], Future[_Read | None]]] = []
    rest = iter(files)
    while True:
        waiting += [(file, pool.submit(read, file[0])) for file in islice(rest, 4 * count - len(waiting))]
        if not waiting:
            return
        file, future = waiting.pop(0)
        yield file, future.result()


def _read(folder: Path, file: Path, searcher: Searcher, meaning: Meaning | None) -> _Read | None:
    name, read = _shown(folder, file, searcher), _Read()
    read.hits |= searcher.hits(name, _name(file.name))
    if file.is_symlink():
        read.opaque = "a link, which is not followed"
    if file.is_dir() or read.opaque:
        return read
    read.files = 1
    try:
        read.size = file.stat().st_size
        for piece in pieces(file):
            read.searched += len(piece.content)
            read.hits |= searcher.hits(name, piece)
            if meaning is not None and piece.vectors is not None:
                read.hits |= meaning.hits(name, piece)
    except FileNotFoundError:
        return None
    except Opaque as error:
        read.opaque = str(error)
    except OSError as error:
        read.opaque = f"not readable ({type(error).__name__})"
    return read


def _name(name: str) -> Piece:
    return Piece("name", name.encode("utf-8", "surrogateescape"))


def _shown(folder: Path, file: Path, searcher: Searcher) -> str:
    """A file's path as it may be told: a part in which a needle stands is replaced by its inode."""
    parts = file.relative_to(folder).parts
    shown = []
    for depth, part in enumerate(parts, 1):
        if searcher.hits("", _name(part)):
            part = f"<withheld: inode {folder.joinpath(*parts[:depth]).lstat().st_ino}>"
        shown.append(part)
    return "/".join(shown)
