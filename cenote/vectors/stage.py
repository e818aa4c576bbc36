"""Bringing a dataset's passages up to date with silver.

Belongs here: which passages are new, changed or gone, and remembering how far silver was read. Must not: cutting text
(transforms/passages.py), embedding it (cenote/embedding.py), LanceDB (store).

Progress is committed to ``meta/vector_progress`` after the rows are written. A crash in between is harmless:
passages are written by id and the texts embedded so far are found by their content hash, so the next run does the
rest.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from cenote.embedding import lake_embedder, model_name
from cenote.erasure import consent
from cenote.report import StageReport
from cenote.retention.limits import limit
from cenote.rewrite import purged_version
from cenote.tables import Commit, HistoryGone, Table
from cenote.vectors.store import LOCK, Store, equals
from cenote.workspace import Workspace
from transforms import passages as texts
from transforms.contract import Contract

Advance = Callable[[int, int], None]
_SLICE = 20_000  # silver rows at a time, which bounds memory


@dataclass
class _Counts:
    """What a build did, in passages."""

    written: int = 0
    embedded: int = 0
    deleted: int = 0


def build(space: Workspace, dataset: str, progress: Advance | None = None, rebuild: bool = False) -> StageReport:
    """Make the passages of a dataset what its current silver rows say.

    Only new and changed texts are embedded, identical ones once, and a text that is already stored in any dataset
    keeps its vector. Passages of rows that are gone or no longer current are deleted. ``rebuild`` reads all of
    silver and embeds anew. ``progress(done, total)`` counts texts embedded. Details of the report: passages
    ``embedded``, ``reused`` (written without embedding) and ``deleted``.
    """
    contract, silver = space.contract(dataset), space.table("silver", dataset)
    with space.lock(LOCK):
        store = Store(space)
        if not rebuild and not is_stale(space, dataset):
            exists = store.identity is not None
            rows, version = (store.count(dataset), store.version) if exists else (0, None)
            return StageReport(f"vectors/{dataset}", rows, 0, version, fresh=True)
        if silver.version is None:
            return StageReport(f"vectors/{dataset}", 0, 0, None, fresh=True)
        _ensure_table(space, store)
        counts = _Build(space, store, contract, silver, rebuild, progress).run()
        details = {"embedded": counts.embedded, "reused": counts.written - counts.embedded, "deleted": counts.deleted}
        return StageReport(f"vectors/{dataset}", store.count(dataset), counts.written, store.version, details=details)


def is_stale(space: Workspace, dataset: str) -> bool:
    """Whether silver, the contract or the model changed since the dataset's passages were made."""
    contract, version = space.contract(dataset), space.table("silver", dataset).content_version
    if not contract.passages or version is None:
        return False
    store = Store(space)
    if _other_model(space, store):
        return True
    progress = _progress_table(space)
    if progress.progress(_source(store, contract)) != version:
        return True
    return any((progress.progress(name) or 0) != people for name, people in _consent(space, contract).items())


def passages(space: Workspace, dataset: str) -> pl.DataFrame:
    """All stored passages of a dataset, without vectors; columns as transforms.passages.SCHEMA."""
    store = Store(space)
    if store.identity is None:
        return pl.DataFrame(schema=texts.SCHEMA)
    return store.rows(texts.SCHEMA.names(), equals("dataset", dataset)).cast(dict(texts.SCHEMA))  # type: ignore[arg-type]


def renew(space: Workspace, dataset: str, subjects: pl.Series, changed: pl.Series, before: int) -> None:
    """Take out a dataset's passages of people, and make those of changed silver rows anew.

    ``subjects``: subject ids. ``changed``: lineage ids. ``before``: silver's version before it was purged; where
    passages had read it as far, they have read its purge now. The bytes go with :meth:`Store.purge`.
    """
    contract, silver = space.contract(dataset), space.table("silver", dataset)
    with space.lock(LOCK):
        store = Store(space)
        if store.identity is None or not contract.passages or not silver.exists:
            return
        store.forget(dataset, subjects, changed)
        build = _Build(space, store, contract, silver, False, None)
        rows = silver.scan().filter(pl.col("lineage_id").is_in(changed.implode()))
        for part in build.slices_of(rows):
            build._update(part)
        after = purged_version(silver, before)
        if build._last is not None and before <= build._last < after:
            build._remember(after)


class _Build:
    """One build of one dataset."""

    def __init__(
        self,
        space: Workspace,
        store: Store,
        contract: Contract,
        silver: Table,
        rebuild: bool,
        progress: Advance | None,
    ) -> None:
        self._space, self._store, self._contract, self._silver = space, store, contract, silver
        self._progress = progress
        self._rebuild = rebuild
        self._answers = consent.answers(space)
        self._source = _source(store, contract)
        self._version = silver.content_version  # taken first: what is committed meanwhile is read again next time
        self._consent = _consent(space, contract)
        table = _progress_table(space)
        same = all((table.progress(name) or 0) == people for name, people in self._consent.items())
        self._last = table.progress(self._source) if same and not rebuild else None
        self._first = store.count(contract.dataset) == 0
        self._counts = _Counts()

    def run(self) -> _Counts:
        """Read what silver added, write its passages, delete what is gone, and remember."""
        for rows in self._slices(self._files()):
            self._update(rows)
        if not self._first:
            self._forget_what_silver_lost()
        self._remember()
        return self._counts

    def _files(self) -> list[str]:
        """Silver's files that may hold rows not seen yet."""
        try:
            return self._silver.added_since(self._last)
        except HistoryGone:
            return self._silver.files()

    def _slices(self, files: list[str]) -> Iterator[pl.DataFrame]:
        schema = self._silver.schema()
        for file in files:
            yield from self.slices_of(pl.scan_parquet(file, missing_columns="insert", schema=schema))

    def slices_of(self, rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Silver rows with the columns that passages need, a bounded number at a time."""
        names = ["lineage_id", "subject_id", "mentions", *texts.passage_columns(self._contract)]
        names += ["is_current"] if self._contract.keyed else []
        if (kept := limit(self._contract, "passages")) is not None:  # what has expired is not embedded again
            rows = rows.filter(pl.col("landed_at") >= pl.lit(self._space.clock() - kept))
        yield from rows.select(*dict.fromkeys(names)).collect().iter_slices(_SLICE)

    def _update(self, rows: pl.DataFrame) -> None:
        """Write the new and changed passages of some silver rows, and delete those that the rows no longer have."""
        told = texts.passages(rows, self._contract, answers=self._answers)
        if not self._first:
            columns = ["passage_id", "content_hash", "lineage_id"]
            mine = equals("dataset", self._contract.dataset)
            held = self._store.among("lineage_id", rows["lineage_id"], columns, mine)
            self._delete("passage_id", held.join(told, on="passage_id", how="anti")["passage_id"])
            if self._last is not None:  # otherwise titles and metadata may have changed under the same text
                told = told.join(held, on=["passage_id", "content_hash"], how="anti", maintain_order="left")
        if told.height:
            self._store.upsert(told, self._vectors(told))
            self._counts.written += told.height

    def _vectors(self, told: pl.DataFrame) -> np.ndarray:
        """A vector for each passage: those of texts that are stored are reused, each new text is embedded once."""
        model = lake_embedder(self._space.settings)
        different = told.select("content_hash", "text").unique("content_hash", maintain_order=True)
        known = different["content_hash"].clear() if self._rebuild else different["content_hash"]
        hashes, vectors = self._store.vectors_of(known)
        new = different.filter(~pl.col("content_hash").is_in(hashes.implode()))
        done, total = self._counts.embedded, self._counts.embedded + new.height
        advance = self._progress
        embedded = model.encode(new["text"].to_list(), (lambda n, _: advance(done + n, total)) if advance else None)
        self._counts.embedded += new.height
        places = pl.DataFrame({"content_hash": pl.concat([hashes, new["content_hash"]])}).with_row_index("place")
        order = told.join(places, on="content_hash", how="left", maintain_order="left")["place"]
        return np.concatenate([vectors, embedded])[order.to_numpy()]

    def _forget_what_silver_lost(self) -> None:
        """Delete passages of rows that left silver in whatever way: overwritten, expired, purged."""
        rows = self._silver.scan()
        kept = (rows.filter("is_current") if self._contract.keyed else rows).select("lineage_id").collect()
        held = self._store.rows(["lineage_id"], equals("dataset", self._contract.dataset)).unique()
        self._delete("lineage_id", held.join(kept, on="lineage_id", how="anti")["lineage_id"])

    def _delete(self, column: str, values: pl.Series) -> None:
        if len(values):
            before = self._store.count()
            self._store.remove(column, values)
            self._counts.deleted += before - self._store.count()

    def _remember(self, version: int | None = None) -> None:
        """Commit how far silver was read: to ``version``, or to where it stood when the build began."""
        version = self._version if version is None else version
        assert version is not None
        dataset, counts = self._contract.dataset, self._counts
        row = {
            "dataset": dataset,
            "written": counts.written,
            "embedded": counts.embedded,
            "deleted": counts.deleted,
            "model": embedder_name(self._space),
            "built_at": self._space.clock(),
        }
        commit = Commit(
            stage="vectors",
            inputs={f"silver/{dataset}": version},
            code=self._source.rpartition("@")[2],
            run_id=self._space.run_id,
            progress={self._source: version, **self._consent},
        )
        _progress_table(self._space).append(
            pl.DataFrame([row]).with_columns(pl.col("built_at").cast(pl.Datetime("us", "UTC"))), commit
        )


def embedder_name(space: Workspace) -> str:
    """The model that this lake's settings ask for, as stores call it."""
    return model_name(space.settings.embedding_model)


def _other_model(space: Workspace, store: Store) -> bool:
    identity = store.identity
    return identity is None or identity["model"] != embedder_name(space)


def _ensure_table(space: Workspace, store: Store) -> None:
    """Make the table where there is none, or where its vectors come from another model."""
    if _other_model(space, store):
        store.create(embedder_name(space), lake_embedder(space.settings).dimension)


def _progress_table(space: Workspace) -> Table:
    return space.table("meta", "vector_progress")


def _source(store: Store, contract: Contract) -> str:
    """What progress is kept under: the dataset, and a digest of all else that decides its passages."""
    made_by = (contract.digest, texts.SIZE, texts.OVERLAP, (store.identity or {}).get("id"))
    return f"silver/{contract.dataset}@{hashlib.sha256(repr(made_by).encode()).hexdigest()[:16]}"


def _consent(space: Workspace, contract: Contract) -> dict[str, int]:
    """Whom the passages leave out for their purposes, as a number under which progress is kept; 0 where nobody."""
    purposes = {purpose for passage in contract.passages for purpose in contract.purposes_of(passage)}
    if not purposes:
        return {}
    return {f"consent/{contract.dataset}": int(consent.stamp(space, sorted(purposes)) or "0", 16)}
