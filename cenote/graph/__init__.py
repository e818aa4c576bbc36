"""The relationship graph as tables and as questions.

``build.py`` keeps ``graph/edges`` current from silver; ``metrics.py`` keeps what is computed over all of it
(``graph/nodes``, ``graph/pagerank``, ``graph/communities``); ``door.py`` answers questions (``lake.graph``).
Belongs here: where edges live and when they are stale. Must not: an algorithm (transforms/graph).
"""

from cenote.graph.build import build_edges, edges_stale, renew_edges
from cenote.graph.door import GraphDoor
from cenote.graph.metrics import METRICS, build_communities, build_nodes, build_pagerank, is_stale

__all__ = [
    "METRICS",
    "GraphDoor",
    "build_communities",
    "build_edges",
    "build_nodes",
    "build_pagerank",
    "edges_stale",
    "is_stale",
    "renew_edges",
]
