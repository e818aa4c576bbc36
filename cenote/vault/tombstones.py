"""The end of keys: closing a subject, shredding its key, and the tombstone that both leave.

Belongs here: what makes sure that an erased person never gets a key again. Must not: the lake, or when a person is
erased (cenote/erasure). A tombstone is the subject's row in the vault without a usable key; it holds the pseudonym
alone. A closed subject has its tombstone already, while its old records can still be opened; a shredded one cannot.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager

from cenote.audit import AuditLog
from cenote.vault import store
from cenote.vault.creation import timestamp

SHREDDED = "keys shredded"
LIFTED = "tombstone lifted"


class Tombstones:
    """The part of a vault that ends keys; see :class:`cenote.vault.vault.Vault`."""

    audit: AuditLog
    _current: int

    def _transaction(self, *, write: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def close(self, subject_ids: Iterable[str]) -> None:
        """Leave a tombstone for subjects: nothing is sealed for them from now on. Old records can still be opened."""
        with self._transaction(write=True) as connection:
            self._mark(connection, list(dict.fromkeys(subject_ids)))

    def shred(self, subject_ids: Iterable[str], reason: str = "") -> int:
        """Destroy the keys of subjects for good and leave a tombstone, so they never get a new one. Returns how many.

        A subject without a key gets a tombstone too.
        """
        wanted = list(dict.fromkeys(subject_ids))
        if wanted:
            self.audit.record(SHREDDED, about=wanted, reason=reason)
        with self._transaction(write=True) as connection:
            unseen = self._mark(connection, wanted)
            done = connection.execute(
                "UPDATE subject_keys SET wrapped = NULL "
                "WHERE subject_id IN (SELECT value FROM json_each(?)) AND wrapped IS NOT NULL",
                (json.dumps(wanted),),
            )
            self._new_generation(connection)
        return unseen + done.rowcount

    def tombstones(self, subject_ids: Iterable[str] | None = None) -> frozenset[str]:
        """The subjects, of those named or of all, that have a tombstone."""
        named = None if subject_ids is None else json.dumps(list(dict.fromkeys(subject_ids)))
        query = "SELECT subject_id FROM subject_keys WHERE shredded_at IS NOT NULL AND subject_id NOT LIKE '%/key_%'"
        if named is not None:
            query += " AND subject_id IN (SELECT value FROM json_each(?))"
        with self._transaction() as connection:
            found = connection.execute(query, () if named is None else (named,)).fetchall()
        return frozenset(subject for (subject,) in found)

    def lift(self, subject_id: str, reason: str) -> bool:
        """Take the tombstone of a subject away: new records of theirs get a new key. What was shredded stays shut.

        Returns whether there was one. The audit log has it, with the reason, before it happens.
        """
        if subject_id not in self.tombstones([subject_id]):
            return False
        self.audit.record(LIFTED, about=[subject_id], reason=reason)
        with self._transaction(write=True) as connection:
            # The row stays under another name: old records are then those of a shredded key, and not of an unknown one.
            connection.execute(
                "UPDATE subject_keys SET subject_id = subject_id || '/' || key_id "
                "WHERE subject_id = ? AND shredded_at IS NOT NULL",
                (subject_id,),
            )
            self._new_generation(connection)
        return True

    def unshredded(self) -> list[str]:
        """Subjects that were shredded, as the audit log says, and whose keys live: an older vault was restored."""
        gone: set[str] = set()
        for entry in self.audit.entries():
            if entry.what == SHREDDED:
                gone.update(entry.about)
            elif entry.what == LIFTED:
                gone.difference_update(entry.about)
        with self._transaction() as connection:
            found = store.key_ids(connection, sorted(gone))
        return sorted(subject for subject in gone if found.get(subject, subject))

    def _mark(self, connection: sqlite3.Connection, subjects: list[str]) -> int:
        """Give subjects a tombstone where they have none; returns how many the vault had never seen."""
        known, now = store.key_ids(connection, subjects), timestamp()
        unseen = [(new_key_id(), s, self._current, now, now) for s in subjects if s not in known]
        connection.executemany("INSERT INTO subject_keys VALUES (?, ?, NULL, ?, ?, ?)", unseen)
        connection.execute(
            "UPDATE subject_keys SET shredded_at = ?1 "
            "WHERE subject_id IN (SELECT value FROM json_each(?2)) AND shredded_at IS NULL",
            (now, json.dumps(subjects)),
        )
        self._new_generation(connection)
        return len(unseen)

    def _new_generation(self, connection: sqlite3.Connection) -> None:
        """Tell every opened vault, this one included, to forget what it remembers."""
        connection.execute("UPDATE vault SET generation = generation + 1")


def new_key_id() -> str:
    """A key id that says nothing about its subject."""
    return f"key_{os.urandom(12).hex()}"
