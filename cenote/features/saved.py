"""Saved training sets: kept beside the lake's tables and registered with Feast, so that a model's data can be found
again.

Belongs here: writing, registering, reading and listing them, and taking people out of them. Must not: joining features
(training.py). A set is one Parquet file, ``training/<name>/<id>.parquet``; Feast's ``get_saved_dataset`` reads the
same.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from cenote.errors import FeatureError, unknown
from cenote.features.definitions import feast_quiet, feast_store
from cenote.features.history import EVENT
from cenote.features.training import resolve
from cenote.workspace import Workspace

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
LISTED = pl.Schema(
    {
        "name": pl.String(),
        "features": pl.List(pl.String()),
        "from": pl.Datetime("us", "UTC"),
        "until": pl.Datetime("us", "UTC"),
        "description": pl.String(),
        "owner": pl.String(),
        "tags": pl.String(),
    }
)


def save(
    space: Workspace,
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str] | str,
    *,
    description: str = "",
    owner: str = "",
    tags: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Keep a training set under a name. ``tags`` are joined by the versions of the tables that it was made of.

    Raises ``FeatureError`` where the name is taken and ``overwrite`` does not say that the older one may go.
    """
    if not _NAME.fullmatch(name):
        raise FeatureError(f"{name!r} cannot name a training set", "use lower-case letters, digits and _")
    with space.lock("features/registry"), feast_quiet():
        from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
        from feast.saved_dataset import SavedDataset

        store = feast_store(space)
        taken = name in {known.name for known in store.registry.list_saved_datasets(store.project)}
        if taken and not overwrite:
            raise FeatureError(f"there is a training set {name!r} already", "choose another name, or overwrite=True")
        wanted = resolve(store, features)
        views = [store.get_feature_view(view, allow_registry_cache=True) for view in wanted.views]
        keys = [column.name for view in views for column in view.entity_columns]
        made_of = {f"version.{view}": str(space.table("features", view).version) for view in wanted.views}
        file = _write(space, name, rows)
        dataset = SavedDataset(
            name=name,
            features=[f"{view}:{feature}" for view, feature in wanted.columns],
            join_keys=list(dict.fromkeys(keys)),
            storage=SavedDatasetFileStorage(path=str(file)),
            tags={**made_of, "owner": owner, **(tags or {})},
            feature_service_name=features if isinstance(features, str) and ":" not in features else None,
            description=description,
        )
        if rows.height:
            dataset.min_event_timestamp, dataset.max_event_timestamp = _span(rows)
        store.registry.apply_saved_dataset(dataset, store.project, commit=True)
        _remove_others(file)


def load(space: Workspace, name: str) -> pl.DataFrame:
    """A saved training set, without people who are hidden. Raises ``FeatureError`` with near names."""
    from cenote.erasure.suppression import hidden

    files = sorted(space.path("training", name).glob("*.parquet")) if _NAME.fullmatch(name) else []
    if not files:
        raise FeatureError(unknown("training set", name, _names(space)), "see them with `lake.training_sets()`")
    return _without(pl.read_parquet(files[-1]), hidden(space))


def saved(space: Workspace) -> pl.DataFrame:
    """The saved training sets as Feast's registry knows them: columns as :data:`LISTED`."""
    with feast_quiet():
        store = feast_store(space)
        rows = [
            {
                "name": one.name,
                "features": list(one.features),
                "from": one.min_event_timestamp and one.min_event_timestamp.astimezone(UTC),
                "until": one.max_event_timestamp and one.max_event_timestamp.astimezone(UTC),
                "description": one.description,
                "owner": one.tags.get("owner", ""),
                "tags": ", ".join(f"{k}={v}" for k, v in sorted(one.tags.items()) if k != "owner"),
            }
            for one in store.registry.list_saved_datasets(store.project)
        ]
    return pl.DataFrame(rows, schema=LISTED).sort("name")


def forget(space: Workspace, subjects: Collection[str]) -> int:
    """Take people out of every saved training set; returns how many rows went. Files keep their names, not their
    bytes.
    """
    gone = 0
    for name in _names(space):
        for file in space.path("training", name).glob("*.parquet"):
            rows = pl.read_parquet(file)
            kept = _without(rows, subjects)
            if kept.height < rows.height:
                gone += rows.height - kept.height
                aside = file.with_suffix(".new")
                kept.write_parquet(aside)
                aside.replace(file)
    return gone


def _names(space: Workspace) -> list[str]:
    folder = space.path("training")
    return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _without(rows: pl.DataFrame, people: Collection[str]) -> pl.DataFrame:
    """The rows that name none of some people in any column of text."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    if not people or not texts:
        return rows
    named = [pl.col(name).is_in(list(people)).fill_null(False) for name in texts]
    return rows.filter(~pl.any_horizontal(named))


def _write(space: Workspace, name: str, rows: pl.DataFrame) -> Path:
    file = space.path("training", name, f"{uuid4().hex}.parquet")
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    rows.write_parquet(aside)
    aside.replace(file)
    return file


def _remove_others(file: Path) -> None:
    for other in file.parent.iterdir():
        if other != file:
            other.unlink()


def _span(rows: pl.DataFrame) -> tuple[Any, Any]:
    return rows[EVENT].min(), rows[EVENT].max()
