"""The lake as one object: the door for notebooks, scripts and the command line.

Belongs here: short methods that hand on to the modules that do the work. Must not: any logic of its own.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cenote.events import answered
from cenote.settings import load_settings
from cenote.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

    from cenote.graph import GraphDoor


class Lake:
    """A lake that is open for reading. Every answer is a Polars frame of masked data with lineage ids."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    @classmethod
    def open(cls, **settings: object) -> "Lake":
        """Open the lake that the settings name."""
        return cls(Workspace(load_settings(**settings)))

    def __repr__(self) -> str:
        return f"Lake({self.space.settings.home})"

    @answered("sql")
    def sql(self, query: str, params: dict[str, Any] | None = None) -> "pl.DataFrame":
        """Run DuckDB SQL over all tables (schemas bronze, silver, gold, graph, features, meta). Raises
        ``TableError``.
        """
        from cenote import catalog

        return catalog.query(self.space, query, params)

    def table(self, name: str) -> "pl.LazyFrame":
        """A table or view by its name in the catalog (``gold.daily_cash``), lazily."""
        return self.sql(f"from {name}").lazy()

    def tables(self) -> "pl.DataFrame":
        """Every table: layer, table, rows, version."""
        return self.sql('from meta.assets order by layer, "table"')

    @answered("search")
    def search(
        self, query: str, *, k: int = 10, namespace: str | None = None, mode: str = "hybrid", where: str | None = None
    ) -> "pl.DataFrame":
        """The ``k`` passages that answer ``query`` best. ``mode``: hybrid, vector or text. Raises ``SearchError``."""
        from cenote import vectors

        return vectors.search(self.space, query, k=k, namespace=namespace, mode=mode, where=where)

    @answered("features")
    def features(
        self, features: Sequence[str] | str, entities: "pl.DataFrame | Sequence[dict[str, Any]]"
    ) -> "pl.DataFrame":
        """Online values of features for entities: ``features(["customer_features:total_spent"], [{"customer_id":
        ...}])``.

        ``features`` may also name a feature service. A value older than its view's time to live is null.
        """
        from cenote import features as store

        return store.online(self.space, features, entities)

    @answered("training_set")
    def training_set(
        self, entities: "pl.DataFrame", features: Sequence[str] | str, *, bitemporal: bool = True
    ) -> "pl.DataFrame":
        """Features as they were at each row's ``event_timestamp``: a point-in-time join that never sees the future.

        ``bitemporal``: nor what the lake itself learnt only later, so moments before the data landed have no values.
        """
        from cenote import features as store

        return store.training_set(self.space, entities, features, bitemporal=bitemporal)

    @cached_property
    def graph(self) -> "GraphDoor":
        """The relationship graph: neighbours, paths, PageRank, communities."""
        from cenote.graph import GraphDoor

        return GraphDoor(self.space)

    def quarantine(self) -> "pl.DataFrame":
        """Records that broke their contract: dataset, lineage id, rule, path."""
        return self.sql("from meta.quarantine order by landed_at desc, lineage_id")

    def batches(self) -> "pl.DataFrame":
        """Landed files: batch, dataset, records, bytes, digest, time."""
        return self.sql("from meta.batches order by landed_at desc")
