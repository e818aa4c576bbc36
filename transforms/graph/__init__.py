"""What is computed on the graph: frames in, frames out.

Belongs here: algorithms on edges, on C++ and array libraries, never a Python loop over nodes. Must not:
stores, clocks, where edges come from (transforms/edges.py).
"""

from transforms.graph.build import Graph, holding
from transforms.graph.centrality import betweenness, pagerank
from transforms.graph.clustering import clustering
from transforms.graph.groups import communities, components, label_propagation
from transforms.graph.layout import rings
from transforms.graph.neighbours import MEASURES, common, neighbourhood, similar, subgraph
from transforms.graph.paths import distances, explain, levels, shortest_path

__all__ = [
    "MEASURES",
    "Graph",
    "betweenness",
    "clustering",
    "common",
    "communities",
    "components",
    "distances",
    "explain",
    "holding",
    "label_propagation",
    "levels",
    "neighbourhood",
    "pagerank",
    "rings",
    "shortest_path",
    "similar",
    "subgraph",
]
