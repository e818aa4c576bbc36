"""Graph algorithms against published reference outputs, networkx and brute force."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms import graph as g
from transforms.graph import centrality

# LDBC Graphalytics: real-valued outputs are valid within this relative error.
EPSILON = 1e-4


class Ldbc:
    """One example graph of the LDBC Graphalytics validation set, with its parameters and reference outputs."""

    def __init__(self, folder: Path, name: str) -> None:
        self._base = folder / "graph" / "graphalytics_example" / f"example-{name}"
        lines = Path(f"{self._base}.properties").read_text().splitlines()
        properties = dict(line.split(" = ", 1) for line in lines if " = " in line)
        self.parameters = {key.removeprefix(f"graph.example-{name}."): value for key, value in properties.items()}
        edges = [line.split() for line in Path(f"{self._base}.e").read_text().splitlines()]
        frame = pl.DataFrame(edges, schema=["source", "target", "weight"], orient="row")
        self.graph = g.Graph.build(
            frame.with_columns(pl.col("weight").cast(pl.Float64)),
            directed=self.parameters["directed"] == "true",
            nodes=Path(f"{self._base}.v").read_text().split(),
        )

    def expected(self, algorithm: str) -> dict[str, str]:
        return dict(line.split() for line in Path(f"{self._base}-{algorithm}").read_text().splitlines())


@pytest.fixture(params=["directed", "undirected"])
def ldbc(request: pytest.FixtureRequest, shared_data: Path) -> Ldbc:
    return Ldbc(shared_data, request.param)


def values(frame: pl.DataFrame) -> dict[str, Any]:
    return dict(frame.select(frame.columns[:2]).iter_rows())


def within_epsilon(actual: dict[str, float | None], expected: dict[str, str]) -> bool:
    found = {node: float("inf") if value is None else value for node, value in actual.items()}
    wanted = {node: float(value) for node, value in expected.items()}
    return found.keys() == wanted.keys() and all(
        found[n] == wanted[n] or abs(found[n] - wanted[n]) <= EPSILON * abs(wanted[n]) for n in wanted
    )


def same_partition(actual: dict[str, str], expected: dict[str, str]) -> bool:
    pairs = {(actual[node], expected[node]) for node in expected}
    return actual.keys() == expected.keys() and len(pairs) == len(set(actual.values())) == len(set(expected.values()))


def test_ldbc_bfs(ldbc: Ldbc) -> None:
    found = g.levels(ldbc.graph, ldbc.parameters["bfs.source-vertex"])
    unreachable = 2**63 - 1
    assert {n: unreachable if v is None else v for n, v in values(found).items()} == {
        n: int(v) for n, v in ldbc.expected("BFS").items()
    }


def test_ldbc_pagerank(ldbc: Ldbc) -> None:
    found = g.pagerank(
        ldbc.graph,
        damping=float(ldbc.parameters["pr.damping-factor"]),
        iterations=int(ldbc.parameters["pr.num-iterations"]),
        weighted=False,
    )
    assert within_epsilon(values(found), ldbc.expected("PR"))


def test_ldbc_weakly_connected_components(ldbc: Ldbc) -> None:
    assert same_partition(values(g.components(ldbc.graph)), ldbc.expected("WCC"))


def test_ldbc_label_propagation(ldbc: Ldbc) -> None:
    found = g.label_propagation(ldbc.graph, iterations=int(ldbc.parameters["cdlp.max-iterations"]))
    assert values(found) == ldbc.expected("CDLP")


def test_ldbc_clustering(ldbc: Ldbc) -> None:
    assert within_epsilon(values(g.clustering(ldbc.graph)), ldbc.expected("LCC"))


def test_ldbc_shortest_paths(ldbc: Ldbc) -> None:
    found = g.distances(ldbc.graph, ldbc.parameters["sssp.source-vertex"])
    assert within_epsilon(values(found), ldbc.expected("SSSP"))


@pytest.mark.parametrize(
    ("answer", "damping"),
    [
        ("pagerank", 0.9),
        ("dangling_pagerank", 0.85),
    ],  # networkx's tests give the first at 0.9, the second at its default
)
def test_langville_meyer_pagerank_with_a_dangling_node(shared_data: Path, answer: str, damping: float) -> None:
    case = json.loads((shared_data / "graph" / "networkx" / "pagerank_langville_meyer.json").read_text())
    edges = pl.DataFrame(case["edges"], schema=["source", "target"], orient="row").cast(pl.String)
    shares = case["dangling"] if answer == "dangling_pagerank" else None
    found = g.pagerank(g.Graph.build(edges), damping=damping, dangling=shares)
    assert found["pagerank"].to_list() == pytest.approx(case[answer], abs=case["abs_tolerance"])
    assert found["pagerank"].sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def wormnet() -> pl.DataFrame:
    file = Path(__file__).parents[2] / "shared" / "data" / "graph" / "networkx" / "WormNet.v3.benchmark.txt"
    if not file.exists():
        pytest.skip("third-party test data (../shared/data) is not beside this checkout")
    return pl.read_csv(file, separator="\t", has_header=False, new_columns=["source", "target"])


def test_gene_network_agrees_with_networkx(wormnet: pl.DataFrame) -> None:
    graph = g.Graph.build(wormnet, directed=False)
    oracle = nx.Graph(list(wormnet.iter_rows()))
    assert wormnet.height == 78_736
    assert values(g.clustering(graph)) == pytest.approx(nx.clustering(oracle))
    assert values(g.pagerank(graph)) == pytest.approx(nx.pagerank(oracle, tol=1e-12), abs=1e-8)
    assert g.components(graph)["component"].n_unique() == nx.number_connected_components(oracle)
    source = graph.names[0]
    assert {n: v for n, v in values(g.levels(graph, source)).items() if v is not None} == dict(
        nx.single_source_shortest_path_length(oracle, source)
    )


def test_gene_network_communities_are_good_and_repeatable(wormnet: pl.DataFrame) -> None:
    graph = g.Graph.build(wormnet, directed=False)
    found = g.communities(graph)
    assert found.equals(g.communities(graph))
    assert found.equals(g.communities(g.Graph.build(wormnet.reverse(), directed=False)))
    groups = found.group_by("community").agg("node")["node"].to_list()
    oracle = nx.Graph(list(wormnet.iter_rows()))
    assert nx.community.modularity(oracle, groups) > 0.75
    sizes = found.unique("community").sort("community")
    assert sizes["size"].is_sorted(descending=True) and sizes["size"].sum() == graph.size


def test_sampled_betweenness_finds_the_same_leaders(wormnet: pl.DataFrame) -> None:
    graph = g.Graph.build(wormnet.filter(pl.col("source").str.contains("^[CF]")), directed=False)
    exact = g.betweenness(graph)
    sampled = g.betweenness(graph, samples=400, seed=3)
    assert sampled.equals(g.betweenness(graph, samples=400, seed=3))
    leaders = [set(scores.top_k(20, by="betweenness")["node"]) for scores in (exact, sampled)]
    assert len(leaders[0] & leaders[1]) >= 15


def digraphs() -> st.SearchStrategy[pl.DataFrame]:
    node = st.integers(0, 7).map(lambda number: f"n{number}")
    edge = st.tuples(node, node, st.integers(0, 9).map(float))
    return st.lists(edge, min_size=1, max_size=30).map(
        lambda edges: pl.DataFrame(edges, schema=["source", "target", "weight"], orient="row")
    )


def oracle(edges: pl.DataFrame, directed: bool) -> Any:
    """networkx with parallel edges merged: ``weight`` adds up, ``length`` is the least."""
    made = (nx.DiGraph if directed else nx.Graph)()
    for source, target, weight in edges.iter_rows():
        old = made.get_edge_data(source, target, {"weight": 0.0, "length": weight})
        made.add_edge(source, target, weight=old["weight"] + weight, length=min(old["length"], weight))
    return made


@settings(max_examples=60, deadline=None)
@given(edges=digraphs(), directed=st.booleans())
def test_any_small_graph_agrees_with_networkx(edges: pl.DataFrame, directed: bool) -> None:
    graph, known = g.Graph.build(edges, directed=directed), oracle(edges, directed)
    loopless = nx.Graph(known) if not directed else nx.DiGraph(known)
    loopless.remove_edges_from(list(nx.selfloop_edges(loopless)))
    source = graph.names[0]

    assert {n: v for n, v in values(g.levels(graph, source)).items() if v is not None} == dict(
        nx.single_source_shortest_path_length(known, source)
    )
    assert {n: v for n, v in values(g.distances(graph, source)).items() if v is not None} == pytest.approx(
        dict(nx.single_source_dijkstra_path_length(known, source, weight="length"))
    )
    assert same_partition(
        values(g.components(graph)),
        {n: min(group) for group in nx.connected_components(nx.Graph(known)) for n in group},
    )
    assert values(g.betweenness(graph)) == pytest.approx(nx.betweenness_centrality(loopless), abs=1e-9)
    if not directed:
        assert values(g.clustering(graph)) == pytest.approx(nx.clustering(loopless))
    assert values(g.pagerank(graph, weighted=False)) == pytest.approx(
        nx.pagerank(known, weight=None, tol=1e-12, max_iter=1000), abs=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(edges=digraphs(), directed=st.booleans(), weighted=st.booleans())
def test_a_shortest_path_is_a_way_and_as_short_as_the_distance(
    edges: pl.DataFrame, directed: bool, weighted: bool
) -> None:
    graph, known = g.Graph.build(edges, directed=directed), oracle(edges, directed)
    start, end = graph.names[0], graph.names[-1]
    found = g.shortest_path(graph, start, end, weighted=weighted)
    if not nx.has_path(known, start, end):
        assert found.is_empty()
        return
    way = found["node"].to_list()
    lengths = [known[a][b]["length"] if weighted else 1 for a, b in pairwise(way)]
    assert way[0] == start and way[-1] == end
    assert found["distance"].to_list() == pytest.approx([0, *np.cumsum(lengths)])
    assert sum(lengths) == pytest.approx(
        nx.shortest_path_length(known, start, end, weight="length" if weighted else None)
    )


@settings(max_examples=40, deadline=None)
@given(edges=digraphs())
def test_similarity_by_its_definition(edges: pl.DataFrame) -> None:
    graph = g.Graph.build(edges)
    ties = nx.Graph((s, t) for s, t, _ in edges.iter_rows() if s != t)
    node = graph.names[0]
    mine = set(ties[node]) if node in ties else set()
    expected = {
        other: len(mine & set(ties[other])) / len(mine | set(ties[other]))
        for other in ties
        if other != node and mine & set(ties[other])
    }
    assert values(g.similar(graph, node)) == pytest.approx(expected)
    assert (g.similar(graph, node, "cosine")["similarity"].is_between(0, 1 + 1e-9)).all()


def typed(*edges: tuple[str, str]) -> pl.DataFrame:
    frame = pl.DataFrame(edges, schema=["source", "target"], orient="row")
    return frame.with_columns(
        type=pl.lit("knows"), weight=pl.lit(1.0), lineage_id=pl.int_range(pl.len()).cast(pl.String)
    )


def test_a_neighbourhood_grows_hop_by_hop_and_counts_its_edges() -> None:
    edges = typed(("a", "b"), ("b", "a"), ("c", "b"), ("c", "d"), ("e", "f"), ("a", "a")).lazy()
    found = g.neighbourhood(edges, "a", k=2)
    assert found.select("node", "hops", "edges", "weight").rows() == [("b", 1, 2, 2.0), ("c", 2, 1, 1.0)]
    assert found["lineage_ids"].to_list() == [["0", "1"], ["2"]]
    assert g.neighbourhood(edges, "a", k=9)["node"].to_list() == ["b", "c", "d"]
    assert g.neighbourhood(edges, "nobody").is_empty()


def test_common_neighbours() -> None:
    edges = typed(("a", "x"), ("b", "x"), ("y", "a"), ("b", "y"), ("a", "z"), ("a", "b")).lazy()
    found = g.common(edges, "a", "b")
    assert found["node"].to_list() == ["x", "y"]
    assert found["lineage_ids"].to_list() == [["0", "1"], ["2", "3"]]


def test_a_subgraph_keeps_edges_between_its_nodes_only() -> None:
    edges = typed(("a", "b"), ("b", "c"), ("c", "a")).lazy()
    assert g.subgraph(edges, pl.Series(["a", "b"]))["lineage_id"].to_list() == ["0"]


def test_an_edge_holds_from_its_beginning_until_just_before_its_end() -> None:
    day = [datetime(2026, 1, n, tzinfo=UTC) for n in range(1, 6)]
    edges = pl.DataFrame(
        {"id": ["ended", "open", "undated", "future"], "valid_from": [day[0], day[1], None, day[4]],
         "valid_to": [day[2], None, None, None]},
        schema_overrides={"valid_from": pl.Datetime("us", "UTC"), "valid_to": pl.Datetime("us", "UTC")},
    )  # fmt: skip
    held = [edges.filter(g.holding(moment))["id"].to_list() for moment in day[:3]]
    assert held == [["ended", "undated"], ["ended", "open", "undated"], ["open", "undated"]]


def test_parallel_edges_add_up_in_strength_and_take_the_shortest_as_length() -> None:
    edges = pl.DataFrame({"source": ["a", "a"], "target": ["b", "b"], "weight": [2.0, 5.0]})
    graph = g.Graph.build(edges)
    assert graph.weights.tolist() == [7.0] and graph.lengths.tolist() == [2.0]


def test_an_empty_graph_and_lone_nodes_have_answers() -> None:
    none = pl.DataFrame(schema={"source": pl.String, "target": pl.String})
    for nodes in ([], ["a"], ["a", "b"]):
        graph = g.Graph.build(none, nodes=nodes)
        for algorithm in (g.pagerank, g.components, g.communities, g.label_propagation, g.clustering, g.betweenness):
            assert algorithm(graph)["node"].to_list() == nodes


def test_mistakes_are_named() -> None:
    edges = pl.DataFrame({"source": ["a"], "target": ["b"], "weight": [-1.0]})
    graph = g.Graph.build(edges)
    with pytest.raises(KeyError, match="nobody"):
        g.levels(graph, "nobody")
    with pytest.raises(ValueError, match="negative"):
        g.distances(graph, "a")
    with pytest.raises(ValueError, match="negative"):
        g.pagerank(graph)
    with pytest.raises(ValueError, match="measure"):
        g.similar(graph, "a", "telepathy")
    with pytest.raises(ValueError, match="not among"):
        g.Graph.build(edges, nodes=["a"])


def test_estimated_betweenness_takes_over_where_exact_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    star = pl.DataFrame({"source": ["hub"] * 30, "target": [f"n{n}" for n in range(30)]})
    monkeypatch.setattr(centrality, "EXACT_BETWEENNESS_STEPS", 1)
    found = g.betweenness(g.Graph.build(star, directed=False))
    assert found.top_k(1, by="betweenness")["node"].to_list() == ["hub"]


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    code = "import sys, transforms.graph; print([m for m in ('networkit', 'scipy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
