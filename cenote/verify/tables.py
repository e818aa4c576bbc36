"""Whether each Delta table is whole: the files of its current version are there, and hold what the log says.

Belongs here: files and logs. Must not: what rows mean.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cenote.errors import TableError
from cenote.tables import Table
from cenote.verify.model import Check, Told
from cenote.workspace import LAYERS, Workspace

SOURCES = ("bronze", "meta")  # nothing else makes these again
RESTORE = "restore the lake from a backup: `cenote restore`"


def remedy(table: str) -> str:
    """What makes a broken table whole again."""
    layer = table.split("/")[0]
    if layer in SOURCES:
        return RESTORE
    select = table if layer != "quarantine" else table.replace("quarantine", "silver", 1)
    return f"remove the table's folder and build it anew: `cenote run --rebuild --select {select}`"


def all_tables(space: Workspace) -> list[Table]:
    """Every table of the lake, also one whose log cannot be read."""
    found = []
    for layer in LAYERS:
        folder = space.path(layer)
        names = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        found += [space.table(layer, name) for name in names if (folder / name / "_delta_log").is_dir()]
    return found


def unreadable_logs(space: Workspace) -> Iterator[Told]:
    """Logs that cannot be read: torn, altered or without a beginning."""
    for table in all_tables(space):
        try:
            table.delta()
        except TableError:
            yield Told(table.name, "its log cannot be read", remedy(table.name))


def damaged_files(space: Workspace) -> Iterator[Told]:
    """Files of current versions that are missing, have another size than the log says, or another number of rows."""
    for table in all_tables(space):
        try:
            files = _files(table)
        except TableError:
            continue
        counts = {"are missing": 0, "have another size than the log says": 0, "hold other rows than the log says": 0}
        for file, size, rows in files:
            if not file.exists():
                counts["are missing"] += 1
            elif file.stat().st_size != size:
                counts["have another size than the log says"] += 1
            elif rows is not None and _rows(file) != rows:
                counts["hold other rows than the log says"] += 1
        for what, count in counts.items():
            if count:
                yield Told(table.name, f"{count} of {len(files)} files {what}", remedy(table.name))


def _files(table: Table) -> list[tuple[Path, int, int | None]]:
    """Path, bytes and rows of each file of the current version, as the log has them."""
    actions = pl.DataFrame(pl.from_arrow(pa.table(table.delta().get_add_actions(flatten=True))))
    rows = actions["num_records"].to_list() if "num_records" in actions.columns else [None] * actions.height
    return [
        (table.path / path, size, count)
        for path, size, count in zip(actions["path"], actions["size_bytes"], rows, strict=True)
    ]


def _rows(file: Path) -> int | None:
    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError):
        return -1


CHECKS = (
    Check("tables_readable", "Every table's log can be read.", RESTORE, unreadable_logs),
    Check("files_whole", "Every file that a log names is there and as long as it was.", RESTORE, damaged_files),
)
