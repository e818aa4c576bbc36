"""What the online store was given last: notes in ``online/synced.json``, a view each.

Belongs here: reading and writing the notes. Must not: values. A note holds the ``version`` of the view's table, whether
Feast knows the view (``served``), how many ``entities`` it has and how many have a value that has not expired
(``alive``), the moment up to which rows counted (``until``), and when the next row falls ``due``. Notes of another
online store do not count.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from cenote.features.definitions import online_file
from cenote.features.history import EVENT
from cenote.tables import Table
from cenote.workspace import Workspace

Note = dict[str, Any]


def note(table: Table, version: int, view: Any, until: datetime) -> Note:
    """What is to be noted when the online store holds what a version of a view's table says at a moment.

    ``view``: as Feast knows it.
    """
    keys = [column.name for column in view.entity_columns]
    rows = table.scan(version).select(*keys, EVENT)
    newest = rows.filter(pl.col(EVENT) <= until).group_by(keys).agg(pl.col(EVENT).max())
    alive_ones = (pl.col(EVENT) >= until - view.ttl).sum() if view.ttl else pl.len()
    entities, alive = newest.select(pl.len(), alive_ones.alias("alive")).collect().row(0)
    due = rows.select(pl.col(EVENT).filter(pl.col(EVENT) > until).min()).collect().item()
    stamps = {"until": until.isoformat(), "due": due and due.isoformat()}
    return {"version": version, "served": True, "entities": entities, "alive": alive, **stamps}


def notes(space: Workspace) -> dict[str, Note]:
    """What was synced, keyed by view; empty where that was another store."""
    file = space.path("online", "synced.json")
    if not file.is_file():
        return {}
    found = json.loads(file.read_text())
    return found["views"] if found["store"] == _store_id(space) else {}


def write_notes(space: Workspace, views: Mapping[str, Note]) -> None:
    """Write the notes aside and swap them in."""
    file = space.path("online", "synced.json")
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps({"store": _store_id(space), "views": views}, indent=1, sort_keys=True))
    aside.replace(file)


def synced_version(space: Workspace, view: str) -> int | None:
    """The version of a view's table that the online store has; None where it was never synced."""
    note = notes(space).get(view)
    return int(note["version"]) if note and note["served"] else None


def _store_id(space: Workspace) -> str:
    """Which online store the notes are about: its file where it is one, or a digest of where it is."""
    if file := online_file(space):
        return str(file.stat().st_ino) if file.is_file() else ""
    return hashlib.sha256(space.settings.online_store.encode()).hexdigest()[:16]
