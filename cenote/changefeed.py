"""A feed of change events for analytics outside the lake: nothing personal in it, and a record of what was left out.

Belongs here: which events are new, writing them exactly once, the record. Must not: deciding what is personal
(transforms/sanitize.py). An event is a row of silver: the upsert or delete that one raw record made. A cursor beside
the files says how far bronze was exported, so the next export has only what came since, however silver was rewritten.
It is written last, and files beyond it are removed first, so an export that was stopped leaves nothing twice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cenote.errors import CenoteError
from cenote.retention.limits import analytics
from cenote.retention.rules import CHANGES
from cenote.tables import HistoryGone
from cenote.workspace import Workspace
from transforms.contract import Contract
from transforms.sanitize import rekey, sanitize

FORMATS = ("jsonl", "parquet")
SECRET = "changes"
_SLICE = 50_000
_CURSOR = "cursor.json"
_BEFORE = "0001-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Cursor:
    """How far a dataset was exported: number of exports, bronze version, and newest landing (ISO, UTC)."""

    exports: int = 0
    version: int = -1
    landed_at: str = _BEFORE


@dataclass(frozen=True)
class Exported:
    """One dataset's part of an export: its events, of which how many deletes, the file and the record beside it."""

    dataset: str
    events: int
    deletes: int
    file: Path | None
    record: Path | None


def export(
    space: Workspace,
    to: Path | None = None,
    datasets: Sequence[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    form: str = "jsonl",
) -> list[Exported]:
    """Write events that came since the last export to the same folder, a file and a record for each dataset.

    ``to``: a folder (default: ``changes`` of the lake, whose files expire). ``since`` and ``until``: a window of
    landing times instead; it does not move the cursor. ``form``: jsonl or parquet. Events past the limit for
    analytics, and those about people whose erasure was asked for, are left out. Raises ``CenoteError``.
    """
    if form not in FORMATS:
        raise CenoteError(f"there is no format {form!r} of change events", f"choose one of {', '.join(FORMATS)}")
    chosen = [space.contract(name) for name in datasets] or list(space.contracts.values())
    folder = to or space.path(CHANGES)
    return [_Feed(space, contract, folder / contract.dataset, form).export(since, until) for contract in chosen]


class _Feed:
    """The feed of one dataset into one folder."""

    def __init__(self, space: Workspace, contract: Contract, folder: Path, form: str) -> None:
        self._space, self._contract, self._folder, self._form = space, contract, folder, form
        self._silver = space.table("silver", contract.dataset)
        self._key = space.vault.secret(SECRET)

    def export(self, since: datetime | None, until: datetime | None) -> Exported:
        """Write what is new, or what landed in a window."""
        nothing = Exported(self._contract.dataset, 0, 0, None, None)
        if not self._silver.exists:
            return nothing
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._space.lock(f"{CHANGES}/{self._contract.dataset}"):
            window = since is not None or until is not None
            cursor = self._cursor()
            self._remove_unfinished(cursor)
            rows, reached = self._window(since, until) if window else self._since(cursor)
            if window:
                reached = cursor
            return self._write(rows, cursor, reached, window) or nothing

    # which events

    def _since(self, cursor: Cursor) -> tuple[pl.LazyFrame, Cursor]:
        """Rows of records that bronze got after the cursor and silver has conformed."""
        bronze = self._space.table("bronze", self._contract.dataset)
        version = self._silver.progress(bronze.name)
        reached = -1 if version is None else version
        rows = self._kept()
        if reached <= cursor.version:
            return rows.filter(False), cursor
        try:
            files = [file for file in bronze.added_since(cursor.version) if cursor.version >= 0]
        except HistoryGone:
            files = []
        if files:  # landed later than what silver has conformed may be among them; the join leaves it out
            new = pl.scan_parquet(files).select("lineage_id")
            rows = rows.join(new, on="lineage_id", how="semi")
        else:  # the first export, or one after the log was cut
            rows = rows.filter(pl.col("landed_at") > pl.lit(datetime.fromisoformat(cursor.landed_at)))
        newest = rows.select(pl.col("landed_at").max()).collect().item()
        landed = newest.isoformat() if newest else cursor.landed_at
        return rows, Cursor(cursor.exports + 1, reached, max(landed, cursor.landed_at))

    def _window(self, since: datetime | None, until: datetime | None) -> tuple[pl.LazyFrame, Cursor]:
        rows = self._kept()
        if since is not None:
            rows = rows.filter(pl.col("landed_at") >= pl.lit(_utc(since)))
        if until is not None:
            rows = rows.filter(pl.col("landed_at") < pl.lit(_utc(until)))
        return rows, Cursor()

    def _kept(self) -> pl.LazyFrame:
        """Rows that may still be given to analytics."""
        from cenote.erasure.suppression import hidden

        oldest = self._space.clock() - analytics(self._contract)
        rows = self._silver.scan().filter(pl.col("landed_at") >= pl.lit(oldest))
        people = list(hidden(self._space))
        about = pl.col("subject_id").is_in(people) | pl.col("mentions").list.eval(pl.element().is_in(people)).list.any()
        return rows.filter(~about.fill_null(False)) if people else rows

    # writing

    def _write(self, rows: pl.LazyFrame, cursor: Cursor, reached: Cursor, window: bool) -> Exported | None:
        number = cursor.exports + 1
        stamp = f"{self._space.clock():%Y%m%dT%H%M%S}-{'window' if window else f'{number:06d}'}"
        draft = self._folder / f".{stamp}.{self._form}.new"
        counts, tally = _Counts(), _Tally()
        parts = (self._events(part, counts) for part in rows.collect_batches(chunk_size=_SLICE) if part.height)
        (_lines if self._form == "jsonl" else _parquet)(draft, (tally.of(part) for part in parts))
        if not tally.events:
            draft.unlink(missing_ok=True)
            self._keep(reached)
            return None
        file, record = self._folder / f"{stamp}.{self._form}", self._folder / f"{stamp}.redactions.json"
        told = self._record(file.name, reached if not window else cursor, tally, counts)
        record.write_text(json.dumps(told, indent=2) + "\n")
        draft.replace(file)
        self._keep(reached)
        about = {"dataset": self._contract.dataset, "events": tally.events}
        self._space.vault.audit.record("changes exported", details=about)
        return Exported(self._contract.dataset, tally.events, tally.deletes, file, record)

    def _events(self, rows: pl.DataFrame, counts: "_Counts") -> pl.DataFrame:
        """Events: event_id, dataset, op, at, landed_at, and what is left of the row."""
        contract = self._contract
        fields, told = sanitize(rows, contract, self._key)
        counts.add(told)
        at = contract.change.sequence_by[0] if contract.change.sequence_by else "landed_at"
        deletes = rows["change_op"] if contract.keyed else pl.Series(["append"]).new_from_index(0, rows.height)
        envelope = [
            rekey(rows["lineage_id"], "event", self._key).alias("event_id"),
            pl.Series("dataset", [contract.dataset]).new_from_index(0, rows.height),
            deletes.alias("op"),
            rows[at].cast(pl.Datetime("us", "UTC"), strict=False).alias("at"),
            rows["landed_at"],
        ]
        data = [fields.to_struct("data")] if fields.width else []
        return pl.DataFrame([*envelope, *data])

    def _record(self, file: str, cursor: Cursor, tally: "_Tally", counts: "_Counts") -> dict[str, Any]:
        """What was taken out where: paths, strategies and counts, never a value."""
        contract = self._contract
        return {
            "dataset": contract.dataset,
            "contract_version": contract.version,
            "exported_at": self._space.clock().astimezone(UTC).isoformat(timespec="seconds"),
            "file": file,
            "events": tally.events,
            "deletes": tally.deletes,
            "cursor": asdict(cursor),
            "fields": counts.rows(),
            "always_left_out": ["lineage_id", "subject_id", "mentions"],
        }

    # the cursor

    def _cursor(self) -> Cursor:
        try:
            return Cursor(**json.loads((self._folder / _CURSOR).read_text()))
        except FileNotFoundError:
            return Cursor()
        except (ValueError, TypeError):
            raise CenoteError(
                f"the cursor of the change feed of {self._contract.dataset} cannot be read",
                "restore it, or remove it to export everything anew",
            ) from None

    def _keep(self, cursor: Cursor) -> None:
        draft = self._folder / f".{_CURSOR}.new"
        draft.write_text(json.dumps(asdict(cursor)))
        draft.replace(self._folder / _CURSOR)

    def _remove_unfinished(self, cursor: Cursor) -> None:
        """What an export left that was stopped before it moved the cursor."""
        for file in self._folder.iterdir():
            number = file.name.partition("-")[2].partition(".")[0]
            if file.name.endswith(".new") or (number.isdigit() and int(number) > cursor.exports):
                file.unlink(missing_ok=True)


@dataclass
class _Tally:
    """Events and deletes that went by."""

    events: int = 0
    deletes: int = 0

    def of(self, part: pl.DataFrame) -> pl.DataFrame:
        self.events += part.height
        self.deletes += int((part["op"] == "delete").sum())
        return part


class _Counts:
    """Counts of what was taken out, added up over parts."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def add(self, part: pl.DataFrame) -> None:
        self._parts.append(part)

    def rows(self) -> list[dict[str, Any]]:
        summed = pl.concat(self._parts).group_by("path", "strategy", "why", maintain_order=True)
        return summed.agg(pl.col("values", "changed").sum()).to_dicts()


def _lines(file: Path, parts: Iterator[pl.DataFrame]) -> None:
    with file.open("wb") as out:
        for part in parts:
            part.write_ndjson(out)


def _parquet(file: Path, parts: Iterator[pl.DataFrame]) -> None:
    import pyarrow.parquet as pq

    writer = None
    for part in parts:
        table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
