"""Commands about data contracts: lint, infer, drift, diff.

Belongs here: options and printing. Must not: reading, drafting or comparing contracts.
"""

from pathlib import Path
from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

app = typer.Typer(help="Check and draft data contracts.", no_args_is_help=True, rich_markup_mode="rich")


@app.command()
def lint(
    folder: Annotated[Path | None, typer.Argument(help="Folder of contracts. Default: the lake's.")] = None,
) -> None:
    """Read every contract and say what is wrong, with exit code 1 if anything is.

    [bold]Examples[/bold]

      cenote contract lint
      cenote contract lint ./contracts
    """
    from cenote.contracts import lint_contracts
    from cenote.settings import load_settings

    problems = lint_contracts(folder or load_settings().contracts)
    for file, told in problems.items():
        typer.secho(f"{file}: {'ok' if not told else ''}", fg="red" if told else "green")
        for line in told:
            typer.echo(f"  {line}")
    raise typer.Exit(1 if any(problems.values()) else 0)


@app.command()
def infer(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="JSON files of one dataset.")],
    dataset: Annotated[str | None, typer.Option(help="Name of the dataset. Default: the first file's name.")] = None,
    pointer: Annotated[str | None, typer.Option(help="Only this value of a JSON document, such as /items.")] = None,
) -> None:
    """Draft a contract for unseen JSON: types, keys, nesting, classification, masks, each with its reason.

    The draft goes to standard output; read it before you trust it.

    [bold]Examples[/bold]

      cenote contract infer export.jsonl > contracts/export.yaml
      cenote contract infer part-*.json.gz --dataset orders
      cenote contract infer dump.json --pointer /Customer --dataset customers > contracts/customers.yaml
    """
    from cenote.infer import draft_contract

    typer.echo(draft_contract(files, dataset, pointer), nl=False)


@app.command()
def drift(
    dataset: Annotated[str | None, typer.Argument(help="Only this dataset. Default: all.")] = None,
    style: FormatOption = Format.table,
) -> None:
    """List fields that no contract names: path, records, when first and last; exit code 1 if any is new.

    They stay in bronze. Name them in the contract, with a class and a mask, and silver is built anew with them. New are
    those that were not there when silver was first built under its contract.

    [bold]Examples[/bold]

      cenote contract drift
      cenote contract drift orders --format json
    """
    from cenote.drift import report
    from cenote.workspace import Workspace

    found = report(Workspace(), [dataset] if dataset else None)
    if found.height or style is not Format.table:
        show(found, style)
    else:
        typer.echo("contracts name every field that arrived")
    raise typer.Exit(1 if found["is_new"].any() else 0)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The contract as it was.")],
    new: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The contract as it is to be.")],
    style: FormatOption = Format.table,
) -> None:
    """Tell breaking from safe changes between two versions of a contract, with exit code 1 if any is breaking.

    [bold]Examples[/bold]

      cenote contract diff old/orders.yaml contracts/orders.yaml
      cenote contract diff old/orders.yaml contracts/orders.yaml --format json
    """
    import polars as pl

    from cenote.contract_diff import diff as compare
    from cenote.contracts import load_contract

    changes = compare(load_contract(old), load_contract(new))
    rows = [("breaking" if c.breaking else "safe", c.path, c.what) for c in changes]
    if rows or style is not Format.table:
        show(pl.DataFrame(rows, schema=["change", "path", "what"], orient="row"), style)
    else:
        typer.echo("no changes")
    raise typer.Exit(1 if any(c.breaking for c in changes) else 0)
