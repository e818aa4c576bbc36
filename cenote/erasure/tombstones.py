"""Tombstones in the lake's daily life: lifting one, and what landed of erased people since.

Belongs here: records that quarantine holds for ``erased_subject``. Must not: the tombstones themselves (cenote/vault).
Late records of erased people are sealed under their dataset's key and stay in quarantine for 30 days, since somebody
may have to decide about them; other people's late records that name an erased person by id are redacted at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from cenote import silver
from cenote.erasure.find import late_mentions
from cenote.erasure.purge import bronze
from cenote.erasure.purge import silver as silver_purge
from cenote.erasure.queue import OPEN, Requests
from cenote.errors import ErasureError
from cenote.rewrite import holding
from cenote.workspace import Workspace
from transforms.rules import ERASED_SUBJECT

LATE_DAYS = 30
MENTIONS = "$mentions"


def lift(space: Workspace, subject: str, reason: str) -> bool:
    """Take a person's tombstone away; what quarantine holds of theirs is conformed again. Raises ``ErasureError``."""
    if not reason.strip():
        raise ErasureError("a tombstone is lifted for a reason only", "say why: a ticket, a request, a case")
    if any(subject in request.subjects for request in Requests(space.settings).all(*OPEN)):
        raise ErasureError("an erasure of this person is open", "let it end, or take it back")
    if not space.vault.lift(subject, reason):
        return False
    for dataset in space.contracts:
        if _held(space, dataset, pl.col("subject_id") == subject).height:
            silver.build(space, dataset, rebuild=True)
    return True


def late(space: Workspace) -> dict[str, int]:
    """Redact other people's late records that name erased people; remove these people's own after 30 days.

    Replaced records that their contract no longer keeps are forgotten too. Returns rows by dataset.
    """
    for contract in space.contracts.values():
        if (kept := contract.keep_for("bronze")) is not None:
            Requests(space.settings).drop_replaced(contract.dataset, space.clock() - kept)
    before = space.clock() - timedelta(days=LATE_DAYS)
    return {dataset: rows for dataset in space.contracts if (rows := _late(space, dataset, before))}


def _late(space: Workspace, dataset: str, before: datetime) -> int:
    named = _held(space, dataset, pl.lit(True), lambda rule: rule.struct.field("path") == MENTIONS)
    old = _held(space, dataset, pl.col("landed_at") < before, lambda rule: rule.struct.field("path") != MENTIONS)
    if not named.height and not old.height:
        return 0
    table, nobody = space.table("bronze", dataset), pl.Series("subject_id", [], dtype=pl.String)
    with space.lock(table.name):
        if named.height:
            Requests(space.settings).replace(None, late_mentions(space, dataset, named["lineage_id"]))
        version = table.version or 0
        batches = bronze.touched(space, nobody, dataset, old["lineage_id"])
        bronze.purge(space, nobody, dataset, batches, old["lineage_id"])
    silver_purge.purge(space, nobody, dataset, version, old["lineage_id"])
    return named.height + old.height


def _held(
    space: Workspace, dataset: str, rows: pl.Expr, place: Callable[[pl.Expr], pl.Expr] = lambda _: pl.lit(True)
) -> pl.DataFrame:
    """Quarantined records of erased people: file, lineage_id."""
    table = space.table("quarantine", dataset)
    if not table.exists:
        return pl.DataFrame(schema={"file": pl.String, "lineage_id": pl.String})
    rule = pl.element()
    erased = pl.col("rules").list.eval((rule.struct.field("rule") == ERASED_SUBJECT) & place(rule)).list.any()
    return holding(table, erased & rows)
