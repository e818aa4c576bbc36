"""Records on their way into bronze: chunks of bytes -> Arrow batches with ids, owners and sealed payloads.

Belongs here: what a raw record becomes. Must not: files and commits (bronze.py). Chunks of small files are worked on
together, so the cost follows the bytes and not the number of files.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import polars as pl
import pyarrow as pa

from cenote.landing import LandingFile
from cenote.lineage import record_ids
from cenote.records import sealed_as
from cenote.splitting import BLOCK_BYTES, CHUNK_ROWS, Chunk
from cenote.workspace import Workspace
from transforms.contract import Contract
from transforms.jsontext import valid_json
from transforms.subjects import owner_ids

SCHEMA = pa.schema(
    [
        ("lineage_id", pa.string()),
        ("batch_id", pa.string()),
        ("row", pa.int64()),
        ("landed_at", pa.timestamp("us", "UTC")),
        ("subject_id", pa.string()),
        ("key_id", pa.string()),
        ("prefix", pa.binary()),
        ("payload", pa.binary()),
    ]
)
Piece = tuple[str, int, Chunk]  # batch id, row of the first record, records


class Intake:
    """The records of some surveyed files as a stream of Arrow batches.

    ``counts`` are right once the stream is read. What went wrong in it is ``error``, at file ``current``, since
    whoever reads the stream may report it in other words.
    """

    def __init__(
        self,
        space: Workspace,
        contract: Contract,
        files: Sequence[LandingFile],
        landed_at: datetime,
        advance: Callable[[float], None],
    ) -> None:
        self._space = space
        self._contract = contract
        self._files = files
        self._landed_at = landed_at
        self._advance = advance
        self.counts = Counter(batches=len(files))
        self.current: LandingFile | None = None
        self.error: Exception | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The stream, to be read once."""
        return pa.RecordBatchReader.from_batches(SCHEMA, self._watched())

    def _watched(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from (self._batch(pieces) for pieces in self._gathered())
        except Exception as error:
            self.error = error
            raise

    def _gathered(self) -> Iterator[list[Piece]]:
        """Pieces of one or more files that together make a good batch."""
        pieces: list[Piece] = []
        rows = size = 0
        for file in self._files:
            self.current, row = file, 0
            for chunk in file.chunks():
                pieces.append((file.surveyed.batch_id, row, chunk))
                row += len(chunk.payloads)
                rows += len(chunk.payloads)
                size += sum(map(len, chunk.payloads))
                if rows >= CHUNK_ROWS or size >= BLOCK_BYTES // 2:
                    yield pieces
                    pieces, rows, size = [], 0, 0
            self._advance(file.disk_bytes)
        if pieces:
            yield pieces

    def _batch(self, pieces: Sequence[Piece]) -> pa.RecordBatch:
        prefixes = [prefix for _, _, chunk in pieces for prefix in chunk.prefixes]
        payloads = [payload for _, _, chunk in pieces for payload in chunk.payloads]
        ids = pl.concat([record_ids(batch_id, row, len(chunk.payloads)) for batch_id, row, chunk in pieces])
        runs = pl.DataFrame(
            [(b, r, len(c.payloads)) for b, r, c in pieces], schema=["batch_id", "row", "n"], orient="row"
        )
        rows = runs.select("batch_id", pl.int_ranges("row", pl.col("row") + pl.col("n")).alias("row")).explode("row")
        valid = valid_json(payloads)
        self.counts.update(records=len(payloads), malformed=len(payloads) - int(valid.sum()))
        subjects: list[str | None] = [None] * len(payloads)
        keys: list[str | None] = [None] * len(payloads)
        if self._contract.sealed:
            subjects, keys, payloads = self._seal(payloads, valid, ids)
        columns = [
            ids.to_arrow().cast(pa.string()),
            rows["batch_id"].to_arrow().cast(pa.string()),
            rows["row"].to_arrow(),
            pa.repeat(pa.scalar(self._landed_at, SCHEMA.field("landed_at").type), len(payloads)),
            pa.array(subjects, pa.string()),
            pa.array(keys, pa.string()),
            pa.array(prefixes, pa.binary()),
            pa.array(payloads, pa.binary()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def _seal(
        self, payloads: list[bytes], valid: pl.Series, ids: pl.Series
    ) -> tuple[list[str | None], list[str | None], list[bytes]]:
        """Owners, key ids, and the payloads sealed. No owner, or an erased one: the dataset's key."""
        vault, dataset = self._space.vault, self._contract.dataset
        subjects = self._owners(payloads, valid)
        known = vault.keys_for({subject for subject in subjects if subject})
        fallback = vault.dataset_key(dataset)
        keys = [(known[subject] if subject else None) or fallback for subject in subjects]
        self.counts.update(sealed=len(payloads), ownerless=subjects.count(None))
        return subjects, [*keys], vault.seal(keys, payloads, sealed_as(dataset, ids))

    def _owners(self, payloads: list[bytes], valid: pl.Series) -> list[str | None]:
        """The pseudonym of each record's data subject; None for malformed records and those that name none."""
        owners: list[str | None] = [None] * len(payloads)
        if not self._contract.subject:
            return owners
        texts = pl.Series(payloads, dtype=pl.Binary).filter(valid).cast(pl.String)
        found = self._space.vault.subject_ids(self._contract.subject.entity, owner_ids(texts, self._contract))
        if valid.all():
            return found.to_list()
        for position, owner in zip(valid.arg_true().to_list(), found.to_list(), strict=True):
            owners[position] = owner
        return owners
