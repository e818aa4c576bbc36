"""The command `cenote run`: materialize what is stale, through Dagster, with progress shown.

Belongs here: the command's options and what it prints. Must not: Dagster at import time; `cenote --help` has to be
quick.
"""

import gc
from typing import Annotated

import typer


def run(
    select: Annotated[
        str | None,
        typer.Option(
            help="Assets to run, in Dagster's selection syntax: 'gold/*', 'silver/orders+', 'group:features'."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the selected tables anew, silver from bronze.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document: key, rows, seconds, table version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show full errors on this terminal. They may quote data.")
    ] = False,
) -> None:
    """Run the pipeline: land what waits, and bring every table, index and feature up to date.

    Only what is stale is run. Nothing new means nothing to do.

    [bold]Examples[/bold]

      cenote run                              everything that is stale
      cenote run --select gold/daily_cash     one mart
      cenote run --select 'silver/orders+'    a table and all that comes of it
      cenote run --rebuild --select 'group:silver'
      cenote run --json | jq '.assets[].seconds'
    """
    from cenote.settings import load_settings
    from cenote.workspace import Workspace

    _ = Workspace(load_settings()).vault  # without a usable key, say so before Dagster is loaded
    from pipelines.run import run_pipeline

    gc.freeze()  # what was imported stays: the collector need not look through it again and again
    outcome = run_pipeline(select=select, rebuild=rebuild, quiet=as_json, debug=debug)
    if as_json:
        typer.echo(outcome.to_json())
    raise typer.Exit(0 if outcome.success else 1)
