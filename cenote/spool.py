"""Rows on their way into a table: held in memory while they are few, in Parquet files below the lake beyond that.

Belongs here: bounding the memory of a pass. Must not: knowing what the rows are. Only what may stand in the target
table may be spooled (masked rows), and nothing of a spool outlives its pass: what a killed pass left is removed by
the next one.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

MEMORY_BYTES = 64 * 2**20


class Spool:
    """Frames of one schema. A context manager: its folder is empty at the start and gone at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._frames: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self._held = 0
        self._schema = pl.Schema()
        self.rows = self.bytes = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, frame: pl.DataFrame) -> None:
        """Take in a frame."""
        frame = _own(frame)
        size = int(frame.estimated_size())
        self.rows, self.bytes, self._held = self.rows + frame.height, self.bytes + size, self._held + size
        self._schema = frame.schema
        self._frames.append(frame)
        if self._held > MEMORY_BYTES:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"{len(self._files):06d}.parquet"
            pl.concat(self._frames).write_parquet(file, compression="lz4", statistics=False)
            self._files.append(file)
            self._frames, self._held = [], 0

    @property
    def schema(self) -> pl.Schema:
        """Columns and types. There must have been a frame, if an empty one."""
        return self._schema

    def scan(self) -> pl.LazyFrame:
        """All rows, lazily."""
        parts = [pl.scan_parquet(self._files)] if self._files else []
        if self._frames:
            parts.append(pl.concat(self._frames).lazy())
        return pl.concat(parts) if parts else pl.LazyFrame(schema=self._schema)

    def parts(
        self, key: Sequence[str], before: Iterable[pl.DataFrame] = (), rows_before: int = 0
    ) -> Iterator[pl.DataFrame]:
        """All rows, those of a key in the same part, which fits into memory unless a key has more than that.

        ``before``: frames of the same columns that come first, with so many rows. One part, or one frame, is held at a
        time; each frame is read once, and its rows lie in a file for each part until that is handed out.
        """
        frames = chain(before, self.frames())
        count = -(-self.bytes * (self.rows + rows_before) // max(1, self.rows * MEMORY_BYTES))
        return self._dealt(frames, key, count) if count > 1 else iter([pl.concat(frames)])

    def _dealt(self, frames: Iterable[pl.DataFrame], key: Sequence[str], count: int) -> Iterator[pl.DataFrame]:
        folder = self._folder / "buckets"
        folder.mkdir(parents=True)
        with ExitStack() as stack:
            writers: dict[int, pq.ParquetWriter] = {}
            for frame in frames:
                parts = frame.with_columns(_bucket=pl.struct(key).hash(seed=0) % count)
                for (number,), part in parts.partition_by("_bucket", include_key=False, as_dict=True).items():
                    rows = part.to_arrow(compat_level=pl.CompatLevel.oldest())
                    if number not in writers:
                        file = folder / f"{number:06d}.parquet"
                        writer = pq.ParquetWriter(file, rows.schema, compression="lz4", write_statistics=False)
                        writers[number] = stack.enter_context(writer)
                    writers[number].write_table(rows)
        for file in sorted(folder.iterdir()):
            yield pl.read_parquet(file)
            file.unlink()

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows, a bounded number at a time."""
        for file in self._files:
            yield pl.read_parquet(file)
        if self._frames:
            yield pl.concat(self._frames)


def _own(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows, holding their own bytes only: rows that were picked keep all texts they were picked from alive."""
    return pl.DataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=frame.schema)


def stream(frames: Iterable[pl.DataFrame], schema: pl.Schema) -> pa.RecordBatchReader:
    """Frames as one Arrow stream, so that a table takes them in a single commit, one frame at a time."""
    arrow = schema.to_frame().to_arrow().schema
    return pa.RecordBatchReader.from_batches(
        arrow, (batch for frame in frames for batch in frame.to_arrow().cast(arrow).to_batches())
    )
