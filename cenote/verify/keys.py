"""Whether the lake can be opened: its vault, every key that its payloads need, and the audit log.

Belongs here: keys by id. Must not: opening payloads (deep does).
"""

from collections.abc import Iterator

import polars as pl

from cenote.verify.model import Check, Told
from cenote.workspace import Workspace

VAULT = "restore the vault that belongs to this lake, with `audit.jsonl`: see docs/privacy.md"


def unknown_keys(space: Workspace) -> Iterator[Told]:
    """Key ids that payloads are sealed under and the vault does not hold, not even as shredded."""
    for table in space.tables("bronze"):
        ids = table.scan().select("key_id").unique().drop_nulls().collect()["key_id"]
        known = space.vault.living(ids)
        if missing := [key_id for key_id in ids if key_id not in known]:
            rows = table.scan().filter(pl.col("key_id").is_in(missing)).select(pl.len()).collect().item()
            yield Told(table.name, f"{rows:,} payloads are sealed under {len(missing):,} unknown keys", VAULT)


def living_keys_of_erased_people(space: Workspace) -> Iterator[Told]:
    """Subjects that the audit log calls shredded and whose keys live: an older vault was restored."""
    if again := space.vault.unshredded():
        yield Told("vault", f"{len(again):,} erased people have a key again", "run `cenote vault reshred`")


def altered_audit_log(space: Workspace) -> Iterator[Told]:
    """Entries of the audit log that were altered, removed, moved or cut off."""
    for problem in space.vault.audit.verify().problems:
        yield Told("audit log", problem, "find out who had access to the vault's folder; restore the log from a backup")


CHECKS = (
    Check("keys_held", "The vault opens and holds every key that payloads need.", VAULT, unknown_keys),
    Check("erased_stay_erased", "No erased person has a key again.", VAULT, living_keys_of_erased_people),
    Check("audit_whole", "The audit log was not altered.", VAULT, altered_audit_log),
)
