"""What a run has to do: the assets whose own inputs changed, and everything after them.

Belongs here: choosing. Must not: running. Each stage is asked whether it is stale, which reads logs, not data.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

from cenote import bronze, catalog, features, gold, graph, silver, vectors
from cenote.workspace import Workspace


def is_stale(space: Workspace, table: str) -> bool:
    """Whether building ``layer/name`` now would change it, given what is upstream of it now."""
    layer, name = table.split("/", 1)
    match layer:
        case "bronze":
            return bronze.is_stale(space, name)
        case "silver" | "quarantine":
            return silver.is_stale(space, name)
        case "gold":
            return gold.is_stale(space, name)
        case "vectors":
            return name != "indexes" and vectors.is_stale(space, name)
        case "edges":
            return graph.edges_stale(space, name)
        case "graph":
            return graph.is_stale(space, name)
        case "features":
            return features.online_stale(space) if name == "online" else features.is_stale(space, name)
        case _:
            return catalog.is_stale(space)


def stale_assets(
    space: Workspace, graph_of_assets: Mapping[dg.AssetKey, Iterable[dg.AssetKey]], failed: Iterable[dg.AssetKey] = ()
) -> set[dg.AssetKey]:
    """Assets to run: stale ones, those in ``failed``, and all downstream of either.

    ``graph_of_assets``: every asset with the assets right upstream of it, upstream ones first.
    """
    chosen: set[dg.AssetKey] = set(failed)
    for key, parents in graph_of_assets.items():
        if chosen.intersection(parents) or is_stale(space, key.to_user_string()):
            chosen.add(key)
    return chosen
