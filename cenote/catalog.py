"""The SQL door: DuckDB views over the current Parquet files of every table of the lake.

Belongs here: connections that have the views, and the catalog file that notebooks open. Must not: holding
rows (a catalog is views only), or saying what the views are (cenote/views.py, cenote/meta.py). Delta files
are immutable until they are vacuumed, so a connection reads one consistent moment while a run writes.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import polars as pl

from cenote import meta
from cenote.door.statement import calls_functions, plan
from cenote.errors import TableError, unknown
from cenote.report import StageReport
from cenote.sqltext import ident
from cenote.sqltext import reason as reason
from cenote.views import SCHEMAS, Snapshot, View, snapshots, table_views
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

NAME = "catalog/duckdb"
MEMORY_LIMIT = "1GiB"
_LOOKS_AROUND = re.compile(
    r"\b(show|use|pragma|describe|information_schema|pg_\w+|sqlite_master|duckdb_\w+|meta)\b", re.I
)
_READS = re.compile(r"\b(from|table|summarize|pivot|unpivot)\b", re.I)


def all_views(space: Workspace, found: list[Snapshot]) -> list[View]:
    """The views of the tables found, and those about the lake itself."""
    views = [view for snapshot in found for view in table_views(space, snapshot)]
    return views + meta.views(space, found, {(v.schema, v.name) for v in views})


# connections


def connect(
    space: Workspace,
    tables: Iterable[str] | None = None,
    versions: Mapping[str, int] | None = None,
    *,
    everybody: bool = False,
) -> "DuckDBPyConnection":
    """A DuckDB connection in memory with views of the tables named (``layer/table``), or of the whole lake.

    ``versions``: table versions to read instead of the current ones. The connection's time zone is UTC; what does not
    fit in memory spills into the lake, and is removed when the connection closes. ``everybody``: for builds, rows of
    people whose erasure was asked for too. Raises ``TableError``.
    """
    found = snapshots(space, tables, versions, everybody=everybody)
    views = all_views(space, found) if tables is None else [v for s in found for v in table_views(space, s)]
    connection = _open(space)
    _create(connection, views)
    return connection


def _open(space: Workspace) -> "DuckDBPyConnection":
    import duckdb

    scratch = space.path(".tmp")
    for old in scratch.glob("duckdb-*"):
        if not _alive(int(old.name.split("-")[1])):  # what a killed process left behind
            shutil.rmtree(old, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    spill = scratch / f"duckdb-{os.getpid()}-{token_hex(4)}"
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _create(connection: "DuckDBPyConnection", views: list[View], *, comments: bool = False) -> None:
    connection.execute("BEGIN")
    for schema in SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for view in views:
        connection.execute(view.create)
        for comment in view.comments if comments else ():
            connection.execute(comment)
    connection.execute("COMMIT")


def query(
    space: Workspace,
    sql: str,
    params: Mapping[str, Any] | None = None,
    limit: int | None = None,
    versions: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """Answer one SQL statement over the whole lake, with at most ``limit`` rows; or over ``versions`` of tables only.

    ``params``: named parameters; ``$as_of`` is the lake's moment unless given. The statement may call the table
    functions of cenote/door/functions.py. Raises ``TableError``, and what the stores raise.
    """
    import duckdb

    given = dict(params or {})
    if "$as_of" in sql:
        given.setdefault("as_of", space.as_of)
    try:
        tables = named_tables(sql) if versions is None else versions
        with connect(space, tables, versions) as connection:
            if calls_functions(sql):
                if versions is not None:
                    raise TableError("search, neighbors and features tell of now, not of then", "ask the lake itself")
                sql, given = _planned(space, connection, sql, given)
            relation = connection.sql(sql, params=given or None)
            if relation is None:
                return pl.DataFrame()
            answer = relation.limit(limit) if limit is not None else relation
            return pl.DataFrame(pl.from_arrow(_without_intervals(answer).to_arrow_table()))
    except duckdb.Error as error:
        raise _complaint(space, sql, error) from None


def _without_intervals(answer: "DuckDBPyRelation") -> "DuckDBPyRelation":
    """Intervals as text, since a frame has no type for months and days together."""
    if "INTERVAL" not in map(str, answer.types):
        return answer
    kinds = zip(answer.columns, answer.types, strict=True)
    told = [f"CAST({ident(c)} AS VARCHAR) AS {ident(c)}" if str(k) == "INTERVAL" else ident(c) for c, k in kinds]
    return answer.project(", ".join(told))


def _planned(
    space: Workspace, connection: "DuckDBPyConnection", sql: str, params: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The statement with relations where it calls functions of the door, and the parameters that it still has."""
    from cenote.door.functions import LakeStores

    made = plan(connection, sql, params, LakeStores(space))
    _show(space, connection, made.tables)
    return made.sql, made.params


def _show(space: Workspace, connection: "DuckDBPyConnection", tables: Iterable[str]) -> None:
    """Add views of tables that the connection does not show yet."""
    held = connection.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    missing = dict.fromkeys(table for table in tables if tuple(table.split("/")) not in held)
    _create(connection, [v for s in snapshots(space, missing) for v in table_views(space, s)])


def named_tables(sql: str) -> list[str] | None:
    """The tables that the SQL can be about, so that a quick question opens few files; None where it may be any."""
    if _LOOKS_AROUND.search(sql):
        return None
    if not _READS.search(sql):
        return []
    found = []
    for layer, name in re.findall(rf'\b({"|".join(SCHEMAS)})"?\s*\.\s*"?(\w+)', sql, re.I):
        bare = name.removesuffix("_records") if layer.lower() == "silver" else name
        found += [f"{layer.lower()}/{n}" for n in dict.fromkeys((name, bare))]
    return list(dict.fromkeys(found)) or ([] if calls_functions(sql) else None)


def _complaint(space: Workspace, sql: str, error: Exception) -> TableError:
    if calls_functions(sql) and re.search(r"Table Function with name \w+ does not exist", str(error)):
        return TableError(
            f"the SQL cannot be answered: {reason(error).splitlines()[0]}",
            "search(), neighbors() and features() can be called in the FROM of a plain SELECT",
        )
    missing = re.search(r"Table with name (\S+) does not exist", str(error))
    if not missing:
        return TableError(
            f"the SQL cannot be answered: {reason(error)}",
            "see the tables with `from meta.assets`, their columns with `from meta.columns`",
        )
    known = {f"{v.schema}.{v.name}" for v in all_views(space, snapshots(space))}
    asked = next((n for n in re.findall(r"\w+\.\w+", sql) if n.endswith(f".{missing[1]}")), missing[1])
    return TableError(unknown("table", asked, known), "see the tables with `from meta.assets`")


# the catalog file


def is_stale(space: Workspace) -> bool:
    """Whether a table, a contract or a description changed since the catalog file was written."""
    return not _stands(space, _digest(all_views(space, snapshots(space))))


def refresh(space: Workspace, *, everybody: bool = False) -> StageReport:
    """Bring ``cenote.duckdb`` up to date; nothing is done where no table, contract or description changed.

    ``everybody``: nobody is left out of the views any more, since whoever was hidden is erased.

    The new file is written aside and swapped in, so whoever has the old one open keeps reading it
    undisturbed.
    """
    import duckdb

    target = space.settings.catalog
    with space.lock("catalog"):
        views = all_views(space, snapshots(space, everybody=everybody))
        digest = _digest(views)
        if _stands(space, digest):
            return StageReport(NAME, len(views), 0, None, fresh=True)
        aside = target.with_name(f".{target.name}.new")
        for leftover in (aside, aside.with_name(f"{aside.name}.wal")):
            leftover.unlink(missing_ok=True)
        with duckdb.connect(str(aside)) as connection:
            _create(connection, views, comments=True)
        aside.replace(target)
        _stamp(space).write_text(digest)
    return StageReport(NAME, len(views), len(views), None)


def _digest(views: list[View]) -> str:
    return hashlib.sha256("\n".join(s for v in views for s in (v.create, *v.comments)).encode()).hexdigest()


def _stamp(space: Workspace) -> Path:
    """Where the digest of the catalog file's views stands, so that asking does not open the file."""
    return space.settings.catalog.with_name(f".{space.settings.catalog.name}.digest")


def _stands(space: Workspace, digest: str) -> bool:
    stamp = _stamp(space)
    return space.settings.catalog.exists() and stamp.exists() and stamp.read_text() == digest
