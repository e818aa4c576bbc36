"""Replacing the root key so that a stop at any moment leaves a vault that opens.

Belongs here: the order of steps on the root key's file. Must not: wrapping (vault.py). The new key is written whole
beside the old (``<file>.next``), then the vault goes under it in one transaction, then it takes the old one's place.
After a stop in between, whoever opens the vault next sees which of the two it is under and finishes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault import store
from cenote.vault.creation import folder_lock
from cenote.vault.root import (
    LocalRootKey,
    RootKey,
    create_root_key_file,
    kms_root_key,
    load_root_key,
    read_root_key_file,
    root_key_file,
    sync_folder,
)

if TYPE_CHECKING:
    from cenote.vault.vault import Vault

_KMS = ("kms:", "arn:", "alias/")


def current_root_key(settings: Settings, vault: Path) -> RootKey:
    """The root key of the settings, after a rotation that was stopped is finished. Raises ``VaultError``."""
    if _is_file(settings) and _next(root_key_file(settings)).is_file():
        with folder_lock(settings.vault):
            _finish(root_key_file(settings), vault)
    return load_root_key(settings)


def rotate_root_key(vault: "Vault", settings: Settings, to: str | None = None, reason: str = "") -> str:
    """Put the vault under another root key and return what the settings must say now; empty where nothing changes.

    ``to``: a root key file (made where there is none) or a KMS key (``kms:<id>``, ``alias/...``, an ARN). Without it,
    a new key takes the place of the present root key file, and a KMS key wraps anew under its newest material. Raises
    ``VaultError``.
    """
    with folder_lock(settings.vault):
        if _is_file(settings):
            _finish(root_key_file(settings), vault.path)
        vault.versions()  # takes over what another process rotated meanwhile
        if to is not None:
            return _move(vault, to, reason)
        if settings.root_key_kms is not None:
            vault.rotate_root_key(kms_root_key(settings.root_key_kms), reason)
            return ""
        if settings.root_key is not None:
            raise VaultError(
                "the root key is given as CENOTE_ROOT_KEY, which this process cannot change",
                "name the new key with --to: a file (it is made, mode 0600), or a KMS key",
            )
        _replace(vault, root_key_file(settings), reason)
        return ""


def _move(vault: "Vault", to: str, reason: str) -> str:
    if to.startswith(_KMS):
        key_id = to.removeprefix("kms:")
        vault.rotate_root_key(kms_root_key(key_id), reason)
        return f"CENOTE_ROOT_KEY_KMS={key_id}"
    file = Path(to).expanduser().absolute()
    create_root_key_file(file)  # one that is there is taken as it is
    vault.rotate_root_key(read_root_key_file(file), reason)
    return f"CENOTE_ROOT_KEY_FILE={file}"


def _replace(vault: "Vault", file: Path, reason: str) -> None:
    coming = _next(file)
    create_root_key_file(coming)
    vault.rotate_root_key(read_root_key_file(coming), reason)
    coming.rename(file)
    sync_folder(file.parent)


def _finish(file: Path, vault: Path) -> None:
    """Bring a stopped rotation to its end, or to nothing where the vault had not gone under the new key."""
    coming = _next(file)
    if not coming.is_file():
        return
    with store.transaction(vault) as connection:
        ids = {root_id for (root_id,) in connection.execute("SELECT root_id FROM vault_keys WHERE retired_at IS NULL")}
    if _id(coming) in ids:
        coming.rename(file)
    elif _id(file) in ids:
        coming.unlink()
    sync_folder(file.parent)


def _id(file: Path) -> str | None:
    try:
        key: LocalRootKey = read_root_key_file(file)
    except VaultError:
        return None
    return key.id


def _next(file: Path) -> Path:
    return file.with_name(f"{file.name}.next")


def _is_file(settings: Settings) -> bool:
    return settings.root_key is None and settings.root_key_kms is None
