"""Commands about the key vault: init, status.

Belongs here: options and printing. Must not: keys; nothing here ever prints one.
"""

import typer

app = typer.Typer(help="The key vault: root key, vault key, and a key for every data subject.", no_args_is_help=True)


@app.command()
def init() -> None:
    """Make a root key (mode 0600) and a vault, unless they are there already.

    Keep the root key file safe and apart from backups of the lake: without it nothing sealed can be opened again.
    """
    from cenote.settings import load_settings
    from cenote.vault import Vault

    settings = load_settings()
    Vault.create(settings)
    typer.echo(f"vault ready in {settings.vault}")


@app.command()
def status() -> None:
    """Count keys and versions."""
    from cenote.settings import load_settings
    from cenote.vault import Vault

    for name, value in Vault.open(load_settings()).status().items():
        typer.echo(f"{name.replace('_', ' '):<24} {value}")
