"""Tables over the whole graph: ``graph/nodes``, ``graph/pagerank``, ``graph/communities``.

Belongs here: when they are stale and what a row of them is. Must not: an algorithm (transforms/graph).

PageRank and communities are computed over the edges that hold at the lake's ``as_of``. A commit records until
when that set of edges stays the same, so a day on which no edge begins or ends computes nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import duckdb
import polars as pl

from cenote.errors import GraphError, unknown
from cenote.lineage import grain_id_sql
from cenote.report import StageReport, up_to_date
from cenote.tables import Commit, Table
from cenote.workspace import Workspace
from transforms import graph as algorithms

_CODE = "graph-1"  # raise when transforms/graph gives other numbers for the same edges
_ENDS = ["source", "target", "weight", "valid_from", "valid_to"]


def build_nodes(space: Workspace, rebuild: bool = False) -> StageReport:
    """``graph/nodes``, a row per end of any edge, ended ones included.

    Columns: lineage_id, node, entity, value, first_seen and last_seen (when its first and last edge began),
    degree_in, degree_out (edges).
    """
    return _build(space, "nodes", rebuild)


def build_pagerank(space: Workspace, rebuild: bool = False) -> StageReport:
    """``graph/pagerank``: lineage_id, node, entity, pagerank (sums to 1), over weighted edges that hold now."""
    return _build(space, "pagerank", rebuild)


def build_communities(space: Workspace, rebuild: bool = False) -> StageReport:
    """``graph/communities``: lineage_id, node, entity, community (0 is the largest), size, over edges that hold now."""
    return _build(space, "communities", rebuild)


def is_stale(space: Workspace, table: str) -> bool:
    """Whether ``graph/<table>`` was made from other edges than hold now; reads logs only. Raises ``GraphError``."""
    if table not in METRICS:
        raise GraphError(unknown("graph table", table, METRICS))
    edges = space.table("graph", "edges")
    return edges.exists and not _stands(space, space.table("graph", table), _commit(space, edges, table))


def _commit(space: Workspace, edges: Table, name: str) -> Commit:
    return Commit(name, inputs={edges.name: edges.version or 0}, code=_CODE, run_id=space.run_id)


def _stands(space: Workspace, table: Table, commit: Commit) -> bool:
    """Whether the table came from these edges, and at a moment since which none has begun or ended."""
    last = table.last_commit()
    if last is None or not up_to_date(table, commit):
        return False
    holds_from, holds_until = last.details.get("as_of"), last.details.get("holds_until")
    begun = holds_from is None or datetime.fromisoformat(holds_from) <= space.as_of
    return begun and (holds_until is None or space.as_of < datetime.fromisoformat(holds_until))


def _build(space: Workspace, name: str, rebuild: bool) -> StageReport:
    table, edges = space.table("graph", name), space.table("graph", "edges")
    with space.lock(table.name):
        if not edges.exists:
            return StageReport.unchanged(table)
        commit = _commit(space, edges, name)
        if not rebuild and _stands(space, table, commit):
            return StageReport.unchanged(table)
        ends = edges.scan(commit.inputs[edges.name]).select(_ENDS)
        found = METRICS[name](ends, space.as_of)
        details = {} if name == "nodes" else _span(ends, space.as_of)
        version = table.overwrite(_with_lineage(found, table.name), replace(commit, details=details))
        return StageReport(table.name, found.height, found.height, version)


def _span(ends: pl.LazyFrame, as_of: datetime) -> dict[str, str | None]:
    """The moment of a result, and the next at which an edge begins or ends."""
    moments = pl.concat([ends.select(pl.col(c).alias("at")) for c in ("valid_from", "valid_to")])
    until = moments.filter(pl.col("at") > as_of).select(pl.col("at").min()).collect().item()
    return {"as_of": as_of.isoformat(), "holds_until": until.isoformat() if until else None}


def _with_lineage(found: pl.DataFrame, table: str) -> pl.DataFrame:
    """Name each row after table and node, and split the node's name."""
    with duckdb.connect() as db:
        db.register("found", found.select("node").to_arrow())
        named = db.sql(f"SELECT {grain_id_sql(table, ['node'])} AS lineage_id FROM found").to_arrow_table()
    entity = pl.col("node").str.extract("^([^:]*):", 1).alias("entity")
    lineage_id = pl.Series("lineage_id", named["lineage_id"], dtype=pl.String)
    return found.select(lineage_id, "node", entity, pl.all().exclude("node"))


def _nodes(ends: pl.LazyFrame, _: datetime) -> pl.DataFrame:
    sides = [
        ends.select(
            pl.col(end).alias("node"),
            "valid_from",
            degree_in=pl.lit(int(end == "target")),
            degree_out=pl.lit(int(end == "source")),
        )
        for end in ("source", "target")
    ]
    return (
        pl.concat(sides)
        .group_by("node")
        .agg(
            pl.col("node").first().str.replace("^[^:]*:", "").alias("value"),
            pl.col("valid_from").min().alias("first_seen"),
            pl.col("valid_from").max().alias("last_seen"),
            pl.col("degree_in", "degree_out").cast(pl.Int64).sum(),
        )
        .sort("node")
        .collect()
    )


def _held(ends: pl.LazyFrame, as_of: datetime) -> algorithms.Graph:
    return algorithms.Graph.build(ends.filter(algorithms.holding(as_of)).select("source", "target", "weight").collect())


METRICS: dict[str, Callable[[pl.LazyFrame, datetime], pl.DataFrame]] = {
    "nodes": _nodes,
    "pagerank": lambda ends, as_of: algorithms.pagerank(_held(ends, as_of)),
    "communities": lambda ends, as_of: algorithms.communities(_held(ends, as_of)),
}
