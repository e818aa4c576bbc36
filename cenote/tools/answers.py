"""What each tool does: arguments in, plain values out.

Belongs here: asking the lake and shaping its answer for an agent. Must not: checks of arguments, limits of calls, audit
(toolbox.py). Everything asked here is masked already; an answer names lineage ids wherever its rows have them.
"""

import json
from typing import TYPE_CHECKING, Any

from cenote.errors import GraphError, ToolError, unknown
from cenote.tools import arguments as given

if TYPE_CHECKING:
    import polars as pl

    from cenote.lake import Lake
    from cenote.sandbox.pool import Sandbox

_CHARACTERS = 200_000  # of an answer's rows, as JSON
_TRACED = 20  # ids of a trace's part


class Answers:
    """The tools of one lake."""

    def __init__(self, lake: "Lake", sandbox: "Sandbox", rows: int) -> None:
        self._lake, self._sandbox, self._rows = lake, sandbox, rows

    def tables(self, asked: given.Tables) -> dict[str, Any]:
        """Tables, or the columns of one, with what they mean; and what else there is to ask for."""
        if asked.table:
            layer, _, name = asked.table.partition(".")
            columns = self._lake.sql(
                'select "column", type, classification, mask, description from meta.columns '
                'where layer = $layer and "table" = $name',
                {"layer": layer, "name": name},
            )
            if columns.is_empty():
                known = self._lake.tables().select("layer", "table").rows()
                raise ToolError(unknown("table", asked.table, [".".join(row) for row in known]), "name one of them")
            return self._told(columns)
        every = self._lake.sql(
            'select layer || \'.\' || "table" as "table", rows, description from meta.assets '
            "where layer not in ('bronze', 'quarantine') order by all"
        )
        return self._told(every) | {
            "search_namespaces": sorted({p.namespace for c in self._lake.space.contracts.values() for p in c.passages}),
            "edge_types": sorted({e.type for c in self._lake.space.contracts.values() for e in c.edges}),
            "features": self._features(),
        }

    def _features(self) -> dict[str, Any]:
        from cenote.errors import FeatureError
        from cenote.features.definitions import described

        try:
            views = described(self._lake.space)
        except FeatureError:
            return {}
        return {v.name: {"kind": v.kind, "keys": list(v.keys), "features": list(v.features)} for v in views.values()}

    def search(self, asked: given.Search) -> dict[str, Any]:
        """Passages, with features."""
        return self._told(
            self._lake.search_and_retrieve(
                asked.query, asked.features, k=asked.k, namespace=asked.namespace, mode=asked.mode
            )
        )

    def features(self, asked: given.Features) -> dict[str, Any]:
        """Online values."""
        wanted = asked.features[0] if len(asked.features) == 1 else asked.features
        return self._told(self._lake.features(wanted, [dict(entity) for entity in asked.entities]))

    def graph(self, asked: given.Graph) -> dict[str, Any]:
        """Nodes, or a way."""
        from cenote.door.people import visible

        graph, when, types = self._lake.graph, asked.as_of, asked.types
        if asked.ask == "pagerank":
            return self._told(visible(self._lake.space, graph.pagerank(asked.entity, self._rows, as_of=when)))
        if asked.node is None or (asked.ask in ("common", "path") and asked.other is None):
            raise GraphError(f"{asked.ask} needs {'two nodes' if asked.node else 'a node'}", "give node, and other")
        node, other = asked.node, asked.other or ""
        found = {
            "neighbors": lambda: graph.neighbours(node, asked.k, as_of=when, types=types),
            "similar": lambda: graph.similar(node, as_of=when, types=types),
            "common": lambda: graph.common(node, other, as_of=when, types=types),
            "path": lambda: graph.shortest_path(node, other, as_of=when, types=types),
            "community": lambda: graph.community(node, as_of=when),
        }[asked.ask]()
        return self._told(visible(self._lake.space, found))

    def recommend(self, asked: given.Recommend) -> dict[str, Any]:
        """Recommendations."""
        return self._told(
            self._lake.recommend(customer=asked.customer, product=asked.product, people=asked.people, k=asked.k)
        )

    def entity(self, asked: given.Entity) -> dict[str, Any]:
        """All about one thing."""
        found = self._lake.entity(asked.type, asked.id, limit=asked.rows).as_dict()
        if len(json.dumps(found, default=str)) > _CHARACTERS:
            raise ToolError("there is too much about it for one answer", "ask for fewer rows")
        return dict(found)

    def sql(self, asked: given.Sql) -> dict[str, Any]:
        """Rows of a SELECT, run apart."""
        frame, more = self._sandbox.run(asked.query)
        told = self._told(frame)
        return told | {"truncated": told["truncated"] or more}

    def trace(self, asked: given.Trace) -> dict[str, Any]:
        """What a row was made of, and what was made of it."""
        from cenote import trace

        return trace.trace(self._lake.space, asked.id, *asked.key).as_dict(_TRACED)

    def _told(self, frame: "pl.DataFrame") -> dict[str, Any]:
        """Rows as plain values, no more than an agent may get at once."""
        rows = json.loads(frame.head(self._rows).write_json())
        size = 0
        for number, row in enumerate(rows):
            size += len(json.dumps(row))
            if size > _CHARACTERS:
                rows = rows[:number]
                break
        return {"rows": rows, "row_count": len(rows), "truncated": len(rows) < frame.height}
