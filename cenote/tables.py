"""A Delta table of the lake: reading its current files, and commits that happen exactly once.

Belongs here: everything that Cenote asks of Delta. Must not: knowing what a table means. Every commit says in its
metadata which table versions it read, which code and run made it; statistics are kept for ids and times only, since
Delta writes them to its log in clear text.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import (
    BloomFilterProperties,
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError

from cenote.errors import TableError, of_the_disk

STATISTICS = ("lineage_id", "batch_id", "row", "landed_at", "subject_id", "event_timestamp", "created_timestamp")
ROW_GROUP = 65_536
_BATCH_ROWS = 8_192
CLUSTERED_ROW_GROUP = 16_384  # of rows that lie in the order in which they are asked for
_TARGET_FILE_SIZE = 128 * 2**20
COMPACT = "compact"
"""The stage of a commit that holds the same rows as the version before it, in other files (cenote/compaction.py)."""
_CONTENT = "content"  # in the details of such a commit: the version that made the rows
_OPENED = threading.local()  # tables opened for reading, by path: the state of their log, and the table
_MOST_OPENED = 512


@dataclass(frozen=True)
class Commit:
    """What a commit records of itself.

    ``inputs``: table versions that were read. ``code``: digest of the contract or SQL that made the rows.
    ``progress``: how far each source was consumed (application transactions: a source's name and its version), so a
    rerun knows what is done.
    """

    stage: str
    inputs: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    run_id: str = ""
    progress: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def properties(self) -> CommitProperties:
        """The commit in Delta's terms."""
        metadata = {
            "cenote.stage": self.stage,
            "cenote.inputs": json.dumps(dict(self.inputs), sort_keys=True),
            "cenote.code": self.code,
            "cenote.run_id": self.run_id,
            "cenote.details": json.dumps(dict(self.details), sort_keys=True),
        }
        done = [Transaction(app_id=name, version=version) for name, version in self.progress.items()]
        return CommitProperties(custom_metadata=metadata, app_transactions=done, max_commit_retries=0)


@dataclass(frozen=True)
class CommitInfo:
    """A commit that was made: its table version, time (UTC) and what it recorded of itself."""

    version: int
    at: datetime
    operation: str
    stage: str
    inputs: dict[str, int]
    code: str
    run_id: str
    details: dict[str, Any]
    rows_added: int


class HistoryGone(TableError):
    """The log no longer holds the commits asked for; read the whole table instead."""


class Table:
    """One Delta table at ``path``; ``name`` (``layer/table``) is what messages call it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    def __repr__(self) -> str:
        return f"Table({self.name})"

    # reading

    @property
    def exists(self) -> bool:
        """Whether the table was ever written."""
        return (self.path / "_delta_log").is_dir() and DeltaTable.is_deltatable(str(self.path))

    def delta(self, version: int | None = None) -> DeltaTable:
        """The table as the deltalake library sees it; a ``version`` as the newest that has the same rows, whose files
        are compacted and there when older ones are not. Raises ``TableError``.
        """
        try:
            return DeltaTable(str(self.path), version=self._same_rows(version))
        except DeltaError as error:
            raise TableError(
                f"table {self.name} cannot be read at version {'latest' if version is None else version}: "
                f"{str(error).strip().splitlines()[0]}",
                "its log is torn or files are missing: `cenote verify` says what to do about it",
            ) from None

    def current(self) -> DeltaTable:
        """The current version, for reading only; opened once per thread for as long as its log stays as it is."""
        held: dict[str, tuple[object, DeltaTable]] = _OPENED.__dict__.setdefault("tables", {})
        path, state = str(self.path), self._log_state()
        if state is None or path not in held or held[path][0] != state:
            if len(held) >= _MOST_OPENED:
                held.clear()
            held[path] = state, self.delta()
        return held[path][1]

    def _log_state(self) -> object:
        """What tells one state of the log from another: names of its files, and which file the newest entry is."""
        log = self.path / "_delta_log"
        try:
            names = sorted(entry.name for entry in log.iterdir())
            info = (log / max(name for name in names if name.endswith(".json"))).stat()
        except (OSError, ValueError):
            return None
        return (*names, info.st_ino, info.st_size, info.st_mtime_ns)

    @property
    def version(self) -> int | None:
        """The current version, or None where the table was never written."""
        return self.current().version() if self.exists else None

    @property
    def content_version(self) -> int | None:
        """The version that made the rows of the current one, which is what readers stand on: compactions make none."""
        return None if (version := self.version) is None else self._content(version)

    def _content(self, version: int) -> int:
        """The version that made the rows of a version."""
        entry = self._log_file(version)
        if not entry.exists():
            return version
        with entry.open() as lines:
            told: dict[str, Any] = next(
                (a["commitInfo"] for line in lines if "commitInfo" in (a := json.loads(line))), {}
            )
        if told.get("cenote.stage") != COMPACT:
            return version
        return int(json.loads(told["cenote.details"])[_CONTENT])

    def _same_rows(self, version: int | None) -> int | None:
        """The newest version that has the same rows as another."""
        while version is not None and self._log_file(version + 1).exists() and self._content(version + 1) <= version:
            version += 1
        return version

    def files(self, version: int | None = None) -> list[str]:
        """Paths of the Parquet files that make up the table."""
        if not self.exists:
            return []
        delta = self.current() if version is None else self.delta(version)
        return [unquote(uri) for uri in delta.file_uris()]

    def schema(self) -> pl.Schema:
        """Column names and types."""
        return pl.Schema(pl.from_arrow(pa.schema(self.current().schema().to_arrow()).empty_table()).schema)  # type: ignore[union-attr]

    def scan(self, version: int | None = None) -> pl.LazyFrame:
        """The rows, lazily. A table without files gives an empty frame with its schema."""
        files = self.files(version)
        if not files:
            return pl.LazyFrame(schema=self.schema())
        return pl.scan_parquet(files, missing_columns="insert", schema=self.schema())

    def count(self) -> int:
        """Number of rows, from the log alone."""
        return self.current().count() if self.exists else 0

    def progress(self, source: str) -> int | None:
        """How far ``source`` was consumed, as recorded by :class:`Commit`; None where never."""
        return self.current().transaction_version(source) if self.exists else None

    def added_since(self, version: int | None, *, none_lost: bool = False) -> list[str]:
        """Files that commits after ``version`` added as new data (compactions and purges add none). None: all files.

        A file that a compaction has replaced is still given, as long as it is there; in the place of one that lost
        rows to newer files (rewrite.exchange), what is left of it. Raises ``HistoryGone`` where the log no longer
        reaches back that far, or the rows were rewritten since; with ``none_lost`` also where any row may have left
        the table without coming again in these files.
        """
        current = self.version
        if version is None or current is None:
            return self.files()
        if version > current:
            raise HistoryGone(f"table {self.name} was made anew after version {version}")
        added: list[str] = []
        replaced: set[str] = set()  # by compactions, and the files that they made
        for number in range(version + 1, current + 1):
            entry = self._log_file(number)
            if not entry.exists():
                raise HistoryGone(f"table {self.name} has no log entry for version {number}")
            actions = [json.loads(line) for line in entry.read_text().splitlines() if line]
            stage = next((a["commitInfo"].get("cenote.stage") for a in actions if "commitInfo" in a), "")
            gone = {str(self.path / unquote(a["remove"]["path"])) for a in actions if "remove" in a}
            adds = [a["add"] for a in actions if "add" in a]
            new, kept = (
                [str(self.path / unquote(a["path"])) for a in adds if a["dataChange"] is n] for n in (True, False)
            )
            if none_lost and gone and not kept:
                raise HistoryGone(f"table {self.name} may have lost rows after version {version}")
            if stage == COMPACT and gone & {*added, *replaced}:
                replaced |= gone | {*kept}
            elif gone & replaced:
                raise HistoryGone(f"table {self.name} was rewritten after version {version}")
            elif kept and gone.intersection(added):
                added = [file for file in added if file not in gone] + kept
            added += new if stage != "purge" else []
        lost = set(added) - set(self.files())
        if not all(file in replaced and Path(file).exists() for file in lost):
            raise HistoryGone(f"table {self.name} was rewritten after version {version}")
        return added

    def _log_file(self, version: int) -> Path:
        return self.path / "_delta_log" / f"{version:020d}.json"

    def commits(self, limit: int | None = None) -> Iterator[CommitInfo]:
        """Commits, newest first."""
        for entry in self.current().history(limit) if self.exists else ():
            yield CommitInfo(
                version=entry["version"],
                at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                operation=entry.get("operation", ""),
                stage=entry.get("cenote.stage", ""),
                inputs=json.loads(entry.get("cenote.inputs") or "{}"),
                code=entry.get("cenote.code", ""),
                run_id=entry.get("cenote.run_id", ""),
                details=json.loads(entry.get("cenote.details") or "{}"),
                rows_added=int((entry.get("operationMetrics") or {}).get("num_added_rows") or 0),
            )

    def last_commit(self) -> CommitInfo | None:
        """The newest commit."""
        return next(self.commits(1), None)

    # writing

    def append(self, data: Any, commit: Commit, sought: Sequence[str] = (), row_group: int = ROW_GROUP) -> int:
        """Add rows (a frame, an Arrow table or a stream of batches; may be empty) and return the new version.

        ``sought``: columns by whose values, which hardly repeat, single rows are asked for; they get Bloom filters.
        ``row_group``: rows of a row group, the least that is read.
        """
        return self._write(data, commit, "append", _writer(sought, row_group))

    def overwrite(self, data: Any, commit: Commit, sought: Sequence[str] = (), row_group: int = ROW_GROUP) -> int:
        """Replace all rows, and the schema, and return the new version."""
        return self._write(data, commit, "overwrite", _writer(sought, row_group))

    def _write(self, data: Any, commit: Commit, mode: Literal["append", "overwrite"], how: WriterProperties) -> int:
        schema_mode: Literal["merge", "overwrite"] = "overwrite" if mode == "overwrite" else "merge"

        def write() -> None:
            write_deltalake(
                str(self.path),
                _in_batches(data),
                mode=mode,
                schema_mode=schema_mode if self.exists else None,
                configuration=self._configuration(data),
                writer_properties=how,
                target_file_size=_TARGET_FILE_SIZE,
                commit_properties=commit.properties(),
            )

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._committing(write)

    def merge(self, changed: pl.DataFrame, key: str, commit: Commit) -> int:
        """Update the rows whose ``key`` is in ``changed``, insert the others, and return the new version."""

        def merge() -> None:
            (
                self.delta()
                .merge(
                    changed,
                    f't."{key}" = s."{key}"',
                    source_alias="s",
                    target_alias="t",
                    writer_properties=_writer(),
                    commit_properties=commit.properties(),
                )
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute()
            )

        return self._committing(merge)

    def replace(self, where: str, data: Any, commit: Commit) -> int:
        """Put ``data`` in the place of the rows that a SQL predicate names, which they meet too; return the version.

        The predicate is written to the log in clear text: name a dataset or another opaque value, never personal data.
        """

        def replace() -> None:
            write_deltalake(
                str(self.path),
                _in_batches(data),
                mode="overwrite",
                predicate=where,
                writer_properties=_writer(),
                target_file_size=_TARGET_FILE_SIZE,
                commit_properties=commit.properties(),
            )

        return self._committing(replace)

    def delete(self, predicate: str, commit: Commit) -> int:
        """Delete the rows that a SQL predicate names and return the new version.

        The predicate is written to the log in clear text: use ids, times and counts, never personal data.
        """

        def delete() -> None:
            self.delta().delete(predicate, writer_properties=_writer(), commit_properties=commit.properties())

        return self._committing(delete)

    def vacuum(self) -> int:
        """Remove files that the current version does not use and return how many. Older versions can no longer be
        read.
        """
        removed = self.delta().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        return len(removed)

    def _committing(self, write: Callable[[], None]) -> int:
        try:
            write()
        except (DeltaError, OSError) as error:
            if told := of_the_disk(error, self.path):
                raise told from None
            raise TableError(
                f"table {self.name} could not be written: {error}",
                "check free disk space and that no other run is writing this lake, then run again",
            ) from None
        return self.delta().version()

    @staticmethod
    def _configuration(data: Any) -> dict[str, str | None]:
        columns = data.columns if isinstance(data, pl.DataFrame) else data.schema.names
        kept = [c for c in STATISTICS if c in columns]
        return {"delta.dataSkippingStatsColumns": ",".join(kept)} if kept else {"delta.dataSkippingNumIndexedCols": "0"}


def _in_batches(data: Any) -> pa.RecordBatchReader:
    """Rows in small batches: the writer takes in many at once, whatever their size, and is quickest with such."""
    if isinstance(data, pa.RecordBatchReader):
        parts = (part for batch in data for part in pa.Table.from_batches([batch]).to_batches(_BATCH_ROWS))
        return pa.RecordBatchReader.from_batches(data.schema, parts)
    table = data.to_arrow() if isinstance(data, pl.DataFrame) else data
    return table.to_reader(_BATCH_ROWS)


def _writer(sought: Sequence[str] = (), row_group: int = ROW_GROUP) -> WriterProperties:
    """How Parquet files are written; a dictionary of values that hardly repeat would only be thrown away again."""
    filters = BloomFilterProperties(True, fpp=0.001, ndv=row_group)
    found = ColumnProperties(dictionary_enabled=False, bloom_filter_properties=filters)
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=row_group,
        column_properties=dict.fromkeys(sought, found) or None,
    )
