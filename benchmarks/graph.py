"""Graph algorithms on one million edges: ``python -m benchmarks graph``.

200,000 nodes; the ends of an edge are drawn evenly and by a power law, as customers and products are. Times
are the best of three, from an edge frame of strings to a frame of results; "build" is the part that names and
merges cost.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
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


def orders(count: int, first: int, products: int = 20_000, seed: int = 2) -> pl.DataFrame:
    """Silver orders of three lines each, as many as customers have by a power law."""
    rng = np.random.default_rng(seed)
    ids = pl.Series(np.arange(first, first + count)).cast(pl.String)
    lines = pl.DataFrame(
        {
            "product_id": pl.Series(rng.integers(0, products, 3 * count)).cast(pl.String),
            "quantity": rng.integers(1, 4, 3 * count),
        }
    )
    customer = "customer_" + pl.Series(rng.zipf(1.4, count) % (count // 4)).cast(pl.String).str.zfill(24)
    return pl.DataFrame(
        {
            "lineage_id": "0" * 24 + "-" + ids.str.zfill(10),
            "subject_id": customer,
            "mentions": pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, count),
            "customer_id": customer,
            "ordered_at": pl.Series(rng.integers(1_700_000_000, 1_760_000_000, count))
            .cast(pl.Datetime("ms"))
            .dt.replace_time_zone("UTC"),
            "lines": lines.to_struct("lines").reshape((count, 3)).arr.to_list(),
            "is_current": pl.repeat(True, count, eager=True),
        }
    )


def tables(count: int) -> None:
    """Building the edges of ``count`` / 3 orders, then those of 1 % that changed."""
    from cenote.graph import build_communities, build_edges, build_nodes, build_pagerank
    from cenote.settings import Settings
    from cenote.tables import Commit
    from cenote.workspace import Workspace

    with TemporaryDirectory() as folder:
        space = Workspace(Settings(home=Path(folder, "data"), vault=Path(folder, "vault")))  # type: ignore[call-arg]
        silver, few = space.table("silver", "orders"), count // 300
        first = orders(count // 3, 0)
        silver.append(first, Commit("silver"))
        print(f"{'graph/edges, first build':30} {best(lambda: build_edges(space, 'orders'), 1):7.3f} s")
        closed = first.sample(few, seed=1).with_columns(is_current=pl.lit(False))
        silver.merge(pl.concat([closed, orders(few, count)]), "lineage_id", Commit("silver"))
        print(f"{'graph/edges, 1 % changed':30} {best(lambda: build_edges(space, 'orders'), 1):7.3f} s")
        print(f"{'graph/edges, nothing new':30} {best(lambda: build_edges(space, 'orders'), 1):7.3f} s")
        for build in (build_nodes, build_pagerank, build_communities):
            print(f"{build.__name__.replace('build_', 'graph/'):30} {best(lambda build=build: build(space), 1):7.3f} s")


def main(count: int = 1_000_000) -> None:
    edges = random_edges(count, nodes=count // 5)
    graph = g.Graph.build(edges)
    undirected = graph.as_undirected()
    node = graph.names[int(graph.targets[0])]
    cases: dict[str, Callable[[], Any]] = {
        "build": lambda: g.Graph.build(edges),
        "pagerank, build included": lambda: g.pagerank(g.Graph.build(edges)),
        "communities, build included": lambda: g.communities(g.Graph.build(edges)),
        "components": lambda: g.components(graph),
        "label propagation (10)": lambda: g.label_propagation(graph),
        "clustering": lambda: g.clustering(graph),
        "levels": lambda: g.levels(undirected, node),
        "distances": lambda: g.distances(undirected, node),
        "betweenness (16 samples)": lambda: g.betweenness(undirected, samples=16),
        "shortest path": lambda: g.shortest_path(undirected, graph.names[0], graph.names[-1]),
        "similar": lambda: g.similar(graph, node),
        "neighbourhood (2)": lambda: g.neighbourhood(
            edges.lazy().with_columns(type=pl.lit("x"), lineage_id=pl.lit("y")), graph.names[0], 2
        ),
    }
    print(f"{count:,} edges, {graph.size:,} nodes")
    for name, case in cases.items():
        print(f"{name:30} {best(case):7.3f} s")
    tables(count)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
