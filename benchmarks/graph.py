"""Graph algorithms on one million edges: ``python -m benchmarks.graph [--edges 1000000]``.

200,000 nodes; the ends of an edge are drawn evenly and by a power law, as customers and products are. Times are the best
of three, from an edge frame of strings to a frame of results; "build" is the part that names and merges cost.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from transforms import graph as g


def random_edges(count: int, nodes: int, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    ends = pl.DataFrame({"source": rng.integers(0, nodes, count), "target": rng.zipf(1.6, count) % nodes})
    named = [("customer:customer_" + pl.col(c).cast(pl.String).str.zfill(24)).alias(c) for c in ends.columns]
    return ends.with_columns(*named, weight=pl.Series(rng.integers(1, 6, count), dtype=pl.Float64))


def best(of: Callable[[], Any], times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        of()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=1_000_000)
    count = parser.parse_args().edges
    edges = random_edges(count, nodes=count // 5)
    graph = g.Graph.build(edges)
    node = graph.names[int(graph.targets[0])]
    cases: dict[str, Callable[[], Any]] = {
        "build": lambda: g.Graph.build(edges),
        "pagerank, build included": lambda: g.pagerank(g.Graph.build(edges)),
        "communities, build included": lambda: g.communities(g.Graph.build(edges)),
        "components": lambda: g.components(graph),
        "label propagation (10)": lambda: g.label_propagation(graph),
        "clustering": lambda: g.clustering(graph),
        "levels": lambda: g.levels(graph, node),
        "distances": lambda: g.distances(graph, node),
        "shortest path": lambda: g.shortest_path(graph, graph.names[0], graph.names[-1]),
        "similar": lambda: g.similar(graph, node),
        "neighbourhood (2)": lambda: g.neighbourhood(
            edges.lazy().with_columns(type=pl.lit("x"), lineage_id=pl.lit("y")), graph.names[0], 2
        ),
    }
    print(f"{count:,} edges, {graph.size:,} nodes")
    for name, case in cases.items():
        print(f"{name:30} {best(case):7.3f} s")


if __name__ == "__main__":
    main()
