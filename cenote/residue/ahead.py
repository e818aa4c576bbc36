"""Reading files before a search is due, while others still work: what one gave counts if nobody touched it since.

Belongs here: whether a file is the one that was read. Must not: reading it (reader.py), why it may be read early. Any
write gives a file another moment of change (ctime), which nothing but the system's clock can set, so a file with the
same inode, size and moments holds what it held. A moment is as coarse as the system's ticks: a file that changed just
now is left to settle first.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from cenote.residue.reader import Read

_SETTLED = 250_000_000  # nanoseconds since the last change; a tick is 1 to 10 million
Stamp = tuple[int, ...]


class Ahead:
    """Reads files early, one at a time; ``read`` is what reads one. A context manager that ends that."""

    def __init__(self, read: Callable[[Path], Read | None]) -> None:
        self._read = read
        self._early: dict[Path, Future[tuple[Stamp, Read | None]]] = {}
        self._thread = ThreadPoolExecutor(1, "ahead")

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self, files: Iterable[Path]) -> None:
        """Read these files as soon as there is time."""
        for file in files:
            self._early[file] = self._thread.submit(self._settled, file)

    def read(self, file: Path) -> Read | None:
        """What a file holds now: as it was read early, if it was and is the same; otherwise it is read."""
        early = self._early.pop(file, None)
        if early is not None and not early.cancel():
            stamp, found = early.result()
            if stamp and stamp == _stamp(file):
                return found
        return self._read(file)

    def _settled(self, file: Path) -> tuple[Stamp, Read | None]:
        stamp = _stamp(file)
        if stamp and time.time_ns() - stamp[-1] < _SETTLED:
            time.sleep(_SETTLED / 1e9)
        if stamp != _stamp(file) or not stamp or time.time_ns() - stamp[-1] < _SETTLED:
            return (), None
        return stamp, self._read(file)


def _stamp(file: Path) -> Stamp:
    """What tells a file from any other, and from itself after a change; nothing where it is gone."""
    try:
        found = file.lstat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns
