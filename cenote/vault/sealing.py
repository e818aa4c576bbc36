"""AES-256-GCM: sealing many payloads, and wrapping one key under another.

Belongs here: the cipher, its nonces, its framing (``nonce || ciphertext || tag``). Must not: where keys come from.
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cenote.errors import VaultError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD = NONCE_BYTES + TAG_BYTES


def new_key() -> bytes:
    """A random 256-bit key."""
    return os.urandom(KEY_BYTES)


def new_keys(count: int) -> list[bytes]:
    """Random 256-bit keys, from one read of the system's randomness."""
    pool = os.urandom(KEY_BYTES * count)
    return [pool[start : start + KEY_BYTES] for start in range(0, len(pool), KEY_BYTES)]


def cipher(key: bytes) -> AESGCM:
    """The cipher of a 256-bit key. Raises ``VaultError`` for any other length."""
    if len(key) != KEY_BYTES:
        raise VaultError(f"a key has {len(key) * 8} bits, not {KEY_BYTES * 8}", "restore the vault from its backup")
    return AESGCM(key)


def seal(
    ciphers: Sequence[AESGCM], payloads: Sequence[bytes], aads: Sequence[bytes], nonces: bytes | None = None
) -> list[bytes]:
    """Seal each payload under its cipher, bound to its associated data.

    ``nonces``: 12 bytes per payload; random unless given (test vectors). One read of the system's randomness does.
    """
    nonces = os.urandom(NONCE_BYTES * len(payloads)) if nonces is None else nonces
    starts = range(0, NONCE_BYTES * len(payloads), NONCE_BYTES)
    return [
        (nonce := nonces[start : start + NONCE_BYTES]) + key.encrypt(nonce, payload, aad)
        for start, key, payload, aad in zip(starts, ciphers, payloads, aads, strict=True)
    ]


def unseal(ciphers: Sequence[AESGCM | None], sealed: Sequence[bytes], aads: Sequence[bytes]) -> list[bytes | None]:
    """Open each sealed payload; None where there is no cipher. Raises ``VaultError`` where one was altered or moved."""
    try:
        return [
            key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], aad) if key else None
            for key, box, aad in zip(ciphers, sealed, aads, strict=True)
        ]
    except (InvalidTag, ValueError):
        raise VaultError(
            "a sealed payload does not open: it was altered, moved to another place, or sealed under another key",
            "restore the table from a backup, or land the batch again",
        ) from None


def wrap(under: AESGCM, key: bytes, what: str) -> bytes:
    """Seal a key under another; ``what`` names it, and it unwraps under no other name."""
    return seal([under], [key], [what.encode()])[0]


def unwrap(under: AESGCM, wrapped: bytes, what: str) -> bytes:
    """Open a wrapped key. Raises ``VaultError`` where it was altered, or belongs to another name."""
    try:
        return under.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], what.encode())
    except (InvalidTag, ValueError, TypeError):
        raise VaultError(
            "a key in the vault does not open: the vault was altered or is damaged", "restore the vault from its backup"
        ) from None
