"""Showing frames: as a table for people, as JSON or CSV for programs.

Belongs here: output formats. Must not: fetching anything.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="table for people; json or csv for programs.")]
MAX_ROWS = 200


def show(frame: "pl.DataFrame", style: Format, title: str | None = None) -> None:
    """Print a frame. A table shows at most 200 rows and says how many there are; json and csv are whole."""
    if style is Format.json:
        typer.echo(frame.write_json())
    elif style is Format.csv:
        typer.echo(_flat(frame).write_csv(), nl=False)
    else:
        _print_table(frame, title)


def _flat(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Nested columns as JSON text, which CSV can hold."""
    import json

    import polars as pl

    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(
        pl.col(name).map_elements(lambda v: json.dumps(_plain(v), default=str), return_dtype=pl.String)
        for name in nested
    )


def _plain(value: object) -> object:
    import polars as pl

    return value.to_list() if isinstance(value, pl.Series) else value


def _print_table(frame: "pl.DataFrame", title: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for name, kind in frame.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.head(MAX_ROWS).iter_rows():
        table.add_row(*("" if v is None else f"{v:,.2f}" if isinstance(v, float) else str(_plain(v)) for v in row))
    console = Console()
    console.print(table)
    rows = frame.height
    more = f", the first {MAX_ROWS} shown" if rows > MAX_ROWS else ""
    console.print(f"{rows:,} row{'' if rows == 1 else 's'}{more}", style="dim", highlight=False)
