"""Removing what has passed its limit, physically: rows, the files behind them, and older versions that hold them.

Belongs here: removal. Must not: deciding what goes (rules.py). Derived layers go before silver, silver before bronze,
so that a stop in between leaves no row without its record; running again does the rest.
"""

from collections.abc import Iterable

import polars as pl

from cenote import catalog
from cenote.retention.rules import Expiry, aged, gone_passages, old_exports, plan, unowned, without_rights
from cenote.rewrite import PURGE, drop_history, edit, holding
from cenote.tables import Commit, Table
from cenote.workspace import LAYERS, Workspace

_ORDER = ("changes", "vectors", "features", "quarantine", "silver", "bronze", "audit")
_REASON = "retention"
_UNFINISHED = ".purge"


def expire(space: Workspace) -> list[Expiry]:
    """Remove what has passed its limit and return what went. Downstream tables follow at their next build.

    Older versions of tables that were built anew since an earlier purge go too; so what expires in one night and is
    built in the next hours has left every file by the following night.
    """
    going = sorted(plan(space), key=_place)
    for expiry in going:
        _remove(space, expiry)
    if sweep(space) or going:
        catalog.refresh(space)  # its views name files
    return going


def _place(expiry: Expiry) -> tuple[int, int]:
    """When a removal comes. Rights are told by silver, so there bronze goes first and silver last."""
    place = _ORDER.index(expiry.table.split("/")[0])
    return (place, 0) if expiry.rule != "rights" or place < _ORDER.index("silver") else (len(_ORDER), -place)


def _remove(space: Workspace, expiry: Expiry) -> None:
    layer, _, name = expiry.table.partition("/")
    if layer == "audit":
        space.vault.audit.prune()
    elif layer == "changes":
        for file in old_exports(space, space.contract(name), expiry.before):
            file.unlink(missing_ok=True)
    elif layer == "vectors":
        _remove_passages(space, expiry, name)
    else:
        with space.lock(expiry.table):
            _remove_rows(space, space.table(layer, name), _rows(space, expiry, name), expiry)


def _rows(space: Workspace, expiry: Expiry, name: str) -> pl.Expr:
    if expiry.rule == "rights":
        return pl.col("lineage_id").is_in(without_rights(space, space.contract(name), expiry.before).implode())
    if expiry.table.startswith("features/"):
        return pl.col("event_timestamp") < pl.lit(expiry.before)
    return unowned(space, name, expiry.before) if expiry.rule == "ownerless" else aged(expiry.before)


def _remove_rows(space: Workspace, table: Table, rows: pl.Expr, expiry: Expiry) -> None:
    """Write the files that hold such rows again without them, and drop all older versions."""
    held = holding(table, rows)
    if held.height:
        details = {"reason": _REASON, "rule": expiry.rule, "rows": held.height}
        last = next((commit for commit in table.commits() if commit.stage != PURGE), None)
        commit = Commit(PURGE, code=last.code if last else "", run_id=space.run_id, details=details)
        if expiry.table.startswith("features/") and last:  # what the table stands on must not be lost
            commit = Commit(last.stage, last.inputs, last.code, space.run_id, details={**last.details, **details})
        edit(table, held["file"].to_list(), lambda group: group.filter(~rows), commit)
    drop_history(table)


def _remove_passages(space: Workspace, expiry: Expiry, dataset: str) -> None:
    from cenote.vectors.store import LOCK, Store

    with space.lock(LOCK):
        space.path("vectors", _UNFINISHED).touch()
        Store(space).remove("passage_id", gone_passages(space, space.contract(dataset), expiry))


# the past


def sweep(space: Workspace) -> list[str]:
    """Finish what a purge began, then drop the past of derived tables that were built after one; which tables."""
    if space.path("vectors", _UNFINISHED).exists():
        _purge_passages(space)
    swept = []
    for table in [table for layer in LAYERS for table in space.tables(layer)]:
        commits = list(table.commits())
        own = any(commit.details.get("reason") == _REASON for commit in commits)
        if len(commits) > 1 and (own or _purged(space, commits[0].inputs.items())):
            with space.lock(table.name):
                drop_history(table)
            swept.append(table.name)
    return swept


def _purge_passages(space: Workspace) -> None:
    """Take the bytes of removed passages out of Lance's files and indexes."""
    from cenote.vectors.store import LOCK, Store

    with space.lock(LOCK):
        Store(space).purge()
        space.path("vectors", _UNFINISHED).unlink(missing_ok=True)


def _purged(space: Workspace, inputs: Iterable[tuple[str, int]]) -> bool:
    """Whether retention took rows from one of the inputs, at or before the version that was read."""
    for name, version in inputs:
        for commit in space.table(*name.split("/", 1)).commits():
            if commit.details.get("reason") == _REASON and commit.version <= version:
                return True
    return False
