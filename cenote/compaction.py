"""Compaction: the small files of silver written again as large ones, clustered by person.

Belongs here: which files, in which order their rows lie, and the commit. Must not: changing a row, or removing a file
that older versions need.

A *run* is about two million rows that landed one after the other, sorted by person and key, and cut into files whose
ranges of persons do not overlap: whoever asks for a person opens one file of each run, of which one small row group is
read, and whoever asks for a day reads few runs. Bloom filters find a lineage id or a key. A full run is never written
again, and a small one only with new rows of at least half its own, so that the cost grows with what is new. Bronze lies
in the order of landing as it is, and becomes few large files when it is cold (cenote/retention/cold.py); features are
written in the order of their keys.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from cenote import catalog
from cenote.errors import TableError
from cenote.rewrite import replace_files, shaped, write_file
from cenote.tables import CLUSTERED_ROW_GROUP, COMPACT, Commit, Table
from cenote.views import ident, text
from cenote.workspace import Workspace
from transforms.contract import Contract

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

PREFIX = "clustered"
ROW_GROUP = CLUSTERED_ROW_GROUP
FULL_ROWS = 2**21
"""Rows of a full run; fewer where rows are so wide that it would have more than FULL_BYTES."""
FULL_BYTES = 384 * 2**20
FULL_FILES = 4
"""Files of a full run."""
_RUN = re.compile(rf"(?P<run>{PREFIX}-[0-9a-f]+)-")
_FEWEST, _LEAST = 8, 16 * 2**20  # files, or bytes, that are worth a compaction; what is less waits for more


@dataclass(frozen=True)
class Compaction:
    """Files of a table that are written again as clustered ones: their rows and bytes, and what became of them."""

    table: str
    files: int
    rows: int
    bytes: int
    made: int = 0
    made_bytes: int = 0


@dataclass(frozen=True)
class _File:
    path: str
    rows: int
    bytes: int

    @property
    def run(self) -> str:
        """What files of one run share; nothing where the file is not clustered."""
        match = _RUN.match(self.path.rpartition("/")[2])
        return match["run"] if match else ""


def plan(space: Workspace, *, at_once: bool = False) -> list[Compaction]:
    """What :func:`compact` would do now; reads logs only. ``at_once``: small amounts too."""
    found = ((t, _chosen(t, at_once)) for name in space.contracts if (t := space.table("silver", name)).exists)
    return [_told(table, files) for table, files in found if files]


def compact(space: Workspace, *, at_once: bool = False) -> list[Compaction]:
    """Compact silver and return what was done; what reads silver stays up to date. Raises ``TableError``."""
    done = [_compact(space, space.contract(c.table.partition("/")[2]), at_once) for c in plan(space, at_once=at_once)]
    if done:
        catalog.refresh(space)  # its views name files
    return [compaction for compaction in done if compaction]


def _compact(space: Workspace, contract: Contract, at_once: bool) -> Compaction | None:
    table = space.table("silver", contract.dataset)
    with space.lock(table.name):
        files = _chosen(table, at_once)
        if not files:
            return None
        made = list(_written(space, table, files, contract))
        told = replace(_told(table, files), made=len(made), made_bytes=sum(action.size for action in made))
        replace_files(table, [f.path for f in files], made, _commit(space, table, told), data_change=False)
        return told


def _told(table: Table, files: Sequence[_File]) -> Compaction:
    return Compaction(table.name, len(files), sum(f.rows for f in files), sum(f.bytes for f in files))


def _commit(space: Workspace, table: Table, told: Compaction) -> Commit:
    """A commit that says of the rows what the one before said, and which version made them."""
    last = table.last_commit()
    assert last is not None
    details = dict(last.details) | {"content": table.content_version, "files": told.files, "made": told.made}
    return Commit(COMPACT, last.inputs, last.code, space.run_id, details=details)


# choosing


def _chosen(table: Table, at_once: bool) -> list[_File]:
    """The files to write again, in the order of landing: those not clustered yet, and small runs that go with them."""
    held = _files(table)
    loose = [file for file in held if not file.run]
    size = sum(file.bytes for file in loose)
    if not loose or not (at_once or len(loose) >= _FEWEST or size >= _LEAST) or _is_one_group(held):
        return []
    full = _full(held) // 2
    chosen, rows = {""}, sum(file.rows for file in loose)
    for small, run in sorted((r, run) for run, r in _runs(held).items() if r < full):
        if small <= 2 * rows:
            chosen.add(run)
            rows += small
    return [file for file in held if file.run in chosen]


def _runs(files: Sequence[_File]) -> dict[str, int]:
    """The runs of clustered files, and how many rows each has."""
    clustered = sorted((file for file in files if file.run), key=lambda file: file.run)
    return {run: sum(file.rows for file in parts) for run, parts in groupby(clustered, key=lambda file: file.run)}


def _is_one_group(held: Sequence[_File]) -> bool:
    """Whether there is nothing to gain: one file, of one row group."""
    return len(held) == 1 and held[0].rows <= ROW_GROUP


def _full(files: Sequence[_File]) -> int:
    """How many rows a full run of such rows has."""
    rows, size = sum(f.rows for f in files), sum(f.bytes for f in files)
    return max(ROW_GROUP, min(FULL_ROWS, FULL_BYTES * rows // max(size, 1)))


def _files(table: Table) -> list[_File]:
    """The files of a table in the order of landing, from its log."""
    import pyarrow as pa

    actions = pl.DataFrame(pl.from_arrow(pa.table(table.delta().get_add_actions(flatten=True))))
    landed = ["min.landed_at"] if "min.landed_at" in actions.columns else []
    rows = actions.sort(*landed, "path").select("path", "num_records", "size_bytes").iter_rows()
    return [_File(str(table.path / unquote(path)), count, size) for path, count, size in rows]


# writing


def _written(space: Workspace, table: Table, files: Sequence[_File], contract: Contract) -> Iterator[Any]:
    """Clustered files of the rows of others, not yet part of the table; memory holds what DuckDB sorts at a time."""
    count, full, sought = sum(f.rows for f in files), _full(files), _sought(space, table, contract)
    step = -(-count // max(1, round(count / full)))
    with catalog.connect(space, []) as connection:
        for begin in range(0, count, step):
            rows = min(step, count - begin)
            parts = max(1, round(rows * FULL_FILES / full))
            groups = _sorted(connection, table, files, range(begin, begin + rows), contract)
            prefix, each = f"{PREFIX}-{token_hex(4)}", -(-rows // (parts * ROW_GROUP))
            for _ in range(0, rows, each * ROW_GROUP):
                yield _file(table, islice(groups, each), sought, prefix)


def _sorted(
    connection: "DuckDBPyConnection", table: Table, files: Sequence[_File], wanted: range, contract: Contract
) -> "Iterator[pa.Table]":
    """Row groups of some rows of files, by their numbers in the order of the files, sorted by person and key."""
    read, begin = [], 0
    for file in files:
        if begin < wanted.stop and begin + file.rows > wanted.start:
            read.append((file.path, begin))
        begin += file.rows
    first, last = wanted.start - read[0][1], wanted.stop - read[-1][1]
    listed = ", ".join(text(path) for path, _ in read)
    keys = dict.fromkeys(["subject_id", *contract.primary_key, "lineage_id"])
    order = ", ".join(f"{ident(key)} NULLS LAST" for key in keys)
    rows = connection.sql(
        f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false) "
        f"WHERE NOT (file_index = 0 AND file_row_number < {first}) "
        f"AND NOT (file_index = {len(read) - 1} AND file_row_number >= {last}) ORDER BY {order}"
    )
    schema, count = _schema(table), 0
    for group in _grouped(rows.to_arrow_reader(ROW_GROUP)):
        count += group.num_rows
        yield shaped(pl.DataFrame(pl.from_arrow(group)), schema)
    if count != len(wanted):
        what = f"files of {table.name} have not the rows that its log says; nothing was changed"
        raise TableError(what, "`cenote verify` says which, and what to do about it")


def _grouped(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.Table]":
    """Rows of a stream as tables of one row group each."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        while count + batch.num_rows >= ROW_GROUP:
            missing = ROW_GROUP - count
            yield pa.Table.from_batches([*held, batch.slice(0, missing)])
            held, count, batch = [], 0, batch.slice(missing)
        held.append(batch)
        count += batch.num_rows
    if count:
        yield pa.Table.from_batches(held)


def _file(table: Table, groups: "Iterator[pa.Table]", sought: Sequence[str], prefix: str) -> Any:
    return write_file(table, groups, prefix=prefix, data_change=False, row_group=ROW_GROUP, bloom=sought)


def _sought(space: Workspace, table: Table, contract: Contract) -> list[str]:
    """Columns by whose values single rows are asked for, and which the order of rows does not find.

    These are the lineage id, the key, and what is named as the key of other records about people: the order of an
    invoice, the conversation of a turn.
    """
    texts = {name for name, kind in table.schema().items() if kind == pl.String}
    own = contract.primary_key if len(contract.primary_key) == 1 else ()
    others = (c for c in space.contracts.values() if len(c.primary_key) == 1 and c.subject and not _is_person(c))
    named = ["lineage_id", *own, *sorted(c.primary_key[0] for c in others)]
    return [name for name in dict.fromkeys(named) if name in texts]


def _is_person(contract: Contract) -> bool:
    """Whether a record's key is the id of the person whom it is about, by whom rows are sorted."""
    keys = {field.path for field in contract.fields if field.name in contract.primary_key}
    return contract.subject is not None and contract.subject.path in keys


def _schema(table: Table) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(table.delta().schema().to_arrow())
