"""OpenLineage: what each materialization tells other tools, in the vocabulary of https://openlineage.io.

Belongs here: the door that the pipeline calls. Must not: Dagster, values of data. What an event says: events.py;
where it goes: transport.py. Telling never fails a run: what cannot be told is logged by its error's type, and
forgotten.
"""

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from cenote.quality import Finding
from cenote.report import StageReport
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from cenote.openlineage.events import Story

__all__ = ["Materialization"]

P = ParamSpec("P")
log = logging.getLogger("cenote")


def _safely(
    tell: Callable[Concatenate["Materialization", P], None],
) -> Callable[Concatenate["Materialization", P], None]:
    """A method that may fail without anybody but the log being told; types of errors only, messages may quote data."""

    @wraps(tell)
    def telling(self: "Materialization", *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            tell(self, *args, **kwargs)
        except Exception as error:
            log.warning("OpenLineage events of %s were lost: %s", self.asset, type(error).__name__)

    return telling


class Materialization:
    """One materialization of an asset, told as it goes: started, then finished or failed."""

    def __init__(self, space: Workspace, asset: str) -> None:
        self.asset = asset
        self._space = space
        self._on = bool(space.settings.openlineage_days or space.settings.openlineage_url)
        self._story: Story | None = None

    @_safely
    def started(self) -> None:
        """A START event: the job with its SQL, and its inputs."""
        if self._on:
            from cenote.openlineage.events import Story

            self._story = Story(self._space, self.asset)
            self._send([self._story.start()])

    @_safely
    def finished(self, reports: Sequence[StageReport], findings: Sequence[Finding]) -> None:
        """A COMPLETE event with schema, column lineage and row counts; then the checks, as a run of their own."""
        if self._story:
            self._send([self._story.complete(reports), *self._story.checked(reports, findings)])

    @_safely
    def failed(self, told: str) -> None:
        """A FAIL event. ``told``: what may be told of the error, without values."""
        if self._story:
            self._send([self._story.fail(told)])

    def _send(self, events: list[object]) -> None:
        from cenote.openlineage.transport import send

        send(self._space, events)
