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
    from datetime import datetime

    import polars as pl

    from cenote.door.entity import Entity
    from cenote.graph import GraphDoor
    from cenote.past import PastLake
    from cenote.reveal import Revealed
    from cenote.trace import Trace


class Lake:
    """A lake that is open for reading. Every answer is a Polars frame of masked data with lineage ids."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    @classmethod
    def open(cls, **settings: object) -> "Lake":
        """Open the lake that the settings name. Raises ``TableError`` where a newer release made it."""
        from cenote.migrations import check

        space = Workspace(load_settings(**settings))
        check(space)
        return cls(space)

    def __repr__(self) -> str:
        return f"Lake({self.space.settings.home})"

    @answered("sql")
    def sql(self, query: str, params: dict[str, Any] | None = None) -> "pl.DataFrame":
        """Run DuckDB SQL over all tables (schemas bronze, silver, gold, graph, features, meta).

        ``FROM search('late parcel', k => 20)``, ``neighbors('product:P00001')`` and ``features('customer_features')``
        join the other stores in the same statement (docs/one-door.md). Raises ``TableError``.
        """
        from cenote import catalog

        return catalog.query(self.space, query, params)

    def table(self, name: str) -> "pl.LazyFrame":
        """A table or view by its name in the catalog (``gold.daily_cash``), lazily."""
        return self.sql(f"from {name}").lazy()

    def tables(self) -> "pl.DataFrame":
        """Every table: layer, table, rows, version."""
        return self.sql('from meta.assets order by layer, "table"')

    def trace(self, *what: str) -> "Trace":
        """A row up to its landed files and down to all made of it: ``lake.trace("gold.daily_cash", "2026-11-01")``.

        ``what``: a lineage id of any store, or a table and its key. Raises ``TableError``.
        """
        from cenote.trace import trace

        return trace(self.space, *what)

    def footprint(self, subject: str) -> "Trace":
        """All that the lake holds about a person, by subject_id, and all made of it. Raises ``TableError``."""
        from cenote.trace import footprint

        return footprint(self.space, subject)

    def at(self, moment: "datetime | str") -> "PastLake":
        """The lake as it was, for SQL: ``lake.at("2026-11-20T18:30:00Z").sql(...)``. Raises ``TableError``."""
        from cenote.past import PastLake, as_moment

        return PastLake(self.space, as_moment(moment))

    @answered("search")
    def search(
        self,
        query: str,
        *,
        k: int = 10,
        namespace: str | None = None,
        mode: str = "hybrid",
        where: str | None = None,
        **how: Any,
    ) -> "pl.DataFrame":
        """The ``k`` passages that answer ``query`` best. ``mode``: hybrid, vector or text. Raises ``SearchError``.

        ``distinct_below=0.95`` leaves out hits that say what a better one says; ``reveal="why"`` opens clear text for
        holders of the keys, audited (docs/search.md).
        """
        from cenote.door.retrieve import search

        return search(self.space, query, where, k=k, namespace=namespace, mode=mode, **how)

    @answered("search_and_retrieve")
    def search_and_retrieve(
        self, query: str, features: Sequence[str] | str = (), *, k: int = 10, **how: Any
    ) -> "pl.DataFrame":
        """The ``k`` passages that answer ``query`` best, with features of the entities that each is about.

        ``features``: feature services, views or ``view:feature``; ``how``: ``namespace``, ``mode``, ``where`` of a
        search.
        """
        from cenote.door.retrieve import search_and_retrieve

        return search_and_retrieve(self.space, query, features=features, k=k, **how)

    @answered("recommend")
    def recommend(
        self,
        *,
        customer: str | None = None,
        product: str | None = None,
        people: str | None = None,
        k: int = 10,
        **how: Any,
    ) -> "pl.DataFrame":
        """Products for a customer, products that go with a product, or people like a person; each row says why.

        Ids are masked ones. ``how``: names of the entities and ``types`` of edges, where the lake is not a shop
        (cenote/door/recommend.py). Raises ``GraphError``.
        """
        from cenote.door.recommend import recommend

        return recommend(self.space, customer=customer, product=product, people=people, k=k, **how)

    @answered("entity")
    def entity(self, type: str, id: str, *, limit: int = 100) -> "Entity":
        """All that the lake holds about one thing, masked, with lineage ids. A person's id is the ``subject_id``."""
        from cenote.door.entity import entity

        return entity(self.space, type, id, limit=limit)

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
        self,
        entities: "pl.DataFrame",
        features: Sequence[str] | str,
        *,
        bitemporal: bool = True,
        save_as: str | None = None,
        **about: Any,
    ) -> "pl.DataFrame":
        """Features as they were at each row's ``event_timestamp``: a point-in-time join that never sees the future.

        ``bitemporal``: nor what the lake itself learnt only later, so moments before the data landed have no values.
        ``save_as``: keep it under a name, also for Feast's ``get_saved_dataset``; ``about``: its ``description``,
        ``owner`` and ``tags``, and ``overwrite`` where the name may be taken.
        """
        from cenote import features as store

        made = store.training_set(self.space, entities, features, bitemporal=bitemporal)
        if save_as is not None:
            store.save(self.space, save_as, made, features, **about)
        return made

    def training_sets(self) -> "pl.DataFrame":
        """The training sets that were saved: name, features, moments, description, owner, versions of their tables."""
        from cenote import features as store

        return store.saved(self.space)

    def saved_training_set(self, name: str) -> "pl.DataFrame":
        """A training set as it was saved, but for people who were erased since. Raises ``FeatureError``."""
        from cenote import features as store

        return store.load(self.space, name)

    @cached_property
    def graph(self) -> "GraphDoor":
        """The relationship graph: neighbours, paths, PageRank, communities."""
        from cenote.graph import GraphDoor

        return GraphDoor(self.space)

    def reveal(self, lineage_id: str, reason: str) -> "Revealed":
        """One raw record in clear text; who, which one and why are in the audit log first. Raises ``VaultError``
        without a reason or key, ``TableError`` where there is no such record.
        """
        from cenote.reveal import reveal

        return reveal(self.space, lineage_id, reason)

    def columns(self, what: str, *, forward: bool = False) -> "pl.DataFrame":
        """The raw JSON paths behind a column (``gold.customer_360.revenue_eur``) or a table; with ``forward``, the
        columns that it reaches. A raw path (``orders.$.total_eur``) is always followed forward. Raises ``TableError``.
        """
        from cenote.columns import ask

        return ask.reached(self.space, what) if forward or "$" in what else ask.sources(self.space, what)

    def quarantine(self) -> "pl.DataFrame":
        """Records that broke their contract: dataset, lineage id, rule, path."""
        return self.sql("from meta.quarantine order by landed_at desc, lineage_id")

    def batches(self) -> "pl.DataFrame":
        """Landed files: batch, dataset, records, bytes, digest, time."""
        return self.sql("from meta.batches order by landed_at desc")
