"""What a person asks to trace: a lineage id of any kind, or a table and a key -> rows of one table.

Belongs here: telling the kinds of ids apart, and looking keys up. Must not: tracing.
"""

import re
from collections.abc import Sequence

from cenote.errors import TableError, unknown
from cenote.lineage import BATCH_DIGITS, ROW_DIGITS
from cenote.trace.tracer import Tracer
from cenote.views import ident, text

_RECORD = re.compile(rf"^[0-9a-f]{{{BATCH_DIGITS}}}-[0-9]{{{ROW_DIGITS}}}$")
_GRAIN = re.compile(rf"^(?P<table>[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)?)-[0-9a-f]{{{BATCH_DIGITS}}}$")


def find(tracer: Tracer, what: Sequence[str]) -> tuple[str, list[str]]:
    """The table and the ids of the rows asked for. Raises ``TableError`` where there are none."""
    first, *key = what
    table, ids = _by_key(tracer, first, key) if key else _by_id(tracer, first)
    if not ids:
        raise TableError(f"no row of {table} is {' '.join(what)!r}", 'see its rows with `cenote sql "from ..."`')
    return table, ids


def _by_id(tracer: Tracer, asked: str) -> tuple[str, list[str]]:
    if _RECORD.match(asked):
        datasets = list(tracer.records.by_dataset([asked]))
        return (f"bronze/{datasets[0]}", [asked]) if datasets else ("bronze", [])
    record, *rest = asked.split("#")
    if _RECORD.match(record) and len(rest) == 2:
        if asked in tracer.records.passages([record]):
            return "vectors/passages", [asked]
        return "graph/edges", [asked] if asked in set(tracer.records.edges([record])["edge_id"]) else []
    if match := _GRAIN.match(asked):
        table = _named(tracer, match["table"])
        return table, tracer.rows(table, "lineage_id", [asked])[:1]
    raise TableError(
        f"{asked!r} is not a lineage id",
        "give the lineage_id of a row, or a table and a key: gold.daily_cash 2026-11-01",
    )


def _named(tracer: Tracer, name: str) -> str:
    """The table that ids beginning with a name belong to."""
    known = tracer.tables
    for table in (name, f"gold/{name}", f"features/{name}", f"graph/{name}"):
        if table in known:
            return table
    raise TableError(unknown("table", name, known), "see the tables with `cenote status`")


def _by_key(tracer: Tracer, name: str, key: Sequence[str]) -> tuple[str, list[str]]:
    table = name.replace(".", "/", 1)
    layer, _, short = table.partition("/")
    known = [*tracer.tables, *(t.name for t in tracer.space.tables("silver"))]
    if table not in known:
        raise TableError(
            unknown("table", name, [t.replace("/", ".", 1) for t in known]),
            "name a table of gold, features, graph or silver",
        )
    columns = _key_columns(tracer, table)
    if len(key) > len(columns):
        raise TableError(f"the key of {name} is {', '.join(columns)}", "give a value for each, in that order")
    connection = tracer.moments.connection({table: tracer.moments.present(table)})
    same = " AND ".join(f"CAST({ident(c)} AS VARCHAR) = {text(v)}" for c, v in zip(columns, key, strict=False))
    rows = connection.execute(f"SELECT DISTINCT lineage_id FROM {layer}.{ident(short)} WHERE {same}").fetchall()
    return table, sorted(i for (i,) in rows)


def _key_columns(tracer: Tracer, table: str) -> tuple[str, ...]:
    layer, _, name = table.partition("/")
    if layer == "silver":
        return tracer.space.contract(name).primary_key
    if table in tracer.made.files:
        return tracer.made.files[table].grain
    return ("edge_id",) if name == "edges" else ("node",)
