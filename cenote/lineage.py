"""Lineage ids: how a row of any store is named after the raw record, or the grain key, that made it.

Belongs here: making and taking apart lineage ids. Must not: reading or writing a store.

A record's id is ``<batch id>-<row>``: 24 hex digits of the SHA-256 of dataset and file content, and the record's
number in its file in ten digits, so ids sort in landing order within a batch. Both derive from content: landing the
same file twice, or replaying it, gives the same ids. A row made of many records is named after its table and grain key.
"""

import hashlib
import re
from dataclasses import dataclass

import polars as pl

from cenote.errors import CenoteError

BATCH_DIGITS = 24
ROW_DIGITS = 10
_RECORD_ID = re.compile(rf"^([0-9a-f]{{{BATCH_DIGITS}}})-([0-9]{{{ROW_DIGITS}}})$")


@dataclass(frozen=True)
class RecordId:
    """One raw record: its batch and its number in the batch, from 0."""

    batch_id: str
    row: int

    def __str__(self) -> str:
        return f"{self.batch_id}-{self.row:0{ROW_DIGITS}d}"

    @classmethod
    def parse(cls, lineage_id: str) -> "RecordId":
        """Take a record's lineage id apart. Raises ``CenoteError`` where it is not one."""
        match = _RECORD_ID.match(lineage_id)
        if not match:
            raise CenoteError(
                f"{lineage_id!r} is not the lineage id of a record",
                f"it should look like {'0' * BATCH_DIGITS}-{'0' * ROW_DIGITS}",
            )
        return cls(match[1], int(match[2]))


class BatchDigest:
    """Digest of a batch while its bytes stream by: the batch id (bound to the dataset) and the content's SHA-256."""

    def __init__(self, dataset: str) -> None:
        self._content = hashlib.sha256()
        self._dataset = dataset
        self.size = 0

    def update(self, chunk: bytes | memoryview) -> None:
        """Take in the next bytes of the file."""
        self._content.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of the content alone, as ``sha256sum`` prints it."""
        return self._content.hexdigest()

    @property
    def batch_id(self) -> str:
        """The batch id: content digest bound to the dataset, so one file in two datasets is two batches."""
        return hashlib.sha256(self._dataset.encode() + b"\0" + self._content.digest()).hexdigest()[:BATCH_DIGITS]


def record_ids(batch_id: str, first_row: int, count: int) -> pl.Series:
    """Lineage ids of ``count`` records of a batch, from ``first_row`` on; a String series ``lineage_id``."""
    rows = pl.int_range(first_row, first_row + count, eager=True).cast(pl.String).str.zfill(ROW_DIGITS)
    return (f"{batch_id}-" + rows).alias("lineage_id")


def grain_id_sql(table: str, grain: list[str]) -> str:
    """DuckDB expression for the lineage id of a row of ``table``: ``<table>-`` and 24 hex digits of an MD5 digest.

    Digested are the values of the grain key as text, joined with the unit separator (U+001F), NULL written ``\\N``. MD5
    because it is in every engine and costs half of SHA-256; it names rows, and protects nothing.
    """
    parts = ", ".join(f"coalesce(CAST(\"{column}\" AS VARCHAR), '\\N')" for column in grain)
    return f"'{table}-' || left(md5(concat_ws(chr(31), {parts})), {BATCH_DIGITS})"


def grain_id(table: str, *key: object) -> str:
    """The same id as :func:`grain_id_sql` for one row whose key values are given as DuckDB prints them."""
    text = "\x1f".join("\\N" if part is None else str(part) for part in key)
    return f"{table}-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:BATCH_DIGITS]}"
