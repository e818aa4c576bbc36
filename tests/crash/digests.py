"""What a lake holds, as digests that do not depend on how it came to be.

Belongs here: content, in an order of its own. Must not: files, versions, nonces or times of writing: those may differ
between a lake that was killed often and one that was not.
"""

import hashlib
import json
from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

from cenote import features, records
from cenote.vectors.store import Store
from cenote.workspace import LAYERS, Workspace

OF_WRITING = ("key_id", "payload", "prefix")  # sealed anew each time; bronze is compared opened
BOOKKEEPING = ("meta/vector_progress",)  # a row per build


def digests(space: Workspace) -> dict[str, str]:
    """A digest of each table and store, by name."""
    return dict(sorted(_all(space)))


def _all(space: Workspace) -> Iterator[tuple[str, str]]:
    for layer in LAYERS:
        for table in space.tables(layer):
            if table.name not in BOOKKEEPING:
                frame = table.scan().collect()
                yield table.name, digest(frame.drop(c for c in OF_WRITING if c in frame.columns))
    for dataset in space.contracts:
        if space.table("bronze", dataset).exists:
            opened = records.read(space, dataset, None)
            yield f"opened/{dataset}", digest(pl.concat([frame.select("lineage_id", "payload") for frame in opened]))
    store = Store(space)
    if store.identity:
        columns = [name for name in store.table.schema.names if name != "vector"]
        yield "vectors/passages", digest(store.rows(columns))
        yield "vectors/vectors", digest(store.rows(["passage_id", "vector"]))
    compared = features.parity(space)
    yield "features/online", digest(compared.group_by("view", "feature").agg(pl.len(), pl.col("equal").all()))
    waiting = [p for p in space.settings.landing.rglob("*") if p.is_file()]
    yield "landing", str(len(waiting))
    yield "vault", json.dumps(space.vault.status(), sort_keys=True)


def digest(frame: pl.DataFrame) -> str:
    """SHA-256 of a frame's content, whatever the order of its rows and columns."""
    columns = sorted(frame.columns)
    told = frame.select(columns).with_columns(cs.binary().bin.encode("hex"))
    lines = sorted(told.write_ndjson().splitlines()) if frame.height else []
    return hashlib.sha256("\n".join([*columns, *lines]).encode()).hexdigest()[:16]
