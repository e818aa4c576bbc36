"""Running an agent's SQL in another process, which may fail in whatever way without harm.

Belongs here: that process's life, what it is told, what it may ask. Must not: judging SQL (guard.py), running it
(worker.py).
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenote import catalog
from cenote.door.functions import LakeStores
from cenote.errors import CenoteError, ToolError
from cenote.sandbox.guard import LONGEST
from cenote.views import SCHEMAS, View, ident, snapshots, table_views
from cenote.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

MEMORY = 512  # MiB that DuckDB may use for a statement
BYTES = 8 << 20  # of an answer, in Arrow
_QUESTIONS = 20  # to the stores, by one statement
_STARTING = 30.0  # seconds that a process may take to start
_META = ("assets", "columns", "contracts", "quarantine", "batches")  # the others read tables' logs


@dataclass(frozen=True)
class Limits:
    """What one statement may take: rows of an answer, seconds, and how many run at once."""

    rows: int
    seconds: float
    at_once: int = 2


class Sandbox:
    """Processes that run SQL over a lake: as many as may run at once, kept between statements, replaced when they
    fail.
    """

    def __init__(self, space: Workspace, limits: Limits) -> None:
        self._space, self._limits = space, limits
        self._free: list[_Process] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(limits.at_once)

    def run(self, sql: str) -> tuple["pl.DataFrame", bool]:
        """The rows of a statement, and whether there are more than may be given. Raises ``ToolError``."""
        import polars as pl

        if len(sql) > LONGEST:
            raise ToolError(f"the SQL is longer than {LONGEST:,} characters", "ask a shorter question")
        request = self._request(sql)
        with self._process() as process:
            table = process.run(request, LakeStores(self._space), self._limits.seconds)
        frame = pl.DataFrame(pl.from_arrow(table))
        return frame.head(self._limits.rows), frame.height > self._limits.rows

    def start(self) -> None:
        """Start a process, so that the first statement need not wait for it."""
        with self._process():
            pass

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            for process in self._free:
                process.end()
            self._free.clear()

    @contextmanager
    def _process(self) -> Iterator["_Process"]:
        """A process of one's own; it is kept for the next statement unless it failed."""
        if not self._slots.acquire(timeout=self._limits.seconds * 2):
            raise ToolError("too many statements run at once", "ask again in a moment")
        process = None
        try:
            with self._lock:
                process = self._free.pop() if self._free else None
            if process is None or not process.alive:
                process = _Process()
            yield process
            with self._lock:
                self._free.append(process)
        except CenoteError:
            if process is not None and process.alive:
                with self._lock:
                    self._free.append(process)
            raise
        except BaseException:
            if process is not None:
                process.end()
            raise
        finally:
            self._slots.release()

    def _request(self, sql: str) -> dict[str, Any]:
        views, files = _shown(self._space, sql)
        return {
            "sql": sql,
            "views": [f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}" for schema in SCHEMAS]
            + [view.create for view in views],
            "tables": [[view.schema, view.name] for view in views],
            "known": [table.name.replace("/", ".") for layer in SCHEMAS for table in self._space.tables(layer)],
            "files": files,
            "rows": self._limits.rows,
            "seconds": self._limits.seconds,
            "memory": MEMORY,
            "bytes": BYTES,
            "threads": max(1, (os.cpu_count() or 1) // self._limits.at_once),
        }


def _shown(space: Workspace, sql: str) -> tuple[list[View], list[str]]:
    """The views that a statement can be about, and the files that they read."""
    named = catalog.named_tables(sql) or []
    if "features" in sql.lower():
        named = [*named, *(table.name for table in space.tables("features"))]
    about_lake = "meta" in sql.lower()
    found = snapshots(space, None if about_lake else dict.fromkeys(named))
    views = catalog.all_views(space, found) if about_lake else [v for s in found for v in table_views(space, s)]
    return [v for v in views if v.schema != "meta" or v.name in _META], [file for s in found for file in s.files]


class _Process:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        self._pipe, child = Pipe()
        root = str(Path(__file__).resolve().parents[2])
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "cenote.sandbox.worker", str(child.fileno()), str(MEMORY)],
            pass_fds=[child.fileno()],
            env={"PYTHONPATH": root, "LC_ALL": "C.UTF-8", "TZ": "UTC"},  # no keys, no settings
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        child.close()
        if not self._pipe.poll(_STARTING):
            self.end()
            raise ToolError(
                "the process that runs SQL does not start", "ask again; see the server's machine if it lasts"
            )
        self._pipe.recv_bytes()

    @property
    def alive(self) -> bool:
        """Whether it can take a statement."""
        return self._popen.poll() is None and not self._pipe.closed

    def run(self, request: Mapping[str, Any], stores: LakeStores, seconds: float) -> "pa.Table":
        """The rows of one statement. Raises ``ToolError``; the process is ended where it does not answer in time."""
        import pyarrow as pa

        deadline = time.monotonic() + seconds + 1.0
        try:
            self._pipe.send_bytes(json.dumps(request).encode())
            for _ in range(_QUESTIONS):
                message = json.loads(self._receive(deadline, 1 << 20))
                if "error" in message:
                    raise ToolError(*message["error"])
                if "rows" in message:
                    return pa.ipc.open_stream(self._receive(deadline, 4 * BYTES)).read_all()
                begun = time.monotonic()
                self._answer(message, stores)
                deadline += time.monotonic() - begun
            raise EOFError
        except TimeoutError:
            self.end()
            raise ToolError(
                f"the statement ran for more than {seconds:g} seconds", "ask for less, or filter first"
            ) from None
        except (EOFError, OSError, ValueError):
            self.end()
            raise ToolError(
                "the statement broke the process that ran it", "ask for less, or write it more simply"
            ) from None

    def _receive(self, deadline: float, most: int) -> bytes:
        if not self._pipe.poll(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        return self._pipe.recv_bytes(most)

    def _answer(self, question: Mapping[str, Any], stores: LakeStores) -> None:
        """Answer what the process asks of the stores; what these complain of goes back to it."""
        import pyarrow as pa

        store = question["ask"]
        told = {name: question[name] for name in ("arguments", "columns", "where") if name in question}
        try:
            if store not in ("search", "passages", "neighbors", "features"):
                raise ToolError("there is no such store", "")
            if told.get("arguments", {}).get("k", 0) > 1000 or told.get("arguments", {}).get("hops", 0) > 3:
                raise ToolError("k may be 1000 and hops 3 at most", "ask for less")
            found = getattr(stores, store)(**told)
        except CenoteError as error:
            self._pipe.send_bytes(json.dumps({"error": [error.what, error.fix]}).encode())
            return
        if store == "features":
            self._pipe.send_bytes(json.dumps({"found": found}).encode())
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, found.schema) as out:
            out.write_table(found)
        self._pipe.send_bytes(b"{}")
        self._pipe.send_bytes(sink.getvalue())

    def end(self) -> None:
        """End it and all that it started."""
        self._pipe.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, 9)
        self._popen.wait()
