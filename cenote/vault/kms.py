"""A root key that never leaves AWS KMS: it wraps and unwraps the vault key there.

Belongs here: the calls to KMS. Must not: anything of the vault. Needs boto3 (the extra ``kms``); region and
credentials come from the usual AWS settings (environment, profile, instance role). Permissions: ``kms:DescribeKey``,
``kms:Encrypt``, ``kms:Decrypt`` on the one key. What is wrapped is named in the encryption context, so KMS's own log
shows it.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from cenote.errors import VaultError

_SECONDS = 10
_ATTEMPTS = 3


class KmsRootKey:
    """A symmetric key of AWS KMS. Its id is derived from its ARN, so an alias and the key behind it are the same."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._client = _client(key_id)
        metadata = _ask(lambda: self._client.describe_key(KeyId=key_id), key_id)["KeyMetadata"]
        self._arn = metadata["Arn"]
        if not metadata.get("Enabled", True):
            raise VaultError(f"the KMS key {key_id} is disabled", "enable it, or cancel its deletion")

    @property
    def id(self) -> str:
        """``kms:`` and sixteen hex digits of the SHA-256 of the key's ARN."""
        return f"kms:{hashlib.sha256(self._arn.encode()).hexdigest()[:16]}"

    def wrap(self, key: bytes, what: str) -> bytes:
        """Wrap a vault key; ``what`` names it. Raises ``VaultError``."""
        request = {"KeyId": self._arn, "Plaintext": key, "EncryptionContext": {"cenote": what}}
        return bytes(_ask(lambda: self._client.encrypt(**request), self._key_id)["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, what: str) -> bytes:
        """Unwrap a vault key. Raises ``VaultError``."""
        request = {"KeyId": self._arn, "CiphertextBlob": bytes(wrapped), "EncryptionContext": {"cenote": what}}
        return bytes(_ask(lambda: self._client.decrypt(**request), self._key_id)["Plaintext"])


def _client(key_id: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise VaultError("a root key in AWS KMS needs boto3", "run: pip install 'cenote[kms]'") from None
    config = Config(
        connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}
    )
    region = key_id.split(":")[3] if key_id.startswith("arn:") and key_id.count(":") >= 5 else None
    try:
        return boto3.client("kms", region_name=region, config=config)
    except BotoCoreError as error:
        why = f"AWS KMS cannot be asked ({type(error).__name__})"
        raise VaultError(why, "set AWS_DEFAULT_REGION, or give the key's ARN") from None


def _ask(call: Callable[[], dict[str, Any]], key_id: str) -> dict[str, Any]:
    """Call KMS; errors are told by their code, since their text may hold names of the account."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in ("InvalidCiphertextException", "IncorrectKeyException"):
            raise VaultError(
                "a key in the vault does not open under its KMS key: the vault was altered or is damaged",
                "restore the vault from its backup",
            ) from None
        why = f"AWS KMS refused the root key {key_id} ({code})"
        raise VaultError(why, "check the key's name, state, region and policy") from None
    except BotoCoreError as error:
        why = f"AWS KMS cannot be reached for the root key {key_id} ({type(error).__name__})"
        raise VaultError(why, "check network, region and credentials") from None
