"""Commands that bring data in and give it back: sample, land, replay.

Belongs here: options and printing. Must not: the work; cenote/sample and cenote/bronze.py do it.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(sample)
    app.command()(land)
    app.command()(replay)
    app.command()(batches)


def sample(
    customers: Annotated[
        int, typer.Option(min=1, help="How many customers; records grow with them, about 30 each.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 42,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the story (UTC). Default: today.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: the landing zone.")] = None,
) -> None:
    """Write the sample shop: 11 datasets of raw JSON with the mess of real life, into the landing zone.

    [bold]Examples[/bold]

      cenote sample
      cenote sample --customers 100000 --seed 7
      cenote sample --until 2026-11-01 --out /tmp/shop
    """
    from rich.console import Console
    from rich.progress import Progress

    from cenote.sample import generate
    from cenote.settings import load_settings

    day = (until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    folder = out or load_settings().landing
    console = Console()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("writing the sample shop", total=customers)
        summary = generate(
            folder, customers, seed, day, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    total = sum(summary.records.values())
    console.print(
        f"Wrote {total:,} records of {len(summary.records)} datasets for {customers:,} customers to {folder}",
        highlight=False,
    )


def land(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="JSON files; they are left in place.")
    ],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Dataset that the files belong to.")],
    pointer: Annotated[
        str | None, typer.Option(help="Land only this part of a JSON document (JSON Pointer, as /Customer).")
    ] = None,
) -> None:
    """Land files that lie elsewhere into bronze. They stay where they are; the same content lands once.

    [bold]Examples[/bold]

      cenote land export-2026-11-*.jsonl.gz --dataset orders
      cenote land ChinookData.json --dataset customer --pointer /Customer
    """
    from cenote import bronze
    from cenote.workspace import Workspace

    report = bronze.land(Workspace(), dataset, files, consume=False, pointer=pointer)
    told = ", ".join(
        f"{name.replace('_', ' ')}: {count:,}" for name, count in report.details.items() if isinstance(count, int)
    )
    typer.echo(f"landed {report.written:,} records in {report.table} ({told}); `cenote run` builds what follows")


def replay(
    batch: Annotated[str, typer.Argument(help="Batch id; `cenote batches` lists them.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write. Default: standard output.")] = None,
) -> None:
    """Give a landed file back, byte for byte, from bronze. Needs the vault's keys.

    [bold]Examples[/bold]

      cenote replay 5f0c9be2a1d34c7788e1f2a3 > orders.jsonl
      cenote replay 5f0c9be2a1d34c7788e1f2a3 --out orders.jsonl
    """
    from cenote import bronze
    from cenote.workspace import Workspace

    if out is None:
        bronze.replay(Workspace(), batch, sys.stdout.buffer)
        return
    with out.open("wb") as handle:
        bronze.replay(Workspace(), batch, handle)


def batches(style: FormatOption = Format.table) -> None:
    """List the landed files: batch id, dataset, records, bytes, digest, time.

    [bold]Examples[/bold]

      cenote batches
      cenote batches --format json
    """
    import cenote

    show(cenote.open().batches(), style)
