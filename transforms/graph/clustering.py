"""How closely the neighbours of a node are tied to each other.

Belongs here: triangles and what is counted from them. Must not: groups of nodes (groups.py).
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from transforms.graph.build import Graph

_WEDGES_AT_ONCE = 5_000_000


def clustering(graph: Graph) -> pl.DataFrame:
    """Local clustering coefficient: ``node, clustering`` in 0..1.

    The share of ordered pairs of a node's neighbours (direction aside) that are tied; in a directed graph the
    edges of both directions count one each (LCC of LDBC Graphalytics). 0 with fewer than two neighbours.
    """
    degrees = np.diff(graph.tied.indptr)
    pairs = _pairs(graph, degrees)
    ties = np.zeros(graph.size)
    for part in _triangles(pairs):
        for corner, opposite in (("a", "bc"), ("b", "ac"), ("c", "ab")):
            ties += np.bincount(part[corner].to_numpy(), part[opposite].to_numpy(), minlength=graph.size)
    # Triangles are found over ranks; give each node its own rank's count.
    ties = ties[_ranks(degrees)]
    possible = degrees * (degrees - 1.0)
    return graph.frame(clustering=np.divide(ties, possible, out=np.zeros(graph.size), where=possible > 0))


def _ranks(degrees: np.ndarray) -> np.ndarray:
    """Each node's place when nodes are put in order of degree."""
    ranks = np.empty(len(degrees), dtype=np.int64)
    ranks[np.argsort(degrees, kind="stable")] = np.arange(len(degrees))
    return ranks


def _pairs(graph: Graph, degrees: np.ndarray) -> pl.DataFrame:
    """Tied pairs of ranks, ``low < high``, with the number of directed edges between them (2 where undirected)."""
    ranks = _ranks(degrees)
    ends = pl.DataFrame({"source": ranks[graph.sources], "target": ranks[graph.targets]})
    return (
        ends.filter(pl.col("source") != pl.col("target"))
        .group_by(
            pl.min_horizontal("source", "target").alias("low"), pl.max_horizontal("source", "target").alias("high")
        )
        .agg((pl.len() * (1.0 if graph.directed else 2.0)).alias("edges"))
        .sort("low", "high")
    )


def _triangles(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Each triangle once, at its corner of least degree: corners ``a < b < c`` and the edges ``ab, ac, bc``.

    A corner has at most sqrt(2 x edges) neighbours of higher degree, so even hubs stay cheap; wedges are made
    in parts of bounded size.
    """
    ab = pairs.select(a="low", b="high", ab="edges")
    ac = pairs.select(a="low", c="high", ac="edges")
    bc = pairs.select(b="low", c="high", bc="edges")
    wedges = ab.select((pl.len().over("a").cum_sum() // _WEDGES_AT_ONCE).alias("part"))["part"]
    for part in ab.with_columns(wedges).partition_by("part", include_key=False):
        yield part.join(ac, on="a").filter(pl.col("b") < pl.col("c")).join(bc, on=["b", "c"])
