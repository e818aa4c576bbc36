"""The signing key of a lake, and Ed25519 signatures over certificates.

Belongs here: keys and signatures. Must not: what is signed. The private key is a secret of the vault: wrapped under the
vault key, rotated with it, and made when first needed. Without the vault there is no signature.
"""

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from cenote.errors import CertificateError
from cenote.vault import Vault

SECRET = "certificate"
ALGORITHM = "Ed25519"


def canonical(body: Any) -> bytes:
    """The bytes that are signed: JSON with sorted members and no spaces, in UTF-8 (RFC 8785; whole numbers only)."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(vault: Vault, body: Any) -> dict[str, str]:
    """A signature over a body, with the public key that it can be checked with. Raises ``VaultError``."""
    key = _private(vault)
    public = key.public_key()
    return {
        "algorithm": ALGORITHM,
        "key": fingerprint(public),
        "public_key": _text(_raw(public)),
        "value": _text(key.sign(canonical(body))),
    }


def holds(body: Any, value: str, public: Ed25519PublicKey) -> bool:
    """Whether a signature (base64) over a body was made with the key that belongs to ``public``."""
    try:
        public.verify(base64.b64decode(value, validate=True), canonical(body))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(vault: Vault) -> Ed25519PublicKey:
    """The public key of this lake."""
    return _private(vault).public_key()


def public_key_pem(vault: Vault) -> str:
    """The public key of this lake, to be given to whoever verifies certificates."""
    return public_key(vault).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(text: str) -> Ed25519PublicKey:
    """A public key in PEM, or its 32 bytes in base64. Raises ``CertificateError``."""
    try:
        if "BEGIN" not in text:
            return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
        key = load_pem_public_key(text.encode())
        if isinstance(key, Ed25519PublicKey):
            return key
    except ValueError:
        pass
    raise CertificateError("that is no public key of Ed25519", "give what `cenote certificate key` prints")


def fingerprint(public: Ed25519PublicKey) -> str:
    """Sixteen hex digits of the SHA-256 of a public key."""
    return hashlib.sha256(_raw(public)).hexdigest()[:16]


def _private(vault: Vault) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(vault.secret(SECRET))


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
