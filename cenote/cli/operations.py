"""Commands for whoever runs the lake: metrics, verify, backup, restore.

Belongs here: options, serving and printing. Must not: the work; cenote/metrics.py, verify/ and backup.py do it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(verify)
    app.command()(backup)
    app.command()(restore)
    app.command()(metrics)


def metrics(
    serve: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Answer Prometheus at this port, until stopped.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to answer at.")] = "127.0.0.1",
    push: Annotated[str | None, typer.Option(help="Send to this push gateway instead: host:port or a URL.")] = None,
) -> None:
    """Print figures for Prometheus: rows, lag, quarantine, runs, stages, and how long answers take.

    [bold]Examples[/bold]

      cenote metrics
      cenote metrics --serve 9464
      cenote metrics --push gateway.internal:9091
    """
    from prometheus_client import generate_latest, start_http_server

    from cenote import metrics as measured
    from cenote.workspace import Workspace

    space = Workspace()
    if push:
        measured.push(space, push)
    elif serve:
        _, thread = start_http_server(serve, host, registry=measured.registry(space))
        typer.echo(f"metrics at http://{host}:{serve}/metrics; Ctrl-C stops", err=True)
        thread.join()
    else:
        typer.echo(generate_latest(measured.registry(space)), nl=False)


def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read everything: rebuild every landed file, decode every page.")
    ] = False,
    style: FormatOption = Format.table,
) -> None:
    """Check the whole lake: files, records, keys, lineage, views, indexes, features. Exit code 1 if anything is wrong.

    Each finding says what to do about it; docs/runbook.md says more.

    [bold]Examples[/bold]

      cenote verify
      cenote verify --deep
      cenote verify --deep --format json
    """
    import polars as pl

    from cenote.verify import CHECKS
    from cenote.verify import verify as run
    from cenote.workspace import Workspace

    with _bar("verifying", bytewise=False) as advance:
        found = run(Workspace(), thorough=deep, progress=lambda _, number, checks: advance(number, checks))
    frame = pl.DataFrame(
        [vars(problem) for problem in found], schema=dict.fromkeys(("check", "where", "what", "fix"), pl.String)
    )
    if found or style is not Format.table:
        show(frame, style, title="what is wrong")
    if not found and style is Format.table:
        checks = sum(deep or not check.deep for check in CHECKS)
        typer.echo(f"{checks} checks, all well" + ("" if deep else "; --deep reads every byte too"))
    raise typer.Exit(1 if found else 0)


def backup(to: Annotated[Path, typer.Argument(help="Folder on another disk; each backup is a folder in it.")]) -> None:
    """Copy the lake as it is at this moment, while it is in use. Later backups share unchanged files.

    Keys are not in it: `cenote vault backup` copies those to another place. Files that still wait to be landed,
    and Dagster's history of runs, are left out.

    [bold]Examples[/bold]

      cenote backup /mnt/backups/lake
    """
    from cenote.backup import back_up
    from cenote.workspace import Workspace

    with _bar("copying") as advance:
        made = back_up(Workspace(), to, advance)
    shared = f", {made.shared / 1e6:,.1f} MB of them shared with the backup before" if made.shared else ""
    typer.echo(f"{made.folder}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB{shared}, {len(made.tables)} tables")


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup: the folder that `cenote backup` printed.", exists=True)],
) -> None:
    """Make the lake what a backup holds. The lake's place (CENOTE_HOME) has to be empty.

    Every file is proved before anything is changed. The vault has to be the lake's own; people who were erased since
    stay erased. `cenote run` then brings the lake up to date, and `cenote verify --deep` proves it.

    [bold]Examples[/bold]

      CENOTE_HOME=/srv/lake cenote restore /mnt/backups/lake/20261120T020000000000Z
    """
    from cenote import backup as backups
    from cenote import catalog
    from cenote.workspace import Workspace

    space = Workspace()
    with _bar("restoring") as advance:
        made = backups.restore(space, folder, advance)
    catalog.refresh(space)
    typer.echo(f"{space.settings.home} is as it was at {made.at:%Y-%m-%d %H:%M:%S} UTC: {len(made.tables)} tables")
    typer.echo("now: `cenote run`, then `cenote verify --deep`")


@contextmanager
def _bar(told: str, *, bytewise: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing elsewhere; gives a function that takes done and total."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn(told), BarColumn(), DownloadColumn() if bytewise else MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(told, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
