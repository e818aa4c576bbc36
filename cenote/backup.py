"""Backup of a lake while it is in use, and restoring it elsewhere.

Belongs here: copying a lake whole, at one moment, with proof. Must not: keys (`cenote vault backup` copies those, and
a lake without its vault stays sealed), or what can be made from the rest (catalog, Dagster's own history).

The moment is made without stopping anybody for long: while no stage writes, every file gets a second name (a hard
link), since files of tables and indexes are never changed once written; databases and small files are copied. The
links are copied away afterwards. A second backup to the same place shares unchanged files with the first.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cenote import __version__
from cenote.errors import BackupError
from cenote.workspace import Workspace

MANIFEST = "manifest.json"
LEFT_OUT = ("landing", "dagster", "events", ".locks", ".tmp", "cenote.duckdb", ".cenote.duckdb.digest", "README.md")
NEVER_CHANGED = frozenset({".parquet", ".lance", ".arrow", ".manifest", ".txn", ".bin"})
_CHUNK = 8 * 2**20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Backup:
    """A backup: its folder, when the lake looked like that, its files, bytes, and the versions of its tables.

    ``shared``: bytes that an earlier backup at the same place held already.
    """

    folder: Path
    at: datetime
    files: int
    bytes: int
    shared: int
    tables: Mapping[str, int]


def back_up(space: Workspace, to: Path, progress: Progress | None = None) -> Backup:
    """Copy the lake, as it is at one moment, into a new folder below ``to``, and prove the copy by digests.

    Runs may go on meanwhile; a stage that begins just then waits for a blink. ``progress`` is told bytes done and
    in all. Raises ``BackupError`` where ``to`` lies in the lake, cannot be written, or has too little room.
    """
    to = to.expanduser().absolute()
    if to == space.settings.home or space.settings.home in to.parents:
        raise BackupError(f"{to} lies inside the lake", "name a folder on another disk")
    staged = space.path(".tmp", f"backup-{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        with space.still():
            at = space.clock()
            tables = {t.name: t.version for layer in _layers(space) for t in space.tables(layer)}
            _stage(space.settings.home, staged)
        return _copy_away(staged, to, at, {n: v for n, v in tables.items() if v is not None}, progress)
    except OSError as error:
        raise BackupError(
            f"the backup could not be written ({error.strerror or type(error).__name__})",
            f"check room and permissions at {to}",
        ) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _layers(space: Workspace) -> list[str]:
    from cenote.workspace import LAYERS

    return [layer for layer in LAYERS if space.path(layer).is_dir()]


# the moment


def _stage(home: Path, staged: Path) -> None:
    """Give every file of the lake a second name below ``staged``, or a copy where it may be changed in place."""
    for file in _files(home):
        target = staged / file.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in NEVER_CHANGED:
            _link(file, target)
        elif _is_sqlite(file):
            with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
        elif not file.name.endswith(("-wal", "-shm", "-journal")):
            shutil.copy2(file, target)


def _files(home: Path) -> Iterator[Path]:
    for top in sorted(home.iterdir()):
        if top.name in LEFT_OUT or top.is_symlink():
            continue
        yield from [top] if top.is_file() else (f for f in sorted(top.rglob("*")) if f.is_file())


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:  # a file system without hard links
        shutil.copy2(file, target)


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as handle:
        return handle.read(16) == b"SQLite format 3\0"


# the copy


def _copy_away(staged: Path, to: Path, at: datetime, tables: Mapping[str, int], progress: Progress | None) -> Backup:
    to.mkdir(parents=True, exist_ok=True)
    folder = to / f"{at:%Y%m%dT%H%M%S%fZ}"
    partial = folder.with_name(f"{folder.name}.partial")
    files = [f for f in sorted(staged.rglob("*")) if f.is_file()]
    total, done, shared = sum(f.stat().st_size for f in files), 0, 0
    before, known = _previous(to)
    digests: dict[str, tuple[int, str]] = {}
    for file in files:
        name, size = str(file.relative_to(staged)), file.stat().st_size
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if before and file.suffix in NEVER_CHANGED and name in known and known[name][0] == size:
            _link(before / name, target)
            digests[name], shared = (size, known[name][1]), shared + size
        else:
            digests[name] = (size, _copied(file, target))
        done += size
        if progress:
            progress(done, total)
    manifest = {"cenote": __version__, "at": at.isoformat(), "tables": dict(tables), "files": digests}
    (partial / MANIFEST).write_text(json.dumps(manifest))
    partial.replace(folder)
    return Backup(folder, at, len(files), total, shared, tables)


def _previous(to: Path) -> tuple[Path | None, Mapping[str, tuple[int, str]]]:
    """The newest finished backup at a place, and what it holds."""
    for folder in sorted((f for f in to.iterdir() if (f / MANIFEST).is_file()), reverse=True):
        return folder, _manifest(folder)["files"]
    return None, {}


def _copied(file: Path, target: Path) -> str:
    """Copy a file to the disk and return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with file.open("rb") as source, target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


# and back


def restore(space: Workspace, folder: Path, progress: Progress | None = None) -> Backup:
    """Make the lake what a backup holds, after proving every file.

    The lake's place must be empty but for a landing zone, Dagster's history and the log of events. Raises
    ``BackupError``; then nothing was changed.
    """
    manifest = _manifest(folder)
    home = space.settings.home
    if home.is_dir() and (held := sorted(p.name for p in home.iterdir() if p.name not in LEFT_OUT)):
        raise BackupError(f"there is a lake at {home} already ({', '.join(held[:5])})", "move it aside first")
    aside = space.path(".tmp", "restore")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        size = _fetch(folder, manifest["files"], aside, progress)
        for top in sorted(aside.iterdir()):
            top.replace(home / top.name)
    except OSError as error:
        raise BackupError(
            f"the backup could not be restored ({error.strerror or type(error).__name__})", "check room and permissions"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Backup(folder, datetime.fromisoformat(manifest["at"]), len(manifest["files"]), size, 0, manifest["tables"])


def _fetch(folder: Path, files: Mapping[str, Any], aside: Path, progress: Progress | None) -> int:
    """Copy and prove all files of a backup; returns their bytes."""
    total, done = sum(size for size, _ in files.values()), 0
    for name, (size, digest) in files.items():
        target = aside / name
        if not target.resolve().is_relative_to(aside.resolve()):
            raise BackupError("the backup's manifest names a file outside of it", "use another backup")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).is_file() or _copied(folder / name, target) != digest:
            raise BackupError(f"the backup's file {name} is missing or was altered", "use another backup")
        done += size
        if progress:
            progress(done, total)
    return total


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        raise BackupError(
            f"{folder} is not a finished backup", "name the folder with the time that `cenote backup` printed"
        ) from None
    return found
