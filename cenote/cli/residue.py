"""Commands that prove what is not there: residue, residue needles.

Belongs here: options, progress and printing. Must not: searching; cenote/residue does. A needle is never printed, and
never taken from the command line, where shells remember it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    from cenote.residue import Examined, Needle
    from cenote.residue.scan import Progress

app = typer.Typer(
    help="Search every file of the lake, decoded, for what must not be there.", invoke_without_command=True
)
OPAQUE_EXIT = 3
_COLUMNS = ("file", "where", "form", "needle", "kind")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(app, name="residue")


@app.callback(invoke_without_command=True)
def residue(
    context: typer.Context,
    needles: Annotated[
        Path | None, typer.Option("--needles", "-n", help="File of needles; - or nothing: typed, or piped in.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Another folder to search, such as a backup. Default: the lake.")
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Also ask search with the needles (the lake only).")
    ] = True,
    style: FormatOption = Format.table,
) -> None:
    """Search every file below the lake, decoded, for values that must not be there, in any disguise.

    Files of all versions count, deleted rows, free pages, logs, indexes, embeddings. It prints places and the number of
    the needle, never the needle. Exit code 1: something was found. 3: nothing, but some files could not be decoded.

    [bold]Examples[/bold]

      cenote residue needles customer_5f3a0c9d8e7b6a5f4c3d2e1f --reason "request 117" > needles.jsonl
      cenote residue --needles needles.jsonl
      cenote residue --folder /mnt/backup/data < needles.jsonl
    """
    if context.invoked_subcommand:
        return
    from cenote.residue.run import prove

    told = _read(needles)
    found = _with_progress(lambda advance: prove(told, folder, ask=ask, progress=advance), style)
    _tell(found, told, style)
    if not found.clean:
        raise typer.Exit(1 if found.hits else OPAQUE_EXIT)


@app.command(name="needles")
def make_needles(
    subjects: Annotated[list[str], typer.Argument(help="Pseudonyms, as silver has them.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log.")],
) -> None:
    """Make needles of a person's own sealed records, before they are erased. They name the person: keep them safe.

    What contracts keep in clear is left out, and what others have or wrote too.

    [bold]Examples[/bold]

      (umask 077; cenote residue needles customer_5f3a0c9d8e7b6a5f4c3d2e1f --reason "request 117" > needles.jsonl)
    """
    from collections import Counter

    from cenote.residue import needlefile
    from cenote.residue.gather import gather
    from cenote.whose import everybody
    from cenote.workspace import Workspace

    space = Workspace()
    found = gather(space, everybody(space, subjects), reason)
    needlefile.write(found, sys.stdout)
    kinds = ", ".join(f"{count} of kind {kind}" for kind, count in Counter(n.kind for n in found).items())
    typer.echo(f"{len(found)} needles: {kinds}. Remove the file when the scan is done.", err=True)


def _read(file: Path | None) -> "list[Needle]":
    from cenote.errors import CenoteError
    from cenote.residue import needlefile

    if file is not None and str(file) != "-":
        if not file.is_file():
            raise CenoteError(f"there is no file of needles at {file}", "make one with `cenote residue needles`")
        with file.open(encoding="utf-8") as lines:
            found = needlefile.read(lines)
    else:
        if sys.stdin.isatty():
            typer.echo("values to look for, a line each, then Ctrl-D:", err=True)
        found = needlefile.read(sys.stdin)
    if not found:
        raise CenoteError("there is nothing to look for", "give values, a line each")
    return found


def _with_progress(work: "Callable[[Progress], Examined]", style: Format) -> "Examined":
    from rich import progress
    from rich.console import Console

    shown = (progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn())
    console, quiet = Console(stderr=True), style is not Format.table
    with progress.Progress("searching", *shown, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("searching", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def _tell(found: "Examined", needles: "list[Needle]", style: Format) -> None:
    import json

    import polars as pl

    rows = [
        {"file": h.file, "where": h.where, "form": h.form, "needle": h.needle, "kind": needles[h.needle].kind}
        for h in found.hits
    ]
    if style is Format.json:
        typer.echo(json.dumps(found.as_dict() | {"hits": rows}, indent=2))
        return
    show(pl.DataFrame(rows, schema={c: pl.Int64 if c == "needle" else pl.String for c in _COLUMNS}), style)
    for name, why in found.reasons.items():
        typer.secho(f"opaque: {name}: {why}", fg="yellow", err=True)
    verdict = "found" if found.hits else "not everything could be decoded" if found.opaque else "clean"
    size = f"{found.bytes / 1e6:,.1f} MB, {found.searched / 1e6:,.1f} MB decoded at {found.speed:,.0f} MB/s"
    counts = f"{len(found.hits)} places, {found.needles} needles, {found.files:,} files, {size}"
    told = f"{verdict}: {counts}, {len(found.opaque)} opaque, {found.asked} questions to search"
    typer.secho(told, fg="green" if found.clean else "red", err=True)
