"""The LanceDB table ``passages``: making it, reading and writing its rows.

Belongs here: everything that Cenote asks of LanceDB but searching (current.py). Must not: what a passage is, or when to
write one. Beside the table lies ``passages.json``, which says which model its vectors come from; a table without it was
not finished and is made anew. Lance keeps deleted rows in its files until a purge rewrites them: see
:meth:`Store.remove`.
"""

import json
import os
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import polars as pl
import pyarrow as pa

from cenote.errors import TableError
from cenote.sqltext import one_of as one_of
from cenote.sqltext import text
from cenote.workspace import Workspace
from transforms.passages import SCHEMA

if TYPE_CHECKING:
    from cenote.embedding import Vectors

NAME = "passages"
LOCK = "vectors/passages"
INDEX_CACHE, METADATA_CACHE = 1 << 30, 128 << 20  # bytes at most
_FILES = {"new_table_data_storage_version": "2.1"}  # a row is read twice as fast as from 2.2, the default
_LOOKUP = 2_000  # more values than this are found by reading the column instead of asking an index

# Lance keeps two cores for reading and asks an index with what is left, which is one thread where there are two.
os.environ.setdefault("LANCE_CPU_THREADS", str(os.cpu_count() or 1))  # read when Lance is first used


class Store:
    """The table of all passages of a lake; cheap to make, opens LanceDB when rows are asked for."""

    def __init__(self, space: Workspace) -> None:
        self._folder = space.path("vectors")

    @property
    def identity(self) -> dict[str, Any] | None:
        """Which table this is: ``model``, ``dimension`` and an ``id`` of its making. None where there is no table."""
        described = self._folder / f"{NAME}.json"
        if not described.exists() or not (self._folder / f"{NAME}.lance").is_dir():
            return None
        found: dict[str, Any] = json.loads(described.read_text())
        return found

    @cached_property
    def table(self) -> Any:
        """The LanceDB table. Raises ``TableError``."""
        try:
            return _connection(self._folder, (self.identity or {}).get("id")).open_table(NAME)
        except (ValueError, RuntimeError, OSError) as error:
            raise unreadable(error) from None

    def _database(self) -> Any:
        return _connect(self._folder)

    def create(self, model: str, dimension: int) -> None:
        """Make the table and its indexes, empty; an older one goes."""
        from lancedb.index import FTS, Bitmap, BTree

        described = self._folder / f"{NAME}.json"
        described.unlink(missing_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        database = self._database()
        if (self._folder / f"{NAME}.lance").is_dir():
            database.drop_table(NAME)
        self.table = database.create_table(NAME, schema=arrow_schema(dimension), storage_options=_FILES)
        self.table.create_index("text", config=FTS(with_position=False))
        for column, config in {
            "namespace": Bitmap(),
            "dataset": Bitmap(),
            "lineage_id": BTree(),
            "passage_id": BTree(),
            "content_hash": BTree(),
        }.items():
            self.table.create_index(column, config=config)
        unfinished = Path(f"{described}.new")
        unfinished.write_text(json.dumps({"model": model, "dimension": dimension, "id": uuid4().hex}))
        unfinished.replace(described)

    def count(self, dataset: str | None = None) -> int:
        """Number of passages, of one dataset or all."""
        return int(self.table.count_rows(equals("dataset", dataset) if dataset else None))

    @property
    def version(self) -> int:
        """The table's version."""
        return int(self.table.version)

    def rows(self, columns: Sequence[str], where: str | None = None) -> pl.DataFrame:
        """Columns of the rows that meet a condition."""
        found = self.table.search().select(list(columns))
        return frame((found.where(where) if where else found).limit(None).to_arrow())

    def among(self, column: str, values: pl.Series, columns: Sequence[str], where: str | None = None) -> pl.DataFrame:
        """Columns of the rows whose ``column`` is one of ``values``."""
        if len(values) > _LOOKUP:
            return self.rows(columns, where).filter(pl.col(column).is_in(values.implode()))
        chosen = one_of(column, values)
        return self.rows(columns, f"{where} AND {chosen}" if where else chosen)

    def vectors_of(self, hashes: pl.Series) -> tuple[pl.Series, "Vectors"]:
        """Content hashes among ``hashes`` that are stored, in whichever dataset, and their vectors, a row each."""
        held = self.among("content_hash", hashes, ["content_hash", "_rowid"]).unique("content_hash")
        if held.is_empty():
            return pl.Series([], dtype=pl.String), np.empty((0, self._dimension), np.float32)
        found = self.table.take_row_ids(held["_rowid"].to_list()).select(["content_hash", "vector"]).to_arrow()
        flat = found["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return pl.Series(found["content_hash"].to_pylist(), dtype=pl.String), flat.reshape(-1, self._dimension)

    @property
    def _dimension(self) -> int:
        return int(self.table.schema.field("vector").type.list_size)

    def upsert(self, passages: pl.DataFrame, vectors: "Vectors") -> None:
        """Write passages with their vectors; those whose ``passage_id`` is stored are replaced."""
        schema = arrow_schema(vectors.shape[1])
        table = passages.to_arrow(compat_level=pl.CompatLevel.oldest())
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        rows = table.append_column("vector", column).cast(schema)
        merge = self.table.merge_insert("passage_id").when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows)

    def remove(self, column: str, values: Iterable[str]) -> None:
        """Delete the rows whose ``column`` is one of ``values``. Their bytes stay in Lance's files until purged."""
        listed = pl.Series(values, dtype=pl.String)
        for begin in range(0, len(listed), _LOOKUP):
            self.table.delete(one_of(column, listed[begin : begin + _LOOKUP]))

    def forget(self, dataset: str, subjects: pl.Series, records: pl.Series) -> None:
        """Delete a dataset's passages of people, and those of records; their bytes stay until :meth:`purge`."""
        mine = equals("dataset", dataset)
        for begin in range(0, len(subjects), _LOOKUP):
            self.table.delete(f"{mine} AND {about(subjects[begin : begin + _LOOKUP])}")
        for begin in range(0, len(records), _LOOKUP):
            self.table.delete(f"{mine} AND {one_of('lineage_id', records[begin : begin + _LOOKUP])}")

    def purge(self) -> None:
        """Rewrite what still holds deleted rows, make the text index anew, and remove all older versions.

        Compaction takes deleted rows out of the data files, and their quantised vectors and ids out of the other
        indexes; a text index would keep their words.
        """
        from datetime import timedelta

        from lancedb.index import FTS

        dataset = self.table.to_lance()
        dataset.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
        self.table = self._database().open_table(NAME)
        self.table.create_index("text", config=FTS(with_position=False))
        self.table.to_lance().cleanup_old_versions(timedelta(0), delete_unverified=True)
        self.table = self._database().open_table(NAME)


def arrow_schema(dimension: int) -> pa.Schema:
    """The table's columns: those of a passage, and its vector."""
    plain = pl.DataFrame(schema=SCHEMA).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    narrow = {pa.large_string(): pa.string(), pa.large_list(pa.large_string()): pa.list_(pa.string())}
    columns = [pa.field(f.name, narrow.get(f.type, f.type)) for f in plain]
    return pa.schema([*columns, pa.field("vector", pa.list_(pa.float32(), dimension))])


def _connect(folder: Path) -> Any:
    import lancedb

    return lancedb.connect(folder, session=lancedb.Session(INDEX_CACHE, METADATA_CACHE))


@lru_cache(maxsize=4)
def _connection(folder: Path, identity: str | None) -> Any:  # noqa: ARG001  (a key of the cache)
    """A connection that all stores of a process share, so that an index is read from the disk once.

    Every :class:`Store` opens the table itself, and answers from one state of it. A table that was made anew has
    another identity and shares nothing with the older one at its place.
    """
    return _connect(folder)


def about(people: Iterable[str]) -> str:
    """Condition that a passage is about one of some people, or names one."""
    listed = list(people)
    owned = one_of("coalesce(subject_id, '')", listed)
    named = f"array_has_any(mentions, [{', '.join(map(text, listed))}])"
    return f"({owned} OR coalesce({named}, false))"


def equals(column: str, value: str) -> str:
    """Condition that a column has a value, quoted."""
    return f"{column} = {text(value)}"


def unreadable(error: Exception) -> TableError:
    """What to say where the table cannot be opened."""
    return TableError(
        f"the passages of this lake cannot be read ({type(error).__name__})",
        "remove the folder `vectors` of the lake and run `cenote run --select vectors`: silver makes it anew",
    )


def frame(table: pa.Table) -> pl.DataFrame:
    """Rows as LanceDB and Lance give them, in Polars' terms."""
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found
