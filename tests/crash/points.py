"""Points at which a process may die: right before and right after whatever makes a change last.

Belongs here: seeing those moments from outside, by wrapping the calls and by the interpreter's own audit events, and
dying at the n-th of them. Must not: choosing n.

What counts as a change that lasts: a commit of a Delta table; a write to LanceDB, the online store or the vault; a file
that is renamed or removed. ``SIGKILL`` runs no handler, closes nothing and flushes nothing.
"""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

RENAMED_OR_REMOVED = ("os.rename", "os.remove")


class Deadline:
    """Counts points and dies at the ``die_at``-th, or at the first whose label is not among ``known``.

    ``seen``: the label of each point, in order. ``log``: where the last one is written.
    """

    def __init__(self, home: Path, log: Path, die_at: int | None = None, known: frozenset[str] | None = None) -> None:
        self.home = str(home)
        self.seen: list[str] = []
        self._die_at = die_at
        self._counts: Counter[str] = Counter()
        self._log = log
        self._known = known

    def reach(self, label: str) -> None:
        """A point is reached. Labels repeat over a lake's life; their ordinal within this process tells them apart."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._counts[label] += 1
        label = f"{label} #{self._counts[label]}"
        self.seen.append(label)
        fresh = self._known is not None and label not in self._known
        if fresh or len(self.seen) - 1 == self._die_at:
            with self._log.open("a") as log:
                log.write(label + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Wrap every call that makes a change last, for the rest of this process."""
        from cenote.features.stores import LakeSqliteOnlineStore
        from cenote.tables import Table
        from cenote.vault import Vault
        from cenote.vectors.store import Store

        self._around(Table, "_committing", lambda table, *_: f"commit {table.name}")
        for method in ("create", "upsert", "remove"):
            self._around(Store, method, lambda *_, name=method: f"passages {name}")
        for method in ("online_write_batch", "write_frame"):
            self._around(LakeSqliteOnlineStore, method, lambda *_: "online write")
        self._around(Vault, "keys_for", lambda *_: "keys")
        sys.addaudithook(self._audit)

    def _around(self, owner: type, name: str, label: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def around(*args: Any, **kwargs: Any) -> Any:
            told = label(*args)
            self.reach(f"before {told}")
            done = inner(*args, **kwargs)
            self.reach(f"after {told}")
            return done

        setattr(owner, name, around)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in RENAMED_OR_REMOVED:
            return
        path = str(args[0])
        if path.startswith(self.home) and "/dagster/" not in path and "/.tmp/" not in path:
            self.reach(f"before {event.removeprefix('os.')} {_place(path, self.home)}")


def _place(path: str, home: str) -> str:
    """Where in the lake a file is, without names that differ from run to run."""
    return "/".join(Path(path).relative_to(home).parts[:2])
