"""The lake's own log: a line of JSON for every stage that ran and every question that was answered.

Belongs here: writing such a line, timing an answer, reading the lines back. Must not: what was asked or found. A line
has names, counts, seconds and types of errors, never a value, since it lies in clear text in ``events/<day>.jsonl``.
"""

import functools
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    import polars as pl

    from cenote.settings import Settings

KEEP_DAYS = 30
P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("cenote")


def record(home: Path, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Append an event to today's file of the lake at ``home``, and hand it to the process's log.

    A line is one ``write`` to a file opened for appending, so processes do not tear each other's lines. A lake that
    cannot be written (a read-only mount) is read without a log.
    """
    now = datetime.now(UTC)
    line = {"at": now.isoformat(timespec="milliseconds"), "event": event, **fields}
    log.log(level, event, extra={"fields": fields})
    file = home / "events" / f"{now:%Y-%m-%d}.jsonl"
    try:
        if not file.exists():
            _begin_day(file.parent, now)
        with file.open("ab", buffering=0) as handle:
            handle.write(json.dumps(line, default=str).encode() + b"\n")
    except OSError:
        log.debug("events cannot be written below %s", home)


def answered(door: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a method of something with a ``space``: each call is an event with its seconds and outcome."""

    def decorate(method: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(method)
        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            home = args[0].space.settings.home  # type: ignore[attr-defined]
            begun, outcome = time.perf_counter(), "ok"
            try:
                return method(*args, **kwargs)
            except Exception as error:
                outcome = type(error).__name__
                raise
            finally:
                seconds = round(time.perf_counter() - begun, 6)
                record(home, "answer", level=logging.DEBUG, door=door, seconds=seconds, outcome=outcome)

        return timed

    return decorate


def read(home: Path, days: int = KEEP_DAYS) -> "pl.DataFrame":
    """Events of the last ``days``: at, event, run_id, asset, door, seconds, rows, written, outcome; oldest first."""
    import polars as pl

    schema = {
        "at": pl.String, "event": pl.String, "run_id": pl.String, "asset": pl.String, "door": pl.String,
        "seconds": pl.Float64, "rows": pl.Int64, "written": pl.Int64, "outcome": pl.String,
    }  # fmt: skip
    since = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"
    files = sorted(file for file in (home / "events").glob("*.jsonl") if file.stem >= since)
    found = [pl.read_ndjson(file, schema=schema, ignore_errors=True) for file in files if file.stat().st_size]
    frame = pl.concat(found) if found else pl.DataFrame(schema=schema)
    return frame.with_columns(pl.col("at").str.to_datetime(time_unit="us", time_zone="UTC", strict=False))


def _begin_day(folder: Path, now: datetime) -> None:
    """A day's first event makes the folder and removes the files that are past keeping."""
    folder.mkdir(parents=True, exist_ok=True)
    oldest = f"{now - timedelta(days=KEEP_DAYS):%Y-%m-%d}"
    for file in folder.glob("*.jsonl"):
        if file.stem < oldest:
            file.unlink(missing_ok=True)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON: at, level, logger, event, and the fields it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception only its type, since messages may quote data."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line | getattr(record, "fields", {}), default=str)


class PlainLines(logging.Formatter):
    """A log record as one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event and ``name=value`` for each field."""
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        at = datetime.fromtimestamp(record.created, UTC)
        return f"{at:%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()} {fields}".rstrip()


def log_to_stderr(settings: "Settings") -> None:
    """Send the process's log to standard error in the form and from the level that the settings name."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else PlainLines())
    log.handlers[:] = [handler]
    log.setLevel(settings.log_level.upper())
    log.propagate = False
