"""Silver rows -> typed, dated graph edges, as a contract declares them.

Belongs here: reading edge declarations against a frame. Must not: what is computed on the graph
(transforms/graph), stores.
"""

import duckdb
import polars as pl

from transforms.consent import Withdrawn, allowed
from transforms.contract import Contract, Edge

_MOMENT = pl.Datetime("us", "UTC")
_OF_EVERY_ROW = ("lineage_id", "subject_id", "mentions")
SCHEMA = pl.Schema(
    {
        "edge_id": pl.String(),
        "lineage_id": pl.String(),
        "dataset": pl.String(),
        "subject_id": pl.String(),
        "mentions": pl.List(pl.String()),
        "type": pl.String(),
        "source": pl.String(),
        "target": pl.String(),
        "source_entity": pl.String(),
        "target_entity": pl.String(),
        "weight": pl.Float64(),
        "valid_from": _MOMENT,
        "valid_to": _MOMENT,
    }
)


class EdgeError(ValueError):
    """An edge declaration names a column that the rows do not have, or that cannot be what it is used as."""


def edge_columns(contract: Contract) -> list[str]:
    """The top-level columns that the contract's edges are made of, without those that Cenote adds itself."""
    named = {path.split(".")[0] for edge in contract.edges for path in _paths(edge).values()}
    return sorted(named - set(_OF_EVERY_ROW))


def edges(rows: pl.DataFrame, contract: Contract, answers: Withdrawn = {}) -> pl.DataFrame:  # noqa: B006
    """Edges of silver rows; columns as :data:`SCHEMA`, ordered by lineage id, type, source, target.

    ``rows`` has ``lineage_id``, ``subject_id``, ``mentions`` and :func:`edge_columns`. A node is named
    ``<entity>:<value>``; a null end gives no edge. Within one row, edges of the same type between the same
    nodes are one edge, whose weight is their sum (an order with two lines of one product) and whose time
    spans theirs. A weight that is absent counts 1. ``edge_id`` is ``<lineage_id>#<type>#<16 hex digits of
    SHA-256 over both ends>``. ``answers``: who withdrew consent, by purpose; an edge's declaration leaves out
    rows about them, and rows that name them, for its purposes. Raises ``EdgeError``.
    """
    found = [
        _edges_of(rows.filter(allowed(contract.purposes_of(edge), answers)), edge, contract.dataset)
        for edge in contract.edges
    ]
    if not found:
        return pl.DataFrame(schema=SCHEMA)
    return _with_ids(_one_per_row(pl.concat(found)))


def _paths(edge: Edge) -> dict[str, str]:
    """Which column path gives which part of the edge."""
    parts = {
        "source": edge.source_column,
        "target": edge.target_column,
        "weight": edge.weight,
        "valid_from": edge.at,
        "valid_to": edge.until,
    }
    return {part: path for part, path in parts.items() if path}


def _edges_of(rows: pl.DataFrame, edge: Edge, dataset: str) -> pl.DataFrame:
    """Edges of one declaration, one per array element, without ids."""
    paths = _paths(edge)
    flat = _flatten(rows, sorted(set(paths.values())), f"edge {edge.type!r} of dataset {dataset!r}")
    given = {part: pl.col(path) for part, path in paths.items()}
    return flat.select(
        "lineage_id",
        pl.lit(dataset).alias("dataset"),
        "subject_id",
        pl.col("mentions").cast(pl.List(pl.String)),
        pl.lit(edge.type).alias("type"),
        (pl.lit(f"{edge.source_entity}:") + given["source"].cast(pl.String)).alias("source"),
        (pl.lit(f"{edge.target_entity}:") + given["target"].cast(pl.String)).alias("target"),
        pl.lit(edge.source_entity).alias("source_entity"),
        pl.lit(edge.target_entity).alias("target_entity"),
        given.get("weight", pl.lit(1.0)).cast(pl.Float64).fill_null(1.0).alias("weight"),
        _moment(flat, paths.get("valid_from")).alias("valid_from"),
        _moment(flat, paths.get("valid_to")).alias("valid_to"),
    ).filter(pl.col("source").is_not_null() & pl.col("target").is_not_null())


def _flatten(rows: pl.DataFrame, paths: list[str], edge: str) -> pl.DataFrame:
    """The rows with a column per path, arrays on the way exploded; columns of one array keep in step."""
    roots = dict.fromkeys(path.split(".")[0] for path in paths)
    if missing := [root for root in roots if root not in rows.columns]:
        raise EdgeError(f"{edge} names column {missing[0]!r}, which silver does not have")
    flat = rows.select(*dict.fromkeys((*_OF_EVERY_ROW, *roots)))
    depth = max(path.count(".") for path in paths)
    for level in range(depth + 1):
        here = {".".join(path.split(".")[: level + 1]) for path in paths if path.count(".") >= level}
        flat = _explode(flat, sorted(here))
        wanted = {".".join(path.split(".")[: level + 2]) for path in paths if path.count(".") > level}
        flat = flat.with_columns(_member(flat.schema, path, edge) for path in sorted(wanted))
    return flat


def _explode(flat: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Explode the columns that are arrays: one after the other, since arrays of different length do not pair up."""
    for column in columns:
        while isinstance(flat.schema[column], pl.List):
            flat = flat.explode(column)
    return flat


def _member(schema: pl.Schema, path: str, edge: str) -> pl.Expr:
    """The struct member at the end of ``path``."""
    parent, _, name = path.rpartition(".")
    kind = schema[parent]
    if not isinstance(kind, pl.Struct) or name not in {f.name for f in kind.fields}:
        raise EdgeError(f"{edge} names column {path!r}, which silver does not have")
    return pl.col(parent).struct.field(name).alias(path)


def _moment(flat: pl.DataFrame, path: str | None) -> pl.Expr:
    """A date or timestamp column as a moment in UTC; null without a column."""
    if path is None:
        return pl.lit(None, _MOMENT)
    kind = flat.schema[path]
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return pl.col(path).dt.convert_time_zone("UTC").cast(_MOMENT)
    if isinstance(kind, pl.Datetime | pl.Date):
        return pl.col(path).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    raise EdgeError(f"an edge is dated by column {path!r}, which is neither a date nor a timestamp")


def _one_per_row(found: pl.DataFrame) -> pl.DataFrame:
    """One edge per (lineage id, type, source, target); an edge that is open once stays open."""
    key = ["lineage_id", "type", "source", "target"]
    return found.group_by(key).agg(
        pl.col("dataset", "subject_id", "mentions", "source_entity", "target_entity").first(),
        pl.col("weight").sum(),
        pl.col("valid_from").min(),
        pl.when(pl.col("valid_to").is_not_null().all()).then(pl.col("valid_to").max()).alias("valid_to"),
    )


def _with_ids(found: pl.DataFrame) -> pl.DataFrame:
    """The edges with their ids, in their final order. DuckDB hashes: a Polars hash may change with a release."""
    found = found.sort("lineage_id", "type", "source", "target")
    with duckdb.connect() as db:
        db.register("found", found.select("source", "target").to_arrow())
        ends = db.sql(
            "SELECT substr(sha256(concat(source, chr(31), target)), 1, 16) AS ends FROM found"
        ).to_arrow_table()
    hashes = pl.Series("ends", ends["ends"], dtype=pl.String)
    return found.with_columns((pl.col("lineage_id") + "#" + pl.col("type") + "#" + hashes).alias("edge_id")).select(
        pl.col(name).cast(kind) for name, kind in SCHEMA.items()
    )
