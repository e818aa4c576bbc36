"""Which nodes belong together: connected components, communities, labels, clustering.

Belongs here: groups of nodes and how dense they are. Must not: scores along paths (centrality.py).
"""

import numpy as np
import polars as pl

from transforms.graph.build import Graph
from transforms.graph.threads import one_thread
from transforms.imports import networkit as load_networkit


def components(graph: Graph) -> pl.DataFrame:
    """Weakly connected components: ``node, component, size``; a component is named after its first node (LDBC WCC)."""
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(graph.adjacency(), directed=graph.directed, connection="weak")
    return _named_after_first(graph.frame(component=labels), "component")


def label_propagation(graph: Graph, *, iterations: int = 10) -> pl.DataFrame:
    """Communities by label propagation: ``node, label``; labels are node names.

    Every node starts with itself as label; at each step all nodes at once take the most frequent label among
    their neighbours, the first in node order on a tie. A neighbour tied both ways counts twice. Deterministic
    (CDLP of LDBC Graphalytics).
    """
    n = graph.size
    rows, columns = graph.sources, graph.targets
    neighbours = pl.DataFrame({"node": np.concatenate([rows, columns]), "of": np.concatenate([columns, rows])})
    labels = np.arange(n)
    for _ in range(iterations):
        # One number orders the choices: more votes first, then the lower label.
        votes = (
            neighbours.select("node", pl.Series("label", labels[neighbours["of"].to_numpy()]))
            .group_by("node", "label")
            .agg((pl.len().cast(pl.Int64) * n - pl.col("label").first()).alias("vote"))
            .group_by("node")
            .agg(pl.col("vote").max())
        )
        chosen = labels.copy()
        chosen[votes["node"].to_numpy()] = -votes["vote"].to_numpy() % n
        if (chosen == labels).all():
            break
        labels = chosen
    return graph.frame(label=graph.names.gather(labels))


def communities(graph: Graph, *, resolution: float = 1.0, iterations: int = 3, seed: int = 0) -> pl.DataFrame:
    """Communities by the Leiden method over weights, direction aside: ``node, community, size``.

    Communities are numbered from 0, the largest first. The same graph and ``seed`` give the same communities.
    """
    networkit = load_networkit()

    if len(graph.sources) == 0:
        return _numbered_by_size(graph.frame(community=np.arange(graph.size)))
    with one_thread(seed):
        view = graph.as_undirected().networkit(weighted=True)
        algorithm = networkit.community.ParallelLeiden(view, iterations=iterations, gamma=resolution)
        algorithm.run()
        labels = np.array(algorithm.getPartition().getVector(), dtype=np.int64)
    return _numbered_by_size(graph.frame(community=labels))


def _named_after_first(found: pl.DataFrame, label: str) -> pl.DataFrame:
    return found.select(
        "node", pl.col("node").first().over(label).alias(label), pl.len().over(label).cast(pl.Int64).alias("size")
    )


def _numbered_by_size(found: pl.DataFrame) -> pl.DataFrame:
    order = (
        found.with_row_index("first")
        .group_by("community")
        .agg(pl.len().cast(pl.Int64).alias("size"), pl.col("first").min())
        .sort("size", "first", descending=[True, False])
        .with_row_index("number")
    )
    return found.join(order, on="community", how="left", maintain_order="left").select(
        "node", pl.col("number").cast(pl.Int64).alias("community"), "size"
    )
