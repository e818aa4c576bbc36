"""The command that traces rows: trace.

Belongs here: options and printing. Must not: tracing; cenote/trace does.
"""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.tree import Tree

    from cenote.trace import Part, Trace

_SHOWN = 5


class Picture(StrEnum):
    """How a trace is printed."""

    tree = "tree"
    json = "json"
    mermaid = "mermaid"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(trace)


def trace(
    what: Annotated[
        list[str],
        typer.Argument(help="A lineage id of any store; or a table and the values of its key.", show_default=False),
    ],
    subject: Annotated[
        bool, typer.Option("--subject", help="WHAT is a subject_id: show the person's whole footprint.")
    ] = False,
    style: Annotated[
        Picture, typer.Option("--format", "-f", help="tree for people; json; mermaid for a picture.")
    ] = Picture.tree,
    all_ids: Annotated[bool, typer.Option("--all", help="Show every id of a part, not only the first few.")] = False,
) -> None:
    """Show what a row was made of, up to the landed file, and what was made of it. Never shows a payload.

    [bold]Examples[/bold]

      cenote trace gold.daily_cash 2026-11-01
      cenote trace 4f0c2a9be07f8a35d1c6e2b9-0000000012
      cenote trace silver.orders ORD-000123 --format json
      cenote trace customer_5f3a0c9d8e7b6a5f4c3d2e1f --subject
    """
    import cenote
    from cenote import trace as tracing
    from cenote.errors import CenoteError

    space = cenote.open().space
    if subject and len(what) != 1:
        raise CenoteError("--subject takes one subject_id", "give it as silver has it, in the column subject_id")
    found = tracing.footprint(space, what[0]) if subject else tracing.trace(space, *what)
    if style is Picture.json:
        typer.echo(json.dumps(found.as_dict(None), ensure_ascii=False, indent=2))
    elif style is Picture.mermaid:
        typer.echo(found.mermaid(), nl=False)
    else:
        _print(found, None if all_ids else _SHOWN)


def _print(found: "Trace", limit: int | None) -> None:
    from rich.console import Console
    from rich.tree import Tree

    console = Console()
    top = Tree(_label(found.start))
    _facts(top, found.start, limit)
    for title, parts in (("made of", found.start.made_of), ("makes", found.start.makes)):
        if parts:
            branch = top.add(f"[bold]{title}[/bold]")
            for part in parts:
                _add(branch, part, limit)
    console.print(top, highlight=False)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", highlight=False)


def _add(tree: "Tree", part: "Part", limit: int | None) -> None:
    branch = tree.add(_label(part))
    _facts(branch, part, limit)
    for below in (*part.made_of, *part.makes):
        _add(branch, below, limit)


def _label(part: "Part") -> str:
    count = f" [dim]{len(part.ids):,} row{'' if len(part.ids) == 1 else 's'}[/dim]"
    version = f" [dim]version {part.version}[/dim]" if part.version is not None else ""
    run = f" [dim]run {part.run_id}[/dim]" if part.run_id else ""
    note = f" [yellow]({part.note})[/yellow]" if part.note else ""
    return f"[cyan]{part.table}[/cyan]{count}{version}{run}{note}"


def _facts(tree: "Tree", part: "Part", limit: int | None) -> None:
    for lineage_id in part.ids[:limit]:
        told = ", ".join(f"{k} {_plain(v)}" for k, v in part.facts.get(lineage_id, {}).items())
        tree.add(f"{lineage_id}{f'  [dim]{told}[/dim]' if told else ''}")
    if limit is not None and len(part.ids) > limit:
        tree.add(f"[dim]... {len(part.ids) - limit:,} more (--all shows them)[/dim]")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
