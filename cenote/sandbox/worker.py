"""The process in which agents' SQL runs: one statement after another, each in a DuckDB of its own, locked down.

Belongs here: locking down, limits, giving rows back. Must not: the lake's keys, its stores (they are asked for over
the pipe), anything that a statement could use but tables. Started by pool.py, which kills it when it is late or
gone.
"""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenote.door.statement import plan
from cenote.errors import CenoteError, ToolError
from cenote.sandbox import guard
from cenote.sqltext import reason

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

Request = Mapping[str, Any]
_TOLD = 200  # characters of DuckDB's complaint, which may repeat the statement
_GRACE = 0.5  # seconds between asking a statement to stop and ending the process
_HEADROOM = 1536 << 20  # of address space above DuckDB's own limit, for what it does not count


class Watch:
    """Stops a statement that is late, then the process. Time that other stores take is not counted."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._stop: Callable[[], None] = lambda: None
        self._timers: list[threading.Timer] = []

    def begin(self, stop: Callable[[], None] | None = None) -> None:
        """Count from now on; ``stop`` is what asks the statement to end."""
        self._stop = stop or self._stop
        self._begun = time.monotonic()
        self._timers = [threading.Timer(self._left, self._stop), threading.Timer(self._left + _GRACE, os._exit, [3])]
        for timer in self._timers:
            timer.daemon = True
            timer.start()

    def pause(self) -> None:
        """Do not count until :meth:`begin`."""
        for timer in self._timers:
            timer.cancel()
        self._left = max(0.05, self._left - (time.monotonic() - self._begun))


class RemoteStores:
    """The lake's stores, asked of the process that has them."""

    def __init__(self, pipe: Connection, watch: Watch) -> None:
        self._pipe, self._watch = pipe, watch

    def search(self, arguments: Mapping[str, Any], where: str | None) -> "pa.Table":
        """Hits, best first."""
        return self._rows("search", arguments=_plain(arguments), where=where)

    def passages(self, columns: Sequence[str], where: str | None) -> "pa.Table":
        """Columns of the passages that meet a condition."""
        return self._rows("passages", columns=list(columns), where=where)

    def neighbors(self, arguments: Mapping[str, Any]) -> "pa.Table":
        """Nodes around a node."""
        return self._rows("neighbors", arguments=_plain(arguments))

    def features(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """A feature table and a SELECT of its newest rows."""
        table, select = self._ask("features", arguments=_plain(arguments))["found"]
        return str(table), str(select)

    def _ask(self, store: str, **question: Any) -> dict[str, Any]:
        self._watch.pause()
        _send(self._pipe, {"ask": store, **question})
        answer = json.loads(self._pipe.recv_bytes())
        self._watch.begin()
        if "error" in answer:
            raise ToolError(*answer["error"])
        return dict(answer)

    def _rows(self, store: str, **question: Any) -> "pa.Table":
        import pyarrow as pa

        self._ask(store, **question)
        return pa.ipc.open_stream(self._pipe.recv_bytes()).read_all()


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in arguments.items()}


def _send(pipe: Connection, message: Mapping[str, Any]) -> None:
    pipe.send_bytes(json.dumps(message).encode())


def connect(request: Request) -> "DuckDBPyConnection":
    """A DuckDB with the tables of a request and nothing else: no other file, no spill, no setting that could be
    changed.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": f"{request['memory']}MiB",
            "threads": request["threads"],
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
        }
    )
    for statement in (
        "SET TimeZone = 'UTC'",
        "SET python_enable_replacements = false",
        "SET max_expression_depth = 250",
    ):
        connection.execute(statement)
    for view in request["views"]:
        connection.execute(view)
    connection.execute("SET allowed_paths = $files", {"files": request["files"]})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(request: Request, pipe: Connection) -> "pa.Table":
    """The rows of a request, one more than it allows where there are more. Raises ``CenoteError`` and DuckDB's
    errors.
    """
    with connect(request) as connection:
        watch = Watch(request["seconds"])
        watch.begin(connection.interrupt)
        try:
            tables = {(schema, table) for schema, table in request["tables"]}
            guard.check(connection, request["sql"], tables, request["known"])
            made = plan(connection, request["sql"], {}, RemoteStores(pipe, watch))
            return _read(connection, made.sql, request)
        finally:
            watch.pause()


def _read(connection: "DuckDBPyConnection", sql: str, request: Request) -> "pa.Table":
    import pyarrow as pa

    reader = connection.sql(sql).limit(request["rows"] + 1).to_arrow_reader(1024)
    batches, size = [], 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > request["bytes"]:
            raise ToolError(
                f"the answer is larger than {request['bytes'] >> 20} MiB",
                "select fewer or smaller columns, or aggregate",
            )
    return pa.Table.from_batches(batches, schema=reader.schema)


def _told(error: Exception, request: Request) -> list[str]:
    """What is wrong and how to mend it, without paths or values."""
    import duckdb

    if isinstance(error, CenoteError):
        return [error.what, error.fix]
    if isinstance(error, duckdb.InterruptException):
        return [f"the statement ran for more than {request['seconds']:g} seconds", "ask for less, or filter first"]
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return ["the statement needs more memory than it may have", "ask for less, or filter first"]
    if isinstance(error, duckdb.Error):
        return [
            f"the SQL cannot be answered: {reason(error).splitlines()[0][:_TOLD]}",
            "see tables and columns with the tool `tables`",
        ]
    return [f"the statement cannot be answered ({type(error).__name__})", "write it more simply"]


def _serve(pipe: Connection, request: Request) -> None:
    import pyarrow as pa

    try:
        table = answer(request, pipe)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as out:
            out.write_table(table)
        _send(pipe, {"rows": table.num_rows})
        pipe.send_bytes(sink.getvalue())
    except (EOFError, BrokenPipeError):
        raise
    except Exception as error:
        _send(pipe, {"error": _told(error, request)})


def main() -> None:
    """Serve requests until the other end closes."""
    pipe = Connection(int(sys.argv[1]))
    memory = int(sys.argv[2]) << 20
    import duckdb  # noqa: F401
    import pyarrow as pa  # noqa: F401

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = Path("/proc/self/statm")
    if status.exists():
        limit = int(status.read_text().split()[0]) * resource.getpagesize() + memory + _HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    _send(pipe, {"ready": True})
    try:
        while True:
            _serve(pipe, json.loads(pipe.recv_bytes()))
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
