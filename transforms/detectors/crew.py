"""Threads that run detectors side by side, each thread always the same ones.

Belongs here: starting threads and handing them work. Must not: any detector. The engine keeps the 32 patterns that a
thread compiled last, and compiling the patterns of all detectors takes longer than searching a megabyte; so each thread
keeps to detectors with fewer patterns than that, for as long as the process lives.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")
KEPT = 32  # patterns that the engine keeps per thread


class Hand:
    """One thread that does what it is handed, in order. Started at the first work, and anew in a forked process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def do(self, work: Callable[[], _T]) -> "Future[_T]":
        """Hand over some work; its result or exception comes by the future."""
        future: Future[_T] = Future()
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._work.put((future, work))
        return future

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._work = SimpleQueue()
                self._thread = threading.Thread(target=_run, args=(self._work,), name=self._name, daemon=True)
                self._thread.start()


def _run(queue: "SimpleQueue[tuple[Future[Any], Callable[[], Any]]]") -> None:
    while True:
        future, work = queue.get()
        try:
            future.set_result(work())
        except BaseException as error:  # whoever waits for the future raises it
            future.set_exception(error)
        del future, work  # what was worked on may be large
