"""Resources that assets take: the lake's workspace and the progress display.

Belongs here: making them for a run. Must not: settings of their own; cenote/settings.py reads the environment.
"""

from typing import Protocol

import dagster as dg

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
        """The current asset failed in a way that nobody foresaw; the error may quote data."""


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


def workspace_resource(settings: Settings | None) -> dg.ResourceDefinition:
    """A workspace per run, which writes the run's id into every commit."""

    @dg.resource(description="The lake's workspace: tables, contracts, vault and clock.")
    def space(context: dg.InitResourceContext) -> Workspace:
        return Workspace(settings, run_id=context.run.run_id if context.run else "")

    return space
