"""Running networkit so that the same graph gives the same answer every time.

Belongs here: its threads and its seed, which are global to the process. Must not: anything else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from transforms.imports import networkit as load_networkit

_ALONE = Lock()


@contextmanager
def one_thread(seed: int) -> Iterator[None]:
    """Run networkit with one thread from ``seed``: its parallel algorithms depend on how threads interleave."""
    networkit = load_networkit()

    with _ALONE:
        before = networkit.getMaxNumberOfThreads()
        networkit.setNumberOfThreads(1)
        networkit.setSeed(seed, False)
        try:
            yield
        finally:
            networkit.setNumberOfThreads(before)
