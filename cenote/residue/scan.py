"""Searching a folder: every file, decoded, on several threads; many bytes by as many processes.

Belongs here: walking, and the account of it. Must not: formats, disguises, reading a file (reader.py). Memory stays
bounded by a few batches for each thread, whatever the folder's size.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from cenote.residue.meaning import Meaning, embedded
from cenote.residue.model import Examined, Hit, Needle
from cenote.residue.reader import Read, Task, read, shown
from cenote.residue.searcher import Searcher

Progress = Callable[[int, int], None]
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
) -> Examined:
    """As :func:`scan`, with what was read. A searcher may be used again instead of its needles.

    ``meaning`` finds embeddings of the person's own words. ``progress(done, total)`` is told bytes of files. What a
    link leads to is not read; the link is told as opaque.
    """
    begun = time.perf_counter()
    files = sorted(_files(folder), key=lambda file: (-file[1], file[0]))  # the largest first, so that all end together
    total, done = sum(size for _, size in files), 0
    searcher = needles if isinstance(needles, Searcher) else Searcher(needles, total)
    found = Examined(needles=len(searcher.needles))
    count = threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(count, "residue"))
        reading: Callable[[Path], Read | None] = lambda file: read(folder, file, searcher, meaning)  # noqa: E731
        if count > 1 and total >= _PROCESSES_FROM:
            reading = stack.enter_context(_Processes(Task(folder, searcher.needles, total, embedded(meaning)))).read
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
    read: Callable[[Path], Read | None],
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


class _Processes:
    """Processes that read files, each asked by one thread at a time. A context manager that ends them."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._all: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()

    def __enter__(self) -> "_Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            with suppress(OSError):
                process.communicate()

    def read(self, file: Path) -> Read | None:
        """As :func:`cenote.residue.reader.read`. A process that died with a file is replaced, and the file told."""
        try:
            process = self._idle_one()
            _say(process, file)
            assert process.stdout is not None
            found: Read | None = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            return Read(files=1, opaque="the process that read it died")
        self._idle.put(process)
        return found

    def _idle_one(self) -> "subprocess.Popen[bytes]":
        with suppress(Empty):
            return self._idle.get_nowait()
        command = [sys.executable, "-c", "from cenote.residue.reader import main; main()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._all.append(process)
        _say(process, self._task)
        return process


def _say(process: "subprocess.Popen[bytes]", what: Any) -> None:
    assert process.stdin is not None
    pickle.dump(what, process.stdin)
    process.stdin.flush()
