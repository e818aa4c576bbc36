"""Commands about people: subject plan, forget, restore, resume, status, lift.

Belongs here: options and printing. Must not: the work; cenote/erasure does it. Natural ids are read and never printed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    from datetime import timedelta

    from cenote.erasure.outcome import Outcome
    from cenote.erasure.people import People
    from cenote.workspace import Workspace

app = typer.Typer(help="People: what would go, erasing them, the queue of requests.", no_args_is_help=True)
Ids = Annotated[
    list[str] | None,
    typer.Argument(help="Pseudonyms (customer_3fa9...) or natural ids (customer:C-0001).", show_default=False),
]
File = Annotated[Path | None, typer.Option("--file", "-f", help="A file with one id on each line.")]
Entity = Annotated[str | None, typer.Option(help="The kind of person that natural ids name, as customer.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log.")]
Proof = Annotated[bool, typer.Option("--proof/--no-proof", help="Scan for residue at the end, and certify.")]


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(app, name="subject")


@app.command()
def plan(ids: Ids = None, file: File = None, entity: Entity = None, style: FormatOption = Format.table) -> None:
    """Show what an erasure would do, store by store, and change nothing. The audit log tells that you looked.

    [bold]Examples[/bold]

      cenote subject plan customer:C0000017
      cenote subject plan customer_5f3a0c9d8e7b6a5f4c3d2e1f --format json
      cenote subject plan --file people.txt --entity customer
    """
    import polars as pl

    from cenote import erasure
    from cenote.workspace import Workspace

    space = Workspace()
    found = erasure.plan(space, _people(space, ids, file, entity))
    columns = {"store": pl.String, "rows": pl.Int64, "what": pl.String, "why": pl.String}
    frame = pl.DataFrame([vars(line) for line in found.lines], schema=columns)
    show(frame, style, title=f"what erasing {_count(found.subjects)} would do")
    if not found.lines:
        typer.echo("the lake holds nothing of them; erasing leaves a tombstone all the same", err=True)
    for hold in found.holds:
        typer.echo(f"{hold.dataset}: {hold.rows:,} records stay without the person ({hold.reason})", err=True)
    if found.waiting:
        typer.echo(f"{found.waiting:,} files wait to be landed; what they hold is not counted", err=True)


@app.command()
def forget(
    reason: Reason,
    ids: Ids = None,
    file: File = None,
    entity: Entity = None,
    grace: Annotated[str, typer.Option(help="Hide now and erase later: 30d, 12h.")] = "0d",
    proof: Proof = True,
) -> None:
    """Erase people from every store, for good: keys, records, indexes, old versions.

    With --grace they are hidden from every door at once and erased when it ends; until then `restore` takes it back.
    A stopped erasure is finished by `cenote subject resume` or by the erasure job.

    [bold]Examples[/bold]

      cenote subject forget customer:C0000017 --reason "request 117"
      cenote subject forget --file people.txt --entity customer --reason "closed accounts" --grace 30d
    """
    from cenote import erasure
    from cenote.workspace import Workspace

    space = Workspace()
    who = _people(space, ids, file, entity)
    asked, outcome = erasure.forget(space, who, reason, _duration(grace), _step, certified=proof)
    if outcome is None:
        told = f"{_count(len(asked.subjects))} hidden from now on, erased after {asked.erase_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{asked.request_id}: {told}")
        return
    _tell(outcome, str(asked.state.get("certificate", "")))


@app.command()
def restore(
    request: Annotated[str, typer.Argument(help="The request, as `cenote subject status` lists it.")], reason: Reason
) -> None:
    """Take a request back while its grace lasts: its people are seen again.

    [bold]Examples[/bold]

      cenote subject restore erasure-20261121-1c63bf --reason "asked for by mistake"
    """
    from cenote import erasure
    from cenote.workspace import Workspace

    found = erasure.restore(Workspace(), request, reason)
    typer.echo(f"{found.request_id}: {_count(len(found.subjects))} seen again")


@app.command()
def resume(proof: Proof = True) -> None:
    """Go on with all that is due: ended graces, stopped erasures, and those that a restored lake has not been through.

    [bold]Examples[/bold]

      cenote subject resume
    """
    from cenote import erasure
    from cenote.workspace import Workspace

    done = erasure.resume(Workspace(), _step, certified=proof)
    for outcome in done:
        _tell(outcome)
    typer.echo(f"{len(done)} requests carried out")


@app.command()
def status(
    every: Annotated[bool, typer.Option("--all", help="Also those that are done or were taken back.")] = False,
    style: FormatOption = Format.table,
) -> None:
    """List requests: status, people, when they came, when they must be done, days left.

    [bold]Examples[/bold]

      cenote subject status
      cenote subject status --all --format json
    """
    from cenote.erasure.listing import listing
    from cenote.workspace import Workspace

    show(listing(Workspace(), every=every), style)


@app.command()
def lift(subject: Annotated[str, typer.Argument(help="The person's pseudonym, or entity:id.")], reason: Reason) -> None:
    """Take an erased person's tombstone away: their new records are welcome again. What was erased stays gone.

    [bold]Examples[/bold]

      cenote subject lift customer_5f3a0c9d8e7b6a5f4c3d2e1f --reason "is a customer again, ticket 204"
    """
    from cenote import erasure
    from cenote.workspace import Workspace

    space = Workspace()
    (who,) = _people(space, [subject], None, None).pseudonyms
    lifted = erasure.lift(space, who, reason)
    typer.echo("lifted; `cenote run` builds what follows" if lifted else "there is no tombstone for this person")


def _people(space: "Workspace", ids: list[str] | None, file: Path | None, entity: str | None) -> "People":
    from cenote.erasure.people import people, read_ids

    return people(space, [*(ids or []), *(read_ids(file) if file else [])], entity)


def _duration(text: str) -> "timedelta":
    import re
    from datetime import timedelta

    from cenote.errors import ErasureError

    match = re.fullmatch(r"(\d{1,4})([dh])", text.strip())
    if not match:
        raise ErasureError(f"{text!r} is no length of time", "write 30d or 12h")
    return timedelta(days=int(match[1])) if match[2] == "d" else timedelta(hours=int(match[1]))


def _step(name: str) -> None:
    typer.echo(f"  {name} ...", err=True)


def _tell(outcome: "Outcome", certificate: str = "") -> None:
    echo: Callable[[str], None] = typer.echo
    echo(f"{outcome.request_id}: {_count(len(outcome.subjects))} erased")
    for name, store in outcome.stores.items():
        if store.removed or store.rewritten:
            echo(f"  {name:<36} {store.removed:>9,} removed {store.rewritten:>9,} rewritten")
    for hold in outcome.holds:
        echo(f"  {hold.dataset:<36} {hold.rows:>9,} stay without the person ({hold.reason})")
    spent = {name: store.seconds for name, store in outcome.stores.items() if store.seconds}
    echo("  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items()))
    if certificate:
        echo(f"  certificate {certificate}: `cenote certificate show` tells what it says")


def _count(people: int) -> str:
    return f"{people:,} {'person' if people == 1 else 'people'}"
