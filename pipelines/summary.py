"""What a person sees of a run in the terminal: progress while it goes, a table when it ended.

Belongs here: drawing with rich. Must not: deciding anything.
"""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from cenote.bronze import unknown_folders
from cenote.errors import CenoteError
from cenote.report import StageReport
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.run import RunOutcome

COUNTED_ELSEWHERE = ("vectors/indexes",)  # an index counts the passages that its layer's tables have counted
LAYERS = ("bronze", "silver", "quarantine", "gold", "vectors", "edges", "graph", "features", "catalog")
console = Console(stderr=False)


class Watched:
    """Progress that is drawn, and remembered for the summary."""

    def __init__(self, *, show: bool) -> None:
        self.reports: list[tuple[list[StageReport], float]] = []
        self.tracebacks: list[str] = []
        self._show = show
        self._bar: Progress | None = None
        self._total = 0

    @contextmanager
    def display(self, assets: int) -> Iterator[None]:
        """Draw while the run goes."""
        self._total = assets
        if not self._show:
            yield
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as self._bar:
            self._all = self._bar.add_task("[bold]the run", total=assets)
            self._one = self._bar.add_task("", total=None, visible=False)
            yield

    def started(self, asset: str) -> None:
        """An asset begins: name it."""
        if self._bar:
            self._bar.reset(self._one, description=asset, total=None, visible=True, completed=0)

    def advanced(self, done: int, total: int) -> None:
        """Move the asset's own bar."""
        if self._bar:
            self._bar.update(self._one, completed=done, total=total)

    def finished(self, reports: list[StageReport], seconds: float) -> None:
        """Remember the outcome, move the run's bar, and print a line where nobody watches a bar."""
        self.reports.append((reports, seconds))
        if self._bar:
            self._bar.update(self._all, advance=len(reports))
            if not console.is_terminal:
                done = ", ".join(f"{r.table} {r.rows:,} rows" for r in reports)
                console.print(f"  {done} ({seconds:.1f} s)", highlight=False)

    def failed(self, error: Exception) -> None:
        """Keep the traceback of an unforeseen error in memory, for the terminal of whoever asks for it."""
        if not isinstance(error, CenoteError):
            self.tracebacks.append("".join(traceback.format_exception(error)))


def print_summary(outcome: "RunOutcome", space: Workspace) -> None:
    """Rows and seconds per layer, quarantined records with reasons, what went wrong, and where to look next."""
    if outcome.success and not outcome.assets:
        console.print(
            f"[green]Nothing new.[/green] All {outcome.skipped} assets are up to date; no layer did any work."
        )
        _print_not_landed(outcome, space)
        return
    console.print(_layers(outcome))
    reasons = _quarantine(outcome)
    if reasons is not None:
        console.print(reasons)
    _print_not_landed(outcome, space)
    for error in outcome.errors:
        console.print("failed:", error, style="red", markup=False)
    if outcome.success:
        _print_next_steps(space)


def _print_not_landed(outcome: "RunOutcome", space: Workspace) -> None:
    """Files that wait in the landing zone and that no run can take as they are."""
    refused = [problem for asset in outcome.assets for problem in asset.details.get("problems", ())]  # type: ignore[attr-defined]
    for problem in (*refused, *unknown_folders(space)):
        console.print("not landed:", problem, style="yellow", markup=False)


def _layers(outcome: "RunOutcome") -> Table:
    table = Table(
        title=f"Run {outcome.run_id[:8]} in {outcome.seconds:.1f} s", title_justify="left", title_style="bold"
    )
    table.add_column("layer")
    for name in ("tables", "rows", "rows written", "seconds"):
        table.add_column(name, justify="right")
    for layer in LAYERS:
        of_layer = [a for a in outcome.assets if a.key.split("/")[0] == layer]
        if of_layer:
            seconds = 0.0 if layer == "quarantine" else sum(a.seconds for a in of_layer)
            of_layer = [a for a in of_layer if a.key not in COUNTED_ELSEWHERE]
            table.add_row(
                layer,
                str(len(of_layer)),
                f"{sum(a.rows for a in of_layer):,}",
                f"{sum(a.written for a in of_layer):,}",
                f"{seconds:.1f}" if seconds else "with silver",
            )
    return table


def _quarantine(outcome: "RunOutcome") -> Table | None:
    rows = [(a.key.split("/", 1)[1], a) for a in outcome.assets if a.key.startswith("quarantine/") and a.written]
    if not rows:
        return None
    table = Table(title="Quarantined records", title_justify="left", title_style="bold")
    table.add_column("dataset")
    table.add_column("records", justify="right")
    table.add_column("reasons (rule path: times)")
    for dataset, asset in rows:
        told = sorted(asset.details.items(), key=lambda item: -int(str(item[1])))
        more = f" and {len(told) - 4} more" if len(told) > 4 else ""
        table.add_row(dataset, f"{asset.written:,}", ", ".join(f"{rule}: {n:,}" for rule, n in told[:4]) + more)
    return table


def _print_next_steps(space: Workspace) -> None:
    catalog = space.settings.catalog
    near = catalog.relative_to(Path.cwd()) if catalog.is_relative_to(Path.cwd()) else catalog
    steps: Sequence[tuple[str, str]] = (
        ("make ui", "lineage, checks and schedules"),
        ("cenote sql 'from gold.daily_cash'", "ask the marts"),
        ("cenote search 'late delivery'", "ask the texts"),
        ("cenote quarantine", "what broke its contract, and why"),
        (f"duckdb {near}", "the same tables from any DuckDB"),
    )
    table = Table.grid(padding=(0, 2))
    for command, meaning in steps:
        table.add_row(f"[cyan]{command}[/cyan]", meaning)
    console.print("\n[bold]Where to look next[/bold]")
    console.print(table)
