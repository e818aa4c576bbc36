"""Searching a folder: every file, decoded, on several threads; many bytes by as many processes.

Belongs here: walking, and the account of it. Must not: formats, disguises, reading a file (reader.py), processes
(readers.py). Memory stays bounded by a few batches for each thread, whatever the folder's size.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

from cenote.residue.meaning import Meaning, embedded
from cenote.residue.model import Examined, Hit, Needle
from cenote.residue.reader import Read, Task, read, shown
from cenote.residue.readers import Readers
from cenote.residue.searcher import Searcher

Progress = Callable[[int, int], None]
Reading = Callable[[Path], Read | None]
_MOST_THREADS = 4
_PROCESSES_FROM = 128 << 20  # bytes of files: for less, starting processes takes longer than it saves


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
    reading: Reading | None = None,
) -> Examined:
    """As :func:`scan`, with what was read. A searcher may be used again instead of its needles.

    ``meaning`` finds embeddings of the person's own words. ``progress(done, total)`` is told bytes of files. What a
    link leads to is not read; the link is told as opaque. ``reading``: what reads a file, for these needles.
    """
    begun = time.perf_counter()
    files = largest_first(folder)
    total, done = sum(size for _, size in files), 0
    searcher = needles if isinstance(needles, Searcher) else Searcher(needles, total)
    found = Examined(needles=len(searcher.needles))
    count = threads or most_threads()
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(count, "residue"))
        if reading is None and count > 1 and total >= _PROCESSES_FROM:
            reading = stack.enter_context(Readers()).reading(Task(folder, searcher, embedded(meaning)))
        elif reading is None:
            reading = lambda file: read(folder, file, searcher, meaning)  # noqa: E731
        for (file, size), told in _in_order(pool, count, files, reading):
            done += size
            if progress:
                progress(done, total)
            if told is None:
                continue  # removed meanwhile, by a cleanup or a commit
            found.files += told.files
            found.bytes += told.size
            found.searched += told.searched
            found.hits += told.hits
            if told.opaque:
                name = shown(folder, file, searcher)
                found.opaque.append(name)
                found.reasons[name] = told.opaque
    found.hits.sort()
    found.opaque.sort()
    found.seconds = time.perf_counter() - begun
    return found


def most_threads() -> int:
    """How many files are read at once."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(size for _, size in _files(folder))


def wants_processes(size: int) -> bool:
    """Whether a folder of this size has so much in it that processes read it."""
    return most_threads() > 1 and size >= _PROCESSES_FROM


def largest_first(folder: Path) -> list[tuple[Path, int]]:
    """What lies below a folder, with its size; in the order in which readers end together."""
    return sorted(_files(folder), key=lambda file: (-file[1], file[0]))


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
    read: Reading,
) -> Iterator[tuple[tuple[Path, int], Read | None]]:
    """Results in the order of the files, a few read ahead."""
    waiting: list[tuple[tuple[Path, int], Future[Read | None]]] = []
    rest = iter(files)
    while True:
        waiting += [(file, pool.submit(read, file[0])) for file in islice(rest, 4 * count - len(waiting))]
        if not waiting:
            return
        file, future = waiting.pop(0)
        yield file, future.result()
