"""The command that gives a person all their data: subject export.

Belongs here: options and printing. Must not: collecting; cenote/export does.
"""

from pathlib import Path
from typing import Annotated

import typer


def register(subject: typer.Typer) -> None:
    """Add this command to the group ``subject``."""
    subject.command(name="export")(export)


def export(
    who: Annotated[str, typer.Argument(help="Pseudonym, or natural id; both may name a person.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="A new .zip file, outside of the lake.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log.")],
) -> None:
    """Write all that the lake holds about a person to a ZIP: raw and derived, as JSON, with a page to read it.

    Other people in the person's records are left out. The file is in clear text: hand it over safely, then remove it.

    [bold]Examples[/bold]

      cenote subject export customer_5f3a0c9d8e7b6a5f4c3d2e1f --to export.zip --reason "access request 2026-117"
    """
    from cenote.export import export as write
    from cenote.whose import pseudonyms
    from cenote.workspace import Workspace

    space = Workspace()
    found = write(space, pseudonyms(space, who), to, reason)
    for name, rows in found.rows.items():
        typer.echo(f"{rows:>8,}  {name}")
    typer.echo(f"wrote {found.file}")
