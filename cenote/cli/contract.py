"""Commands about data contracts: lint, infer.

Belongs here: options and printing. Must not: reading or drafting contracts.
"""

from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Draft a contract for unseen JSON: types, keys, nesting, classification, masks, each with its reason.

    The draft goes to standard output; read it before you trust it.

    [bold]Examples[/bold]

      cenote contract infer export.jsonl > contracts/export.yaml
      cenote contract infer part-*.json.gz --dataset orders
    """
    from cenote.infer import draft_contract

    typer.echo(draft_contract(files, dataset))
