"""Tracing: any row back to the raw records that made it, any record or person forward to all that is made of them.

Belongs here: the doors. ``model`` is what a trace is, ``tracer`` knows which store leads to which, ``find`` what is
asked for, ``made`` follows SQL files by their inversion (``follow`` runs it), ``moments`` the table versions,
``records`` looks rows up.
"""

from cenote.trace.find import find
from cenote.trace.model import Part, Trace
from cenote.trace.tracer import Tracer
from cenote.workspace import Workspace

__all__ = ["Part", "Trace", "Tracer", "footprint", "trace"]


def trace(space: Workspace, *what: str) -> Trace:
    """Trace a row, in both directions.

    ``what``: a lineage id of any store (record, mart row, feature row, edge, passage), or a table and the values of
    its key as DuckDB prints them (``"gold.daily_cash", "2026-11-01"``). Raises ``TableError`` where there is no such
    row.
    """
    with Tracer(space) as tracer:
        return trace_with(tracer, *what)


def trace_with(tracer: Tracer, *what: str) -> Trace:
    """The same with a tracer that is kept open between traces."""
    table, ids = find(tracer, what)
    start = tracer.up(table, ids)
    layer, _, name = table.partition("/")
    if layer in ("bronze", "silver", "quarantine"):
        start.makes = tracer.down({name: ids})
        if layer != "bronze":  # the row itself is shown once, with what lies behind it
            start.makes = [p for made in start.makes for p in (made.makes if made.table == table else [made])]
    elif layer != "vectors":
        start.makes = tracer.down_from(table, ids)
    return Trace(" ".join(what), start, list(tracer.moments.notes))


def footprint(space: Workspace, subject: str) -> Trace:
    """All that the lake holds about a person: records that they own or that name them, and what is made of these."""
    with Tracer(space) as tracer:
        return tracer.footprint(subject)
