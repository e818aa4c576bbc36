"""What is made of silver: passages, graph, marts, features, the online store, the catalog.

Belongs here: taking the people out of each, and building anew what aggregated over them. Must not: how rows become
passages, edges or marts.
"""

from collections.abc import Mapping

import polars as pl

from cenote import catalog as sql
from cenote import features as feature_store
from cenote import gold as marts
from cenote import graph as relations
from cenote import vectors as passages
from cenote.erasure import rebuild
from cenote.rewrite import drop_history
from cenote.workspace import Workspace


def vectors(space: Workspace, subjects: pl.Series, changed: Mapping[str, pl.Series], before: Mapping[str, int]) -> None:
    """Passages of the people go, and out of files and indexes; those of redacted records are embedded anew."""
    from cenote.vectors.store import LOCK, Store

    if Store(space).identity is None:
        return
    for dataset, contract in space.contracts.items():
        if contract.passages:
            passages.renew(space, dataset, subjects, changed[dataset], before[dataset])
    with space.lock(LOCK):
        Store(space).purge()
        drop_history(space.table("meta", "vector_progress"))


def graph(space: Workspace, subjects: pl.Series, changed: Mapping[str, pl.Series], before: Mapping[str, int]) -> None:
    """Edges of the people go; what is computed over all edges is computed again."""
    for dataset, contract in space.contracts.items():
        if contract.edges:
            relations.renew_edges(space, dataset, subjects, changed[dataset], before[dataset])
    _drop(space, "graph", "edges")
    for name in relations.METRICS:
        rebuild.graph_table(space, name)
        _drop(space, "graph", name)


def gold(space: Workspace) -> None:
    """Every mart over rows that changed is built again; older versions go."""
    for mart in marts.marts(space):
        if space.table("gold", mart).exists and marts.is_stale(space, mart):
            marts.build(space, mart)
        _drop(space, "gold", mart)


def features(space: Workspace, subjects: pl.Series, *, of_silver: bool) -> None:
    """The people's rows go, rows that were computed over them are computed again.

    ``of_silver``: of views that stand on silver alone, which need no other step's result; otherwise of all others, and
    of saved training sets. Older versions stay until the online store, which reads what came after the one that it has,
    has followed.
    """
    for view, file in feature_store.views(space).items():
        if all(source.startswith("silver/") for source in file.inputs) is not of_silver:
            continue
        if space.table("features", view).exists:
            feature_store.forget(space, view, subjects)
            if feature_store.is_stale(space, view):
                feature_store.build(space, view)
    if not of_silver:
        feature_store.forget_saved(space, subjects.to_list())


def online(space: Workspace) -> None:
    """The online store serves what the feature tables hold now; what it served before is zeroed in its file."""
    if feature_store.online_stale(space) and space.path("online", "synced.json").exists():
        feature_store.sync_online(space)


def catalog(space: Workspace) -> None:
    """The catalog file shows the tables as they are now, and needs no more filter that names the people."""
    sql.refresh(space, everybody=True)


def _drop(space: Workspace, layer: str, name: str) -> None:
    table = space.table(layer, name)
    with space.lock(table.name):
        drop_history(table)
