"""Retention: rows that a contract no longer keeps are removed, from the present and from the files behind it.

Belongs here: what is too old, by contract and layer, and its removal. Must not: erasure of a person, which follows
lineage.

A record that leaves bronze takes its silver and quarantine rows along, since every row must lead back to a raw
record; so the bronze limit binds the layers after it. All rows carry ``landed_at``, so age needs no look at the data.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from cenote.tables import Commit, Table
from cenote.workspace import Workspace
from transforms.contract import Contract

OWNERLESS_DAYS = 30
FOLLOWS = {"bronze": (), "silver": ("bronze",), "quarantine": ("bronze", "silver")}


@dataclass(frozen=True)
class Expiry:
    """Rows of one table that have passed their limit: the moment before which they landed, and how many."""

    table: str
    before: datetime
    rows: int


def limit(contract: Contract, layer: str) -> timedelta | None:
    """How long ``layer`` keeps a dataset's rows: its own limit or that of a layer that it follows, the shorter one."""
    limits = [kept for name in (layer, *FOLLOWS[layer]) if (kept := contract.keep_for(name)) is not None]
    return min(limits, default=None)


def plan(space: Workspace) -> list[Expiry]:
    """What :func:`expire` would remove now; reads only."""
    found = []
    for contract in space.contracts.values():
        for layer in FOLLOWS:
            kept, table = limit(contract, layer), space.table(layer, contract.dataset)
            if kept is not None and table.exists:
                before = space.clock() - kept
                rows = table.scan().filter(pl.col("landed_at") < before).select(pl.len()).collect().item()
                found += [Expiry(table.name, before, rows)] if rows else []
    return found


def expire(space: Workspace) -> list[Expiry]:
    """Remove what has passed its limit and return what went. Downstream tables follow at their next build.

    Silver goes before bronze, so that a stop in between leaves no row without its record.
    """
    going = sorted(plan(space), key=lambda e: list(FOLLOWS).index(e.table.split("/")[0]), reverse=True)
    for expiry in going:
        layer, name = expiry.table.split("/")
        with space.lock(expiry.table):
            _remove(space.table(layer, name), expiry, space.run_id)
    return going


def _remove(table: Table, expiry: Expiry, run_id: str) -> None:
    """Delete by landing time, which is no personal data, and drop the old files."""
    commit = Commit("purge", run_id=run_id, details={"reason": "retention", "rows": expiry.rows})
    table.delete(f"landed_at < TIMESTAMP '{expiry.before:%Y-%m-%dT%H:%M:%S.%fZ}'", commit)
    table.vacuum()
