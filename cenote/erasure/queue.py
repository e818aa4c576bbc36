"""Requests to erase people: what was asked, how far it is, and the records that an erasure puts in the place of others.

Belongs here: keeping requests through crashes and restored lakes. Must not: doing anything about them (life.py). They
lie in ``erasure.db`` in the vault folder, apart from the lake, and hold pseudonyms, lineage ids, counts and
sealed payloads; natural ids and values never. A request is written before anything is done about it.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cenote.errors import ErasureError, unknown
from cenote.settings import Settings

if TYPE_CHECKING:
    import sqlite3

FILE = "erasure.db"
WAITING, SUPPRESSED, ERASING, ERASED, RESTORED = STATUSES = ("waiting", "suppressed", "erasing", "erased", "restored")
"""Asked for and due at once; hidden until its grace ends; begun; done; taken back during its grace."""
OPEN = (WAITING, SUPPRESSED, ERASING)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY, status TEXT NOT NULL, subjects TEXT NOT NULL, reason TEXT NOT NULL,
    received_at TEXT NOT NULL, due_at TEXT NOT NULL, erase_at TEXT NOT NULL, finished_at TEXT, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS replaced (
    request_id TEXT NOT NULL, dataset TEXT NOT NULL, lineage_id TEXT NOT NULL, landed_at TEXT NOT NULL,
    subject_id TEXT, key_id TEXT, payload BLOB NOT NULL, PRIMARY KEY (dataset, lineage_id)
);
"""
REPLACED = pl.Schema(
    {
        "dataset": pl.String,
        "lineage_id": pl.String,
        "landed_at": pl.String,
        "subject_id": pl.String,
        "key_id": pl.String,
        "payload": pl.Binary,
    }
)


@dataclass
class Request:
    """One request: its people by pseudonym, and ``state``: what is known and done of it, as plain values.

    ``due_at``: by when the law wants it done. ``erase_at``: when it begins; later than ``received_at`` with a grace.
    """

    request_id: str
    status: str
    subjects: tuple[str, ...]
    reason: str
    received_at: datetime
    due_at: datetime
    erase_at: datetime
    finished_at: datetime | None = None
    state: dict[str, Any] = field(default_factory=dict)

    def is_due(self, now: datetime) -> bool:
        """Whether it should be worked on now."""
        return self.status in (WAITING, ERASING) or (self.status == SUPPRESSED and self.erase_at <= now)


class Requests:
    """The requests of a lake. Cheap to make; reads nothing where no request was ever made."""

    def __init__(self, settings: Settings) -> None:
        self.file: Path = settings.vault / FILE

    # requests

    def add(self, request: Request) -> None:
        """Keep a new request."""
        with self._writing() as connection:
            connection.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _row(request))

    def save(self, request: Request) -> None:
        """Keep what changed of a request."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _row(request))

    def all(self, *statuses: str) -> list[Request]:
        """Requests with one of the statuses (default: any), oldest first."""
        if not self.file.is_file():
            return []
        with self._reading() as connection:
            rows = connection.execute("SELECT * FROM requests ORDER BY received_at, request_id").fetchall()
        return [found for row in rows if (found := _request(row)).status in (statuses or STATUSES)]

    def get(self, request_id: str) -> Request:
        """One request. Raises ``ErasureError`` with near ids."""
        known = {request.request_id: request for request in self.all()}
        if request_id not in known:
            raise ErasureError(unknown("request", request_id, known), "list them with `cenote subject status`")
        return known[request_id]

    # what stands in the place of records

    def replace(self, request: Request | None, rows: pl.DataFrame) -> None:
        """Keep sealed records (:data:`REPLACED`), and the request's new state, in one transaction.

        Of late records, no request asked for it.
        """
        whose = request.request_id if request else ""
        values = [(whose, *row) for row in rows.select(REPLACED.names()).iter_rows()]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO replaced VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            if request:
                connection.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _row(request))

    def replaced(self, dataset: str) -> pl.DataFrame:
        """The records of a dataset that erasures put in the place of others; columns as :data:`REPLACED`."""
        if not self.file.is_file():
            return pl.DataFrame(schema=REPLACED)
        columns = ", ".join(REPLACED.names())
        with self._reading() as connection:
            rows = connection.execute(f"SELECT {columns} FROM replaced WHERE dataset = ?", (dataset,)).fetchall()
        return pl.DataFrame(rows, schema=REPLACED, orient="row")

    def drop_replaced(self, dataset: str, before: datetime) -> int:
        """Forget replaced records that landed before a moment: their contract no longer keeps them."""
        if not self.file.is_file():
            return 0
        with self._writing() as connection:
            done = connection.execute(
                "DELETE FROM replaced WHERE dataset = ? AND landed_at < ?", (dataset, before.isoformat())
            )
        return int(done.rowcount)

    def disown(self, request: Request) -> None:
        """Forget replaced records that belong to the people of a request themselves."""
        if self.file.is_file():
            with self._writing() as connection:
                connection.execute(
                    "DELETE FROM replaced WHERE subject_id IN (SELECT value FROM json_each(?))",
                    (json.dumps(request.subjects),),
                )

    # inner workings

    @contextmanager
    def _writing(self) -> Iterator["sqlite3.Connection"]:
        from cenote.vault import store

        if not self.file.is_file():
            self._make()
        with store.transaction(self.file, write=True) as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator["sqlite3.Connection"]:
        from cenote.vault import store

        with store.transaction(self.file) as connection:
            yield connection

    def _make(self) -> None:
        """Write the empty file aside and move it into place, so that no reader sees half of it."""
        from cenote.vault import store

        draft = self.file.with_name(f".{FILE}.{secrets.token_hex(4)}")
        store.create_file(draft)
        with store.transaction(draft, write=True) as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
        if self.file.exists():
            draft.unlink()
        else:
            draft.rename(self.file)


def new_request_id(now: datetime) -> str:
    """An id that people can say: the day, and six hex digits."""
    return f"erasure-{now:%Y%m%d}-{secrets.token_hex(3)}"


def _row(request: Request) -> tuple[Any, ...]:
    return (
        request.request_id,
        request.status,
        json.dumps(request.subjects),
        request.reason,
        request.received_at.isoformat(),
        request.due_at.isoformat(),
        request.erase_at.isoformat(),
        request.finished_at.isoformat() if request.finished_at else None,
        json.dumps(request.state, sort_keys=True),
    )


def _request(row: Sequence[Any]) -> Request:
    received, due, erase = (datetime.fromisoformat(text) for text in row[4:7])
    finished = datetime.fromisoformat(row[7]) if row[7] else None
    return Request(
        row[0], row[1], tuple(json.loads(row[2])), row[3], received, due, erase, finished, json.loads(row[8])
    )
