"""The promise of tracing, held against the lake: traced rows alone give a mart's row again, and every id resolves.

Belongs here: checking samples or whole tables, as counts. Must not: mending, or showing values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from cenote.trace.follow import Follower
from cenote.trace.made import IDS, Build
from cenote.trace.rerun import Rerun
from cenote.trace.tracer import Tracer
from cenote.views import ident, text
from cenote.workspace import Workspace
from transforms.inversion import readings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAMPS = ("event_timestamp", "created_timestamp")
_AMONG = 400  # rows are looked at for one that is chosen


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
    with Tracer(space) as tracer:
        return verify_made(tracer, table, sample)


def verify_made(tracer: Tracer, table: str, sample: int | None = None) -> Verified:
    """As :func:`verify`, with the connections of a tracer."""
    found, build = Verified(table), tracer.made.build(table)
    if build is None:
        return found
    connection, inversion = tracer.made.connection(build), tracer.made.inversion(build)
    compared = _choose(connection, build, sample)
    grain = ", ".join(map(ident, inversion.grain))
    with Follower(connection, IDS) as follower:
        traced = follower.each(inversion, f"SELECT lineage_id, {grain} FROM __chosen", build.as_of)
    by_row = {row: _by_table(part) for (row,), part in traced.partition_by("row", as_dict=True).items()}
    rerun = Rerun(connection, build.file.sql, f"SELECT {compared} FROM __chosen", build.as_of, IDS)
    chosen = [row for (row,) in connection.execute("SELECT lineage_id FROM __chosen").fetchall()]
    found.rows, found.records = len(chosen), traced.height
    found.untraced = [row for row in chosen if row not in by_row]
    _cut_down(connection, build, traced)
    failed = [row for row in by_row if not rerun.gives(by_row[row], _is(row))]
    connection.execute("USE memory")
    for row in failed:
        (found.wider if rerun.completed(by_row[row], _is(row)) else found.wrong).append(row)
    return found


def _choose(connection: "DuckDBPyConnection", build: Build, sample: int | None) -> str:
    """Put the rows to check into ``__chosen``, and return the columns to compare.

    Columns that the build makes coarser for small groups are left out, and of features the stamps, unless the SQL
    gives them.
    """
    names = [name for name, *_ in connection.execute(f"DESCRIBE {build.view}").fetchall()]
    stamps = {"lineage_id", *(_STAMPS if build.file.join_key else ())} - set(build.file.grain)
    coarser = {column for column, _ in build.file.privacy.generalize} if build.file.privacy else set()
    order = f"md5(lineage_id || {text(build.commit.version)}), lineage_id"
    limit = "" if sample is None else f"ORDER BY {order} LIMIT {sample}"
    for among in (_share(connection, build, sample), ""):
        rows = f"FROM {build.view} {among} {_newest(build, names)}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE __chosen AS SELECT * {rows} {limit}")
        if connection.execute("SELECT count(*) FROM __chosen").fetchall()[0][0] == sample:
            break
    return ", ".join(ident(name) for name in names if name not in stamps | coarser)


def _share(connection: "DuckDBPyConnection", build: Build, sample: int | None) -> str:
    """The condition on the keys among whose rows a sample is chosen, so that not all rows need be put in order."""
    (rows,) = connection.execute(f"SELECT count(*) FROM {build.view}").fetchall()[0]
    parts = rows // (_AMONG * sample) if sample else 0
    key = ident(build.file.join_key or "lineage_id")
    return f"WHERE hash({key}, {build.commit.version}) % {parts} = 0" if parts > 1 else ""


def _newest(build: Build, names: Sequence[str]) -> str:
    """Of a feature view, what was said last of each moment, or of a snapshot's entity, unless it says nothing any
    more."""
    key = build.file.join_key
    if key is None:
        return ""
    by = ident(key) if _STAMPS[0] not in build.file.grain else "lineage_id"
    says = " OR ".join(f"{ident(name)} IS NOT NULL" for name in names if name not in ("lineage_id", key, *_STAMPS))
    newest = f"row_number() OVER (PARTITION BY {by} ORDER BY {_STAMPS[0]} DESC, {_STAMPS[1]} DESC) = 1"
    return f"QUALIFY {newest} AND ({says})"


def _by_table(traced: pl.DataFrame) -> dict[str, list[str]]:
    grouped = traced.group_by("table").agg("lineage_id")
    return dict(grouped.iter_rows())


def _is(row: str) -> str:
    return f"WHERE lineage_id = {text(row)}"


def _cut_down(connection: "DuckDBPyConnection", build: Build, traced: pl.DataFrame) -> None:
    """Copy the traced rows of every table into memory, under the same names: many small questions are then quick."""
    connection.execute("ATTACH ':memory:' AS held")
    for name in readings(build.file.sql):
        schema, _, table = name.partition(".")
        full = f"{schema}.{ident(table)}"
        ids = traced.filter(pl.col("table") == name)["lineage_id"].unique().to_list()
        rows = f"SELECT * FROM memory.{full} WHERE {ident(IDS.get(name, 'lineage_id'))} IN (SELECT unnest($ids))"
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{schema}")
        connection.execute(f"CREATE TABLE held.{full} AS {rows}", {"ids": ids})
    connection.execute("USE held")
