"""Dagster's own SQLite files, kept open while a run writes its events to them.

Belongs here: sparing a run work on Dagster's storage. Must not: what is written there. Dagster makes an engine, opens a
file, commits and closes for each event, and whoever closes a SQLite file last folds its write-ahead log into it and
waits for the disk twice more. A run has hundreds of events. While their files are kept open, an event is a commit to
the log, on the disk when it returns, and nothing else.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS


@contextmanager
def kept_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Keep the files open that a run's events go to. Does nothing for an instance that stores elsewhere."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    with ExitStack() as stack:
        kept = {}
        for shard in (INDEX_SHARD_NAME, run_id):
            with storage._connect(shard):  # makes the file
                pass
            engine = sa.create_engine(
                storage.conn_string_for_shard(shard),
                poolclass=sa.StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            stack.callback(engine.dispose)
            kept[shard] = engine
        runs = Path(storage.path_for_shard(INDEX_SHARD_NAME)).parents[1] / "runs.db"
        if runs.exists():
            stack.enter_context(closing(sqlite3.connect(runs))).execute("SELECT count(*) FROM sqlite_master").fetchall()
        otherwise = storage._connect

        @contextmanager
        def within(engine: sa.Engine) -> Iterator[sa.Connection]:
            with storage._db_lock, engine.connect() as connection, connection.begin():
                yield connection

        def connect(shard: str) -> AbstractContextManager[sa.Connection]:
            return within(kept[shard]) if shard in kept else otherwise(shard)

        storage._connect = connect  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            storage._connect = otherwise  # type: ignore[method-assign]
