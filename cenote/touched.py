"""Which keys of a mart or feature view can have changed since it was built, so that their rows alone are computed.

Belongs here: from the commits of the inputs to a temporary table of keys. Must not: the proof that rows of a key come
of that key's base rows alone (transforms/locality.py), writing. A row of silver keeps what it says; what changes is
whether it counts. So the keys that new and moved rows bear on are all that can have changed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cenote.sqltext import text
from cenote.tables import HistoryGone
from cenote.workspace import Workspace
from transforms.locality import ROWS, TOUCHED, Local, local

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RECORDS = "_records"
_MOST = 3  # where more than one row in so many is of a touched key, the whole is computed as fast


def touched(
    space: Workspace, connection: "DuckDBPyConnection", sql: str, key: str, before: Mapping[str, int]
) -> Local | None:
    """Make the temporary table of the keys that changed, and give the SELECT that is cut down to them.

    ``before``: the versions of the inputs that the last build read. None where not known, or where it does not pay.
    """
    cut = local(sql, key)
    if cut is None:
        return None
    parts = []
    for table, selects in cut.keys.items():
        layer, _, name = table.partition(".")
        files = _added(space, layer, name.removesuffix(_RECORDS) if layer == "silver" else name, before)
        if files is None:
            return None
        rows = f"read_parquet([{', '.join(map(text, files))}], union_by_name = true, hive_partitioning = false)"
        parts += [f"WITH {ROWS} AS (FROM {rows}) {select}" for select in selects] if files else []
    listed = " UNION ".join(f"(SELECT * FROM ({part}) AS t(entity))" for part in parts)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS {listed or 'SELECT NULL AS entity LIMIT 0'}")
    nameless = connection.execute(f"SELECT count(*) FROM {TOUCHED} WHERE entity IS NULL").fetchall()[0][0]
    return None if nameless else cut


def few(connection: "DuckDBPyConnection", relation: str, key: str) -> bool:
    """Whether the touched keys are those of so few rows of a stored table that it pays to compute them alone."""
    counted = f"SELECT count(*), count(*) FILTER (WHERE {key} IN (SELECT entity FROM {TOUCHED})) FROM {relation}"
    rows, theirs = connection.execute(counted).fetchall()[0]
    return bool(theirs * _MOST <= rows)


def _added(space: Workspace, layer: str, name: str, before: Mapping[str, int]) -> list[str] | None:
    """Files with the rows that an input got or moved since; None where that is not known."""
    table, last = space.table(layer, name), before.get(f"{layer}/{name}")
    if last is None:
        return None
    if table.content_version == last:
        return []
    try:
        return table.added_since(last, none_lost=True) if layer == "silver" else None
    except HistoryGone:
        return None
