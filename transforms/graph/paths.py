"""How far nodes are from each other, and by which way.

Belongs here: distances and paths from a node. Must not: who stands around a node (neighbours.py).
"""

import numpy as np
import polars as pl

from transforms.graph.build import Graph, Ints

_NO_NODE = -9999


def levels(graph: Graph, source: str) -> pl.DataFrame:
    """Steps from ``source`` to every node along edge direction: ``node, level``, null where there is no way (LDBC BFS).

    Raises ``KeyError`` where ``source`` is no node.
    """
    from scipy.sparse.csgraph import breadth_first_order

    order, before = breadth_first_order(graph.adjacency(), graph.index(source), directed=True)
    place = np.zeros(graph.size, dtype=np.int64)
    place[order] = np.arange(len(order))
    parents = place[before[order[1:]]]  # rising, since nodes are met in the order of their parents
    found = np.full(graph.size, -1, dtype=np.int64)
    start, end, level = 0, 1, 0
    while start < end:
        found[order[start:end]] = level
        start, end, level = end, 1 + int(np.searchsorted(parents, end)), level + 1
    return graph.frame(level=found).with_columns(pl.col("level").replace(-1, None))


def distances(graph: Graph, source: str) -> pl.DataFrame:
    """Least sum of weights from ``source`` to every node: ``node, distance``, null where there is no way (LDBC SSSP).

    Raises ``KeyError`` where ``source`` is no node, ``ValueError`` on a negative weight.
    """
    from scipy.sparse.csgraph import dijkstra

    _no_negative(graph)
    found = dijkstra(graph.adjacency(graph.lengths), directed=True, indices=graph.index(source))
    return graph.frame(distance=found).with_columns(pl.col("distance").replace(np.inf, None))


def shortest_path(graph: Graph, start: str, end: str, *, weighted: bool = False) -> pl.DataFrame:
    """A shortest way along edge direction: ``step, node, distance``; no rows where there is none.

    ``distance`` from the start counts steps, or adds up weights where ``weighted``. Raises ``KeyError`` where
    an end is no node, ``ValueError`` on a negative weight.
    """
    from scipy.sparse.csgraph import breadth_first_order, dijkstra

    first, last = graph.index(start), graph.index(end)
    if weighted:
        _no_negative(graph)
        reached, before = dijkstra(graph.adjacency(graph.lengths), indices=first, return_predecessors=True)
    else:
        _, before = breadth_first_order(graph.adjacency(), first)
    way = _walk_back(before, first, last)
    distance = reached[way] if weighted else np.arange(len(way), dtype=np.float64)
    return pl.DataFrame({"step": np.arange(len(way)), "node": graph.names.gather(way), "distance": distance})


def explain(way: pl.DataFrame, edges: pl.DataFrame, *, directed: bool = True) -> pl.DataFrame:
    """A path with, at each node, the ``types`` and ``lineage_ids`` of the edges that lead there from the node before.

    ``way`` as :func:`shortest_path` gives it; ``edges`` has source, target, type, lineage_id. Empty lists at
    the start.
    """
    ends = [("source", "target")] if directed else [("source", "target"), ("target", "source")]
    ties = pl.concat(
        [edges.select(pl.col(a).alias("before"), pl.col(b).alias("node"), "type", "lineage_id") for a, b in ends]
    )
    told = ties.group_by("before", "node").agg(
        pl.col("type").unique().sort().alias("types"), pl.col("lineage_id").unique().sort().alias("lineage_ids")
    )
    steps = way.with_columns(pl.col("node").shift().alias("before"))
    found = steps.join(told, on=["before", "node"], how="left", maintain_order="left").drop("before")
    return found.with_columns(pl.col("types", "lineage_ids").fill_null([]))


def _walk_back(before: np.ndarray, first: int, last: int) -> Ints:
    """Node numbers from ``first`` to ``last``; the loop is as long as the path."""
    way = [last]
    while way[-1] != first:
        if before[way[-1]] == _NO_NODE:
            return np.empty(0, dtype=np.int64)
        way.append(int(before[way[-1]]))
    return np.array(way[::-1], dtype=np.int64)


def _no_negative(graph: Graph) -> None:
    if (graph.lengths < 0).any():
        raise ValueError("shortest paths are not defined over negative weights")
