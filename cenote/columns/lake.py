"""The columns of all tables of a lake, each after those that it is made of.

Belongs here: which tables there are and in which order. Must not: one table's columns (transforms/columns), closures
(origins.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from cenote.columns.origins import Origins, origins_of
from cenote.sqlfiles import SqlFile
from cenote.workspace import Workspace
from transforms.columns import Flow, Relation, select_columns
from transforms.columns.declared import (
    Raw,
    edge_columns,
    graph_columns,
    passage_columns,
    silver_columns,
    silver_views,
)
from transforms.columns.flow import merged, transformed
from transforms.contract import Contract

EDGES = "graph/edges"
_EVENT, _CREATED = "event_timestamp", "created_timestamp"


@dataclass(frozen=True)
class ColumnLineage:
    """``assets``: what the columns that each asset writes are made of, by its key (``gold/daily_cash``); upstream ones
    first. ``declared``: what contracts say of a column of silver and the path it comes from.
    """

    assets: Mapping[str, Relation]
    declared: Mapping[tuple[str, str, str], Raw]

    @cached_property
    def tables(self) -> dict[str, Relation]:
        """The same by table: ``graph/edges`` is written by an asset for each dataset."""
        found: dict[str, Relation] = {}
        for asset, relation in self.assets.items():
            table = table_of(asset)
            found[table] = _together(found[table], relation) if table in found else relation
        return found

    @cached_property
    def origins(self) -> Origins:
        """The raw paths behind every column, by table and column; column None: what decides which rows there are."""
        return origins_of(self.tables, self.declared)

    def upstream(self, asset: str) -> list[str]:
        """The tables that an asset's columns come from, sorted."""
        relation = self.assets.get(asset)
        if relation is None:
            return []
        return sorted({link.table for links in (*(f.links for f in relation.columns.values()), relation.whole)
                       for link in links})  # fmt: skip


def table_of(asset: str) -> str:
    """The table that an asset writes to."""
    return EDGES if asset.startswith("edges/") else asset


def top_column(column: str) -> str:
    """The column that a member stands in (``lines[].quantity``: ``lines``); a JSON path stays as it is."""
    return column if column.startswith("$") else re.split(r"[.\[]", column, maxsplit=1)[0]


_KNOWN: dict[tuple[str, ...], ColumnLineage] = {}
_OF: "WeakKeyDictionary[Workspace, tuple[object, ColumnLineage]]" = WeakKeyDictionary()


def column_lineage(space: Workspace) -> ColumnLineage:
    """The column lineage of a lake; worked out once for the same contracts and SQL files. Raises ``CenoteError``."""
    folders = (space.settings.marts, space.settings.features)
    files = sorted((file, file.stat().st_mtime_ns) for folder in folders for file in folder.glob("*.sql"))
    held = _OF.get(space)
    if held is None or held[0] != files:
        held = _OF[space] = (files, _known(space))
    return held[1]


def _known(space: Workspace) -> ColumnLineage:
    from cenote import features as store  # these read the catalog, whose views tell of columns
    from cenote import gold

    contracts, marts, features = list(space.contracts.values()), gold.marts(space), store.views(space)
    key = (*(c.digest for c in contracts), *(f.digest for f in (*marts.values(), *features.values())))
    if key not in _KNOWN:
        while len(_KNOWN) > 3:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[key] = _walk(contracts, marts, features)
    return _KNOWN[key]


def _walk(contracts: list[Contract], marts: Mapping[str, SqlFile], features: Mapping[str, SqlFile]) -> ColumnLineage:
    assets: dict[str, Relation] = {}
    declared: dict[tuple[str, str, str], Raw] = {}
    known: dict[str, Relation] = {}  # what SQL sees
    for contract in contracts:
        table = f"silver/{contract.dataset}"
        assets[table], told = silver_columns(contract)
        declared |= {(table, *place): raw for place, raw in told.items()}
        known |= silver_views(contract, assets[table])
    for name, mart in marts.items():
        made = select_columns(mart.sql, known)
        assets[f"gold/{name}"] = Relation(_named(mart, made), made.whole)
        known[f"gold.{name}"] = assets[f"gold/{name}"].as_stored(f"gold/{name}")
    for contract in contracts:
        if contract.passages:
            assets[f"vectors/{contract.dataset}"] = passage_columns(contract, assets[f"silver/{contract.dataset}"])
        if contract.edges:
            edges = edge_columns(contract, assets[f"silver/{contract.dataset}"])
            assets[f"edges/{contract.dataset}"] = edges
            known["graph.edges"] = edges.as_stored(EDGES)
    if "graph.edges" in known:
        for table, relation in graph_columns().items():
            assets[table] = relation
            known[table.replace("/", ".")] = relation.as_stored(table)
    for name, view in features.items():
        made = select_columns(view.sql, known)
        stamps = {c: made.columns.get(c, Flow()) for c in (_EVENT, _CREATED)}
        columns = {str(view.join_key): made.columns[str(view.join_key)], **stamps, **made.columns}
        assets[f"features/{name}"] = Relation(_named(view, Relation(columns)), made.whole)
    return ColumnLineage(assets, declared)


def _named(file: SqlFile, made: Relation) -> dict[str, Flow]:
    """The columns behind ``lineage_id``, which is derived from the grain."""
    lower = {name.lower(): flow for name, flow in made.columns.items()}
    grain = merged(lower.get(name.lower(), Flow()) for name in file.grain)
    return {"lineage_id": Flow(transformed(grain)), **made.columns}


def _together(left: Relation, right: Relation) -> Relation:
    """Two assets that write the same columns of one table."""
    columns = {name: Flow(flow.links | right.columns[name].links) for name, flow in left.columns.items()}
    return Relation(columns, left.whole | right.whole)
