"""Bronze, hot and cold: files of old batches are written again as few large, strongly compressed ones.

Belongs here: which files, writing them, and the proof that nothing changed. Must not: what leaves a lake (remove.py). A
cold file replaces hot ones in one commit that adds no data, after every row was compared and every batch that hot files
gave back byte for byte was given back by the cold one. Sealed payloads are random to any compression, so they are
stored as they are; the rest is compressed hard.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from cenote import catalog
from cenote.errors import TableError
from cenote.records import batches, landed_batches, prove
from cenote.rewrite import ROW_GROUP, replace_files, write_file
from cenote.tables import CLUSTERED_ROW_GROUP, Commit, Table
from cenote.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "cold"
STAGE = "cold"
LARGEST = 512 * 2**20
"""Bytes of hot files that make one cold file, about."""

_FEWEST, _LEAST = 16, 64 * 2**20
"""Files, or bytes, that are worth a cold file; what is less waits for more."""

_ORDER = ("batch_id", "row")


@dataclass(frozen=True)
class Cooling:
    """Hot files of a dataset whose records all landed before a moment, and what became of them."""

    dataset: str
    before: datetime
    files: int
    bytes: int
    cold_bytes: int = 0


def plan(space: Workspace, *, at_once: bool = False) -> list[Cooling]:
    """What :func:`cool` would do now; reads logs only. ``at_once``: small amounts too."""
    return [cooling for name in space.contracts if (cooling := _plan(space, name, at_once))]


def cool(space: Workspace, *, at_once: bool = False) -> list[Cooling]:
    """Recompress what is old and return what was done.

    Raises ``TableError`` where a cold file does not hold what the hot ones hold; these stay in place then.
    """
    for name in space.contracts:
        _clean(space.table("bronze", name), space)
    done = [_cool(space, cooling) for cooling in plan(space, at_once=at_once)]
    if done:
        catalog.refresh(space)  # its views name files
    return done


def _plan(space: Workspace, dataset: str, at_once: bool) -> Cooling | None:
    days = space.settings.cold_after_days
    table = space.table("bronze", dataset)
    if not days or not table.exists:
        return None
    before = space.clock() - timedelta(days=days)
    hot = _hot(table, before)
    size = sum(Path(file).stat().st_size for file in hot)
    worth = len(hot) >= _FEWEST or size >= _LEAST or at_once
    return Cooling(dataset, before, len(hot), size) if hot and worth else None


def _hot(table: Table, before: datetime) -> list[str]:
    """Files that are not cold and whose records all landed before a moment, oldest first."""
    import pyarrow as pa

    actions = pl.DataFrame(pl.from_arrow(pa.table(table.delta().get_add_actions(flatten=True))))
    if "max.landed_at" not in actions.columns:
        return []
    old = actions.filter(
        ~pl.col("path").str.starts_with(f"{PREFIX}-"),
        pl.col("max.landed_at").cast(pl.Datetime("us", "UTC")) < pl.lit(before),
    ).sort("max.landed_at", "path")
    return [str(table.path / unquote(path)) for path in old["path"]]


def _cool(space: Workspace, cooling: Cooling) -> Cooling:
    table = space.table("bronze", cooling.dataset)
    with space.lock(table.name):
        made = 0
        for group in _groups(_hot(table, cooling.before)):
            made += _replace(space, table, cooling.dataset, group)
        return Cooling(cooling.dataset, cooling.before, cooling.files, cooling.bytes, made)


def _groups(files: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for file in files:
        group.append(file)
        size += Path(file).stat().st_size
        if size >= LARGEST:
            yield group
            group, size = [], 0
    if group:
        yield group


def _replace(space: Workspace, table: Table, dataset: str, hot: list[str]) -> int:
    """Write a cold file in the place of hot ones, prove it, commit it, remove the hot ones; its size."""
    sealed = space.contract(dataset).sealed
    level, plain = space.settings.cold_level, ("payload",) if sealed else ()
    action = write_file(
        table,
        _rows(hot),
        prefix=PREFIX,
        level=level,
        plain=plain,
        data_change=False,
        row_group=CLUSTERED_ROW_GROUP,
        bloom=["subject_id"],
    )
    if action is None:
        return 0
    cold = str(table.path / action.path)
    try:
        _prove(space, dataset, hot, cold)
    except BaseException:
        Path(cold).unlink(missing_ok=True)
        raise
    details = {"files": len(hot), "before": sum(Path(file).stat().st_size for file in hot), "after": action.size}
    replace_files(table, hot, [action], Commit(STAGE, run_id=space.run_id, details=details), data_change=False)
    table.vacuum()
    return int(action.size)


def _clean(table: Table, space: Workspace) -> None:
    """Remove what a run left that died: a cold file that was not committed, hot ones that were replaced."""
    if table.exists and {str(file) for file in table.path.glob("*.parquet")} - set(table.files()):
        with space.lock(table.name):
            table.vacuum()


def _rows(files: list[str]) -> Iterator["pa.Table"]:
    """All rows in the order of batches, a row group at a time; memory holds one."""
    rows = pl.scan_parquet(files).sort(*_ORDER)
    for frame in rows.collect_batches(chunk_size=ROW_GROUP, maintain_order=True, engine="streaming"):
        yield frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _prove(space: Workspace, dataset: str, hot: list[str], cold: str) -> None:
    """Every row is the same, and every batch that hot files gave back comes back. Raises ``TableError``."""
    if _digest(hot) != _digest([cold]):
        raise _broken(dataset)
    held = pl.scan_parquet(cold).select("batch_id").unique().collect()["batch_id"]
    landed = landed_batches(batches(space).filter(pl.col("batch_id").is_in(held.implode())))
    before = prove(space, dataset, pl.scan_parquet(hot), landed)
    after = prove(space, dataset, pl.scan_parquet(cold), [batch for batch in landed if batch.batch_id in before])
    if before != after:
        raise _broken(dataset)


def _broken(dataset: str) -> TableError:
    what = f"a cold file of bronze/{dataset} does not hold what the hot files hold; it was removed, nothing is lost"
    return TableError(what, "check the disk and memory of this machine, then run again")


def _digest(files: list[str]) -> tuple[int, str]:
    """Number of rows and a digest over all of them in the order of batches."""
    count, digest = 0, hashlib.sha256()
    for frame in pl.scan_parquet(files).sort(*_ORDER).collect_batches(chunk_size=ROW_GROUP, maintain_order=True):
        count += frame.height
        digest.update(frame.hash_rows(seed=1).to_numpy().tobytes())
    return count, digest.hexdigest()
