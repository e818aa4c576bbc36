"""One raw record in clear text, for a person who holds the keys and says why.

Belongs here: opening a single record, audited. Must not: opening many; that is what stages do, in memory only. The
audit entry is on the disk before the payload is opened, so nobody sees a record without a trace.
"""

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from cenote.erasure.suppression import hidden
from cenote.errors import TableError, VaultError
from cenote.lineage import RecordId
from cenote.records import batches, open_payloads
from cenote.workspace import Workspace


@dataclass(frozen=True)
class Revealed:
    """A raw record, opened. ``payload`` holds its exact bytes and stays out of ``repr``."""

    lineage_id: str
    dataset: str
    landed_at: datetime
    subject_id: str | None
    payload: bytes = field(repr=False)


def reveal(space: Workspace, lineage_id: str, reason: str) -> Revealed:
    """Open one record of bronze.

    Raises ``VaultError`` where no reason is given, the key was shredded or the payload was altered or moved;
    ``TableError`` where there is no such record; ``CenoteError`` where ``lineage_id`` is not that of a record.
    """
    if not reason.strip():
        raise VaultError("a record is revealed for a reason only", "say why: a ticket, a request, a case")
    batch_id = RecordId.parse(lineage_id).batch_id
    dataset = _dataset(space, batch_id)
    found = space.table("bronze", dataset).scan().filter(pl.col("lineage_id") == lineage_id).collect()
    if found.is_empty():
        raise TableError(
            f"bronze holds no record {lineage_id}, though its batch was landed",
            "it left by retention or erasure, or the row number is beyond the batch",
        )
    row = found.row(0, named=True)
    if row["subject_id"] in hidden(space):
        raise VaultError(
            f"record {lineage_id} is about a person whose erasure was asked for; no door shows it",
            "see `cenote subject status`; while its grace lasts, the request can be taken back",
        )
    about = [lineage_id, *([row["subject_id"]] if row["subject_id"] else [])]
    space.vault.audit.record("reveal", about=about, reason=reason, details={"dataset": dataset})
    (payload,) = open_payloads(space, dataset, found.head(1))
    if payload is None:
        raise VaultError(
            f"record {lineage_id} cannot be opened any more: the key of its data subject was shredded",
            "there is no way back; the person was erased",
        )
    return Revealed(lineage_id, dataset, row["landed_at"], row["subject_id"], payload)


def _dataset(space: Workspace, batch_id: str) -> str:
    found = batches(space).filter(pl.col("batch_id") == batch_id)
    if found.is_empty():
        raise TableError(
            f"no batch {batch_id} was landed in this lake", "take the lineage id from a row of this lake's tables"
        )
    return str(found["dataset"][0])
