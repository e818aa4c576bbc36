"""How central each node is: PageRank and betweenness.

Belongs here: scores of single nodes. Must not: groups (groups.py), paths (paths.py).
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from transforms.graph.build import Floats, Graph
from transforms.graph.threads import one_thread
from transforms.imports import networkit as load_networkit

EXACT_BETWEENNESS_STEPS = 50_000_000
_MAX_ITERATIONS = 1_000


def pagerank(
    graph: Graph,
    *,
    damping: float = 0.85,
    iterations: int | None = None,
    tolerance: float = 1e-10,
    weighted: bool = True,
    dangling: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """PageRank: ``node, pagerank`` (sums to 1), in node order.

    A step from node to node is taken in proportion to edge weight (``weighted``) or evenly. The rank of a
    node without outgoing edges goes to all nodes evenly, or in proportion to ``dangling`` (node: share).
    ``iterations`` makes exactly so many steps from the even start, as LDBC Graphalytics defines it; without
    it, steps are made until ranks move by less than ``tolerance`` in total. Raises ``ValueError`` on a
    negative weight or where ranks do not settle, ``KeyError`` where ``dangling`` names no node.
    """
    n = graph.size
    if n == 0:
        return graph.frame(pagerank=np.zeros(0))
    if weighted and (graph.weights < 0).any():
        raise ValueError("PageRank is not defined over negative weights")
    adjacency = graph.adjacency(graph.weights if weighted else None)
    out = np.asarray(adjacency.sum(axis=1)).ravel()
    sinks = out == 0
    share = np.divide(1.0, out, out=np.zeros(n), where=~sinks)
    step = adjacency.T.tocsr()
    spread = _shares(graph, dangling)
    ranks = np.full(n, 1.0 / n)
    for _ in range(_MAX_ITERATIONS if iterations is None else iterations):
        before = ranks
        ranks = (1 - damping) / n + damping * (step @ (before * share) + before[sinks].sum() * spread)
        if iterations is None and np.abs(ranks - before).sum() < tolerance:
            break
    else:
        if iterations is None:
            raise ValueError(f"PageRank did not settle in {_MAX_ITERATIONS} iterations; use a lower damping")
    return graph.frame(pagerank=ranks)


def _shares(graph: Graph, dangling: Mapping[str, float] | None) -> Floats:
    if dangling is None:
        return np.full(graph.size, 1.0 / graph.size)
    shares = np.zeros(graph.size)
    shares[[graph.index(node) for node in dangling]] = list(dangling.values())
    return shares / shares.sum()


def betweenness(graph: Graph, *, samples: int | None = None, seed: int = 0) -> pl.DataFrame:
    """Share of the shortest paths between other nodes that run through each: ``node, betweenness`` in 0..1.

    Steps count 1, weights aside. Exact where nodes x edges stay below :data:`EXACT_BETWEENNESS_STEPS`; above,
    or where ``samples`` is given, estimated from the paths of that many start nodes (default 256) drawn with
    ``seed`` (Geisberger, Sanders, Schultes 2008).
    """
    networkit = load_networkit()

    n = graph.size
    if n < 3:
        return graph.frame(betweenness=np.zeros(n))
    with one_thread(seed):
        view = graph.networkit(weighted=False)
        if samples is None and n * len(graph.sources) <= EXACT_BETWEENNESS_STEPS:
            algorithm = networkit.centrality.Betweenness(view)
        else:
            algorithm = networkit.centrality.EstimateBetweenness(view, min(samples or 256, n))
        algorithm.run()
        scores = np.array(algorithm.scores())
    return graph.frame(betweenness=scores / ((n - 1) * (n - 2)))
