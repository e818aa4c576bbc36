"""The root key: who holds it, and reading it safely. It wraps the vault keys and nothing else.

Belongs here: root key providers. Must not: the vault's content. A provider whose key never leaves a key service is a
``RootKey`` too: it wraps and unwraps remotely. There is no default key; whatever is unsafe is an error.
"""

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault.sealing import KEY_BYTES, cipher, new_key, unwrap, wrap

HEX_DIGITS = 2 * KEY_BYTES


class RootKey(Protocol):
    """What wraps the vault keys."""

    @property
    def id(self) -> str:
        """Names the key without telling anything of it; a vault refuses a root key with another id."""

    def wrap(self, key: bytes, what: str) -> bytes:
        """Wrap a vault key; ``what`` names it."""

    def unwrap(self, wrapped: bytes, what: str) -> bytes:
        """Unwrap a vault key. Raises ``VaultError``."""


class LocalRootKey:
    """A root key that this process holds. Wrapping key and id are derived from it (HKDF-SHA-256, RFC 5869)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise VaultError(f"the root key has {len(key)} bytes instead of {KEY_BYTES}", "give a key of 64 hex digits")
        self._cipher = cipher(derive(key, b"cenote/root/wrap"))
        self._id = f"local:{derive(key, b'cenote/root/id')[:8].hex()}"

    @property
    def id(self) -> str:
        """Key check value: sixteen hex digits derived from the key one way."""
        return self._id

    def wrap(self, key: bytes, what: str) -> bytes:
        """Wrap a vault key; ``what`` names it."""
        return wrap(self._cipher, key, what)

    def unwrap(self, wrapped: bytes, what: str) -> bytes:
        """Unwrap a vault key. Raises ``VaultError``."""
        return unwrap(self._cipher, wrapped, what)


def load_root_key(settings: Settings) -> RootKey:
    """The root key that the settings point to: a key service, the key itself, else its file. Raises ``VaultError``."""
    if settings.root_key_kms is not None:
        if settings.root_key is not None or settings.root_key_file is not None:
            raise VaultError("CENOTE_ROOT_KEY_KMS is set, and a local root key too", "unset the one that is not meant")
        return kms_root_key(settings.root_key_kms)
    if settings.root_key is not None:
        return LocalRootKey(_parse(settings.root_key.get_secret_value(), "CENOTE_ROOT_KEY"))
    return read_root_key_file(root_key_file(settings))


def read_root_key_file(file: Path) -> LocalRootKey:
    """The root key that a file holds, which only its owner may read. Raises ``VaultError``."""
    return LocalRootKey(_parse(_read_private(file), f"the root key file {file}"))


def kms_root_key(key_id: str) -> RootKey:
    """A root key of AWS KMS, by key id, alias or ARN. Raises ``VaultError``."""
    from cenote.vault.kms import KmsRootKey

    return KmsRootKey(key_id)


def root_key_file(settings: Settings) -> Path:
    """Where the root key file is, or would be."""
    return settings.root_key_file or settings.vault / "root.key"


def create_root_key_file(file: Path) -> None:
    """Write a new random root key, readable by the owner alone. A key that is there already stays untouched."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(f"{new_key().hex()}\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)  # unlike a rename, this never replaces a key
        sync_folder(file.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose: HKDF-SHA-256 without salt, the key being uniformly random already."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)


def _parse(text: str, source: str) -> bytes:
    digits = text.strip()
    fix = "give 64 hex digits of a random 256-bit key, or restore the key that this vault was made with"
    if len(digits) != HEX_DIGITS:
        raise VaultError(f"{source} holds {len(digits)} characters instead of {HEX_DIGITS} hex digits", fix)
    if set(digits.lower()) - set("0123456789abcdef"):
        raise VaultError(f"{source} holds characters that are not hex digits", fix)
    return bytes.fromhex(digits)


def _read_private(file: Path) -> str:
    """Read a file that only its owner may read; what is checked is the opened file, so it cannot be swapped between."""
    try:
        with file.open("rb") as source:
            info = os.fstat(source.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise VaultError(f"the root key file {file} is no regular file", "point CENOTE_ROOT_KEY_FILE to a file")
            if info.st_mode & 0o077:
                raise VaultError(
                    f"the root key file {file} can be read by others (mode {stat.S_IMODE(info.st_mode):04o})",
                    f"run: chmod 600 {file}; if others may have read it, rotate the root key",
                )
            return source.read(4096).decode("ascii", errors="replace")
    except FileNotFoundError:
        raise VaultError(
            f"there is no root key: {file} does not exist, and neither CENOTE_ROOT_KEY nor CENOTE_ROOT_KEY_KMS is set",
            "restore the root key, or run `cenote vault init` for a new lake",
        ) from None
    except OSError as error:
        why = f"the root key file {file} cannot be read: {error.strerror}"
        raise VaultError(why, "check its owner and mode") from None
