"""Questions to the graph: ``lake.graph``.

Belongs here: reading the graph's tables, choosing the edges of a question, saying which node is not known.
Must not: an algorithm (transforms/graph), a picture (picture.py), writing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from cenote.erasure.suppression import hidden, naming
from cenote.errors import GraphError, unknown
from cenote.workspace import Workspace
from transforms import graph as algorithms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Moment = datetime | str
_ENTITY = pl.col("node").str.extract("^([^:]*):", 1).alias("entity")
_GRAPHS_KEPT = 4
_NAMES_COMPARED = 200
_SIMILAR = pl.Schema({"node": pl.String(), "entity": pl.String(), "similarity": pl.Float64(), "shared": pl.Int64()})
_PATH = pl.Schema(
    {
        "step": pl.Int64(),
        "node": pl.String(),
        "entity": pl.String(),
        "distance": pl.Float64(),
        "types": pl.List(pl.String()),
        "lineage_ids": pl.List(pl.String()),
    }
)


class GraphDoor:
    """The relationship graph of a lake. Nodes are named ``<entity>:<value>``, people by their pseudonyms.

    Every question takes ``as_of`` (a datetime or ISO text; naive is UTC) and ``types`` of edges: only edges
    that hold at that moment, and are of those types, are seen. Without ``as_of`` the moment is now, or the
    lake's ``as_of`` where that is set. Answers are frames; those about single edges carry the lineage ids of
    the records that made them. Questions about a node raise ``GraphError``, with the nearest names, where no
    edge ever had it.
    """

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._graphs: dict[tuple[object, ...], algorithms.Graph] = {}

    def edges(self, *, as_of: Moment | None = None, types: Sequence[str] | None = None) -> pl.LazyFrame:
        """The edges that hold, with all columns of ``graph.edges``, lazily."""
        return self._table("edges").filter(algorithms.holding(self._moment(as_of)), self._of_types(types))

    def neighbours(
        self, node: str, k: int = 1, *, as_of: Moment | None = None, types: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Nodes within ``k`` steps, direction aside: node, entity, hops, types, weight, edges, lineage_ids."""
        self._known(node)
        return _told(algorithms.neighbourhood(self.edges(as_of=as_of, types=types), node, k))

    def subgraph(
        self, node: str, k: int = 1, *, as_of: Moment | None = None, types: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The edges among a node and its neighbours within ``k`` steps, with all columns of ``graph.edges``."""
        around = self.neighbours(node, k, as_of=as_of, types=types)["node"]
        nodes = pl.concat([pl.Series("node", [node]), around])
        return algorithms.subgraph(self.edges(as_of=as_of, types=types), nodes)

    def common(
        self, first: str, second: str, *, as_of: Moment | None = None, types: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Nodes tied to both: node, entity, weight_first, weight_second, types, lineage_ids."""
        self._known(first, second)
        return _told(algorithms.common(self.edges(as_of=as_of, types=types), first, second))

    def similar(
        self,
        node: str,
        top: int = 20,
        *,
        measure: str = "jaccard",
        as_of: Moment | None = None,
        types: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Nodes of the same entity that share neighbours: node, entity, similarity (0..1), shared.

        ``measure``: ``jaccard`` (of neighbours) or ``cosine`` (of tie weights).
        """
        self._known(node)
        if measure not in algorithms.MEASURES:
            raise GraphError(unknown("measure of similarity", measure, algorithms.MEASURES))
        graph = self.graph(as_of=as_of, types=types)
        if node not in graph:
            return pl.DataFrame(schema=_SIMILAR)
        found = _told(algorithms.similar(graph, node, measure))
        return found.filter(pl.col("entity") == node.partition(":")[0]).head(top)

    def shortest_path(
        self,
        start: str,
        end: str,
        *,
        weighted: bool = False,
        directed: bool = False,
        as_of: Moment | None = None,
        types: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """A shortest way: step, node, entity, distance, types, lineage_ids; no rows where there is none.

        ``types`` and ``lineage_ids`` are those of the edges that lead there from the node before. ``distance`` counts
        steps; ``weighted`` adds up 1 / weight, so that strong ties are short. ``directed`` goes along edges only.
        """
        self._known(start, end)
        graph = self.graph(as_of=as_of, types=types, directed=directed)
        if start not in graph or end not in graph:
            return pl.DataFrame(schema=_PATH)
        way = algorithms.shortest_path(graph.strong_is_short() if weighted else graph, start, end, weighted=weighted)
        taken = algorithms.subgraph(self.edges(as_of=as_of, types=types), way["node"])
        return _told(algorithms.explain(way, taken, directed=directed)).select(_PATH.names())

    def pagerank(self, entity: str | None = None, top: int = 20, *, as_of: Moment | None = None) -> pl.DataFrame:
        """The highest ranked nodes (of an entity): node, entity, pagerank, and lineage_id unless ``as_of``."""
        if as_of is None:
            found = self._table("pagerank").collect()
        else:
            found = _told(algorithms.pagerank(self.graph(as_of=as_of)))
        return _of_entity(found, entity).sort("pagerank", "node", descending=[True, False]).head(top)

    def betweenness(
        self, entity: str | None = None, top: int = 20, *, samples: int | None = None, as_of: Moment | None = None
    ) -> pl.DataFrame:
        """Nodes on most shortest ways, direction aside: node, entity, betweenness (0..1).

        Exact on a small graph; a large one, or any with ``samples``, is estimated from that many start nodes.
        """
        found = _told(algorithms.betweenness(self.graph(as_of=as_of, directed=False), samples=samples))
        return _of_entity(found, entity).sort("betweenness", "node", descending=[True, False]).head(top)

    def clustering(self, entity: str | None = None, *, as_of: Moment | None = None) -> pl.DataFrame:
        """How closely each node's neighbours are tied: node, entity, clustering (0..1)."""
        return _of_entity(_told(algorithms.clustering(self.graph(as_of=as_of))), entity)

    def components(self, *, as_of: Moment | None = None) -> pl.DataFrame:
        """Connected parts of the graph: node, entity, component (named after its first node), size."""
        return _told(algorithms.components(self.graph(as_of=as_of)))

    def labels(self, *, as_of: Moment | None = None) -> pl.DataFrame:
        """Communities by label propagation: node, entity, label."""
        return _told(algorithms.label_propagation(self.graph(as_of=as_of)))

    def communities(self, *, as_of: Moment | None = None) -> pl.DataFrame:
        """Communities by the Leiden method: node, entity, community, size; from the table unless ``as_of``."""
        if as_of is None:
            return self._table("communities").collect()
        return _told(algorithms.communities(self.graph(as_of=as_of)))

    def community(self, node: str, *, as_of: Moment | None = None) -> pl.DataFrame:
        """The members of a node's community, itself included; columns as :meth:`communities`."""
        self._known(node)
        every = self.communities(as_of=as_of)
        mine = every.filter(pl.col("node") == node).select("community")
        return every.join(mine, on="community", how="semi").sort("entity", "node")

    def draw(
        self,
        node: str,
        k: int = 1,
        *,
        as_of: Moment | None = None,
        types: Sequence[str] | None = None,
        limit: int = 120,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw a neighbourhood (its ``limit`` nearest and strongest nodes) and return the matplotlib Axes."""
        from cenote.graph.picture import draw

        around = self.neighbours(node, k, as_of=as_of, types=types)
        shown = around.head(limit)
        nodes = pl.concat([pl.Series("node", [node]), shown["node"]])
        ties = algorithms.subgraph(self.edges(as_of=as_of, types=types), nodes)
        return draw(node, shown, ties, found=around.height, ax=ax)

    def graph(
        self, *, as_of: Moment | None = None, types: Sequence[str] | None = None, directed: bool = True
    ) -> algorithms.Graph:
        """The edges that hold as a :class:`transforms.graph.Graph`, for any function of that package."""
        moment = self._moment(as_of)
        key = (
            self._space.table("graph", "edges").version,
            hidden(self._space),
            moment,
            tuple(sorted(types or ())),
            directed,
        )
        if key not in self._graphs:
            held = self.edges(as_of=moment, types=types).select("source", "target", "weight").collect()
            while len(self._graphs) >= _GRAPHS_KEPT:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[key] = algorithms.Graph.build(held, directed=directed)
        return self._graphs[key]

    def _moment(self, as_of: Moment | None) -> datetime:
        """``as_of`` in UTC. Now is taken to the end of the minute, so that questions asked together share a graph."""
        if as_of is None:
            if self._space.settings.as_of:
                return self._space.as_of
            return self._space.clock().replace(second=0, microsecond=0) + timedelta(minutes=1)
        try:
            moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
        except ValueError:
            raise GraphError(
                f"as_of {as_of!r} is no moment", "write it as 2026-11-20 or 2026-11-20T12:00:00+00:00"
            ) from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _table(self, name: str) -> pl.LazyFrame:
        table = self._space.table("graph", name)
        if not table.exists:
            raise GraphError(f"table {table.name} is not there yet", "run `cenote run`")
        people = hidden(self._space)
        return table.scan().filter(~naming(table.schema(), people)) if people else table.scan()

    def _of_types(self, types: Sequence[str] | None) -> pl.Expr:
        """Whether an edge is of one of ``types``. Raises ``GraphError`` where a contract declares no such type."""
        if types is None:
            return pl.lit(True)
        known = {edge.type for contract in self._space.contracts.values() for edge in contract.edges}
        for name in types:
            if name not in known:
                raise GraphError(unknown("edge type", name, known))
        return pl.col("type").is_in(list(types))

    def _known(self, *nodes: str) -> None:
        """Raise ``GraphError``, with near names, where a node never had an edge."""
        edges = self._table("edges")
        for node in nodes:
            among = edges.filter((pl.col("source") == node) | (pl.col("target") == node))
            if among.select("edge_id").head(1).collect().is_empty():
                raise GraphError(unknown("node", node, _like(edges, node)), "a node is named <entity>:<value>")


def _like(edges: pl.LazyFrame, node: str) -> list[str]:
    """Names near a mistaken one, among those that hold its value or begin as it does; else a name of each entity."""
    names = pl.concat([edges.select(pl.col(end).alias("node")) for end in ("source", "target")]).unique()
    holds = pl.col("node").str.contains(node.partition(":")[2] or node, literal=True)
    begins = pl.col("node").str.starts_with(node[: max(len(node) - 2, 3)])
    compared = names.filter(holds | begins).sort("node").head(_NAMES_COMPARED).collect()["node"]
    near = get_close_matches(node, compared, n=3) or compared[:3].to_list()
    return near or names.group_by(_ENTITY).agg(pl.col("node").min()).collect()["node"].to_list()


def _told(found: pl.DataFrame) -> pl.DataFrame:
    """The answer with each node's entity beside it."""
    return found.insert_column(found.columns.index("node") + 1, found.select(_ENTITY).to_series())


def _of_entity(found: pl.DataFrame, entity: str | None) -> pl.DataFrame:
    """The rows of an entity. Raises ``GraphError`` where the graph has no such entity."""
    if entity is None:
        return found
    known = found["entity"].unique()
    if entity not in known:
        raise GraphError(unknown("entity in the graph", entity, known))
    return found.filter(pl.col("entity") == entity)
