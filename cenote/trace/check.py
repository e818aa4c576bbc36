"""The promise of tracing, held against the lake: traced rows alone give a mart's row again, and every id resolves.

Belongs here: checking samples or whole tables, as counts. Must not: mending, or showing values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cenote.trace.follow import Follower
from cenote.trace.made import IDS, Build
from cenote.trace.rerun import Rerun
from cenote.trace.tracer import Tracer
from cenote.views import ident, text
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SMALL = 100_000  # rows of all inputs together: they are copied into memory
_STAMPS = ("event_timestamp", "created_timestamp")


@dataclass
class Verified:
    """What became of the rows that were checked.

    ``records``: base rows they were traced to, counted for each row. ``wrong``: rows whose traced rows do not give
    them again. ``wider``: rows that come again only with further rows, since their SQL reads a table more than once.
    ``untraced``: rows that nothing was found for: a moment that left a feature's history.
    """

    table: str
    rows: int = 0
    records: int = 0
    wrong: list[str] = field(default_factory=list)
    wider: list[str] = field(default_factory=list)
    untraced: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every row came again."""
        return not self.wrong


def verify(space: Workspace, table: str, sample: int | None = None) -> Verified:
    """Trace rows of a mart or feature view (``gold/daily_cash``) and run its SQL over each row's traced rows alone.

    ``sample``: how many rows, others after each commit (None: all). Raises ``SqlFileError`` where the SQL cannot be
    inverted.
    """
    found = Verified(table)
    with Tracer(space) as tracer:
        build = tracer.made.build(table)
        if build is None:
            return found
        connection, inversion = tracer.made.connection(build), tracer.made.inversion(build)
        ids = _chosen(connection, build, sample)
        if sum(held.count() for name in build.versions if (held := tracer.moments.table(name))) < _SMALL:
            connection = _in_memory(connection, tracer.moments.columns(connection))
        columns = [name for name, *_ in connection.execute(f"DESCRIBE {build.view}").fetchall()]
        compared = ", ".join(ident(c) for c in columns if c != "lineage_id" and not _is_stamp(build, c))
        grain = ", ".join(ident(c) for c in inversion.grain)
        for lineage_id in ids:
            row = f"SELECT * FROM {build.view} WHERE lineage_id = {text(lineage_id)}"
            if table.startswith("features/"):  # what was said of the moment last
                row += f" ORDER BY {_STAMPS[1]} DESC LIMIT 1"
            with Follower(connection, IDS) as follower:
                made_of = follower.backward(inversion, f"SELECT {grain} FROM ({row})", build.as_of)
            traced = {t: s.to_list() for t, s in made_of.items()}
            found.rows += 1
            found.records += sum(map(len, traced.values()))
            rerun = Rerun(connection, build.file.sql, f"SELECT {compared} FROM ({row})", build.as_of, IDS)
            if not traced:
                found.untraced.append(lineage_id)
            elif not rerun.gives(traced):
                (found.wider if rerun.completed(traced) else found.wrong).append(lineage_id)
    return found


def _is_stamp(build: Build, column: str) -> bool:
    """Whether a feature's column is stamped by the build rather than given by the SQL."""
    return column in _STAMPS and build.table.startswith("features/") and column not in build.file.grain


def _chosen(connection: "DuckDBPyConnection", build: Build, sample: int | None) -> Sequence[str]:
    limit = "" if sample is None else f" LIMIT {sample}"
    order = f"md5(lineage_id || {text(build.commit.version)}), lineage_id"
    rows = connection.execute(
        f"SELECT DISTINCT lineage_id, {order} FROM {build.view} ORDER BY {order}{limit}"
    ).fetchall()
    return [row[0] for row in rows]


def _in_memory(connection: "DuckDBPyConnection", tables: dict[str, tuple[str, ...]]) -> "DuckDBPyConnection":
    """The same tables under the same names, copied: many small questions are then quick."""
    connection.execute("ATTACH IF NOT EXISTS ':memory:' AS held")
    for name in tables:
        schema, _, table = name.partition(".")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{ident(schema)}")
        source = f"memory.{ident(schema)}.{ident(table)}"
        connection.execute(f"CREATE TABLE IF NOT EXISTS held.{ident(schema)}.{ident(table)} AS FROM {source}")
    connection.execute("USE held")
    connection.execute("SET threads = 1")
    return connection
