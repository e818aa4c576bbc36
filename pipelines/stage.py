"""How Dagster runs a stage: with progress shown, timed, and with errors that carry no values into the event log.

Belongs here: the shell around a stage's call. Must not: any stage's own logic.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import dagster as dg

from cenote.errors import CenoteError
from cenote.openlineage import Materialization
from cenote.quality import Finding
from cenote.report import StageReport
from cenote.workspace import Workspace
from pipelines.resources import Progress

T = TypeVar("T")


class StageError(Exception):
    """A stage failed in a way that nobody foresaw. Says where, not what: a library's message may quote data."""


def run_stage(
    space: Workspace,
    progress: Progress,
    asset: str,
    build: Callable[[], StageReport | Sequence[StageReport]],
    check: Callable[[], list[Finding]] = list,
) -> tuple[list[StageReport], list[Finding]]:
    """Build and check the table of an asset, and report it. Raises as :func:`run_quietly`.

    A single report is told under the asset's name, which may be finer than its table's (one asset per dataset writes
    ``graph/edges``).
    """
    progress.started(asset)
    begun = time.perf_counter()
    told = Materialization(space, asset)
    told.started()
    try:
        outcome = run_quietly(asset, build, progress.failed)
        findings = run_quietly(asset, check, progress.failed)
    except Exception as error:
        told.failed(error.description or "" if isinstance(error, dg.Failure) else str(error))
        raise
    reports = [replace(outcome, table=asset)] if isinstance(outcome, StageReport) else list(outcome)
    told.finished(reports, findings)
    progress.finished(reports, time.perf_counter() - begun)
    return reports, findings


def run_quietly(what: str, work: Callable[[], T], failed: Callable[[Exception], None] = lambda _: None) -> T:
    """Run ``work``; a foreseen error becomes a ``Failure`` with its text, any other :class:`StageError` without.

    ``failed`` is told the exception itself, which may quote data, before Dagster records anything.
    """
    try:
        return work()
    except CenoteError as error:
        failed(error)
        raise dg.Failure(description=str(error), metadata={"stage": what}, allow_retries=False) from None
    except Exception as error:
        failed(error)
        raise StageError(describe(what, error)) from None


def describe(what: str, error: Exception) -> str:
    """Where an exception came from: its type and the stack's files, lines and functions; never its message."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = " <- ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    return (
        f"{what} failed with {type(error).__name__} at {where}. The message is withheld because it may quote data; "
        f"`cenote run --select {what} --debug` shows it on your own terminal."
    )
