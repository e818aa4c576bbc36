"""Resources that assets take: the lake's workspace and the progress display.

Belongs here: making them for a run. Must not: settings of their own; cenote/settings.py reads the environment.
"""

import logging
import time
from pathlib import Path
from typing import Protocol

import dagster as dg

from cenote import events
from cenote.migrations import migrate
from cenote.report import StageReport
from cenote.settings import Settings
from cenote.workspace import Workspace


class Progress(Protocol):
    """Who wants to hear how a run goes."""

    def started(self, asset: str) -> None:
        """An asset begins."""

    def advanced(self, done: int, total: int) -> None:
        """The current asset has done ``done`` of ``total`` units of its work."""

    def finished(self, reports: list[StageReport], seconds: float) -> None:
        """The current asset ended with these reports."""

    def failed(self, error: Exception) -> None:
        """The current asset failed; the error may quote data."""


class Silent:
    """Progress that nobody watches; Dagster's own event log tells the story."""

    def started(self, asset: str) -> None:
        """Say nothing."""

    def advanced(self, done: int, total: int) -> None:
        """Say nothing."""

    def finished(self, reports: list[StageReport], seconds: float) -> None:
        """Say nothing."""

    def failed(self, error: Exception) -> None:
        """Say nothing."""


class Recorded:
    """Progress that is also written to the lake's events, for metrics and logs; ``inner`` hears everything first."""

    def __init__(self, inner: Progress, home: Path, run_id: str) -> None:
        self._inner, self._home, self._run_id = inner, home, run_id
        self._asset = ""
        self._begun = 0.0

    def started(self, asset: str) -> None:
        """Remember which asset it is, for a failure."""
        self._asset, self._begun = asset, time.perf_counter()
        self._inner.started(asset)

    def advanced(self, done: int, total: int) -> None:
        """Only for who watches."""
        self._inner.advanced(done, total)

    def finished(self, reports: list[StageReport], seconds: float) -> None:
        """One event per asset, with rows of all its tables."""
        self._inner.finished(reports, seconds)
        rows, written = sum(r.rows for r in reports), sum(r.written for r in reports)
        self._record(logging.INFO, seconds, "ok", rows=rows, written=written)

    def failed(self, error: Exception) -> None:
        """One event with the error's type; its message may quote data."""
        self._inner.failed(error)
        self._record(logging.ERROR, time.perf_counter() - self._begun, type(error).__name__)

    def _record(self, level: int, seconds: float, outcome: str, **counts: int) -> None:
        events.record(
            self._home, "stage", level=level, run_id=self._run_id, asset=self._asset,
            seconds=round(seconds, 3), outcome=outcome, **counts,
        )  # fmt: skip


def progress_resource(settings: Settings, inner: Progress) -> dg.ResourceDefinition:
    """Progress per run: shown by ``inner``, and recorded under the run's id."""

    @dg.resource(description="Who hears how the run goes: a terminal, and the lake's events.")
    def progress(context: dg.InitResourceContext) -> Progress:
        return Recorded(inner, settings.home, context.run.run_id if context.run else "")

    return progress


def workspace_resource(settings: Settings | None) -> dg.ResourceDefinition:
    """A workspace per run, which writes the run's id into every commit."""

    @dg.resource(description="The lake's workspace: tables, contracts, vault and clock.")
    def space(context: dg.InitResourceContext) -> Workspace:
        made = Workspace(settings, run_id=context.run.run_id if context.run else "")
        migrate(made)
        return made

    return space
