"""Landing into bronze: every record kept exactly as it came, sealed where it is personal, exactly once.

Belongs here: the order of work that never loses a file. Must not: splitting files (landing.py), reading records back
(records.py). A group of files is one Delta commit, which carries the batches it landed; their rows in meta/batches
are taken from the commit, so they follow even when a run dies in between. A landed file is removed last, after bronze
gave its content back byte for byte. The same content landed again is the same batch.
"""

import hashlib
import os
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from cenote import landing
from cenote.errors import LandingError, TableError, unknown
from cenote.intake import Intake
from cenote.landing import LandingFile, Limits
from cenote.records import BRONZE, MANIFEST, batches, open_records, present_batches, prove, read, replay
from cenote.report import StageReport
from cenote.tables import CLUSTERED_ROW_GROUP, Commit
from cenote.workspace import Workspace

__all__ = [
    "batches", "is_stale", "land", "land_new", "open_records", "read", "record_batches", "replay", "unknown_folders",
    "waiting", "waiting_digest",
]  # fmt: skip

COMMIT_BYTES = 256 * 2**20
COMMIT_FILES = 5_000
STAGE = "land"
_LANDED_AT = "landed_at"  # the application transaction that holds the moment of the last landing, in microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_STEP = timedelta(days=1)
Progress = Callable[[int, int], None]


# what waits


def waiting(space: Workspace, dataset: str) -> list[Path]:
    """Files in the dataset's landing folder, by name."""
    return landing.waiting(space.settings.landing / dataset)


def waiting_digest(files: Mapping[str, Sequence[Path]]) -> str:
    """Digest of what waits (datasets, names, sizes, times): the same files give the same one."""
    digest = hashlib.sha256()
    for dataset in sorted(files):
        for file in files[dataset]:
            try:
                info = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            digest.update(
                f"{dataset}\0{file.name}\0{info.st_size}\0{info.st_mtime_ns}\n".encode(errors="surrogateescape")
            )
    return digest.hexdigest()[:24]


def is_stale(space: Workspace, dataset: str) -> bool:
    """Whether files wait for the dataset."""
    return bool(waiting(space, dataset))


def unknown_folders(space: Workspace) -> list[LandingError]:
    """One error per landing folder that holds files but belongs to no contract; they stay where they are."""
    root = space.settings.landing
    names = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")) if root.is_dir() else []
    return [
        LandingError(
            f"files wait in landing/{name if name.isprintable() else ascii(name)}, "
            f"but {unknown('dataset', name, space.contracts)}",
            f"add a contract to {space.settings.contracts}, or move the files",
        )
        for name in names
        if name not in space.contracts and landing.waiting(root / name)
    ]


# landing


def land_new(space: Workspace, dataset: str, progress: Progress | None = None) -> StageReport:
    """Land everything that waits in ``landing/<dataset>/`` and remove each file once bronze gave it back.

    A file that cannot be landed stays; it is counted in ``details["refused"]`` and told in ``details["problems"]``.
    Files still being written wait for the next run.
    """
    space.contract(dataset)
    job = _Landing(space, dataset, progress)
    files = waiting(space, dataset)
    ready = set(landing.settled(files))
    limits = Limits.of(space.settings)
    job.land(
        [
            LandingFile(file, dataset, _where(f"landing/{dataset}", number, len(files), file), limits=limits)
            for number, file in enumerate(files, 1)
            if file in ready
        ],
        consume=True,
    )
    return job.report()


def land(
    space: Workspace,
    dataset: str,
    files: Sequence[Path],
    *,
    consume: bool,
    pointer: str | None = None,
    progress: Progress | None = None,
) -> StageReport:
    """Land files from anywhere; with ``consume`` each is removed once bronze gave it back byte for byte.

    ``pointer`` (RFC 6901) lands only that value of a JSON document, as if it were the file. ``progress`` is told bytes
    done and bytes in all. Raises ``LandingError`` for the first file that cannot be landed, after landing all others.
    """
    space.contract(dataset)
    if consume and pointer is not None:
        raise LandingError("a file that lands in part only cannot be removed", "leave it in place, or land it whole")
    job = _Landing(space, dataset, progress)
    job.land(
        [
            LandingFile(
                file,
                dataset,
                _where(dataset, number, len(files), file),
                pointer,
                follow_links=not consume,
                limits=Limits.of(space.settings),
            )
            for number, file in enumerate(files, 1)
        ],
        consume=consume,
    )
    if job.problems:
        raise job.problems[0]
    return job.report()


def _where(folder: str, number: int, total: int, file: Path) -> str:
    """How messages call a file: by place and size, since its name may hold personal data."""
    digest = hashlib.sha256(os.fsencode(file.name)).hexdigest()[:8]
    try:
        size = f"{file.stat(follow_symlinks=False).st_size:,} bytes"
    except OSError:
        size = "missing"
    return f"{folder}: file {number} of {total} by name ({size}, SHA-256 of its name begins {digest})"


def record_batches(space: Workspace, dataset: str) -> None:
    """Write manifest rows (meta/batches) for bronze commits that have none yet."""
    bronze, manifest = space.table("bronze", dataset), space.table("meta", "batches")
    if (version := bronze.version) is None:
        return
    with space.lock(manifest.name):
        done = manifest.progress(bronze.name)
        if done == version:
            return
        rows = []
        for commit in bronze.commits(version - (-1 if done is None else done)):
            at = datetime.fromisoformat(commit.details["landed_at"]) if commit.stage == STAGE else None
            rows += [
                (batch_id, dataset, sha256, size, records, form, b64decode(trailer), at)
                for batch_id, sha256, size, records, form, trailer in commit.details.get("batches", ())
            ]
        told = pl.DataFrame(rows, schema=MANIFEST, orient="row")
        if done is not None:  # a batch that bronze lost, and that landed again, is in the manifest already
            known = manifest.scan().select("batch_id").filter(pl.col("batch_id").is_in(told["batch_id"].implode()))
            told = told.join(known.collect(), on="batch_id", how="anti", maintain_order="left")
        manifest.append(
            told,
            Commit("batches", {bronze.name: version}, run_id=space.run_id, progress={bronze.name: version}),
        )


class _Landing:
    """One call of land: surveys files, commits them in groups, proves, removes; counts as it goes."""

    def __init__(self, space: Workspace, dataset: str, progress: Progress | None) -> None:
        self.space = space
        self.contract = space.contract(dataset)
        self.table = space.table("bronze", dataset)
        self.problems: list[LandingError] = []
        self.counts = Counter(batches=0, records=0, sealed=0, ownerless=0, malformed=0, already_landed=0)
        self._progress = progress
        self._done, self._total = 0.0, 0

    def report(self) -> StageReport:
        details: dict[str, Any] = {**self.counts, "refused": len(self.problems)}
        if self.problems:
            details["problems"] = [problem.what for problem in self.problems]
        if not self.counts["batches"]:
            return StageReport.unchanged(self.table, **details)
        return StageReport(
            self.table.name, self.table.count(), self.counts["records"], self.table.version, details=details
        )

    def land(self, files: Sequence[LandingFile], *, consume: bool) -> None:
        self._total = sum(file.disk_bytes for file in files)
        with self.space.lock(self.table.name):
            record_batches(self.space, self.contract.dataset)  # what a killed run left out
            for group in self._groups(files):
                new, again = self._told_apart(group)
                new, version = self._commit(new)
                record_batches(self.space, self.contract.dataset)
                proved = self._prove(new, version, again if consume else [])
                if consume:
                    self._remove([*new, *again], proved)

    def _groups(self, files: Sequence[LandingFile]) -> Iterator[list[LandingFile]]:
        """Surveyed files, as many at a time as go into one commit. One that cannot be read becomes a problem."""
        group: list[LandingFile] = []
        size = 0
        for file in files:
            try:
                size += file.survey().size
                group.append(file)
            except LandingError as error:
                self.problems.append(error)
            if size >= COMMIT_BYTES or len(group) >= COMMIT_FILES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def _told_apart(self, group: Sequence[LandingFile]) -> tuple[list[LandingFile], list[LandingFile]]:
        """Files whose content is new, and those whose content landed already or stands in the group before."""
        delta = self.table.delta() if self.table.exists else None
        new: list[LandingFile] = []
        again: list[LandingFile] = []
        seen: set[str] = set()
        for file in group:
            batch_id = file.surveyed.batch_id
            landed = delta is not None and delta.transaction_version(_progress_of(batch_id)) is not None
            (again if landed or batch_id in seen else new).append(file)
            seen.add(batch_id)
        self.counts["already_landed"] += len(again)
        self._advance(sum(file.disk_bytes for file in again))
        return new, again

    def _commit(self, files: list[LandingFile]) -> tuple[list[LandingFile], int | None]:
        """Append all records of the files in one commit. One that fails now is left out; returns those that landed."""
        while files:
            landed_at = self._moment()
            intake = Intake(self.space, self.contract, files, landed_at, self._advance)
            try:
                commit = self._describe(files, landed_at)
                version = self.table.append(intake.reader(), commit, ["subject_id"], CLUSTERED_ROW_GROUP)
            except Exception:
                if intake.error is None:
                    raise
                if not isinstance(intake.error, LandingError):
                    raise intake.error from None  # the vault's own words, not what Delta makes of them
                self.problems.append(intake.error)
                files = [file for file in files if file is not intake.current]
                continue
            self.counts.update(intake.counts)
            _make_durable(self.table.path, self.table.added_since(version - 1))  # before anything builds on it
            return files, version
        return [], None

    def _moment(self) -> datetime:
        """Now; but a clock that went back a little does not take the order of landing back with it.

        One that was a day or more ahead was wrong then, and is right now.
        """
        now, last = self.space.clock(), self.table.progress(_LANDED_AT)
        before = _EPOCH + timedelta(microseconds=last) if last is not None else now
        return before + timedelta(microseconds=1) if timedelta(0) < before - now < _CLOCK_STEP else now

    def _describe(self, files: Sequence[LandingFile], landed_at: datetime) -> Commit:
        manifest = [
            (b.batch_id, b.sha256, b.size, b.records, b.format, b64encode(b.trailer).decode())
            for b in (file.surveyed for file in files)
        ]
        return Commit(
            STAGE,
            run_id=self.space.run_id,
            progress={_progress_of(file.surveyed.batch_id): 1 for file in files}
            | {_LANDED_AT: (landed_at - _EPOCH) // timedelta(microseconds=1)},
            details={"landed_at": landed_at.isoformat(), "batches": manifest},
        )

    def _prove(self, new: Sequence[LandingFile], version: int | None, again: Sequence[LandingFile]) -> set[str]:
        """Ids of the batches that bronze gives back byte for byte."""
        fresh = {file.surveyed.batch_id for file in new}
        wanted = fresh | {file.surveyed.batch_id for file in again}
        landed = present_batches(self.space, batches(self.space).filter(pl.col("batch_id").is_in(wanted)))
        proved: set[str] = set()
        if version is not None:
            files = self.table.added_since(version - 1)
            stored = pl.scan_parquet(files) if files else pl.LazyFrame(schema=BRONZE)
            proved |= prove(self.space, self.contract.dataset, stored, [b for b in landed if b.batch_id in fresh])
            if lost := fresh - proved:
                raise TableError(
                    f"table {self.table.name} does not give {len(lost)} batches back that were just written to it",
                    "the files are still in place; check the disk and memory of this machine, then run `cenote verify`",
                )
        older = [b for b in landed if b.batch_id not in fresh]
        return proved | (prove(self.space, self.contract.dataset, self.table.scan(), older) if older else set())

    def _remove(self, files: Sequence[LandingFile], proved: set[str]) -> None:
        for file in files:
            if file.surveyed.batch_id not in proved:
                self.problems.append(
                    file.error(
                        "landed before, but records of it have left bronze since, by retention or erasure",
                        "remove the file if that is as it should be",
                    )
                )
            elif file.unchanged():  # else somebody wrote to it meanwhile: it is another batch, for the next run
                self._unlink(file)

    def _unlink(self, file: LandingFile) -> None:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            what = f"has landed but cannot be removed: {error.strerror}"
            fix = "remove it, or let this user write to the landing zone; landing it again changes nothing"
            self.problems.append(file.error(what, fix))

    def _advance(self, disk_bytes: float) -> None:
        self._done += disk_bytes
        if self._progress:
            self._progress(min(round(self._done), self._total), self._total)


def _progress_of(batch_id: str) -> str:
    """The application transaction that marks a batch as landed."""
    return f"batch:{batch_id}"


def _make_durable(table: Path, files: Sequence[str]) -> None:
    """Bring a commit to the disk, since the only other copy of its records is about to be removed."""
    logs = sorted((table / "_delta_log").glob("*.json"))[-1:]
    for path in [*map(Path, files), *logs, table, table / "_delta_log"]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
