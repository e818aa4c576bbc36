"""Commands for those who answer for personal data: reveal, audit verify, audit show, audit prune.

Belongs here: options and printing. Must not: the work; cenote/reveal.py and cenote/audit.py do it.
"""

import sys
from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

app = typer.Typer(help="The audit log: who revealed, erased or exported what, and why.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command()(reveal)
    root.add_typer(app, name="audit")


def reveal(
    lineage_id: Annotated[str, typer.Argument(help="Lineage id of a record, as every table carries it.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log.")],
) -> None:
    """Print one raw record in clear text. Needs the vault's keys; the audit log has it before you see it.

    [bold]Examples[/bold]

      cenote reveal 5f0c9be2a1d34c7788e1f2a3-0000000042 --reason "access request 2026-117"
    """
    from cenote.reveal import reveal as open_record
    from cenote.workspace import Workspace

    found = open_record(Workspace(), lineage_id, reason)
    typer.echo(
        f"{found.dataset}, landed {found.landed_at:%Y-%m-%d %H:%M:%S} UTC, {found.subject_id or 'no owner'}", err=True
    )
    sys.stdout.flush()
    sys.stdout.buffer.write(found.payload + b"\n")


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="ENTRIES:MAC of an earlier verification; the log must still lead there.")
    ] = None,
) -> None:
    """Prove that no entry was altered, removed, moved or cut off. Exit code 1 where one was.

    Write the head it prints down elsewhere: it also shows that log and vault were not both set back to an older copy.

    [bold]Examples[/bold]

      cenote audit verify
      cenote audit verify --head 1204:9f3c5a...
    """
    from cenote.workspace import Workspace

    log = Workspace().vault.audit
    verdict = log.verify()
    problems = [
        *verdict.problems,
        *([] if head is None or log.leads_to(head) else [f"the log does not lead to {head}"]),
    ]
    for problem in problems:
        typer.secho(problem, fg="red", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"the audit log is whole: {verdict.entries:,} entries from number {verdict.first}")
    if verdict.beyond_anchor:
        typer.echo(f"{verdict.beyond_anchor:,} of them are newer than the vault: was it restored? See docs/privacy.md")
    typer.echo(f"head: {verdict.head}")


@app.command(name="show")
def show_entries(
    what: Annotated[str | None, typer.Option(help="Only entries of this kind, as reveal.")] = None,
    about: Annotated[str | None, typer.Option(help="Only entries about this lineage or subject id.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many, from the end.")] = 100,
    style: FormatOption = Format.table,
) -> None:
    """List entries of the audit log: number, time (UTC), OS user, what, about which ids, reason.

    [bold]Examples[/bold]

      cenote audit show --what reveal
      cenote audit show --about customer_3fa9c01d2b7e4455a1b2c3d4 --format json
    """
    from collections import deque
    from dataclasses import asdict

    import polars as pl

    from cenote.workspace import Workspace

    entries = Workspace().vault.audit.entries()
    wanted = (e for e in entries if what in (None, e.what) and (about is None or about in e.about))
    rows = [
        asdict(e) | {"about": ", ".join(e.about), "details": ", ".join(f"{k} {v}" for k, v in e.details.items())}
        for e in deque(wanted, maxlen=last)
    ]
    columns = ("n", "at", "who", "what", "about", "reason", "details")
    show(pl.DataFrame(rows, schema={c: pl.Int64 if c == "n" else pl.String for c in columns}), style)


@app.command()
def prune(
    years: Annotated[int, typer.Option(min=1, help="Keep entries of this many years.")] = 6,
) -> None:
    """Remove entries older than six years; what is left still proves itself whole, and the pruning is an entry itself.

    [bold]Examples[/bold]

      cenote audit prune
      cenote audit prune --years 10
    """
    from datetime import timedelta

    from cenote.audit import RETENTION
    from cenote.workspace import Workspace

    kept = RETENTION if years == 6 else timedelta(days=365.25 * years)
    typer.echo(f"removed {Workspace().vault.audit.prune(kept):,} entries")
