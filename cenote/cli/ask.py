"""Commands that ask the lake: status, sql, search.

Belongs here: options and printing. Must not: answering; cenote/lake.py does.
"""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    import polars as pl

    from cenote.verify.model import Problem
    from cenote.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(status)
    app.command()(sql)
    app.command()(search)
    app.command()(quarantine)


def status(
    style: FormatOption = Format.table,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="All of it as one JSON object, for a probe: is it well, what is wrong, tables."),
    ] = False,
) -> None:
    """Show every table with its rows and version, files that wait, erasures with their deadlines, and what is wrong.

    Exit code 1 if anything is wrong: the vault does not open, a stage failed when it last ran, an erasure is overdue,
    files wait for more than a day or have no contract. `cenote verify` looks at the data themselves.

    [bold]Examples[/bold]

      cenote status
      cenote status --json
      cenote status --format csv
    """
    import cenote
    from cenote import bronze
    from cenote.erasure.listing import listing
    from cenote.health import health

    lake = cenote.open()
    tables, problems = lake.tables(), health(lake.space)
    waiting = {name: n for name in lake.space.contracts if (n := len(bronze.waiting(lake.space, name)))}
    if as_json:
        told = {"healthy": not problems, "problems": [vars(p) for p in problems], "files_waiting": waiting}
        told |= {"erasures": listing(lake.space, every=False).to_dicts(), "tables": tables.to_dicts()}
        typer.echo(json.dumps(told, default=str, indent=2))
    elif style is Format.table:
        _tell(lake.space, tables, waiting, problems)
    else:
        show(tables, style)
    raise typer.Exit(bool(problems))


def _tell(space: "Workspace", tables: "pl.DataFrame", waiting: dict[str, int], problems: "list[Problem]") -> None:
    from cenote.erasure.listing import urgent

    shown = tables.select("layer", "table", "rows", "version", "committed_at", "bytes")
    show(shown, Format.table, title=f"Lake at {space.settings.home}")
    told = ", ".join(f"{name}: {n}" for name, n in waiting.items())
    typer.echo(f"files waiting: {told}; `cenote run` lands them" if told else "no files wait in the landing zone")
    for sentence in urgent(space):
        typer.secho(sentence, fg="yellow")
    for problem in problems:
        typer.secho(f"{problem.where}: {problem.what}", fg="red", err=True)
        typer.secho(f"  {problem.fix}", err=True)


def sql(
    query: Annotated[str, typer.Argument(help="DuckDB SQL; '-' reads it from standard input.")],
    style: FormatOption = Format.table,
) -> None:
    """Ask the lake in SQL. Schemas: bronze, silver, gold, graph, features, meta.

    Works while a run is writing: it reads the last committed version of every table.

    [bold]Examples[/bold]

      cenote sql "from gold.daily_cash order by day desc limit 7"
      cenote sql "select rule, count(*) from meta.quarantine group by all" --format csv
      cenote sql - --format json < question.sql
    """
    import cenote

    show(cenote.open().sql(sys.stdin.read() if query == "-" else query), style)


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages.")] = 5,
    namespace: Annotated[str | None, typer.Option(help="Only this kind of text: documents, reviews, turns ...")] = None,
    mode: Annotated[str, typer.Option(help="hybrid, vector or text.")] = "hybrid",
    distinct_below: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out hits as near to a better one as this cosine.")
    ] = None,
    reveal: Annotated[
        str | None, typer.Option(help="Why clear text must be seen. Needs the keys; written to the audit log.")
    ] = None,
    style: FormatOption = Format.table,
) -> None:
    """Find passages by meaning and by words.

    [bold]Examples[/bold]

      cenote search "my parcel never came"
      cenote search "refund policy" --namespace documents -k 3
      cenote search "battery" --mode text --format json
      cenote search "late parcel" --distinct-below 0.95
      cenote search "late parcel" -k 1 --reveal "complaint 2026-31"
    """
    import cenote

    hits = cenote.open().search(
        query, k=k, namespace=namespace, mode=mode, distinct_below=distinct_below, reveal=reveal
    )
    text = "text" if reveal is None else "clear_text"
    shown = hits.select("score", "namespace", "title", text, "lineage_id") if style is Format.table else hits
    show(shown, style)


def quarantine(
    dataset: Annotated[str | None, typer.Argument(help="Only this dataset.")] = None,
    records: Annotated[
        bool, typer.Option("--records", help="One line per record and rule, instead of counts.")
    ] = False,
    style: FormatOption = Format.table,
) -> None:
    """Show which records broke their contract, by rule and path. Values are never shown.

    [bold]Examples[/bold]

      cenote quarantine
      cenote quarantine orders --records --format csv
    """
    import polars as pl

    import cenote

    found = cenote.open().quarantine()
    if dataset:
        found = found.filter(pl.col("dataset") == dataset)
    if not records:
        counted = found.group_by("dataset", "rule", "path").agg(pl.col("lineage_id").n_unique().alias("records"))
        found = counted.sort("dataset", "records", "rule", "path", descending=[False, True, False, False])
    show(found, style)
