"""Training sets: features joined to moments, as they were then and as far as they could be known then.

Belongs here: which features are asked for, and the point-in-time join. Must not: the online store, writing
anything.

The join gives what Feast's duckdb store gives with ``filter_by_created_timestamp`` (the tests compare them), some
times faster. For a spine row at moment t, a feature row counts if it is about the same entity, ``event_timestamp
<= t`` and ``created_timestamp <= t``; the one with the newest event_timestamp wins, then the newest
created_timestamp; it is null if its time to live has passed, ``event_timestamp + ttl < t``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from cenote.erasure.suppression import hidden
from cenote.errors import FeatureError, unknown
from cenote.features.definitions import feast_quiet, feast_store
from cenote.features.history import CREATED, EVENT
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from feast import FeatureStore

MOMENT = pl.Datetime("us", "UTC")


@dataclass
class Wanted:
    """What a request asks for.

    ``columns``: view and feature, in the order asked. ``views``: the stored features to read of each view, those
    that on-demand views need included. ``on_demand``: on-demand views by name. ``types``: the type of each
    feature, by ``view__feature``.
    """

    columns: list[tuple[str, str]] = field(default_factory=list)
    views: dict[str, list[str]] = field(default_factory=dict)
    on_demand: dict[str, Any] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)

    def read(self, view: str, feature: Any) -> None:
        """Note that a stored feature is needed."""
        features = self.views.setdefault(view, [])
        if feature.name not in features:
            features.append(feature.name)
        self.note_type(view, feature)

    def note_type(self, view: str, feature: Any) -> None:
        """Note a feature's type."""
        from feast.types import from_feast_to_pyarrow_type

        self.types[f"{view}__{feature.name}"] = from_feast_to_pyarrow_type(feature.dtype)

    def labels(self, full_names: bool) -> dict[str, str]:
        """What the columns ``view__feature`` are called in an answer."""
        return {f"{view}__{name}": f"{view}__{name}" if full_names else name for view, name in self.columns}

    @property
    def inputs(self) -> list[str]:
        """The columns that on-demand views take: ``view__feature``, and columns of the request."""
        return list(dict.fromkeys(column for view in self.on_demand.values() for column in _inputs(view).values()))

    def compute(self, columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """On-demand features by ``view__feature``, from columns that hold :attr:`inputs`: the same code for
        training and serving.

        Raises ``FeatureError`` where an input is missing.
        """
        found: dict[str, list[Any]] = {}
        for name, view in self.on_demand.items():
            inputs = _inputs(view)
            if missing := [column for column in inputs.values() if column not in columns]:
                raise FeatureError(f"features of {name} need the column {missing[0]!r}", "add it to the entities")
            made = _transformed(view, {given: columns[column] for given, column in inputs.items()})
            found |= {f"{name}__{feature.name}": made[feature.name] for feature in view.features}
        return found


def training_set(
    space: Workspace,
    entities: pl.DataFrame,
    features: Sequence[str] | str,
    *,
    bitemporal: bool = True,
    full_names: bool = False,
) -> pl.DataFrame:
    """Join features to moments: the rows of ``entities`` in their order, with a column for each feature.

    ``entities`` has ``event_timestamp`` (UTC where it names no zone) and the join keys of the views asked for.
    ``features`` is the name of a feature service, or names ``view:feature``. ``bitemporal=False`` also uses values
    that were learned only later, as long as they are about an earlier moment: for a history that was loaded in one
    go, at the price of hindsight. ``full_names`` names columns ``view__feature``. Raises ``FeatureError``.
    """
    with feast_quiet():
        store = feast_store(space)
        wanted = resolve(store, features, full_names)
        joined = _with_moment(entities)
        for view, names in wanted.views.items():
            definition = store.get_feature_view(view, allow_registry_cache=True)
            table = space.table("features", view)
            if not table.exists:
                raise FeatureError(f"feature view {view} has no table yet", "run `cenote run`")
            keys = [column.name for column in definition.entity_columns]
            if missing := [key for key in keys if key not in joined.columns]:
                raise FeatureError(
                    f"the entities have no column {missing[0]!r}, which features of {view} are joined by", "add it"
                )
            rows = table.scan().select(*keys, EVENT, CREATED, *names)
            if people := hidden(space):
                rows = rows.filter(~pl.any_horizontal(pl.col(key).cast(pl.String).is_in(people) for key in keys))
            joined = point_in_time(joined, rows, keys, ttl=definition.ttl, bitemporal=bitemporal, prefix=f"{view}__")
        joined = joined.with_columns(
            pl.Series(name, values, _polars(wanted.types[name]))
            for name, values in wanted.compute(joined.select(wanted.inputs).to_dict(as_series=False)).items()
        )
    labels = wanted.labels(full_names)
    return joined.select(*entities.columns, *(pl.col(name).alias(label) for name, label in labels.items()))


def resolve(store: "FeatureStore", features: Sequence[str] | str, full_names: bool = False) -> Wanted:
    """Look up what a request asks for in Feast's registry. Raises ``FeatureError`` with near names."""
    stored = {view.name: view for view in store.list_batch_feature_views(allow_cache=True)}
    on_demand = {view.name: view for view in store.list_on_demand_feature_views(allow_cache=True)}
    wanted = Wanted()
    for view, name in _references(store, features):
        if view not in stored and view not in on_demand:
            raise FeatureError(unknown("feature view", view, [*stored, *on_demand]), "ask for `view:feature`")
        known = {f.name: f for f in (stored.get(view) or on_demand[view]).features}
        if name not in known:
            raise FeatureError(unknown(f"feature of {view}", name, known), "ask for `view:feature`")
        wanted.columns.append((view, name))
        if view in stored:
            wanted.read(view, known[name])
        else:
            wanted.on_demand[view] = on_demand[view]
    for view, definition in wanted.on_demand.items():
        for made in definition.features:
            wanted.note_type(view, made)
        for source in definition.source_feature_view_projections.values():
            for needed in source.features:
                wanted.read(source.name, needed)
    labels = [f"{view}__{name}" if full_names else name for view, name in wanted.columns]
    if doubled := next((label for label in labels if labels.count(label) > 1), None):
        raise FeatureError(f"feature {doubled!r} is asked for twice", "ask once, or with full_names=True")
    return wanted


def _references(store: "FeatureStore", features: Sequence[str] | str) -> Iterable[tuple[str, str]]:
    if isinstance(features, str) and ":" not in features:
        services = {service.name: service for service in store.list_feature_services()}
        if features not in services:
            raise FeatureError(unknown("feature service", features, services), "or ask for `view:feature`")
        return [(p.name, f.name) for p in services[features].feature_view_projections for f in p.features]
    listed = [features] if isinstance(features, str) else features
    pairs = [reference.partition(":") for reference in listed]
    if wrong := next((view for view, colon, _ in pairs if not colon), None):
        raise FeatureError(f"{wrong!r} names no feature", "ask for `view:feature`, or for one feature service by name")
    return [(view, feature) for view, _, feature in pairs]


def _with_moment(entities: pl.DataFrame) -> pl.DataFrame:
    kind = entities.schema.get(EVENT)
    if not isinstance(kind, pl.Datetime):
        what = f"the entities have no column {EVENT} of timestamps"
        raise FeatureError(what, "say for each row which moment it is about")
    moment = pl.col(EVENT).dt.convert_time_zone("UTC") if kind.time_zone else pl.col(EVENT).dt.replace_time_zone("UTC")
    return entities.with_columns(moment.cast(MOMENT))


def _inputs(view: Any) -> dict[str, str]:
    """Inputs of an on-demand view's function, and the columns (``view__feature``, or of the request) that they are."""
    projections = view.source_feature_view_projections.values()
    stored = {f.name: f"{source.name}__{f.name}" for source in projections for f in source.features}
    return stored | {f.name: f.name for source in view.source_request_sources.values() for f in source.schema}


def _transformed(view: Any, given: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What an on-demand view makes of its inputs; a function on lists (mode python) is called as it is."""
    if view.mode == "python" and not view.singleton:
        return dict(view.feature_transformation.udf(given))
    import pyarrow as pa

    return dict(view.feature_transformation.transform_arrow(pa.table(given), view.features).to_pydict())


def _polars(kind: Any) -> pl.DataType:
    """The Polars type of an Arrow type; timestamps in microseconds, UTC."""
    import pyarrow as pa

    found = pl.Series(pl.from_arrow(pa.array([], kind))).dtype
    return MOMENT if isinstance(found, pl.Datetime) else found


def point_in_time(
    spine: pl.DataFrame,
    rows: pl.LazyFrame | pl.DataFrame,
    keys: Sequence[str],
    *,
    ttl: timedelta | None = None,
    bitemporal: bool = True,
    prefix: str = "",
    created: str = CREATED,
) -> pl.DataFrame:
    """The spine with the newest feature row for each of its rows; see the module for the rule.

    ``rows``: the keys, ``event_timestamp``, ``created`` (null: never known) and features, which come out as
    ``<prefix><feature>``. ``ttl`` of None or 0 is no limit.

    A row can be used from the moment at which it is both true and known. Taken in the order of these moments, a
    row that is older than one before it never wins, and rows about the same moment come in the order in which they
    were known; so with the former left out, the winner is the last row: a plain as-of join. Features are read for
    the winners alone.
    """
    keys, rows = list(keys), rows.lazy()
    features = [c for c in rows.collect_schema().names() if c not in (*keys, EVENT, created)]
    usable = pl.max_horizontal(EVENT, created) if bitemporal else pl.col(EVENT)
    wanted = usable <= pl.col("__last")
    if bitemporal:
        wanted &= pl.col(created).is_not_null()
    if ttl:
        wanted &= pl.col(EVENT) + ttl >= pl.col("__first")
    asked = pl.col(EVENT)
    entities = spine.drop_nulls(keys).group_by(keys).agg(asked.min().alias("__first"), asked.max().alias("__last"))
    entities = entities.with_row_index("__entity")
    candidates = (
        rows.select(*keys, EVENT, created)
        .with_row_index("__at")
        .join(entities.lazy(), on=keys, how="inner")
        .filter(wanted)
        .select(
            "__entity", "__at", asked.alias("__event"), pl.col(created).alias("__created"), usable.alias("__usable")
        )
        .sort("__usable", "__event", "__created")
        .filter(pl.col("__event") == pl.col("__event").cum_max().over("__entity"))
        .collect()
    )
    found = (
        spine.select(*keys, EVENT)
        .with_row_index("__row")
        .join(entities, on=keys, how="left")
        .sort(EVENT)
        .join_asof(candidates, left_on=EVENT, right_on="__usable", by="__entity", check_sortedness=False)
        .sort("__row")
    )
    alive = pl.col("__event") + ttl >= asked if ttl else pl.lit(True)
    places = found.select(pl.when(alive).then("__at")).to_series()
    values = rows.select(pl.col(feature).gather(places).alias(f"{prefix}{feature}") for feature in features).collect()
    return spine.hstack(values) if features else spine


def as_columns(rows: pl.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> dict[str, list[Any]]:
    """Entity rows as columns of equal length: from a frame, a list of rows, or one row."""
    if isinstance(rows, pl.DataFrame):
        return rows.to_dict(as_series=False)
    listed = [rows] if isinstance(rows, Mapping) else list(rows)
    names = list(listed[0]) if listed else []
    if any(list(row) != names for row in listed):
        raise FeatureError("the entity rows do not all have the same keys", "give each row the same keys")
    return {name: [row[name] for row in listed] for name in names}
