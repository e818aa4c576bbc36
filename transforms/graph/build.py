"""The graph itself: an edge frame as arrays that every algorithm of this package takes.

Belongs here: choosing the edges that hold at a moment, naming nodes, adjacency in the forms that algorithms
need. Must not: an algorithm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from transforms.imports import networkit as load_networkit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def holding(as_of: datetime) -> pl.Expr:
    """Whether an edge holds at a moment: it has begun (or is undated) and has not ended."""
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= as_of)
    return begun & (pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of))


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes numbered 0..n-1 in the order of ``names``, and edges as arrays of node numbers with weights.

    Parallel edges are one edge: ``weights`` adds up their weights (how strongly two nodes are tied),
    ``lengths`` is the least of them (how far they are apart). In an undirected graph an edge stands once, in
    the direction it was given.
    """

    names: pl.Series
    sources: Ints
    targets: Ints
    weights: Floats
    lengths: Floats
    directed: bool

    @classmethod
    def build(
        cls, edges: pl.DataFrame, *, directed: bool = True, nodes: Sequence[str] | pl.Series | None = None
    ) -> "Graph":
        """Build from a frame with ``source`` and ``target`` (strings) and, if it is there, ``weight``.

        ``nodes`` adds nodes without edges and gives the order of nodes, by which ties are broken; without it
        nodes are the ends of the edges in alphabetical order. Raises ``ValueError`` where an end is not among
        ``nodes``.
        """
        ends = pl.concat([edges["source"], edges["target"].rename("source")])
        names = (ends.unique() if nodes is None else pl.Series(nodes, dtype=pl.String)).rename("node")
        names = names.sort() if nodes is None else names
        kind = pl.Enum(names)
        try:
            ids = edges.select(pl.col("source", "target").cast(kind).to_physical().cast(pl.Int64))
        except pl.exceptions.InvalidOperationError:
            raise ValueError("an edge ends at a node that is not among the nodes given") from None
        weights = edges["weight"].cast(pl.Float64).to_numpy() if "weight" in edges.columns else np.ones(edges.height)
        made = cls._merged(names, ids["source"].to_numpy(), ids["target"].to_numpy(), weights, weights)
        return made if directed else made.as_undirected()

    @classmethod
    def _merged(
        cls, names: pl.Series, sources: Ints, targets: Ints, weights: Floats, lengths: Floats, directed: bool = True
    ) -> "Graph":
        """The graph of edges in any order, parallel ones made one; sorting numbers is quicker than grouping pairs."""
        pairs = sources * max(1, len(names)) + targets
        order = np.argsort(pairs, kind="stable")  # so that weights are added up in the same order every time
        pairs = pairs[order]
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        if len(first):
            weights, lengths = np.add.reduceat(weights[order], first), np.minimum.reduceat(lengths[order], first)
        sources, targets = np.divmod(pairs[first], max(1, len(names)))
        return cls(names, sources, targets, weights, lengths, directed)

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.names)

    def index(self, node: str) -> int:
        """The number of a node. Raises ``KeyError``."""
        found = self.names.index_of(node)
        if found is None:
            raise KeyError(node)
        return found

    def __contains__(self, node: str) -> bool:
        return self.names.index_of(node) is not None

    def strong_is_short(self) -> "Graph":
        """The same graph with 1 / weight as length, so that a shortest path goes along strong ties."""
        with np.errstate(divide="ignore"):
            return replace(self, lengths=1.0 / self.weights)

    def frame(self, **columns: Any) -> pl.DataFrame:
        """A result: a row per node, ``node`` and the columns given in node order."""
        return pl.DataFrame([self.names, *(pl.Series(name, values) for name, values in columns.items())])

    def as_undirected(self) -> "Graph":
        """The graph without directions; edges that were opposite are parallel."""
        if not self.directed:
            return self
        low, high = np.minimum(self.sources, self.targets), np.maximum(self.sources, self.targets)
        return self._merged(self.names, low, high, self.weights, self.lengths, directed=False)

    def adjacency(self, values: Floats | None = None) -> "csr_matrix":
        """Adjacency as a sparse matrix, row = source, holding ``values`` (default: 1 per edge).

        An undirected edge stands both ways, a self-loop once.
        """
        from scipy.sparse import csr_matrix

        data = np.ones(len(self.sources)) if values is None else values
        rows, columns = self.sources, self.targets
        if not self.directed:
            back = rows != columns
            rows, columns = np.concatenate([rows, columns[back]]), np.concatenate([columns, rows[back]])
            data = np.concatenate([data, data[back]])
        return csr_matrix((data, (rows, columns)), shape=(self.size, self.size))

    @cached_property
    def tied(self) -> "csr_matrix":
        """Which nodes are tied, direction and self-loops aside: a symmetric matrix of ones."""
        both = self.as_undirected()
        matrix = both.adjacency((both.sources != both.targets).astype(np.float64))
        matrix.eliminate_zeros()
        return matrix

    def networkit(self, *, weighted: bool) -> Any:
        """The graph for networkit, self-loops left out."""
        networkit = load_networkit()

        kept = self.sources != self.targets
        ends = self.sources[kept], self.targets[kept]
        weights = self.weights[kept] if weighted else np.ones(len(ends[0]))
        return networkit.GraphFromCoo((weights, ends), n=self.size, directed=self.directed, weighted=weighted)
