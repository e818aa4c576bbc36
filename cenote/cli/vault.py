"""Commands about the key vault: init, status, rotate, backup.

Belongs here: options and printing. Must not: keys; nothing here ever prints one.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The key vault: root key, vault key, and a key for every data subject.", no_args_is_help=True)


@app.command()
def init() -> None:
    """Make a root key (mode 0600) and a vault, unless they are there already.

    Keep the root key file safe and apart from backups of the lake: without it nothing sealed can be opened again.

    [bold]Examples[/bold]

      cenote vault init
      CENOTE_ROOT_KEY_KMS=alias/cenote cenote vault init
    """
    from cenote.settings import load_settings
    from cenote.vault import Vault

    settings = load_settings()
    Vault.create(settings)
    typer.echo(f"vault ready in {settings.vault}")


@app.command()
def status() -> None:
    """Count keys, and show every version of the vault key with the root key around it.

    [bold]Examples[/bold]

      cenote vault status
    """
    from cenote.settings import load_settings
    from cenote.vault import Vault

    vault = Vault.open(load_settings())
    for name, value in vault.status().items():
        typer.echo(f"{name.replace('_', ' '):<24} {value}")
    typer.echo(f"{'root key':<24} {vault.root_id}")
    for key in vault.versions():
        state = f"retired {key.retired_at}" if key.retired_at else "in use"
        typer.echo(f"{f'vault key {key.version}':<24} made {key.created_at}, {state}")
    if alive := vault.unshredded():
        told = f"{len(alive)} erased subjects have a key again: an older vault was restored."
        typer.secho(f"{told} Run `cenote vault reshred`.", fg="red", err=True)
        raise typer.Exit(1)


@app.command()
def rotate(
    root: Annotated[bool, typer.Option("--root", help="The root key, instead of the vault key.")] = False,
    to: Annotated[
        str | None,
        typer.Option(help="With --root: the new root key, a file (made where missing) or kms:KEY, alias/NAME, an ARN."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")] = "",
) -> None:
    """Make a new vault key, or root key, and wrap everything under it; the lake is not touched.

    Vault backups from before open only with the key that was the root key then: make a new backup afterwards.

    [bold]Examples[/bold]

      cenote vault rotate
      cenote vault rotate --root --reason "yearly rotation"
      cenote vault rotate --root --to alias/cenote
    """
    from cenote.errors import VaultError
    from cenote.settings import load_settings
    from cenote.vault import Vault
    from cenote.vault.rotation import rotate_root_key

    if to is not None and not root:
        raise VaultError("--to names a root key, and --root was not given", "add --root")
    settings = load_settings()
    vault = Vault.open(settings)
    if not root:
        typer.echo(f"vault key {vault.rotate_vault_key(reason)} is in use; the one before is destroyed")
        return
    setting = rotate_root_key(vault, settings, to, reason)
    typer.echo(f"the vault is under root key {vault.root_id}")
    if setting:
        typer.echo(f"set {setting} from now on, and unset the setting of the old root key; then destroy the old key")
    typer.echo("older backups of the vault open only with the old root key: make a new backup")


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A new file, or a folder that has no vault.db yet.")],
) -> None:
    """Copy the vault while it is in use. Without the root key, which is not in it, the copy opens nothing.

    [bold]Examples[/bold]

      cenote vault backup /mnt/safe/vault-2026-11-21.db
    """
    from cenote.settings import load_settings
    from cenote.vault import Vault

    typer.echo(f"wrote {Vault.open(load_settings()).backup(to)}; keep the root key apart from it")


@app.command()
def reshred() -> None:
    """Shred again what the audit log says was shredded: to be run after an older vault was restored.

    [bold]Examples[/bold]

      cenote vault reshred
    """
    from cenote.settings import load_settings
    from cenote.vault import Vault

    vault = Vault.open(load_settings())
    subjects = vault.unshredded()
    typer.echo(f"shredded {vault.shred(subjects, 'an older vault was restored') if subjects else 0} keys again")
