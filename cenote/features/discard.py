"""Taking entities off the online store as they leave a feature table, without serving the others anew.

Belongs here: that one step. Must not: purging tables (offline.py), serving (serving.py). Only a store that is a file of
the lake knows how to; any other starts the view anew at the next sync, and so does one that a crash kept from this.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from cenote.features.definitions import applied, feast_quiet, feast_store, online_file
from cenote.features.synced import note, notes, write_notes
from cenote.workspace import Workspace


@dataclass(frozen=True)
class Dropped:
    """A purge of a view's table: its versions before and after, and the ``entities`` all of whose rows it took."""

    view: str
    before: int
    after: int
    entities: pl.Series


def discard(space: Workspace, dropped: Dropped) -> None:
    """Forget the entities online, where the store held the version before they were dropped.

    Rows that are added to the table for them later are new to the store. Call it without the table's lock.
    """
    with space.lock("features/online"):
        known = notes(space)
        last = known.get(dropped.view)
        if not last or not last["served"] or last["version"] != dropped.before:
            return
        if not online_file(space) or not applied(space):
            return
        with feast_quiet():
            store = feast_store(space)
            view = store.get_feature_view(dropped.view, allow_registry_cache=True)
            online: Any = store.provider.online_store
            online.discard(store.config, view, dropped.entities.to_list())
        table, until = space.table("features", dropped.view), datetime.fromisoformat(last["until"])
        write_notes(space, known | {dropped.view: note(table, dropped.after, view, until)})
