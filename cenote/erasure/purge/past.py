"""What is left when every store has done its part: tables nobody declares any more, old versions, scratch files.

Belongs here: the sweep behind the others. Must not: any store's present.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from cenote.erasure.suppression import naming
from cenote.rewrite import PURGE, drop_history, edit, holding
from cenote.tables import Commit, Table
from cenote.workspace import LAYERS, Workspace

SCRATCH = (".spool", ".tmp")


def purge(space: Workspace, subjects: pl.Series) -> None:
    """Sweep the lake."""

    def sweep(table: Table) -> None:
        with space.lock(table.name):
            _without(space, table, subjects)
            drop_history(table)

    with ThreadPoolExecutor(2, "erasure") as threads:  # each waits for the disk by turns
        list(threads.map(sweep, [table for layer in LAYERS for table in space.tables(layer)]))
    for name in SCRATCH:
        shutil.rmtree(space.path(name), ignore_errors=True)


def _without(space: Workspace, table: Table, subjects: pl.Series) -> None:
    """Rows about the people leave a table that no contract, mart or view speaks of any more."""
    named = naming(table.schema(), subjects.to_list())
    rows = holding(table, named) if "lineage_id" in table.schema() else None
    if rows is not None and rows.height and not _is_late(table, space):
        last = table.last_commit()
        details = last.details if last else {}
        commit = Commit(PURGE, code=last.code if last else "", run_id=space.run_id, details=details)
        edit(table, rows["file"].to_list(), lambda group: group.filter(~named), commit)


def _is_late(table: Table, space: Workspace) -> bool:
    """Whether a contract speaks of the table: then what it holds of the people landed since, and is quarantined."""
    layer, _, name = table.name.partition("/")
    return layer in ("bronze", "silver", "quarantine") and name in space.contracts
