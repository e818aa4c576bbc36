"""Everything the lake holds about one person, product or other thing, masked, with where it came from.

Belongs here: gathering rows of every store about an entity. Must not: opening sealed payloads, following lineage
further (cenote/trace).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cenote import catalog
from cenote.door.keys import key_columns, known
from cenote.door.people import hidden, visible
from cenote.errors import FeatureError, GraphError
from cenote.views import ident
from cenote.workspace import Workspace

LIMIT = 100


@dataclass(frozen=True)
class Entity:
    """One thing, by kind and masked id, and what is known of it.

    ``tables``: rows by table (``silver.orders``, ``gold.customer_360``, ``features.customer_features``), at most
    ``limit`` of each, newest landing first where that is known; ``counts``: how many there are. ``neighbours``: as of
    :meth:`cenote.graph.GraphDoor.neighbours`. ``passages``: texts about it. ``standing``: its row of each graph table.
    """

    type: str
    id: str
    tables: Mapping[str, pl.DataFrame]
    counts: Mapping[str, int]
    neighbours: pl.DataFrame
    passages: pl.DataFrame
    standing: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, pl.DataFrame]:
        """Every frame by name."""
        return {**self.tables, **self.standing, "graph.neighbours": self.neighbours, "vectors.passages": self.passages}

    @property
    def lineage_ids(self) -> list[str]:
        """The lineage ids of all rows shown, sorted; each leads on through ``cenote trace``."""
        found: set[str] = set()
        for part in self.parts.values():
            if "lineage_id" in part.columns:
                found |= set(part["lineage_id"].drop_nulls())
            if "lineage_ids" in part.columns:
                found |= set(part["lineage_ids"].explode().drop_nulls())
        return sorted(found)

    @property
    def summary(self) -> pl.DataFrame:
        """Where it is spoken of: part, rows, shown."""
        return pl.DataFrame(
            [
                {"part": name, "rows": self.counts.get(name, part.height), "shown": part.height}
                for name, part in self.parts.items()
                if part.height
            ],
            schema={"part": pl.String, "rows": pl.Int64, "shown": pl.Int64},
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        import json

        parts = {name: json.loads(part.write_json()) for name, part in self.parts.items() if part.height}
        return {"type": self.type, "id": self.id, "counts": dict(self.counts), "parts": parts}

    def __repr__(self) -> str:
        return f"{self.type} {self.id}\n{self.summary}"


def entity(space: Workspace, type: str, id: str, *, limit: int = LIMIT) -> Entity:
    """All about one entity. ``id``: as silver has it, so for a person the pseudonym (``subject_id``).

    At most ``limit`` rows of each table. Raises ``GraphError`` where no contract knows the kind, or no table the id.
    """
    known(space, type)
    if id in hidden(space):
        raise _nowhere(type, id)
    tables, counts = _rows(space, type, id, limit)
    neighbours, standing = _in_graph(space, f"{type}:{id}", limit)
    ids = sorted({i for name, rows in tables.items() if name.startswith("silver.") for i in rows["lineage_id"]})
    found = Entity(type, id, tables, counts, neighbours, _passages(space, ids, limit), standing)
    if found.summary.is_empty():
        raise _nowhere(type, id)
    return found


def _nowhere(type: str, id: str) -> GraphError:
    return GraphError(
        f"no table speaks of {type} {id!r}",
        "give the id as silver has it; a person's is the subject_id, not the raw one",
    )


def _rows(space: Workspace, type: str, id: str, limit: int) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """Rows of silver, gold and features that name the entity, and how many there are of each."""
    named = key_columns(space, type)
    keys = {column for columns in named.values() for column in columns if "." not in column} - {"mentions"}
    features = _features(space, type)
    alike = sorted(keys - {"subject_id"})  # a column of the same name speaks of the same kind of thing
    tables = {f"silver/{name}": list(dict.fromkeys([*named.get(name, []), *alike])) for name in space.contracts}
    tables |= {table.name: sorted(keys) for table in space.tables("gold")}
    rows: dict[str, pl.DataFrame] = {}
    counts: dict[str, int] = {}
    with catalog.connect(space, [*tables, *(f"features/{view}" for view in features)]) as connection:
        kinds = {
            (schema, table, column): kind
            for schema, table, column, kind in connection.execute(
                "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        }
        sources = {}
        for name, columns in tables.items():
            layer, _, table = name.partition("/")
            tests = [test for c in columns if (test := _is(c, kinds.get((layer, table, c.split(".")[0]))))]
            if tests:
                order = (
                    " ORDER BY landed_at DESC, lineage_id"
                    if (layer, table, "landed_at") in kinds
                    else " ORDER BY lineage_id"
                )
                where = " OR ".join(tests)
                sources[f"{layer}.{table}"] = (f"FROM {layer}.{ident(table)} WHERE {where}", order)
        sources |= {
            f"features.{view}": (f"FROM ({select}) WHERE {ident(key)} = $id", "")
            for view, (key, select) in features.items()
        }
        for name, (source, order) in sources.items():
            found = connection.sql(f"SELECT * {source}{order} LIMIT {limit:d}", params={"id": id}).to_arrow_table()
            if found.num_rows:
                rows[name] = visible(space, pl.DataFrame(pl.from_arrow(found)))
                ((counts[name],),) = connection.execute(f"SELECT count(*) {source}", {"id": id}).fetchall()
    return rows, counts


def _is(column: str, kind: str | None) -> str | None:
    """The condition that a column names the entity; None where the table has no such column."""
    if kind is None:
        return None
    outer, _, inner = column.partition(".")
    place = ident(outer)
    if kind.endswith("[]"):
        return f"list_contains({f'list_transform({place}, lambda x: x.{ident(inner)})' if inner else place}, $id)"
    return f"{place}.{ident(inner)} = $id" if inner else f"CAST({place} AS VARCHAR) = $id"


def _features(space: Workspace, type: str) -> dict[str, tuple[str, str]]:
    """The stored feature views about such entities: their join key and a SELECT of their newest rows."""
    from cenote.features.definitions import described
    from cenote.features.newest import newest_rows

    try:
        views = described(space)
    except FeatureError:
        return {}
    return {
        view.name: (next(iter(view.keys)), newest_rows(view.name, list(view.keys), space.clock(), view.ttl))
        for view in views.values()
        if view.stored and list(view.keys.values()) == [type] and space.table("features", view.name).exists
    }


def _in_graph(space: Workspace, node: str, limit: int) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    from cenote.graph import GraphDoor

    try:
        around = visible(space, GraphDoor(space).neighbours(node)).head(limit)
    except GraphError:
        return pl.DataFrame(), {}
    standing = {}
    for name in ("nodes", "pagerank", "communities"):
        if (table := space.table("graph", name)).exists:
            standing[f"graph.{name}"] = table.scan().filter(pl.col("node") == node).collect()
    return around, standing


def _passages(space: Workspace, lineage_ids: list[str], limit: int) -> pl.DataFrame:
    """The passages of some records, newest first."""
    from cenote.vectors.store import Store

    store = Store(space)
    if store.identity is None or not lineage_ids:
        return pl.DataFrame()
    columns = ["passage_id", "lineage_id", "subject_id", "dataset", "namespace", "title", "text", "at", "metadata"]
    found = store.among("lineage_id", pl.Series(lineage_ids), columns)
    return visible(space, found).sort("at", "passage_id", descending=[True, False], nulls_last=True).head(limit)
