"""Bringing stores up to date around an erasure.

Belongs here: building what is stale, in order. Must not: purging. Before a purge, so that consumers have read what it
rewrites; after it, so that no aggregate is left that has the people in it.
"""

from cenote import features, gold, graph, silver
from cenote.errors import CenoteError
from cenote.workspace import Workspace


def catch_up(space: Workspace) -> None:
    """Build what is stale before anything is purged. What cannot be built is left: it must not hold an erasure up."""
    for dataset in space.contracts:
        if space.table("bronze", dataset).exists and silver.is_stale(space, dataset):
            silver.build(space, dataset)
    try:
        for dataset, contract in space.contracts.items():
            if contract.edges and graph.edges_stale(space, dataset):
                graph.build_edges(space, dataset)
        tables(space)
    except CenoteError:
        return


def tables(space: Workspace) -> None:
    """Build the stale ones of the tables over everybody that were ever built: graph, gold, features."""
    for name in ("nodes", "pagerank", "communities"):
        graph_table(space, name)
    for mart in gold.marts(space):
        if space.table("gold", mart).exists and gold.is_stale(space, mart):
            gold.build(space, mart)
    for view in features.views(space):
        if space.table("features", view).exists and features.is_stale(space, view):
            features.build(space, view)


def graph_table(space: Workspace, name: str) -> None:
    """Build one table of the whole graph, if it is there and stale."""
    builds = {"nodes": graph.build_nodes, "pagerank": graph.build_pagerank, "communities": graph.build_communities}
    if space.table("graph", name).exists and graph.is_stale(space, name):
        builds[name](space)
