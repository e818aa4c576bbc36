"""Commands about what a lake keeps, and how: retention, cold, compact.

Belongs here: options and printing. Must not: removing or rewriting; cenote/retention and cenote/compaction.py do.
"""

from typing import Annotated, Any

import typer

from cenote.cli.show import Format, FormatOption, show

_APPLY = typer.Option("--apply", help="Do it. Without it nothing is changed.")


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(retention)
    app.command()(cold)
    app.command()(compact)


def retention(apply: Annotated[bool, _APPLY] = False, style: FormatOption = Format.table) -> None:
    """Show, or remove, what has passed its limit: rows, passages, features, exports, audit entries, media rights.

    Limits stand in the contracts (docs/rights.md). What goes leaves the files, indexes and older versions too.

    [bold]Examples[/bold]

      cenote retention
      cenote retention --apply
    """
    from cenote.retention import expire, plan
    from cenote.workspace import Workspace

    space = Workspace()
    found = expire(space) if apply else plan(space)
    _show([vars(expiry) for expiry in found], ("table", "rule", "before", "rows"), style, "removed", apply)


def cold(
    apply: Annotated[bool, _APPLY] = False,
    at_once: Annotated[bool, typer.Option("--now", help="Small amounts too, which else wait for more.")] = False,
    style: FormatOption = Format.table,
) -> None:
    """Show, or recompress, old batches of bronze into few large files; landed files still come back byte for byte.

    `CENOTE_COLD_AFTER_DAYS` and `CENOTE_COLD_LEVEL` say what is old, and how hard it is compressed.

    [bold]Examples[/bold]

      cenote cold
      cenote cold --apply
    """
    from cenote.retention.cold import cool, plan
    from cenote.workspace import Workspace

    space = Workspace()
    found = cool(space, at_once=at_once) if apply else plan(space, at_once=at_once)
    _show([vars(c) for c in found], ("dataset", "before", "files", "bytes", "cold_bytes"), style, "recompressed", apply)


def compact(
    apply: Annotated[bool, _APPLY] = False,
    at_once: Annotated[bool, typer.Option("--now", help="Small amounts too, which else wait for more.")] = False,
    style: FormatOption = Format.table,
) -> None:
    """Show, or write again, small files of silver as few large ones clustered by person: lookups read little then.

    No row changes, so marts, features and passages stay up to date. The files stay until older versions are dropped.

    [bold]Examples[/bold]

      cenote compact
      cenote compact --apply --now
    """
    from cenote import compaction
    from cenote.workspace import Workspace

    space = Workspace()
    found = compaction.compact(space, at_once=at_once) if apply else compaction.plan(space, at_once=at_once)
    names = ("table", "files", "rows", "bytes", "made", "made_bytes")
    _show([vars(c) for c in found], names, style, "compacted", apply)


def _show(rows: list[dict[str, Any]], names: tuple[str, ...], style: Format, did: str, applied: bool) -> None:
    import polars as pl

    frame = pl.DataFrame(rows) if rows else pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    show(frame.select(names), style, did if applied else f"would be {did}")
