"""Passages with the features of whom and what they are about, in one frame.

Belongs here: telling which entities a passage is about, and putting their features beside it. Must not: ranking
(cenote/vectors), serving (cenote/features).
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from cenote.door.people import visible
from cenote.errors import FeatureError, unknown
from cenote.features.definitions import Described, described
from cenote.workspace import Workspace


def search(space: Workspace, query: str, where: str | None = None, **how: Any) -> pl.DataFrame:
    """What :func:`cenote.vectors.search` finds among passages that may be seen."""
    from cenote import vectors

    return visible(space, vectors.search(space, query, where=where, **how))


def search_and_retrieve(
    space: Workspace, query: str, *, features: Sequence[str] | str = (), k: int = 10, **how: Any
) -> pl.DataFrame:
    """The ``k`` passages that answer best, each with features of the entities that it is about.

    ``features``: names of feature services, views, or ``view:feature``. ``how``: ``namespace``, ``mode`` and ``where``
    of a search. Columns: those of a search, then the join keys (``product_id``: from the passage's metadata, or its
    ``subject_id`` where that is such an entity), then ``<view>__<feature>`` as served online, and for each stored view
    ``<view>__lineage_id``, the row that the values come from. Null where a passage is about no such entity. Raises
    ``SearchError``, ``FeatureError``.
    """
    wanted = _wanted(space, [features] if isinstance(features, str) else features)
    hits = search(space, query, k=k, **how)
    keys = {key: entity for view, _ in wanted for key, entity in view.keys.items()}
    hits = hits.with_columns(_key(key, entity) for key, entity in keys.items())
    for view in {view.name: view for view, _ in wanted}.values():
        hits = _with_features(space, hits, view, [feature for other, feature in wanted if other == view])
    return hits


def _wanted(space: Workspace, names: Sequence[str]) -> list[tuple[Described, str]]:
    """What is asked for, as views and features. Raises ``FeatureError`` with near names."""
    if not names:
        return []
    known = described(space)
    listed: list[str] = []
    for name in names:
        one = known.get(name)
        if one is None:
            listed.append(name)
        else:
            listed += one.features if one.kind == "service" else [f"{name}:{feature}" for feature in one.features]
    found = []
    for reference in dict.fromkeys(listed):
        view, _, feature = reference.partition(":")
        if view not in known:
            raise FeatureError(unknown("feature view or service", view, known), "see them with `cenote features`")
        if feature not in known[view].features:
            raise FeatureError(unknown(f"feature of {view}", feature, known[view].features), "ask for `view:feature`")
        found.append((known[view], feature))
    return found


def _key(key: str, entity: str) -> pl.Expr:
    """The entity that a passage is about: as its metadata says, or as its data subject."""
    told = pl.col("metadata").str.json_path_match(f"$.{key}")
    person = pl.when(pl.col("subject_id").str.starts_with(f"{entity}_")).then("subject_id")
    return pl.coalesce(told, person).alias(key)


def _with_features(space: Workspace, hits: pl.DataFrame, view: Described, names: Sequence[str]) -> pl.DataFrame:
    from cenote import features
    from cenote.features.newest import lineage_ids

    keys = list(view.keys)
    entities = hits.select(keys).drop_nulls().unique(maintain_order=True)
    found = features.online(space, [f"{view.name}:{name}" for name in names], entities, full_names=True)
    found = found.cast(dict.fromkeys(keys, pl.String))  # of no rows Feast tells no types
    if view.stored:
        found = lineage_ids(space, view, found)
    return hits.join(found, on=keys, how="left", maintain_order="left")
