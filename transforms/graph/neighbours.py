"""Who stands around a node, and who stands where it stands.

Belongs here: neighbourhoods straight from an edge frame, without building a graph; common and similar nodes.
Must not: the ways between nodes (paths.py).
"""

import numpy as np
import polars as pl

from transforms.graph.build import Graph

_NEIGHBOUR = pl.Schema(
    {
        "node": pl.String(),
        "hops": pl.Int64(),
        "types": pl.List(pl.String()),
        "weight": pl.Float64(),
        "edges": pl.Int64(),
        "lineage_ids": pl.List(pl.String()),
    }
)
MEASURES = ("jaccard", "cosine")


def neighbourhood(edges: pl.LazyFrame, node: str, k: int = 1) -> pl.DataFrame:
    """Nodes within ``k`` steps of ``node``, direction aside, itself left out.

    Columns: node, hops (1..k), and of the edges that tie it to nodes one hop nearer: types, weight (their
    sum), edges (their number), lineage_ids. Nearest and strongest first. ``edges`` has source, target, type,
    weight, lineage_id.
    """
    known = pl.DataFrame({"node": [node]}, schema={"node": pl.String})
    frontier, rings = known, [pl.DataFrame(schema=_NEIGHBOUR)]
    for hop in range(1, k + 1):
        ring = _ring(edges, frontier, known).with_columns(pl.lit(hop, pl.Int64).alias("hops"))
        if ring.is_empty():
            break
        frontier = ring.select("node")
        known = pl.concat([known, frontier])
        rings.append(ring.select(_NEIGHBOUR.names()))
    return pl.concat(rings).sort("hops", "weight", "node", descending=[False, True, False])


def _ring(edges: pl.LazyFrame, frontier: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Nodes not yet known that an edge ties to the frontier."""
    told = [pl.col("type"), pl.col("weight"), pl.col("lineage_id")]
    ways = [
        edges.join(frontier.lazy(), left_on=near, right_on="node", how="semi").select(pl.col(far).alias("node"), *told)
        for near, far in (("source", "target"), ("target", "source"))
    ]
    return (
        pl.concat(ways)
        .join(known.lazy(), on="node", how="anti")
        .group_by("node")
        .agg(
            pl.col("type").unique().sort().alias("types"),
            pl.col("weight").sum(),
            pl.len().cast(pl.Int64).alias("edges"),
            pl.col("lineage_id").unique().sort().alias("lineage_ids"),
        )
        .collect()
    )


def subgraph(edges: pl.LazyFrame, nodes: pl.Series) -> pl.DataFrame:
    """The edges whose both ends are among ``nodes``, with all their columns."""
    among = pl.LazyFrame({"node": nodes})
    inner = edges.join(among, left_on="source", right_on="node", how="semi")
    return inner.join(among, left_on="target", right_on="node", how="semi").collect()


def common(edges: pl.LazyFrame, first: str, second: str) -> pl.DataFrame:
    """Nodes tied to both: ``node, weight_first, weight_second, types, lineage_ids``, strongest first."""
    of_first, of_second = (neighbourhood(edges, node) for node in (first, second))
    both = of_first.join(of_second, on="node", suffix="_second").filter(~pl.col("node").is_in([first, second]))
    return both.select(
        "node",
        pl.col("weight").alias("weight_first"),
        "weight_second",
        pl.col("types").list.set_union("types_second").list.sort().alias("types"),
        pl.col("lineage_ids").list.set_union("lineage_ids_second").list.sort().alias("lineage_ids"),
    ).sort(pl.min_horizontal("weight_first", "weight_second"), "node", descending=[True, False])


def similar(graph: Graph, node: str, measure: str = "jaccard") -> pl.DataFrame:
    """Other nodes that share neighbours with ``node``: ``node, similarity`` (0..1), ``shared`` (how many).

    ``jaccard``: shared neighbours / all neighbours of the two. ``cosine``: of the two rows of tie weights.
    Direction aside. Raises ``KeyError`` where ``node`` is no node, ``ValueError`` on another measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"{measure!r} is no measure of similarity; use one of {', '.join(MEASURES)}")
    here = graph.index(node)
    tied = graph.tied
    shared = tied @ tied[[here]].toarray().ravel()
    if measure == "jaccard":
        degrees = np.diff(tied.indptr)
        ratio = shared / np.maximum(degrees + degrees[here] - shared, 1)
    else:
        both = graph.as_undirected()
        ties = both.adjacency(both.weights)
        norms = np.sqrt(np.asarray(ties.multiply(ties).sum(axis=1)).ravel())
        ratio = (ties @ ties[[here]].toarray().ravel()) / np.maximum(norms * norms[here], np.finfo(float).tiny)
    found = graph.frame(similarity=ratio, shared=shared.astype(np.int64))
    return found.filter((pl.col("shared") > 0) & (pl.col("node") != node)).sort(
        "similarity", "node", descending=[True, False]
    )
