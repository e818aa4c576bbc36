"""The online store: filled with what changed, read in milliseconds, compared with the tables.

Belongs here: moving the newest feature values of entities to Feast's online store and reading them. Must not:
computing any.

What was written is noted in ``online/synced.json``: for each view the table version, the moment up to which its
rows counted, and when the next row falls due. The note is written after the values; values are written by entity,
so a sync that was killed is simply done again. Notes of another online store do not count.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import polars as pl

from cenote.erasure.suppression import hidden
from cenote.errors import FeatureError, TableError
from cenote.features.definitions import applied, apply, feast_quiet, feast_store, online_file
from cenote.features.history import CREATED, EVENT
from cenote.features.offline import remove_strays, views
from cenote.features.training import Wanted, as_columns, resolve, training_set
from cenote.report import StageReport
from cenote.tables import Table
from cenote.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa
    from feast import FeatureStore

_BATCH = 20_000
Note = dict[str, Any]
_PLANS: "WeakKeyDictionary[FeatureStore, dict[Any, _Plan]]" = WeakKeyDictionary()


def online_stale(space: Workspace) -> bool:
    """Whether :func:`sync_online` would have something to do; reads logs and notes only, without Feast."""
    return bool(_tables(space)) and (not applied(space) or bool(_stale(space, _notes(space))))


def sync_online(space: Workspace, rebuild: bool = False) -> StageReport:
    """Write to the online store what changed since the last sync: only entities with a new row, or with one that
    fell due.

    ``rebuild`` writes every entity. Registers changed definitions first. ``rows`` of the report: entities in all
    feature tables that are served; ``written``: entities written; ``details``: the same by view, and
    ``coverage``, the share of each view's entities with a value that has not expired. A view that Feast does not know
    is left out.
    """
    with space.lock("features/online"):
        notes = {} if rebuild else _notes(space)
        changed = not applied(space)
        stale = _tables(space) if changed else _stale(space, notes)
        if not stale:
            return _report(notes, {})
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
                    notes[view], written[view] = _sync(space, store, table, notes.get(view), changed)
                else:
                    notes[view] = {"version": table.version, "served": False}
                _write_notes(space, notes)
        return _report(notes, written)


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


def synced_version(space: Workspace, view: str) -> int | None:
    """The version of a view's table that the online store has; None where it was never synced."""
    note = _notes(space).get(view)
    return int(note["version"]) if note and note["served"] else None


def parity(space: Workspace, sample: int = 100) -> pl.DataFrame:
    """Compare the online store with the tables, as of the last sync: what is served must be what a training set
    would hold.

    A row for each value compared: ``view``, ``feature``, ``equal``; no keys and no values. For each view a sample
    of entities, always the same for the same entities.
    """
    found = [pl.DataFrame(schema={"view": pl.String, "feature": pl.String, "equal": pl.Boolean})]
    for view, note in _notes(space).items():
        if not note["served"]:
            continue
        definition = feast_store(space).get_feature_view(view, allow_registry_cache=True)
        moment, features = datetime.fromisoformat(note["until"]), [f"{view}:{f.name}" for f in definition.features]
        keys = [column.name for column in definition.entity_columns]
        entities = space.table("features", view).scan(note["version"]).select(keys).unique().sort(keys).collect()
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


def _stale(space: Workspace, notes: Mapping[str, Note]) -> list[Table]:
    """The tables with rows that the online store has not seen, or that fell due since."""

    def is_stale(table: Table) -> bool:
        note = notes.get(table.path.name)
        if note is None or note["version"] != table.version:
            return True
        return bool(note.get("due")) and datetime.fromisoformat(note["due"]) <= space.clock()

    return [table for table in _tables(space) if is_stale(table)]


def _sync(
    space: Workspace, store: "FeatureStore", table: Table, note: Note | None, everybody: bool
) -> tuple[Note, int]:
    """Bring one view's entities up to date online; returns its new note and how many entities were written.

    Where rows went from the table (a rebuild, a purge), or nobody knows what is online, the view starts empty.
    """
    version, now = table.version, space.clock()
    view = store.get_feature_view(table.path.name, allow_registry_cache=True)
    keys, names = [column.name for column in view.entity_columns], [f.name for f in view.features]
    rows = table.scan(version).select(*keys, EVENT, CREATED, *names)
    current = rows.filter(pl.col(EVENT) <= now)
    known = note if note and _only_grew(table, note["version"]) else None
    if known is None:
        forgetful: Any = store.provider.online_store
        forgetful.clear(store.config, view)
    touched = _touched(table, current, keys, known) if known and not everybody else current
    newest = touched.sort(EVENT, CREATED).unique(keys, keep="last").collect()
    for part in newest.iter_slices(_BATCH):
        store.provider.ingest_df(view, part.to_pandas(use_pyarrow_extension_array=True))
    due = rows.select(pl.col(EVENT).filter(pl.col(EVENT) > now).min()).collect().item()
    entities = current.select(keys).unique().select(pl.len()).collect().item()
    alive = (
        current.group_by(keys).agg(pl.col(EVENT).max()).filter(pl.col(EVENT) >= now - view.ttl) if view.ttl else None
    )
    served = entities if alive is None else alive.select(pl.len()).collect().item()
    note = {"version": version, "served": True, "entities": entities, "alive": served, "until": now.isoformat()}
    return note | {"due": due and due.isoformat()}, newest.height


def _only_grew(table: Table, version: int) -> bool:
    """Whether the table still has every file that it had at a version."""
    try:
        return set(table.files(version)) <= set(table.files())
    except TableError:
        return False


def _touched(table: Table, rows: pl.LazyFrame, keys: list[str], note: Note) -> pl.LazyFrame:
    """The rows of entities that got a row since the note, or had one that fell due since."""
    touched = [rows.filter(pl.col(EVENT) > datetime.fromisoformat(note["until"])).select(keys)]
    if added := sorted(set(table.files()) - set(table.files(note["version"]))):
        touched.append(pl.scan_parquet(added).select(keys))
    return rows.join(pl.concat(touched).unique(), on=keys, how="semi")


def _store_id(space: Workspace) -> str:
    """Which online store the notes are about: its file where it is one, or a digest of where it is."""
    if file := online_file(space):
        return str(file.stat().st_ino) if file.is_file() else ""
    return hashlib.sha256(space.settings.online_store.encode()).hexdigest()[:16]


def _notes(space: Workspace) -> dict[str, Note]:
    """What was synced, keyed by view; empty where that was another store."""
    file = space.path("online", "synced.json")
    if not file.is_file():
        return {}
    found = json.loads(file.read_text())
    return found["views"] if found["store"] == _store_id(space) else {}


def _write_notes(space: Workspace, notes: Mapping[str, Note]) -> None:
    file = space.path("online", "synced.json")
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps({"store": _store_id(space), "views": notes}, indent=1, sort_keys=True))
    aside.replace(file)


def _report(notes: Mapping[str, Note], written: Mapping[str, int]) -> StageReport:
    rows = sum(note.get("entities", 0) for note in notes.values())
    covered = {name: note for name, note in notes.items() if note.get("entities") and "alive" in note}
    coverage = {name: round(note["alive"] / note["entities"], 4) for name, note in covered.items()}
    details = {**written, "coverage": coverage}
    return StageReport("features/online", rows, sum(written.values()), None, fresh=not written, details=details)
