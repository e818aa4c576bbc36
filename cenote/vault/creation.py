"""Making a vault: the first vault key, the pseudonym secret, and a root key file where none is given.

Belongs here: what happens once per lake. Must not: anything that an opened vault does.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cenote import audit
from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault import sealing
from cenote.vault.root import RootKey, create_root_key_file, load_root_key, root_key_file, sync_folder
from cenote.vault.store import FORMAT, SCHEMA, create_file, transaction

PSEUDONYM = "pseudonym"
AUDIT = "audit"
ANCHOR = "audit/anchor"


def create_vault(settings: Settings, path: Path) -> bool:
    """Make the vault file, and a root key file where no root key is given; what exists already stays as it is.

    Returns whether the vault is new.

    Raises ``VaultError`` where records exist but their vault is gone: a new vault could not open them.
    """
    settings.vault.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder_lock(settings.vault):
        if path.exists():
            return False
        _refuse_orphaned_lake(settings)
        if settings.root_key is None and settings.root_key_kms is None:
            create_root_key_file(root_key_file(settings))
        _set_aside(settings.vault / audit.FILE)
        _make(path, load_root_key(settings))
    return True


def named(name: str, version: int) -> str:
    """What a wrapped key is bound to: its name and the version of the key around it."""
    return f"cenote/{name}/{version}"


def timestamp() -> str:
    """The present, as the vault writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def insert_vault_key(connection: sqlite3.Connection, version: int, key: bytes, root: RootKey) -> None:
    """Add a vault key, wrapped under the root key."""
    wrapped = root.wrap(key, named("vault", version))
    connection.execute("INSERT INTO vault_keys VALUES (?, ?, ?, ?, NULL)", (version, root.id, wrapped, timestamp()))


def _make(path: Path, root: RootKey) -> None:
    """Write a new vault aside and move it into place whole."""
    draft = path.with_name(f".{path.name}.new")
    for leftover in (draft, draft.with_name(f"{draft.name}-journal")):
        leftover.unlink(missing_ok=True)
    create_file(draft)
    key = sealing.new_key()
    with transaction(draft, write=True) as connection:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO vault VALUES (?, 0)", (FORMAT,))
        insert_vault_key(connection, 1, key, root)
        for name, secret in ((PSEUDONYM, sealing.new_key()), (AUDIT, sealing.new_key()), (ANCHOR, b"")):
            wrapped = sealing.wrap(sealing.cipher(key), secret, named(name, 1))
            connection.execute("INSERT INTO secrets VALUES (?, ?, 1)", (name, wrapped))
    draft.rename(path)
    sync_folder(path.parent)


def _set_aside(log: Path) -> None:
    """Keep the audit log of an earlier vault, which nobody can verify any more, under another name."""
    if log.exists():
        log.rename(log.with_name(f"{log.stem}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{log.suffix}"))


def _refuse_orphaned_lake(settings: Settings) -> None:
    if any((settings.home / "bronze").glob("*/_delta_log")):
        raise VaultError(
            f"{settings.home} holds records, but {settings.vault} not their vault; a new one could not open them",
            "restore the vault from its backup, or remove the lake to begin anew",
        )


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the vault folder: one process at a time makes a vault or replaces the root key file."""
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
