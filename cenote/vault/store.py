"""The vault's SQLite file: its schema, and transactions on it.

Belongs here: how SQLite is opened. Must not: ciphers; only wrapped keys come by. Freed space is overwritten
(``secure_delete``); the journal is a rollback journal that is removed at each commit, so no write-ahead log keeps old
keys; one connection per transaction, so threads, forks and other processes are all the same to it.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from cenote.errors import VaultError

FORMAT = 1
WAIT_SECONDS = 60.0
PAGE_ROWS = 20_000
SCHEMA = """
CREATE TABLE vault (format INTEGER NOT NULL, generation INTEGER NOT NULL);
CREATE TABLE vault_keys (
    version INTEGER PRIMARY KEY, root_id TEXT NOT NULL, wrapped BLOB, created_at TEXT NOT NULL, retired_at TEXT
);
CREATE TABLE secrets (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL, vault_version INTEGER NOT NULL);
CREATE TABLE subject_keys (
    key_id TEXT PRIMARY KEY, subject_id TEXT NOT NULL UNIQUE, wrapped BLOB, vault_version INTEGER NOT NULL,
    created_at TEXT NOT NULL, shredded_at TEXT
);
"""


def create_file(path: Path) -> None:
    """Make an empty file that only its owner may read and write."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def transaction(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """A transaction: committed at the end, rolled back by an exception. Raises ``VaultError`` where SQLite fails."""
    try:
        with closing(connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
    except sqlite3.Error as error:
        raise _failure(path, error) from None


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing vault file."""
    if not path.is_file():
        raise VaultError(
            f"there is no vault in {path.parent}",
            "restore the vault folder from its backup, or run `cenote vault init` for a new lake",
        )
    # Transactions are explicit; mode=rw never makes a file.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None
    )
    for setting in ("secure_delete = ON", "synchronous = EXTRA", "temp_store = MEMORY", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {setting}").close()
    return connection


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection without a transaction, for SQLite's backup to write to. Raises ``VaultError``."""
    try:
        with closing(connect(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise _failure(path, error) from None


def _failure(path: Path, error: sqlite3.Error) -> VaultError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return VaultError(f"the vault {path} is held by another process", "let the other run end, then run again")
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR", "SQLITE_MISMATCH")):
        return VaultError(f"the vault {path} was altered or is damaged ({code})", "restore the vault from its backup")
    why = f"the vault {path} cannot be used ({code or type(error).__name__})"
    return VaultError(why, "check the disk and the folder's mode")


def key_ids(connection: sqlite3.Connection, subject_ids: Sequence[str]) -> dict[str, str | None]:
    """Key ids of the subjects that the vault knows, None for shredded ones."""
    return dict(
        connection.execute(
            "SELECT subject_id, CASE WHEN shredded_at IS NULL THEN key_id END FROM subject_keys "
            "WHERE subject_id IN (SELECT value FROM json_each(?))",
            (json.dumps(subject_ids),),
        )
    )


def pages(connection: sqlite3.Connection) -> Iterator[list[tuple[str, bytes, int]]]:
    """All living subject keys, a page at a time; what was read may be changed meanwhile."""
    last = ""
    while page := connection.execute(
        "SELECT key_id, wrapped, vault_version FROM subject_keys WHERE key_id > ? AND wrapped IS NOT NULL "
        "ORDER BY key_id LIMIT ?",
        (last, PAGE_ROWS),
    ).fetchall():
        yield page
        last = page[-1][0]
