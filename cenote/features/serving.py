"""The online store: filled with what changed, read in milliseconds, compared with the tables.

Belongs here: moving the newest feature values of entities to Feast's online store and reading them. Must not:
computing any.

What was written is noted (synced.py) after the values; values are written by entity, so a sync that was killed is
simply done again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import polars as pl

from cenote.erasure.suppression import hidden
from cenote.errors import FeatureError, TableError
from cenote.features.definitions import applied, apply, feast_quiet, feast_store
from cenote.features.history import CREATED, EVENT
from cenote.features.offline import remove_strays, views
from cenote.features.synced import Note, note, notes, write_notes
from cenote.features.training import Wanted, as_columns, resolve, training_set
from cenote.report import StageReport
from cenote.tables import Table
from cenote.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa
    from feast import FeatureStore

_BATCH = 20_000
_PLANS: "WeakKeyDictionary[FeatureStore, dict[Any, _Plan]]" = WeakKeyDictionary()


def online_stale(space: Workspace) -> bool:
    """Whether :func:`sync_online` would have something to do; reads logs and notes only, without Feast."""
    return bool(_tables(space)) and (not applied(space) or bool(_stale(space, notes(space))))


def sync_online(space: Workspace, rebuild: bool = False) -> StageReport:
    """Write to the online store what changed since the last sync: only entities with a new row, or with one that
    fell due.

    ``rebuild`` writes every entity. Registers changed definitions first. ``rows`` of the report: entities in all
    feature tables that are served; ``written``: entities written; ``details``: the same by view, and
    ``coverage``, the share of each view's entities with a value that has not expired. A view that Feast does not know
    is left out.
    """
    with space.lock("features/online"):
        known = {} if rebuild else notes(space)
        changed = not applied(space)
        stale = _tables(space) if changed else _stale(space, known)
        if not stale:
            return _report(known, {})
        apply(space)
        written = {}
        with feast_quiet():
            store = feast_store(space)
            served = {view.name for view in store.list_batch_feature_views(allow_cache=True) if view.online}
            for table in stale:
                view = table.path.name
                with space.lock(table.name):
                    remove_strays(table)
                if view in served:
                    known[view], written[view] = _sync(space, store, table, known.get(view), changed)
                else:
                    known[view] = {"version": table.version, "served": False}
                write_notes(space, known)
        return _report(known, written)


def online(
    space: Workspace,
    features: Sequence[str] | str,
    entity_rows: pl.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    *,
    full_names: bool = False,
) -> pl.DataFrame:
    """The newest values of features for entities, from the online store: the entity rows with a column for each
    feature.

    ``features`` is the name of a feature service, or names ``view:feature``. A value that is older than its view's
    time to live, or was never there, is null. On-demand features are computed for ``event_timestamp`` of the
    entity rows, or for now. Raises ``FeatureError``.
    """
    return _read(space, features, entity_rows, full_names, space.clock())


def parity(space: Workspace, sample: int = 100) -> pl.DataFrame:
    """Compare the online store with the tables, as of the last sync: what is served must be what a training set
    would hold.

    A row for each value compared: ``view``, ``feature``, ``equal``; no keys and no values. For each view a sample
    of entities, always the same for the same entities.
    """
    found = [pl.DataFrame(schema={"view": pl.String, "feature": pl.String, "equal": pl.Boolean})]
    for view, last in notes(space).items():
        if not last["served"]:
            continue
        definition = feast_store(space).get_feature_view(view, allow_registry_cache=True)
        moment, features = datetime.fromisoformat(last["until"]), [f"{view}:{f.name}" for f in definition.features]
        keys = [column.name for column in definition.entity_columns]
        entities = space.table("features", view).scan(last["version"]).select(keys).unique().sort(keys).collect()
        some = entities.gather_every(max(1, entities.height // max(sample, 1))).head(sample)
        offline = training_set(space, some.with_columns(pl.lit(moment).alias(EVENT)), features)
        served = _read(space, features, some, False, moment)
        found += [
            pl.DataFrame({"equal": offline[name].eq_missing(served[name])}).select(
                pl.lit(view).alias("view"), pl.lit(name).alias("feature"), "equal"
            )
            for name in (f.name for f in definition.features)
        ]
    return pl.concat(found)


@dataclass(frozen=True)
class _Plan:
    """How a request is put to Feast: what is wanted, the stored features to read by reference, and the join keys.

    On-demand features are computed here, as for a training set; Feast 0.67 drops them from an answer with full names.
    """

    wanted: Wanted
    references: list[str]
    keys: list[str]


def _plan(store: "FeatureStore", features: Sequence[str] | str, full_names: bool) -> _Plan:
    """The plan of a request; worked out once for a store."""
    made = _PLANS.setdefault(store, {})
    asked = (features if isinstance(features, str) else tuple(features), full_names)
    if asked not in made:
        wanted = resolve(store, features, full_names)
        stored = [store.get_feature_view(view, allow_registry_cache=True) for view in wanted.views]
        made[asked] = _Plan(
            wanted,
            [f"{view}:{name}" for view, names in wanted.views.items() for name in names],
            list(dict.fromkeys(column.name for view in stored for column in view.entity_columns)),
        )
    return made[asked]


def _read(
    space: Workspace, features: Sequence[str] | str, entity_rows: Any, full_names: bool, now: datetime
) -> pl.DataFrame:
    import pyarrow as pa

    store = feast_store(space)
    plan = _plan(store, features, full_names)
    columns = as_columns(entity_rows) or {key: [] for key in plan.keys}
    if missing := [key for key in plan.keys if key not in columns]:
        raise FeatureError(f"the entity rows have no {missing[0]!r}, which the features belong to", "add it")
    rows = len(next(iter(columns.values())))
    found = {EVENT: [now] * rows, **columns, **(_values(store, plan, columns, now) if rows else {})}
    _blank(found, plan, hidden(space))
    found |= plan.wanted.compute(found) if rows else {}
    labels, types = plan.wanted.labels(full_names), plan.wanted.types
    arrays = {name: pa.array(values) for name, values in columns.items() if name not in labels.values()}
    arrays |= {label: pa.array(found.get(name, []), _utc(types[name])) for name, label in labels.items()}
    return pl.DataFrame(pl.from_arrow(pa.table(arrays)))


def _blank(found: dict[str, list[Any]], plan: _Plan, people: Collection[str]) -> None:
    """Serve nothing of people whom no door shows."""
    if not people:
        return
    gone = [row for row in range(len(found[EVENT])) if any(str(found[key][row]) in people for key in plan.keys)]
    for name in (reference.replace(":", "__") for reference in plan.references):
        for row in gone:
            found[name][row] = None


def _utc(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    return pa.timestamp("us", "UTC") if pa.types.is_timestamp(kind) else kind


def _values(
    store: "FeatureStore", plan: _Plan, columns: Mapping[str, list[Any]], now: datetime
) -> dict[str, list[Any]]:
    """Stored features by ``view__feature``, as Feast serves them at a moment."""
    from cenote.features.stores import asked_at

    moment = asked_at.set(now)
    try:
        rows = {key: columns[key] for key in plan.keys}
        answer = store.get_online_features(plan.references, rows, full_feature_names=True).to_dict()
    finally:
        asked_at.reset(moment)
    return dict(answer)


def _tables(space: Workspace) -> list[Table]:
    """The feature tables that were built, by name."""
    return [table for name in views(space) if (table := space.table("features", name)).exists]


def _stale(space: Workspace, known: Mapping[str, Note]) -> list[Table]:
    """The tables with rows that the online store has not seen, or that fell due since."""

    def is_stale(table: Table) -> bool:
        last = known.get(table.path.name)
        if last is None or last["version"] != table.version:
            return True
        return bool(last.get("due")) and datetime.fromisoformat(last["due"]) <= space.clock()

    return [table for table in _tables(space) if is_stale(table)]


def _sync(
    space: Workspace, store: "FeatureStore", table: Table, last: Note | None, everybody: bool
) -> tuple[Note, int]:
    """Bring one view's entities up to date online; returns its new note and how many entities were written.

    Where rows went from the table (a rebuild, a purge), or nobody knows what is online, the view starts empty. It is
    no earlier than the newest row was known, whatever a clock says that was set back.
    """
    version = table.version or 0
    view = store.get_feature_view(table.path.name, allow_registry_cache=True)
    keys, names = [column.name for column in view.entity_columns], [f.name for f in view.features]
    rows = table.scan(version).select(*keys, EVENT, CREATED, *names)
    now = max(filter(None, (space.clock(), rows.select(pl.col(CREATED).max()).collect().item())))
    current = rows.filter(pl.col(EVENT) <= now)
    known = last if last and _only_grew(table, last["version"]) else None
    if known is None:
        forgetful: Any = store.provider.online_store
        forgetful.clear(store.config, view)
    touched = _touched(table, current, keys, known) if known and not everybody else current
    newest = _newest(touched, keys)
    _write(store, view, newest)
    return note(table, version, view, now), newest.height


def _newest(rows: pl.LazyFrame, keys: list[str]) -> pl.DataFrame:
    """What was said last of each entity's last moment, by key; only rows of last moments are put in order."""
    last = rows.group_by(keys).agg(pl.col(EVENT).max())
    found = rows.join(last, on=[*keys, EVENT], how="semi").sort(CREATED).unique(keys, keep="last")
    return found.sort(keys).collect()


def _write(store: "FeatureStore", view: Any, rows: pl.DataFrame) -> None:
    """Write rows to the online store, a bounded number at a time."""
    kept: Any = store.provider.online_store
    by_column = hasattr(kept, "write_frame") and kept.takes_frames(view)
    for part in rows.iter_slices(_BATCH):
        if by_column:
            kept.write_frame(store.config, view, part, (EVENT, CREATED))
        else:
            store.provider.ingest_df(view, part.to_pandas(use_pyarrow_extension_array=True))


def _only_grew(table: Table, version: int) -> bool:
    """Whether the table still has every file that it had at a version."""
    try:
        return set(table.files(version)) <= set(table.files())
    except TableError:
        return False


def _touched(table: Table, rows: pl.LazyFrame, keys: list[str], last: Note) -> pl.LazyFrame:
    """The rows of entities that got a row since the note, or had one that fell due since."""
    touched = [rows.filter(pl.col(EVENT) > datetime.fromisoformat(last["until"])).select(keys)]
    if added := sorted(set(table.files()) - set(table.files(last["version"]))):
        touched.append(pl.scan_parquet(added).select(keys))
    return rows.join(pl.concat(touched).unique(), on=keys, how="semi")


def _report(known: Mapping[str, Note], written: Mapping[str, int]) -> StageReport:
    rows = sum(one.get("entities", 0) for one in known.values())
    covered = {name: one for name, one in known.items() if one.get("entities") and "alive" in one}
    coverage = {name: round(one["alive"] / one["entities"], 4) for name, one in covered.items()}
    details = {**written, "coverage": coverage}
    return StageReport("features/online", rows, sum(written.values()), None, fresh=not written, details=details)
