"""Passages in clear text, for holders of the keys who say why.

Belongs here: opening what hits were made of. Must not: ranking. Clear text is stored once: in bronze, sealed under the
key of its data subject. Passages and vectors are made of masked text, and lead to their record by its lineage id; so
an erasure, a rotation or a retention of bronze has no second copy to reach.
"""

import polars as pl

from cenote.errors import VaultError
from cenote.records import open_records
from cenote.workspace import Workspace
from transforms import passages as texts
from transforms.conform import conform

_WHOLE = 2**62  # chunks of masked text have no counterpart in the clear one, so that is given as a whole


def with_clear_text(space: Workspace, hits: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Hits with ``clear_text``: what the passage's row says unmasked, all chunks of it.

    Null where a key was shredded or the record has left bronze. The audit log names records, people and the reason
    before anything is opened; searches leave hidden people out before this. Raises ``VaultError`` without a reason or
    keys.
    """
    if not reason.strip():
        raise VaultError("passages are revealed for a reason only", "say why: a ticket, a request, a case")
    about = [*hits["lineage_id"].unique().sort(), *hits["subject_id"].drop_nulls().unique().sort()]
    details = {"datasets": hits["dataset"].unique().sort().to_list()}
    space.vault.audit.record("reveal", about=about, reason=reason, details=details)
    found = [
        _clear(space, str(dataset), part["lineage_id"].unique())
        for (dataset,), part in hits.group_by("dataset", maintain_order=True)
    ]
    empty = pl.DataFrame(schema={"lineage_id": pl.String, "namespace": pl.String, "clear_text": pl.String})
    return hits.join(pl.concat([empty, *found]), on=["lineage_id", "namespace"], how="left", maintain_order="left")


def _clear(space: Workspace, dataset: str, lineage_ids: pl.Series) -> pl.DataFrame:
    """lineage_id, namespace, clear_text of records."""
    contract = space.contract(dataset)
    rows = conform(open_records(space, dataset, lineage_ids), contract).valid
    rows = rows.with_columns(mentions=pl.lit(None, pl.List(pl.String)))  # columns of passages that are not asked for
    told = texts.passages(rows, contract, size=_WHOLE, overlap=0)
    return told.group_by("lineage_id", "namespace", maintain_order=True).agg(
        pl.col("text").str.join("\n\n").alias("clear_text")
    )
