"""The command that gives change events to analytics outside: changes export.

Belongs here: options and printing. Must not: deciding what is personal.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

app = typer.Typer(help="Change events for analytics outside, with nothing personal in them.", no_args_is_help=True)
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(app, name="changes")


@app.callback()
def changes() -> None:
    """Change events for analytics outside, with nothing personal in them."""


@app.command()
def export(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; default: all.", show_default=False)] = None,
    to: Annotated[Path | None, typer.Option("--to", help="A folder. Default: changes/ of the lake.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_MOMENTS, help="What landed from then on (UTC), not since the last export."),
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_MOMENTS, help="What landed before then (UTC).")] = None,
    form: Annotated[str, typer.Option("--as", help="jsonl or parquet.")] = "jsonl",
    style: FormatOption = Format.table,
) -> None:
    """Write the upserts and deletes that came since the last export to the same folder, without personal fields.

    Beside each file lies a record of what was taken out where, by path, strategy and count.

    [bold]Examples[/bold]

      cenote changes export
      cenote changes export orders invoices --to /mnt/analytics --as parquet
      cenote changes export orders --since 2026-11-01 --until 2026-11-08
    """
    import polars as pl

    from cenote.changefeed import export as write
    from cenote.workspace import Workspace

    found = write(Workspace(), to, datasets or (), since=since, until=until, form=form)
    rows = [(e.dataset, e.events, e.deletes, str(e.file or "")) for e in found]
    columns = {"dataset": pl.String, "events": pl.Int64, "deletes": pl.Int64, "file": pl.String}
    show(pl.DataFrame(rows, schema=columns, orient="row"), style)
