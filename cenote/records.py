"""Raw records of bronze, opened again: as frames for silver, and as the landed file byte for byte.

Belongs here: reading bronze. Must not: landing (bronze.py). Opened payloads exist in memory only.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from cenote.erasure.suppression import hidden
from cenote.errors import TableError
from cenote.landing import Batch
from cenote.tables import HistoryGone
from cenote.workspace import Workspace

CHUNK_ROWS = 32_768
READ_BYTES = 16 * 2**20
BRONZE = pl.Schema(
    {  # type: ignore[arg-type]
        "lineage_id": pl.String,
        "batch_id": pl.String,
        "row": pl.Int64,
        "landed_at": pl.Datetime("us", "UTC"),
        "subject_id": pl.String,
        "key_id": pl.String,
        "prefix": pl.Binary,
        "payload": pl.Binary,
    }
)
ANONYMOUS = "erased"
"""The subject id in bronze of a record that stays under legal hold without its person (cenote/erasure)."""
OPENED = ("lineage_id", "batch_id", "row", "landed_at", "subject_id", "payload")
MANIFEST = pl.Schema(
    {  # type: ignore[arg-type]
        "batch_id": pl.String,
        "dataset": pl.String,
        "sha256": pl.String,
        "bytes": pl.Int64,
        "records": pl.Int64,
        "format": pl.String,
        "trailer": pl.Binary,
        "landed_at": pl.Datetime("us", "UTC"),
    }
)


AMENDED = pl.Schema(
    {  # type: ignore[arg-type]
        "batch_id": pl.String,
        "dataset": pl.String,
        "removed": pl.Int64,
        "redacted": pl.Int64,
        "sha256": pl.String,
        "amended_at": pl.Datetime("us", "UTC"),
    }
)
"""What erasures made of batches: how many records left or lost a mention, and the digest of what bronze holds now."""
STORED = "stored:"
"""Begins a digest of payloads as they are stored, sealed ones unopened: a seal vouches for what is under it, so that an
erasure need not open the records of everybody else."""


def sealed_as(dataset: str, lineage_ids: pl.Series) -> list[bytes]:
    """What a record's payload is bound to when it is sealed: dataset and lineage id, U+001F between."""
    return (f"{dataset}\x1f" + lineage_ids).cast(pl.Binary).to_list()


def read(space: Workspace, dataset: str, since: int | None) -> Iterator[pl.DataFrame]:
    """Opened records that commits after table version ``since`` added (None: all), some ``CHUNK_ROWS`` at a time.

    Columns: lineage_id, batch_id, row, landed_at, subject_id, payload (Binary). Records whose key was shredded are left
    out. Where the log no longer reaches back to ``since``, all records come. Raises ``VaultError``, ``TableError``.
    """
    table = space.table("bronze", dataset)
    try:
        files = table.added_since(-1 if since is None and table.exists else since)  # in the order of landing
    except HistoryGone:
        files = table.files()
    if not files:
        return
    for frame in _chunks(files, [*OPENED, "key_id"]):
        yield _opened(space, dataset, frame)


def _chunks(files: Sequence[str], columns: list[str]) -> Iterator[pl.DataFrame]:
    """Rows of Parquet files in order, some ``CHUNK_ROWS`` at a time. Not Polars' batches, which read far ahead."""
    held: list[pl.DataFrame] = []
    for file in files:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:
            for batch in parquet.iter_batches(CHUNK_ROWS, columns=columns):
                held.append(pl.DataFrame(batch).select(columns))
                if sum(frame.height for frame in held) >= CHUNK_ROWS:
                    yield pl.concat(held)
                    held = []
    if held:
        yield pl.concat(held)


def open_records(space: Workspace, dataset: str, lineage_ids: Sequence[str] | pl.Series) -> pl.DataFrame:
    """The named records, opened, by lineage id; columns as :func:`read`. Shredded and unknown ones are left out."""
    table = space.table("bronze", dataset)
    if not table.exists:
        return pl.DataFrame(schema=BRONZE).select(OPENED)
    wanted, lineage_id = pl.Series("lineage_id", lineage_ids, dtype=pl.String), pl.col("lineage_id")
    near = lineage_id.is_between(pl.lit(wanted.min()), pl.lit(wanted.max()))  # skips what the statistics rule out
    stored = table.scan().filter(near, lineage_id.is_in(wanted.implode()))
    return _opened(space, dataset, stored.select(*OPENED, "key_id").sort("lineage_id").collect())


def under_hold(space: Workspace, dataset: str) -> pl.Series:
    """Lineage ids of records that stay under legal hold without their person, as long as their contract says."""
    table = space.table("bronze", dataset)
    if not table.exists:
        return pl.Series("lineage_id", [], dtype=pl.String)
    return table.scan().filter(pl.col("subject_id") == ANONYMOUS).select("lineage_id").collect().to_series()


def batches(space: Workspace) -> pl.DataFrame:
    """The manifest: a row per landed batch, oldest first."""
    table = space.table("meta", "batches")
    return table.scan().sort("landed_at", "batch_id").collect() if table.exists else pl.DataFrame(schema=MANIFEST)


def amendments(space: Workspace) -> pl.DataFrame:
    """What erasures made of batches (meta/amendments): columns as :data:`AMENDED`, a row per batch concerned."""
    table = space.table("meta", "amendments")
    return table.scan().select(AMENDED.names()).collect() if table.exists else pl.DataFrame(schema=AMENDED)


def present_batches(space: Workspace, manifest: pl.DataFrame) -> list[Batch]:
    """Batches of the manifest, with the digest of what bronze holds now: erasures change that."""
    now = amendments(space).select("batch_id", pl.col("sha256").alias("present"))
    held = manifest.join(now, on="batch_id", how="left", maintain_order="left")
    return landed_batches(held.with_columns(pl.coalesce("present", "sha256").alias("sha256")))


def landed_batches(manifest: pl.DataFrame) -> list[Batch]:
    """Batches of the manifest, with the digest of what landed."""
    rows = manifest.select("batch_id", "sha256", "bytes", "records", "format", "trailer").iter_rows()
    return [Batch(*row) for row in rows]


def replay(space: Workspace, batch_id: str, out: BinaryIO) -> dict[str, int]:
    """Write a landed file's (decompressed) content, byte for byte; returns how many of its records were ``removed`` and
    ``redacted`` by erasures since: without these, and but for these, it is the landed file.

    Raises ``TableError`` where the batch is unknown, or bronze does not give back what it should.
    """
    found = batches(space).filter(pl.col("batch_id") == batch_id)
    if found.is_empty():
        raise TableError(f"there is no batch {batch_id!r}", "list the batches with: cenote sql 'from meta.batches'")
    dataset, (batch,) = found["dataset"][0], present_batches(space, found)
    people = pl.col("subject_id").is_in(hidden(space))
    held = space.table("bronze", dataset).scan().filter(pl.col("batch_id") == batch_id, people)
    if count := held.select(pl.len()).collect().item():
        raise TableError(
            f"{count} records of batch {batch_id} are about people whose erasure was asked for; no door shows them",
            "see `cenote subject status`; when they are erased, the batch can be replayed without them",
        )
    proof = Proof(batch)
    for piece in rebuilt(space, dataset, space.table("bronze", dataset).scan(), [batch]):
        proof.update(piece)
        out.write(piece.content)
    if not proof.holds:
        raise TableError(
            f"bronze no longer gives batch {batch_id} back byte for byte",
            "records of it have left by retention; if none have, restore the lake from a backup",
        )
    amended = amendments(space).filter(pl.col("batch_id") == batch_id).select("removed", "redacted")
    return amended.to_dicts()[0] if amended.height else {"removed": 0, "redacted": 0}


_Part = tuple[Batch, int, int]
"""A batch, and the rows of it that are read: from the first up to the second."""


class Piece(NamedTuple):
    """Some of the bytes of a batch: its content, and, where its digest is of these, its payloads as they are stored."""

    batch: Batch
    content: bytes
    stored: bytes


class Proof:
    """Whether a rebuilt batch is the landed one, or what erasures left of it, by its SHA-256."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._digest = hashlib.sha256()

    def update(self, piece: Piece) -> None:
        """Take in the next bytes."""
        self._digest.update(piece.stored if self._batch.sha256.startswith(STORED) else piece.content)

    @property
    def holds(self) -> bool:
        """Whether all bytes came back."""
        return self._digest.hexdigest() == self._batch.sha256.removeprefix(STORED)


def prove(space: Workspace, dataset: str, stored: pl.LazyFrame, batch_list: Sequence[Batch]) -> set[str]:
    """Rebuild batches from ``stored`` bronze rows; returns the ids of those that came back byte for byte."""
    proofs = {batch.batch_id: Proof(batch) for batch in batch_list}
    for piece in rebuilt(space, dataset, stored, batch_list):
        proofs[piece.batch.batch_id].update(piece)
    return {batch_id for batch_id, proof in proofs.items() if proof.holds}


def rebuilt(space: Workspace, dataset: str, stored: pl.LazyFrame, batch_list: Sequence[Batch]) -> Iterator[Piece]:
    """The content of batches, piece by piece: small batches are read together, a large one in several row ranges.

    What bronze no longer holds or can no longer open is missing from the content. Raises ``VaultError``.
    """
    for parts, rows in _read_rows(stored, batch_list):
        opened = _contents(parts, rows, open_payloads(space, dataset, rows))
        amended = any(batch.sha256.startswith(STORED) for batch, _, _ in parts)
        closed = _contents(parts, rows, rows["payload"].to_list()) if amended else {}
        for batch, _, _ in parts:
            yield Piece(batch, opened[batch.batch_id], closed.get(batch.batch_id, b""))


def stored_digests(stored: pl.LazyFrame, batch_list: Sequence[Batch]) -> dict[str, str]:
    """Digests of batches as bronze holds them (:data:`STORED`), by batch id; nothing is opened."""
    digests = {batch.batch_id: hashlib.sha256() for batch in batch_list}
    for parts, rows in _read_rows(stored, batch_list):
        for batch_id, content in _contents(parts, rows, rows["payload"].to_list()).items():
            digests[batch_id].update(content)
    return {batch_id: STORED + digest.hexdigest() for batch_id, digest in digests.items()}


def _read_rows(stored: pl.LazyFrame, batch_list: Sequence[Batch]) -> Iterator[tuple[list[_Part], pl.DataFrame]]:
    """Row ranges of batches, and their rows in order."""
    for parts in _reads(batch_list):
        if len(parts) == 1:
            (batch, first, end), *_ = parts
            condition = (pl.col("batch_id") == batch.batch_id) & pl.col("row").is_between(first, end, closed="left")
        else:
            condition = pl.col("batch_id").is_in([batch.batch_id for batch, _, _ in parts])
        columns = ("batch_id", "row", "lineage_id", "key_id", "prefix", "payload")
        yield parts, _in_order(stored.filter(condition).select(columns).collect())


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by batch and number. They were written so; sorting them would copy all that they hold."""
    begins = pl.col("batch_id").ne_missing(pl.col("batch_id").shift())
    told = rows.select(
        ((pl.col("row").diff() > 0) | begins).all().alias("rising"),
        (begins.sum() == pl.col("batch_id").n_unique()).alias("together"),
    )
    return rows if all(told.row(0)) else rows.sort("batch_id", "row")


def _reads(batch_list: Sequence[Batch]) -> Iterator[list[_Part]]:
    """What to read at once, about ``READ_BYTES``: several small batches whole, or a row range of a large one."""
    small: list[_Part] = []
    for batch in batch_list:
        if batch.size > READ_BYTES:
            step = max(1, batch.records * READ_BYTES // batch.size)
            yield from ([(batch, first, first + step)] for first in range(0, batch.records, step))
            continue
        if sum(b.size for b, _, _ in small) + batch.size > READ_BYTES:
            yield small
            small = []
        small.append((batch, 0, batch.records))
    if small:
        yield small


def _contents(parts: list[_Part], rows: pl.DataFrame, payloads: Sequence[bytes | None]) -> dict[str, bytes]:
    """Prefixes, payloads and, at the end of a batch, its trailer joined, by batch; ``rows`` are sorted by batch."""
    joined, start = {batch.batch_id: b"" for batch, _, _ in parts}, 0
    prefixes = rows["prefix"].to_list()
    for run in rows["batch_id"].rle().struct.unnest().iter_rows(named=True):
        end = start + run["len"]
        pieces = chain.from_iterable(zip(prefixes[start:end], payloads[start:end], strict=True))
        joined[run["value"]] = b"".join(filter(None, pieces))  # without those that could not be opened
        start = end
    for batch, _, end in parts:
        joined[batch.batch_id] += batch.trailer if end >= batch.records else b""
    return joined


def open_payloads(space: Workspace, dataset: str, rows: pl.DataFrame) -> list[bytes | None]:
    """Payloads of bronze rows (``lineage_id``, ``key_id``, ``payload``), None where the key was shredded."""
    payloads: list[bytes | None] = rows["payload"].to_list()
    sealed = rows["key_id"].is_not_null()
    if not sealed.any():
        return payloads
    boxes = rows if sealed.all() else rows.filter(sealed)
    aads = sealed_as(dataset, boxes["lineage_id"])
    opened = space.vault.unseal(boxes["key_id"].to_list(), boxes["payload"].to_list(), aads)
    if sealed.all():
        return opened
    for position, payload in zip(sealed.arg_true().to_list(), opened, strict=True):
        payloads[position] = payload
    return payloads


def _opened(space: Workspace, dataset: str, rows: pl.DataFrame) -> pl.DataFrame:
    payloads = pl.Series("payload", open_payloads(space, dataset, rows), dtype=pl.Binary)
    return rows.with_columns(payloads).select(OPENED).drop_nulls("payload")
