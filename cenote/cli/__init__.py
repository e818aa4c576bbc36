"""The command line: one module per family of commands.

Belongs here: the application and how errors are shown. Must not: heavy imports; `cenote --help` answers at once.
"""

import sys
from importlib.metadata import entry_points
from types import ModuleType

import typer

from cenote.cli import (
    agents,
    ask,
    certificate,
    changes,
    columns,
    contract,
    data,
    door,
    features,
    graph,
    operations,
    privacy,
    residue,
    retention,
    subject,
    subject_export,
    text,
    trace,
    vault,
)
from cenote.errors import CenoteError, of_the_disk

app = typer.Typer(
    name="cenote",
    help="A privacy-first lakehouse on one machine: JSON in; marts, search, graph and features out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def start() -> None:
    """A privacy-first lakehouse on one machine: JSON in; marts, search, graph and features out."""
    from cenote.events import log_to_stderr
    from cenote.settings import load_settings

    log_to_stderr(load_settings())


for module in (
    data,
    ask,
    door,
    features,
    agents,
    columns,
    privacy,
    text,
    operations,
    residue,
    retention,
    certificate,
    changes,
    subject,
    trace,
):
    module.register(app)
subject_export.register(subject.app)
app.add_typer(graph.app, name="graph")
app.add_typer(contract.app, name="contract")
app.add_typer(vault.app, name="vault")
# The pipeline registers its own command, so that this package need not know Dagster.
for point in entry_points(group="cenote.commands"):
    app.command(point.name)(point.load())


def _import_help() -> None:
    """Import what draws help without Markdown and tracebacks, a third of the time, which our help does not use."""
    unused = {f"rich.{name.lower()}": name for name in ("Markdown", "Traceback")}
    for module, name in list(unused.items()):
        if module in sys.modules:
            del unused[module]
        else:
            sys.modules[module] = ModuleType(module)
            setattr(sys.modules[module], name, None)
    try:
        import typer.rich_utils  # noqa: F401
    finally:
        for module in unused:
            del sys.modules[module]


def main() -> None:
    """Run the command line; foreseen errors are told without a stack trace, exit code 1."""
    if not {"-h", "--help"}.isdisjoint(sys.argv) or len(sys.argv) == 1:
        _import_help()
    try:
        app()
    except (CenoteError, OSError) as error:
        told = error if isinstance(error, CenoteError) else of_the_disk(error, "the lake")
        if told is None:
            raise
        typer.secho(f"error: {told}", fg="red", err=True)
        sys.exit(1)
