"""Compaction: the small files of silver written again as large ones, clustered by person.

Belongs here: which files, in which order their rows lie, and the commit. Must not: changing a row, or removing a file
that older versions need.

A clustered file holds about half a million rows that landed one after the other, sorted by person and key, in small row
groups: whoever asks for a person reads one row group of each file, and whoever asks for a day few files. Bloom filters
find a lineage id or a key. A full file is never written again, and a small one only with new rows of at least half its
own, so that the cost grows with what is new. Bronze lies in the order of landing as it is, and becomes few large files
when it is cold (cenote/retention/cold.py); features are written in the order of their keys.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from cenote import catalog
from cenote.errors import TableError
from cenote.rewrite import replace_files, shaped, write_file
from cenote.tables import CLUSTERED_ROW_GROUP, COMPACT, Commit, Table
from cenote.workspace import Workspace
from transforms.contract import Contract

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "clustered"
ROW_GROUP = CLUSTERED_ROW_GROUP
FULL_ROWS = 2**19
"""Rows of a full file; fewer where rows are so wide that it would have more than FULL_BYTES."""
FULL_BYTES = 96 * 2**20
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
    def clustered(self) -> bool:
        return self.path.rpartition("/")[2].startswith(f"{PREFIX}-")


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
        made = list(_written(table, files, contract))
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
    """The files to write again, in the order of landing: those not clustered yet, and small ones that go with them."""
    held = _files(table)
    loose = [file for file in held if not file.clustered]
    size = sum(file.bytes for file in loose)
    if not loose or not (at_once or len(loose) >= _FEWEST or size >= _LEAST) or _is_one_group(held):
        return []
    full = _full(held) // 2
    chosen, rows = set(loose), sum(file.rows for file in loose)
    for file in sorted((f for f in held if f.clustered and f.rows < full), key=lambda f: f.rows):
        if file.rows <= 2 * rows:
            chosen.add(file)
            rows += file.rows
    return [file for file in held if file in chosen]


def _is_one_group(held: Sequence[_File]) -> bool:
    """Whether there is nothing to gain: one file, of one row group."""
    return len(held) == 1 and held[0].rows <= ROW_GROUP


def _full(files: Sequence[_File]) -> int:
    """How many rows a full file of such rows has."""
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


def _written(table: Table, files: Sequence[_File], contract: Contract) -> Iterator[Any]:
    """Clustered files of the rows of others, not yet part of the table; one file's rows are in memory at a time."""
    order = ["subject_id", *contract.primary_key, "lineage_id"]
    rows = pl.scan_parquet([f.path for f in files], missing_columns="insert", schema=table.schema())
    count = sum(f.rows for f in files)
    parts = max(1, round(count / _full(files)))
    step = -(-count // parts)
    schema = _schema(table)
    for begin in range(0, count, step):
        part = rows.slice(begin, step).sort(order, nulls_last=True).collect()
        if part.height != min(step, count - begin):
            what = f"files of {table.name} have not the rows that its log says; nothing was changed"
            raise TableError(what, "`cenote verify` says which, and what to do about it")
        yield _file(table, iter([shaped(part, schema)]), contract)


def _file(table: Table, groups: "Iterator[pa.Table]", contract: Contract) -> Any:
    return write_file(
        table, groups, prefix=PREFIX, data_change=False, row_group=ROW_GROUP, bloom=_sought(table, contract)
    )


def _sought(table: Table, contract: Contract) -> list[str]:
    """Columns by whose values single rows are asked for, and which the order of rows does not find."""
    texts = {name for name, kind in table.schema().items() if kind == pl.String}
    keys = contract.primary_key if len(contract.primary_key) == 1 else ()
    return [name for name in dict.fromkeys(["lineage_id", *keys]) if name in texts]


def _schema(table: Table) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(table.delta().schema().to_arrow())
