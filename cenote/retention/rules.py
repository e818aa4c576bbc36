"""What has passed its limit, by contract, layer and right.

Belongs here: finding it; reads only. Must not: removing it (remove.py). All rows carry ``landed_at``, so age needs no
look at the data; the end of a right to use something is a column that the contract names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from cenote.records import under_hold
from cenote.retention.limits import analytics, limit, ownerless
from cenote.tables import Table
from cenote.workspace import Workspace
from transforms.contract import Contract

LAYERS = ("bronze", "silver", "quarantine")
CHANGES = "changes"
"""The folder of the lake in which exported change events lie."""


@dataclass(frozen=True)
class Expiry:
    """Rows of one table that have passed a limit: which rule, the moment that it sets, and how many.

    ``rule``: ``age``, ``ownerless`` (nobody's records), ``rights`` (the right to use something has ended). ``table``:
    a table, ``vectors/<dataset>``, ``audit`` (rows are entries) or ``changes`` (rows are files).
    """

    table: str
    rule: str
    before: datetime
    rows: int


def plan(space: Workspace) -> list[Expiry]:
    """What :func:`cenote.retention.expire` would remove now; reads only."""
    found = [e for contract in space.contracts.values() for e in _of_dataset(space, contract)]
    return [e for e in (*found, *_features(space), *_audit(space), *_changes(space)) if e.rows]


def _of_dataset(space: Workspace, contract: Contract) -> Iterator[Expiry]:
    now = space.clock()
    for layer in LAYERS:
        table = space.table(layer, contract.dataset)
        if not table.exists:
            continue
        kept, nobodys = limit(contract, layer), ownerless(contract)
        if kept is not None:
            yield Expiry(table.name, "age", now - kept, _count(table, aged(now - kept)))
        if nobodys is not None:
            before = now - nobodys
            yield Expiry(table.name, "ownerless", before, _count(table, unowned(space, contract.dataset, before)))
    yield from _rights(space, contract, now)
    yield from _passages(space, contract, now)


def aged(before: datetime) -> pl.Expr:
    """Rows that landed before a moment."""
    return pl.col("landed_at") < pl.lit(before)


def unowned(space: Workspace, dataset: str, before: datetime) -> pl.Expr:
    """Nobody's rows that landed before a moment; what stays under legal hold without its person is not among them."""
    held = pl.col("lineage_id").is_in(under_hold(space, dataset).implode())
    return aged(before) & pl.col("subject_id").is_null() & ~held


def _count(table: Table, rows: pl.Expr) -> int:
    return int(table.scan().filter(rows).select(pl.len()).collect().item())


# rights


def _rights(space: Workspace, contract: Contract, now: datetime) -> Iterator[Expiry]:
    ids = without_rights(space, contract, now)
    for layer in ("bronze", "silver") if len(ids) else ():
        table = space.table(layer, contract.dataset)
        yield Expiry(table.name, "rights", now, _count(table, pl.col("lineage_id").is_in(ids.implode())))


def without_rights(space: Workspace, contract: Contract, now: datetime) -> pl.Series:
    """Records of everything whose right of use has ended: of a key, all versions, if its newest one says so."""
    table, column = space.table("silver", contract.dataset), contract.rights_until
    if column is None or not table.exists:
        return pl.Series("lineage_id", dtype=pl.String)
    ends = pl.col(column).cast(pl.Datetime("us", "UTC")) <= pl.lit(now)
    rows = table.scan()
    if not contract.keyed:
        return rows.filter(ends).select("lineage_id").collect()["lineage_id"]
    key = list(contract.primary_key)
    ended = rows.filter("is_current", ends).select(key)
    return rows.select("lineage_id", *key).join(ended, on=key, how="semi").collect()["lineage_id"]


# what is made of silver


def _passages(space: Workspace, contract: Contract, now: datetime) -> Iterator[Expiry]:
    if not contract.passages:
        return
    kept = limit(contract, "passages")
    for rule, before in (("age", now - kept if kept else None), ("rights", now if contract.rights_until else None)):
        if before is not None:
            told = Expiry(f"vectors/{contract.dataset}", rule, before, 0)
            yield replace(told, rows=len(gone_passages(space, contract, told)))


def gone_passages(space: Workspace, contract: Contract, expiry: Expiry) -> pl.Series:
    """Passages, by id, whose record has passed a limit."""
    from cenote.vectors.store import Store, equals

    silver, store = space.table("silver", contract.dataset), Store(space)
    none = pl.Series("passage_id", dtype=pl.String)
    if store.identity is None or not silver.exists:
        return none
    if expiry.rule == "rights":
        old = without_rights(space, contract, expiry.before).to_frame()
    else:
        old = silver.scan().filter(aged(expiry.before)).select("lineage_id").collect()
    if old.is_empty():
        return none
    held = store.rows(["passage_id", "lineage_id"], equals("dataset", contract.dataset))
    return held.join(old, on="lineage_id", how="semi")["passage_id"]


def view_limit(space: Workspace, view: str) -> timedelta | None:
    """How long a feature view keeps its rows: the shortest limit among the datasets that it is made of."""
    from cenote.features import views

    datasets = _datasets(space, views(space)[view].inputs)
    limits = [kept for name in datasets if (kept := limit(space.contract(name), "features")) is not None]
    return min(limits, default=None)


def _datasets(space: Workspace, inputs: tuple[str, ...]) -> set[str]:
    """The datasets that tables are made of, through marts and the graph."""
    from cenote.gold import marts

    found: set[str] = set()
    for layer, _, name in (table.partition("/") for table in inputs):
        if layer == "silver" and name in space.contracts:
            found.add(name)
        elif layer == "gold":
            found |= _datasets(space, tuple(marts(space)[name].inputs))
        elif layer == "graph":
            found |= {c.dataset for c in space.contracts.values() if c.edges}
    return found


def _features(space: Workspace) -> Iterator[Expiry]:
    from cenote.features import views

    now = space.clock()
    for view in views(space):
        table, kept = space.table("features", view), view_limit(space, view)
        if kept is not None and table.exists:
            old = pl.col("event_timestamp") < pl.lit(now - kept)
            yield Expiry(table.name, "age", now - kept, _count(table, old))


# what is not a table


def _audit(space: Workspace) -> Iterator[Expiry]:
    from cenote.audit import FILE, RETENTION

    before = space.clock() - RETENTION
    if (space.settings.vault / FILE).exists():
        limit_at = before.isoformat(timespec="seconds")
        yield Expiry("audit", "age", before, sum(entry.at < limit_at for entry in space.vault.audit.entries()))


def _changes(space: Workspace) -> Iterator[Expiry]:
    now = space.clock()
    for contract in space.contracts.values():
        before = now - analytics(contract)
        yield Expiry(f"{CHANGES}/{contract.dataset}", "age", before, len(old_exports(space, contract, before)))


def old_exports(space: Workspace, contract: Contract, before: datetime) -> list[Path]:
    """Exported change events in the lake that were written before a moment: files, by their names' dates."""
    folder = space.path(CHANGES, contract.dataset)
    stamp = f"{before:%Y%m%dT%H%M%S}"
    return sorted(file for file in folder.glob("*") if file.is_file() and file.name[:15] < stamp)
