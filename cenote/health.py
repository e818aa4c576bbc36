"""Whether the lake is well, answered at once: for a probe, a load balancer, or someone who looks in the morning.

Belongs here: signs that the logs, the landing zone and the vault show without a table being read. Must not: reading
data (cenote/verify does, and takes its time), or an operator's own thresholds (docs/runbook.md has alerts for these).
"""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from cenote import bronze, events
from cenote.erasure.listing import urgent
from cenote.errors import CenoteError
from cenote.verify.model import Problem
from cenote.workspace import Workspace

PATIENCE = timedelta(hours=24)
"""How long a file may wait to be landed; schedules run daily."""


def health(space: Workspace) -> list[Problem]:
    """What is wrong, the gravest first; empty for a lake that is well. Reads logs, names and sizes, never data."""
    return [*_keys(space), *_erasures(space), *_stages(space), *_landing(space)]


def _keys(space: Workspace) -> Iterator[Problem]:
    try:
        space.vault.status()
    except CenoteError as error:
        yield Problem("vault", "vault", error.what, error.fix)


def _erasures(space: Workspace) -> Iterator[Problem]:
    for sentence in urgent(space):
        if "OVERDUE" in sentence:
            yield Problem("erasure_overdue", sentence.split()[0], sentence, "run `cenote subject resume`")


def _stages(space: Workspace) -> Iterator[Problem]:
    stages = events.read(space.settings.home).filter(event="stage").sort("at")
    latest = stages.group_by("asset", maintain_order=True).last().filter(pl.col("outcome") != "ok")
    for asset, run_id, at, outcome in latest.select("asset", "run_id", "at", "outcome").iter_rows():
        what = f"failed with {outcome} when it last ran, {at:%Y-%m-%d %H:%M} UTC, in run {run_id}"
        yield Problem("stage_failed", asset, what, f"mend what `cenote run --select {asset} --debug` says")


def _landing(space: Workspace) -> Iterator[Problem]:
    for problem in bronze.unknown_folders(space):
        yield Problem("no_contract", "landing", problem.what, problem.fix)
    oldest = (space.clock() - PATIENCE).timestamp()
    for dataset in space.contracts:
        late = sum(file.stat().st_mtime < oldest for file in bronze.waiting(space, dataset) if file.exists())
        if late:
            what = f"{late} files wait for more than {PATIENCE.total_seconds() / 3600:.0f} hours"
            yield Problem("files_wait", f"landing/{dataset}", what, "run `cenote run`; is the daemon alive?")
