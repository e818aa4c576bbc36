"""Whether every lineage id of every store leads back to a raw record.

Belongs here: the rule of each store, counted in DuckDB, which spills to disk, so memory is bounded. Must not: mending,
or showing values.

- bronze: the batch of the record was landed
- silver, quarantine, edges, passages: the record is in bronze
- nodes, ranks, communities: the node is the end of an edge; the id is that of the node
- marts: the id is that of the grain, and a row takes part in it that its SQL reads
- features: the same for the key: its newest row may say that nothing is known of it any more
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cenote import catalog
from cenote.lineage import BATCH_DIGITS, grain_id_sql
from cenote.trace.follow import Follower
from cenote.trace.made import IDS, Build
from cenote.trace.tracer import WHOLE_GRAPH, Tracer
from cenote.views import Snapshot, ident, snapshots, text
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RECORDS = ("bronze", "silver", "quarantine")
PASSAGES = "vectors/passages"


@dataclass(frozen=True)
class Resolved:
    """A table, how many rows it has, and how many of them lead to no raw record."""

    table: str
    rows: int
    dangling: int


def resolve(space: Workspace, tables: Iterable[str] | None = None, *, follow: int | None = None) -> Iterator[Resolved]:
    """Count the rows of tables (``silver/orders``, ``vectors/passages``; default: all that exist) that dangle.

    ``follow``: of a mart, a feature view or nodes of the graph, about how many rows are looked at, others for each
    version; None: all, whose cost grows with pairs of rows and base rows.
    """
    for table in tables if tables is not None else stores(space):
        layer, _, name = table.partition("/")
        if table == PASSAGES:
            yield _passages(space)
        elif layer in RECORDS:
            yield _records(space, layer, name)
        elif layer == "graph":
            yield _edges(space) if name == "edges" else _nodes(space, name, follow)
        else:
            with Tracer(space) as tracer:
                yield resolve_made(tracer, table, follow)


def stores(space: Workspace) -> list[str]:
    """Every table whose rows have lineage ids."""
    found = [t.name for layer in RECORDS for t in space.tables(layer) if t.path.name in space.contracts]
    found += [f"graph/{n}" for n in ("edges", "nodes", *WHOLE_GRAPH) if space.table("graph", n).exists]
    found += [PASSAGES] if (space.path("vectors") / "passages.json").exists() else []
    with Tracer(space) as tracer:
        return found + [t for t in tracer.made.files if space.table(*t.split("/", 1)).exists]


def _records(space: Workspace, layer: str, name: str) -> Resolved:
    table = f"{layer}/{name}"
    if layer == "bronze":
        landed = _relation(space, "meta/batches", ("batch_id", "dataset"))
        batch = f"left(t.lineage_id, {BATCH_DIGITS})"
        known = f"EXISTS (FROM ({landed}) AS b WHERE b.batch_id = {batch} AND b.dataset = {text(name)})"
    else:
        known = f"EXISTS (FROM ({_relation(space, f'bronze/{name}')}) AS b WHERE b.lineage_id = t.lineage_id)"
    return _counted(space, table, _relation(space, table), known)


def _edges(space: Workspace) -> Resolved:
    bronze = [t.name for t in space.tables("bronze")]
    parts = [f"SELECT {text(n.partition('/')[2])} AS dataset, lineage_id FROM ({_relation(space, n)})" for n in bronze]
    records = " UNION ALL ".join(parts) or "SELECT NULL AS dataset, NULL AS lineage_id LIMIT 0"
    known = f"EXISTS (FROM ({records}) AS b WHERE b.dataset = t.dataset AND b.lineage_id = t.lineage_id)"
    edges = _relation(space, "graph/edges", ("lineage_id", "edge_id", "dataset"))
    return _counted(space, "graph/edges", edges, f"{known} AND split_part(t.edge_id, '#', 1) = t.lineage_id")


def _nodes(space: Workspace, name: str, follow: int | None) -> Resolved:
    table = f"graph/{name}"
    stored = space.table("graph", name)
    total = stored.count()
    edges = _relation(space, "graph/edges", ("source", "target"))
    ends = f"WITH e AS ({edges}) SELECT source AS node FROM e UNION ALL SELECT target FROM e"
    known = f"EXISTS (FROM ({ends}) AS n WHERE n.node = t.node)"
    rows = f"FROM ({_relation(space, table, ('lineage_id', 'node'))}){_share('node', stored.version, total, follow)}"
    found = _counted(space, table, rows, f"{known} AND t.lineage_id = {grain_id_sql(table, ['node'])}")
    return Resolved(table, total, found.dangling)


def _passages(space: Workspace) -> Resolved:
    """Passages are not in files that DuckDB reads: their ids are looked for dataset by dataset."""
    import polars as pl

    from cenote.vectors.store import Store

    passages = Store(space).rows(["passage_id", "lineage_id", "dataset"])
    dangling = passages.filter(pl.col("passage_id").str.split("#").list.first() != pl.col("lineage_id")).height
    for (dataset,), part in passages.partition_by("dataset", as_dict=True).items():
        table = space.table("bronze", dataset)
        ids = part.lazy().select("lineage_id")
        bronze = table.scan().select("lineage_id") if table.exists else ids.clear()
        there = bronze.join(ids.unique(), on="lineage_id", how="semi").collect(engine="streaming")
        dangling += part.join(there, on="lineage_id", how="anti").height
    return Resolved(PASSAGES, passages.height, dangling)


def resolve_made(tracer: Tracer, table: str, follow: int | None = None) -> Resolved:
    """Rows of a mart or feature view: named after their grain, and made of something."""
    build = tracer.made.build(table)
    if build is None:
        return Resolved(table, 0, 0)
    connection, inversion = tracer.made.connection(build), tracer.made.inversion(build)
    grain = ", ".join(map(ident, inversion.grain))
    misnamed = f"lineage_id IS DISTINCT FROM {grain_id_sql(*_named(build))}"
    (rows,) = connection.execute(f"SELECT count(*) FROM {build.view}").fetchall()[0]
    some = f"FROM {build.view}{_share(build.file.join_key or 'lineage_id', build.commit.version, rows, follow)}"
    (wrong,) = connection.execute(f"SELECT count(*) FILTER (WHERE {misnamed}) {some}").fetchall()[0]
    with Follower(connection, IDS) as follower:
        left = follower.unmade(inversion, f"SELECT lineage_id, {grain} {some}", build.as_of)
        unmade = f"SELECT * FROM {build.view} WHERE lineage_id IN (SELECT __n FROM {left}) AND NOT ({misnamed})"
        unmade = f"SELECT count(*) FROM ({unmade}) AS t {_remembered(connection, build, some, left)}"
        (dangling,) = connection.execute(unmade).fetchall()[0]
    return Resolved(table, rows, wrong + dangling)


def _named(build: Build) -> tuple[str, list[str]]:
    """What lineage ids of a build's rows are derived from."""
    file = build.file
    return file.name, [file.join_key, "event_timestamp"] if file.join_key else list(file.grain)


def _share(key: str, version: int | None, rows: int, follow: int | None) -> str:
    """The condition on the rows that are looked at: all, or a share of the keys with all rows of a key."""
    if follow is None or rows <= follow:
        return ""
    return f" WHERE hash({ident(key)}, {version}) % {-(-rows // follow)} = 0"


def _remembered(connection: "DuckDBPyConnection", build: Build, followed: str, left: str) -> str:
    """Of a history's rows that the SQL does not give now, those of keys that it gives, or that are gone, are right."""
    if not build.file.join_key:
        return ""
    key = ident(build.file.join_key)
    stamps = ("lineage_id", build.file.join_key, "event_timestamp", "created_timestamp")
    columns = [name for name, *_ in connection.execute(f"DESCRIBE {build.view}").fetchall() if name not in stamps]
    gone = " AND ".join(f"{ident(c)} IS NULL" for c in columns)
    newest = "QUALIFY row_number() OVER (PARTITION BY {} ORDER BY event_timestamp DESC, created_timestamp DESC) = 1"
    kept = f"SELECT {key} FROM ({followed}) WHERE lineage_id NOT IN (SELECT __n FROM {left})"
    silent = f"SELECT {key} FROM ({followed} {newest.format(key)}) WHERE {gone}"
    return f"ANTI JOIN ({kept} UNION ALL {silent}) AS k ON k.{key} = t.{key}"


def _relation(space: Workspace, table: str, columns: tuple[str, ...] = ("lineage_id",)) -> str:
    """Columns of a table as it stands, everybody's rows; no rows where it was never written."""
    found: list[Snapshot] = snapshots(space, [table], everybody=True)
    nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {ident(c)}" for c in columns)
    return found[0].relation(columns) if found else f"SELECT {nothing} LIMIT 0"


def _counted(space: Workspace, table: str, rows: str, known: str) -> Resolved:
    with catalog.connect(space, []) as connection:
        sql = f"SELECT count(*), count(*) FILTER (WHERE NOT ({known})) FROM ({rows}) AS t"
        total, dangling = connection.execute(sql).fetchall()[0]
    return Resolved(table, total, dangling)
