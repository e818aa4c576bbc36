"""Processes that read files for a search.

Belongs here: starting them, asking them, ending them. Must not: what they do (reader.py). They import what they need as
soon as they are started, which may be long before there is something to read; each is told what to look for with its
first file.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from cenote.residue.reader import Read, Task

_Process = subprocess.Popen[bytes]


class Readers:
    """Processes that read files, each asked by one thread at a time. A context manager that ends them.

    ``ahead``: how many are started at once; more are when all others are busy.
    """

    def __init__(self, ahead: int = 0) -> None:
        self._all: list[_Process] = []
        self._fresh: SimpleQueue[_Process] = SimpleQueue()
        self._told: SimpleQueue[_Process] = SimpleQueue()
        for _ in range(ahead):
            self._fresh.put(self._start())

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            with suppress(OSError):
                process.communicate()

    def reading(self, task: Task) -> Callable[[Path], Read | None]:
        """What reads a file of the one task that these processes are for, as :func:`cenote.residue.reader.read`."""
        return partial(self._read, pickle.dumps(task, pickle.HIGHEST_PROTOCOL))

    def _read(self, task: bytes, file: Path) -> Read | None:
        """A process that died with a file is replaced, and the file told."""
        try:
            process = self._idle(task)
            _say(process, pickle.dumps(file))
            assert process.stdout is not None
            found: Read | None = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            return Read(files=1, opaque="the process that read it died")
        self._told.put(process)
        return found

    def _idle(self, task: bytes) -> _Process:
        with suppress(Empty):
            return self._told.get_nowait()
        try:
            process = self._fresh.get_nowait()
        except Empty:
            process = self._start()
        _say(process, task)
        return process

    def _start(self) -> _Process:
        command = [sys.executable, "-c", "from cenote.residue.reader import main; main()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._all.append(process)
        return process


def _say(process: _Process, what: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(what)
    process.stdin.flush()
