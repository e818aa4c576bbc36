"""The command that traces columns: columns.

Belongs here: options and printing. Must not: tracing; cenote/columns does.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    import polars as pl


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(columns)


def columns(
    what: Annotated[str, typer.Argument(help="layer.table.column, a table, or a raw path as dataset.$.path.")],
    forward: Annotated[
        bool, typer.Option("--forward", help="Show the columns that it reaches, not the paths behind it.")
    ] = False,
    style: FormatOption = Format.table,
) -> None:
    """Show which raw JSON paths feed a column, or which columns a path or column reaches.

    DIRECT: the value goes on. INDIRECT: it decides (a filter, join, group, order, window or condition). Where no column
    is named, it decides which rows there are. From contracts and SQL alone: no table is read.

    [bold]Examples[/bold]

      cenote columns gold.customer_360.revenue_eur
      cenote columns gold.customer_360 --format json
      cenote columns 'orders.$.lines[].quantity' --forward
      cenote columns silver.customers.segment --forward
    """
    import cenote

    found = cenote.open().columns(what, forward=forward)
    show(_narrow(found) if style is Format.table else found, style)


def _narrow(found: "pl.DataFrame") -> "pl.DataFrame":
    """The same for a terminal: what belongs together in one column."""
    import polars as pl

    made = pl.col("table") + pl.coalesce(pl.lit(".") + pl.col("column"), pl.lit(" (which rows)"))
    path = [pl.format("{} {}", "dataset", "path").alias("raw path")] if "path" in found.columns else []
    told = [c for c in ("classification", "mask") if c in found.columns]
    uses = pl.col("uses").list.join(", ").str.to_lowercase().alias("use")
    return found.select(made.alias("column"), *path, *told, uses, pl.col("is_readable").alias("readable"))
