"""What would go, per store, if people were erased: a dry run that changes nothing.

Belongs here: counting. Must not: removing. Counts are of rows; of an answer, only counts and names of tables are told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from cenote.erasure.find import Found, find
from cenote.erasure.outcome import Hold
from cenote.erasure.people import People
from cenote.erasure.suppression import naming
from cenote.tables import Table
from cenote.workspace import LAYERS, Workspace

REMOVED, REDACTED, KEPT, REBUILT = "removed", "redacted", "kept without the person", "rebuilt"


@dataclass(frozen=True)
class Line:
    """One line of a plan: a store, how many of its rows, and what becomes of them."""

    store: str
    rows: int
    what: str
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What would become of people: ``lines`` in the order of the stores; ``waiting``: files that wait to be landed."""

    subjects: int
    lines: tuple[Line, ...]
    holds: tuple[Hold, ...]
    waiting: int


def plan(space: Workspace, people: People) -> Plan:
    """Look through the lake. Opens the people's own records, which the audit log tells."""
    from cenote import bronze

    space.vault.audit.record("erasure planned", about=list(people.pseudonyms))
    found = find(space, people)
    counts = removed(space, people.pseudonyms)
    lines = [*_bronze_lines(found), *(Line(store, rows, REMOVED) for store, rows in counts.items())]
    rest = [t for t in rebuilt(space) if t not in counts]
    lines += [Line(table, 0, REBUILT, "aggregates over everybody") for table in rest] if found.own else []
    files = sum(len(bronze.waiting(space, dataset)) for dataset in space.contracts)
    return Plan(len(people.pseudonyms), tuple(lines), holds(space, found), files)


def _bronze_lines(found: Found) -> Iterator[Line]:
    for dataset, records in found.own.items():
        held = found.held.get(dataset, 0)
        if records > held:
            yield Line(f"bronze/{dataset}", records - held, REMOVED)
        if held:
            yield Line(f"bronze/{dataset}", held, KEPT, "legal hold: the contract says erasure: anonymize")
    for dataset, records in found.mentioning.items():
        yield Line(f"bronze/{dataset}", records, REDACTED, "other people's records that mention the person")


def holds(space: Workspace, found: Found) -> tuple[Hold, ...]:
    """What stays under legal hold, and on which basis."""
    basis = {name: space.contract(name).lawful_basis or "erasure: anonymize" for name in found.held}
    return tuple(Hold(name, basis[name], count) for name, count in found.held.items())


def rebuilt(space: Workspace) -> list[str]:
    """Tables that are computed over everybody."""
    return [table.name for layer in ("gold", "graph", "features") for table in space.tables(layer)]


def removed(space: Workspace, subjects: pl.Series) -> dict[str, int]:
    """Rows about the people after bronze, by store."""
    counts = {
        t.name: _rows(t, subjects) for layer in LAYERS if layer not in ("bronze", "meta") for t in space.tables(layer)
    }
    return {store: rows for store, rows in (counts | _passages(space, subjects)).items() if rows}


def _rows(table: Table, subjects: pl.Series) -> int:
    return int(table.scan().filter(naming(table.schema(), subjects.to_list())).select(pl.len()).collect().item())


def _passages(space: Workspace, subjects: pl.Series) -> dict[str, int]:
    from cenote.vectors.store import Store, equals, one_of

    store = Store(space)
    if store.identity is None:
        return {}
    datasets = [c.dataset for c in space.contracts.values() if c.passages]
    mine = one_of("subject_id", subjects)
    return {f"vectors/{d}": int(store.table.count_rows(f"{equals('dataset', d)} AND {mine}")) for d in datasets}
