"""The vault that stages use: pseudonyms, keys of subjects and datasets, sealing, shredding, rotation.

Belongs here: the key hierarchy's life. Must not: SQLite (store.py), ciphers (sealing.py), root keys (root.py), the end
of keys (tombstones.py). A key id is ``key_<24 hex>`` for a subject, random and thus meaningless once shredded, or
``dataset/<name>``.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import polars as pl
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cenote.audit import FILE as AUDIT_FILE
from cenote.audit import AuditLog
from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault import sealing, store
from cenote.vault.creation import ANCHOR, AUDIT, PSEUDONYM, create_vault, insert_vault_key, named, timestamp
from cenote.vault.root import RootKey, sync_folder
from cenote.vault.rotation import current_root_key
from cenote.vault.tombstones import Tombstones, new_key_id
from transforms.pseudonyms import subject_tokens

FILE = "vault.db"
CACHED_KEYS = 40_000
_DATASET = "dataset/"


@dataclass(frozen=True)
class KeyVersion:
    """One vault key: its version, the id of the root key around it, and when it was made and retired."""

    version: int
    root_id: str
    created_at: str
    retired_at: str | None


class Vault(Tombstones):
    """An opened vault. Safe to use from several threads and processes; keys stay out of ``repr`` and errors."""

    def __init__(self, path: Path, root: RootKey, reload: Callable[[], RootKey] | None = None) -> None:
        self.path = path
        self.audit = AuditLog(path.with_name(AUDIT_FILE), self)
        self._root = root
        self._reload = reload or (lambda: self._root)
        self._lock = threading.RLock()
        self._generation = -1
        self._vault_keys: dict[int, AESGCM] = {}
        self._current = 0
        self._ciphers: dict[str, AESGCM | None] = {}  # by key id
        self._key_ids: dict[str, str | None] = {}  # by subject id
        with self._transaction() as connection:
            self.pseudonym_key = self._secret(connection, PSEUDONYM)
            self._audit_secret = self._secret(connection, AUDIT)
            self._secret(connection, ANCHOR)  # a vault that lost it is refused

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the vault of the settings. Raises ``VaultError`` where vault or root key is missing, unsafe or wrong."""
        path = settings.vault / FILE
        if not path.is_file():
            store.connect(path)  # raises, saying what is missing
        return cls(path, current_root_key(settings, path), lambda: current_root_key(settings, path))

    @classmethod
    def create(cls, settings: Settings) -> Self:
        """Make the vault, and a root key file where no root key is given; what exists already is opened as it is.

        Raises ``VaultError`` where a sealed lake exists and its vault is gone: a new vault could not open it.
        """
        new = create_vault(settings, settings.vault / FILE)
        vault = cls.open(settings)
        if new:
            vault.audit.record("vault created")
        return vault

    def __repr__(self) -> str:
        return f"Vault({self.path})"

    def __reduce__(self) -> str:
        raise VaultError("a vault cannot be pickled: keys do not travel", "open the vault where it is used")

    # what the audit log keeps here

    def audit_secret(self) -> bytes:
        """The secret under which the audit log is chained."""
        return self._audit_secret

    def anchor(self) -> bytes:
        """The audit log's end, as kept last. Raises ``VaultError`` where it was altered or removed."""
        with self._transaction() as connection:
            return self._secret(connection, ANCHOR)

    def set_anchor(self, anchor: bytes) -> None:
        """Keep the audit log's end, sealed under the vault key."""
        with self._transaction(write=True) as connection:
            wrapped = sealing.wrap(self._vault_keys[self._current], anchor, named(ANCHOR, self._current))
            values = (wrapped, self._current, ANCHOR)
            connection.execute("UPDATE secrets SET wrapped = ?, vault_version = ? WHERE name = ?", values)

    # pseudonyms

    def subject_ids(self, entity: str, natural_ids: pl.Series) -> pl.Series:
        """The pseudonyms of natural ids: ``<entity>_<24 hex>``; null stays null."""
        return subject_tokens(entity, natural_ids, self.pseudonym_key)

    # keys

    def keys_for(self, subject_ids: Iterable[str], create: bool = True) -> dict[str, str | None]:
        """The key id of each subject, in one transaction; new subjects get a key unless ``create`` is off.

        A shredded subject has None and never gets a key again; without ``create``, an unknown subject is left out.
        """
        wanted = dict.fromkeys(subject_ids)
        with self._transaction() as connection:
            found = {subject: self._key_ids[subject] for subject in wanted if subject in self._key_ids}
            found |= store.key_ids(connection, [subject for subject in wanted if subject not in found])
            if len(self._key_ids) + len(found) > CACHED_KEYS:
                self._key_ids.clear()
            self._key_ids.update(found)
        return (
            found if len(found) == len(wanted) or not create else found | self._new_keys(wanted.keys() - found.keys())
        )

    def _new_keys(self, subject_ids: Iterable[str]) -> dict[str, str | None]:
        """Make the keys that are missing, another process may have been faster, and return the key ids of all."""
        with self._transaction(write=True) as connection:
            known = store.key_ids(connection, [*subject_ids])
            missing = [subject for subject in subject_ids if subject not in known]
            key_ids = [new_key_id() for _ in missing]
            keys = sealing.new_keys(len(missing))
            wrapped = self._wrapped(key_ids, keys)
            now, version = timestamp(), self._current
            connection.executemany(
                "INSERT INTO subject_keys VALUES (?, ?, ?, ?, ?, NULL)",
                [(k, s, w, version, now) for k, s, w in zip(key_ids, missing, wrapped, strict=True)],
            )
        if missing:
            self.audit.record("subject keys created", details={"keys": len(missing)})
        return known | dict(zip(missing, key_ids, strict=True))

    def _wrapped(self, names: Sequence[str], keys: Sequence[bytes]) -> list[bytes]:
        """Keys wrapped under the current vault key, each bound to its name."""
        aads = [named(name, self._current).encode() for name in names]
        return sealing.seal([self._vault_keys[self._current]] * len(keys), keys, aads)

    def dataset_key(self, dataset: str) -> str:
        """The key id under which ownerless records of a dataset are sealed."""
        key_id = _DATASET + dataset
        if self._make_secret(key_id):
            self.audit.record("dataset key created", details={"dataset": dataset})
        return key_id

    def secret(self, name: str) -> bytes:
        """A random 256-bit secret of this vault for a purpose of that name, made when first asked for."""
        if self._make_secret(name):
            self.audit.record("secret created", details={"name": name})
        with self._transaction() as connection:
            return self._secret(connection, name)

    def _make_secret(self, name: str) -> bool:
        """Make a secret, unless there is one of that name; returns whether it is new."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM secrets WHERE name = ?", (name,)).fetchone():
                return False
        with self._transaction(write=True) as connection:
            (wrapped,) = self._wrapped([name], [sealing.new_key()])
            made = connection.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?, ?)", (name, wrapped, self._current))
        return bool(made.rowcount)

    # sealing

    def seal(self, key_ids: Sequence[str], payloads: Sequence[bytes], aads: Sequence[bytes]) -> list[bytes]:
        """Seal each payload under its key, bound to its associated data. Raises ``VaultError`` for a shredded key."""
        ciphers = self._ciphers_of(key_ids)
        if None in ciphers:
            raise VaultError(
                "a payload was to be sealed under a shredded key", "run again: its subject was just erased"
            )
        return sealing.seal(cast(list[AESGCM], ciphers), payloads, aads)

    def unseal(self, key_ids: Sequence[str], sealed: Sequence[bytes], aads: Sequence[bytes]) -> list[bytes | None]:
        """Open each payload; None where its key was shredded. Raises ``VaultError`` where one was altered or moved."""
        return sealing.unseal(self._ciphers_of(key_ids), sealed, aads)

    def _ciphers_of(self, key_ids: Sequence[str]) -> list[AESGCM | None]:
        """A cipher for each key id, None for shredded keys. Remembered until a key is shredded or rotated anywhere."""
        wanted = set(key_ids)
        with self._transaction() as connection:
            missing = list(wanted.difference(self._ciphers))
            fresh = self._load(connection, missing)
            if len(fresh) < len(missing):
                raise VaultError(
                    f"payloads are sealed under {len(missing) - len(fresh)} keys that this vault does not hold",
                    "this is another lake's vault or an older copy; restore the vault that belongs to the lake",
                )
            if len(self._ciphers) + len(fresh) > CACHED_KEYS:
                self._ciphers = {key_id: self._ciphers[key_id] for key_id in wanted.intersection(self._ciphers)}
            self._ciphers.update(fresh)
            ciphers = self._ciphers  # whoever forgets it makes a new one, so this stays whole
        return list(map(ciphers.__getitem__, key_ids))

    def _load(self, connection: sqlite3.Connection, key_ids: Sequence[str]) -> dict[str, AESGCM | None]:
        if not key_ids:
            return {}
        rows = connection.execute(
            "SELECT key_id, wrapped, vault_version FROM subject_keys WHERE key_id IN (SELECT value FROM json_each(?1)) "
            "UNION ALL "
            "SELECT name, wrapped, vault_version FROM secrets WHERE name IN (SELECT value FROM json_each(?1))",
            (json.dumps(key_ids),),
        )
        return {
            key_id: sealing.cipher(self._unwrap(key_id, wrapped, version)) if wrapped is not None else None
            for key_id, wrapped, version in rows
        }

    # rotation

    def rotate_vault_key(self, reason: str = "") -> int:
        """Wrap every key under a new vault key and destroy the old one; the lake is untouched. Returns the version."""
        self.audit.record("vault key rotated", reason=reason)
        with self._transaction(write=True) as connection:
            old, new = self._current, self._current + 1
            key = sealing.new_key()
            insert_vault_key(connection, new, key, self._root)
            under = sealing.cipher(key)
            for name, wrapped, version in connection.execute("SELECT * FROM secrets").fetchall():
                again = sealing.wrap(under, self._unwrap(name, wrapped, version), named(name, new))
                connection.execute(
                    "UPDATE secrets SET wrapped = ?, vault_version = ? WHERE name = ?", (again, new, name)
                )
            for page in store.pages(connection):
                connection.executemany(
                    "UPDATE subject_keys SET wrapped = ?, vault_version = ? WHERE key_id = ?",
                    [(sealing.wrap(under, self._unwrap(k, w, v), named(k, new)), new, k) for k, w, v in page],
                )
            connection.execute(
                "UPDATE vault_keys SET wrapped = NULL, retired_at = ? WHERE version = ?", (timestamp(), old)
            )
            self._new_generation(connection)
        return new

    def rotate_root_key(self, new: RootKey, reason: str = "") -> None:
        """Wrap the vault key under another root key; from then on only that one opens the vault."""
        self.audit.record("root key rotated", reason=reason, details={"from": self.root_id, "to": new.id})
        with self._transaction(write=True) as connection:
            for version, wrapped in connection.execute(
                "SELECT version, wrapped FROM vault_keys WHERE wrapped IS NOT NULL"
            ).fetchall():
                key = self._root.unwrap(wrapped, named("vault", version))
                connection.execute(
                    "UPDATE vault_keys SET wrapped = ?, root_id = ? WHERE version = ?",
                    (new.wrap(key, named("vault", version)), new.id, version),
                )
            self._new_generation(connection)
        self._root = new

    # looking after it

    def status(self) -> dict[str, int]:
        """Counts: subjects with a key, shredded subjects, dataset keys, vault key version, retired vault keys."""
        counts = {
            "subject_keys": "SELECT count(*) FROM subject_keys WHERE shredded_at IS NULL",
            "shredded_subjects": "SELECT count(*) FROM subject_keys WHERE shredded_at IS NOT NULL",
            "dataset_keys": f"SELECT count(*) FROM secrets WHERE name LIKE '{_DATASET}%'",
            "vault_key_version": "SELECT max(version) FROM vault_keys",
            "retired_vault_keys": "SELECT count(*) FROM vault_keys WHERE retired_at IS NOT NULL",
        }
        with self._transaction() as connection:
            return {name: connection.execute(query).fetchone()[0] for name, query in counts.items()}

    def living(self, key_ids: Iterable[str]) -> dict[str, bool]:
        """Whether each key that this vault knows is alive (False: shredded); unknown ids are left out."""
        query = (
            "SELECT key_id, wrapped IS NOT NULL FROM subject_keys WHERE key_id IN (SELECT value FROM json_each(?1)) "
            "UNION ALL "
            "SELECT name, wrapped IS NOT NULL FROM secrets WHERE name IN (SELECT value FROM json_each(?1))"
        )
        with self._transaction() as connection:
            rows = connection.execute(query, (json.dumps(list(key_ids)),)).fetchall()
        return {key_id: bool(alive) for key_id, alive in rows}

    @property
    def root_id(self) -> str:
        """The id of the root key that opened this vault."""
        return self._root.id

    def versions(self) -> list[KeyVersion]:
        """Every vault key there ever was, oldest first."""
        with self._transaction() as connection:
            query = "SELECT version, root_id, created_at, retired_at FROM vault_keys ORDER BY version"
            return [KeyVersion(*row) for row in connection.execute(query)]

    def backup(self, to: Path) -> Path:
        """Copy the vault, consistent while others write, to a new file or into a folder; returns the file.

        Neither the root key nor the audit log is in it; the log is a file that can be copied at any time.
        """
        target = to / FILE if to.is_dir() else to
        if target.exists():
            raise VaultError(f"{target} exists already", "name a new file; a backup is never overwritten")
        draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        draft.unlink(missing_ok=True)
        store.create_file(draft)
        try:
            with self._transaction() as source, store.plain(draft) as copy:
                source.backup(copy)
            type(self)(draft, self._root)  # proves that it opens
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(target.parent)
        self.audit.record("vault backed up")
        return target

    # inner workings

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that sees the vault keys as they are now, whoever rotated or shredded meanwhile."""
        with self._lock, store.transaction(self.path, write=write) as connection:
            (kind, generation), *_ = connection.execute("SELECT format, generation FROM vault").fetchall() or [(0, 0)]
            if kind != store.FORMAT:
                raise VaultError(f"the vault {self.path} has a format that this release does not know", "update Cenote")
            if generation != self._generation:
                self._ciphers, self._key_ids = {}, {}
                self._load_vault_keys(connection)
                self._generation = generation
            yield connection

    def _load_vault_keys(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT version, root_id, wrapped FROM vault_keys WHERE retired_at IS NULL ORDER BY version"
        ).fetchall()
        if not rows:
            raise VaultError(f"the vault {self.path} holds no vault key", "restore the vault from its backup")
        if any(root_id != self._root.id for _, root_id, _ in rows):
            self._root = self._reload()  # it was rotated since
        if any(root_id != self._root.id for _, root_id, _ in rows):
            raise VaultError(
                f"the root key is not the one that the vault {self.path} is under",
                "give the root key that the vault was made with, or last rotated to",
            )
        self._vault_keys = {
            version: sealing.cipher(self._root.unwrap(wrapped, named("vault", version))) for version, _, wrapped in rows
        }
        self._current = rows[-1][0]

    def _secret(self, connection: sqlite3.Connection, name: str) -> bytes:
        row = connection.execute("SELECT wrapped, vault_version FROM secrets WHERE name = ?", (name,)).fetchone()
        if not row:
            raise VaultError(f"the vault {self.path} has lost its {name} secret", "restore the vault from its backup")
        return self._unwrap(name, *row)

    def _unwrap(self, name: str, wrapped: bytes, version: int) -> bytes:
        if version not in self._vault_keys:
            raise VaultError(
                "a key in the vault names a vault key that is gone: the vault was altered or is damaged",
                "restore the vault from its backup",
            )
        return sealing.unwrap(self._vault_keys[version], wrapped, named(name, version))
