"""Rewriting a Delta table in place of some rows, and dropping its past: what makes a deletion physical.

Belongs here: files of a table and its log. Must not: knowing whose rows go, or why. Only files that hold touched rows
are written again, one row group at a time, in the order their rows had; the rest stay as they are. No predicate and no
value gets into the log.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote, unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cenote.errors import TableError
from cenote.tables import STATISTICS, Commit, Table

Change = Callable[[pl.DataFrame], pl.DataFrame]
ROW_GROUP = 65_536
_WRITTEN = re.compile(r"(?P<prefix>.+)-[0-9a-f]{32}-c000\.zstd\.parquet")
PURGE = "purge"
"""The stage that a commit names when it adds no new rows for those who read the table (Table.added_since)."""


def holding(table: Table, rows: pl.Expr, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Rows that meet a condition: ``file``, ``lineage_id`` and ``columns``; reads only the columns that it needs."""
    files = table.files()
    if not files:
        empty = pl.DataFrame(schema=table.schema() if table.exists else {"lineage_id": pl.String})
        return empty.with_columns(pl.lit(None, pl.String).alias("file")).select("file", "lineage_id", *columns)
    found = pl.scan_parquet(files, missing_columns="insert", schema=table.schema(), include_file_paths="file")
    return found.filter(rows).select("file", "lineage_id", *columns).collect()


def edit(
    table: Table,
    files: Sequence[str],
    change: Change,
    commit: Commit,
    added: pl.DataFrame | None = None,
    plain: Sequence[str] = (),
) -> int:
    """Write ``files`` of a table again, their rows as ``change`` gives them, and ``added`` rows; return the version.

    ``change`` gets a row group and gives its rows, with the same columns; it may give none. Columns named in ``plain``
    are not compressed. One commit.
    """
    schema = pa.schema(table.delta().schema().to_arrow())
    made = [write_file(table, _changed(file, change, schema), plain=plain) for file in dict.fromkeys(files)]
    if added is not None and added.height:
        made.append(write_file(table, iter([shaped(added, schema)])))
    return replace_files(table, files, [action for action in made if action], commit)


def exchange(table: Table, gone: pl.Series, added: pl.DataFrame, commit: Commit) -> int:
    """Take out the rows whose column ``gone.name`` has a value of ``gone``, add others, in one commit.

    Only files that hold such rows are written again, under the same prefix, and the rest of their rows is not told as
    new: whoever reads on (Table.added_since) gets ``added`` and nothing else.
    """
    held = holding(table, pl.col(gone.name).is_in(gone.implode())) if len(gone) else None
    if held is None or held.is_empty():
        return table.append(added, commit)
    schema, out = pa.schema(table.delta().schema().to_arrow()), gone.to_frame()
    files = held["file"].unique(maintain_order=True).to_list()

    def without(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(out, on=gone.name, how="anti", maintain_order="left")

    how = {file: _as_written(file) for file in files}
    made = [write_file(table, _changed(file, without, schema), data_change=False, **how[file]) for file in files]
    if added.height:
        made.append(write_file(table, iter([shaped(added, schema)]), bloom=how[files[0]]["bloom"]))
    return replace_files(table, files, [action for action in made if action], commit)


def _as_written(file: str) -> dict[str, Any]:
    """How a file was written, for another in its place: prefix, rows of a row group, columns with Bloom filters."""
    named = _WRITTEN.fullmatch(Path(file).name)
    with pq.ParquetFile(file) as parquet:
        first = parquet.metadata.row_group(0)
        columns = [first.column(n) for n in range(first.num_columns)]
        bloom = [c.path_in_schema for c in columns if getattr(c, "bloom_filter_offset", None) is not None]
        rows = first.num_rows if parquet.metadata.num_row_groups > 1 else ROW_GROUP
    return {"prefix": named["prefix"] if named else "part", "row_group": rows, "bloom": bloom}


def replace_files(
    table: Table, files: Sequence[str], made: Sequence[Any], commit: Commit, *, data_change: bool = True
) -> int:
    """Put files that :func:`write_file` made in the place of others, in one commit; return the version.

    ``data_change`` off: the rows are the same ones, so that nobody who reads the table has to read them again.
    """
    from deltalake.transaction import RemoveAction

    now = int(time.time() * 1000)
    gone = [
        RemoveAction(
            path=quote(str(Path(file).relative_to(table.path))),
            data_change=data_change,
            deletion_timestamp=now,
            partition_values={},
            size=Path(file).stat().st_size,
        )
        for file in dict.fromkeys(files)
    ]

    def write() -> None:
        delta = table.delta()
        delta.create_write_transaction(
            [*made, *gone], mode="append", schema=delta.schema(), commit_properties=commit.properties()
        )

    return table._committing(write)  # the one place where a table's errors are told


def _changed(file: str, change: Change, schema: pa.Schema) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(ROW_GROUP):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            kept = change(frame)
            if kept.height:
                yield shaped(kept, schema)


def shaped(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame as the table's own columns and types."""
    missing = [pl.lit(None).alias(name) for name in schema.names if name not in frame.columns]
    return frame.with_columns(missing).select(schema.names).to_arrow().cast(schema)


def write_file(
    table: Table,
    groups: Iterator[pa.Table],
    *,
    prefix: str = "part",
    level: int = 1,
    plain: Sequence[str] = (),
    data_change: bool = True,
    row_group: int = ROW_GROUP,
    bloom: Sequence[str] = (),
) -> Any:
    """One Parquet file of row groups, not yet part of the table, as an action; None where there are no rows.

    ``level``: of Zstandard; columns named in ``plain`` are not compressed. Columns named in ``bloom``, whose values
    hardly repeat, get Bloom filters of the ``row_group`` rows of each row group.
    """
    from deltalake.transaction import AddAction

    first = next(groups, None)
    if first is None:
        return None
    name = f"{prefix}-{token_hex(16)}-c000.zstd.parquet"
    path = table.path / name
    seen = _Seen()
    packed = {column: "NONE" if column in plain else "zstd" for column in first.schema.names}
    levels = {column: level for column in first.schema.names if column not in plain}
    filters: Any = {column: {"ndv": min(row_group, first.num_rows), "fpp": 0.001} for column in bloom} or None
    with pq.ParquetWriter(
        path, first.schema, compression=packed, compression_level=levels, bloom_filter_options=filters
    ) as writer:
        for group in _from(first, groups):
            seen.take(group)
            writer.write_table(group, row_group_size=row_group)
    info = path.stat()
    return AddAction(
        path=name,
        size=info.st_size,
        partition_values={},
        modification_time=int(info.st_mtime * 1000),
        data_change=data_change,
        stats=seen.stats(),
    )


def _from(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


class _Seen:
    """Statistics of a file, of the columns that Cenote's tables keep them for (tables.STATISTICS)."""

    def __init__(self) -> None:
        self._rows = 0
        self._least: dict[str, Any] = {}
        self._most: dict[str, Any] = {}
        self._nulls: dict[str, int] = {}

    def take(self, group: pa.Table) -> None:
        """Count in some rows."""
        import pyarrow.compute as pc

        self._rows += group.num_rows
        for name in STATISTICS:
            if name not in group.schema.names:
                continue
            column = group[name]
            ends = pc.min_max(column).as_py()
            self._nulls[name] = self._nulls.get(name, 0) + column.null_count
            if ends["min"] is not None:
                self._least[name] = min(ends["min"], self._least.get(name, ends["min"]))
                self._most[name] = max(ends["max"], self._most.get(name, ends["max"]))

    def stats(self) -> str:
        """As Delta writes them."""
        told = {"numRecords": self._rows, "minValues": _plain(self._least), "maxValues": _plain(self._most)}
        return json.dumps(told | {"nullCount": self._nulls})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return value.isoformat() if isinstance(value, date) else value

    return {name: plain(value) for name, value in values.items()}


def purged_version(table: Table, before: int) -> int:
    """The version that the last purge after version ``before`` made of a table; ``before`` where there was none.

    A consumer that had read the table up to ``before`` has nothing to read up to there.
    """
    commits = table.commits()
    return max(before, next((commit.version for commit in commits if commit.stage == PURGE), before))


def drop_history(table: Table) -> int:
    """Remove all that only older versions have: files, log entries, checkpoints. Returns how many files went.

    The present version stays as it is, its last log entry too; what consumed the table up to it goes on from there.
    Call it under the table's lock. Stopped at any moment, calling it again finishes it.
    """
    if not table.exists:
        return 0
    delta = table.delta()
    version, log = delta.version(), table.path / "_delta_log"
    current = {Path(unquote(uri)).resolve() for uri in delta.file_uris()}
    strays = [f for f in table.path.rglob("*") if f.is_file() and log not in f.parents and f.resolve() not in current]
    old = [f for f in log.iterdir() if f.is_file() and _is_older(f, version)]
    if old:
        _checkpoint(table, version)
    for file in sorted(old):  # oldest first, so that what is left is always the newer end of the log
        file.unlink(missing_ok=True)
    for file in strays:
        file.unlink(missing_ok=True)
    return len(strays)


def _is_older(entry: Path, version: int) -> bool:
    """Whether a file of the log is of an older version, or was left by a writer that died."""
    number = entry.name.partition(".")[0]
    if number.isdigit():
        return int(number) < version
    return entry.name != "_last_checkpoint"


def _checkpoint(table: Table, version: int) -> None:
    from deltalake.exceptions import DeltaError

    try:
        table.delta().create_checkpoint()
    except DeltaError as error:
        what = f"table {table.name}: no checkpoint could be written: {error}"
        raise TableError(what, "check the disk, then run again") from None
    log = table.path / "_delta_log"
    noted, left = log / "_last_checkpoint", log / f"{version:020d}.checkpoint.parquet"
    last = json.loads(noted.read_text())["version"] if noted.exists() else -1
    if last < version and left.exists():  # it was stopped between the two, and Delta writes no checkpoint twice
        aside = noted.with_suffix(".new")
        aside.write_text(json.dumps({"version": version, "size": pq.read_metadata(left).num_rows}))
        aside.replace(noted)
    if json.loads(noted.read_text())["version"] != version:
        raise TableError(f"table {table.name} was written meanwhile", "let the other run end, then run again")
