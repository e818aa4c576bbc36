"""The key vault: root key -> vault key -> one key per data subject; sealing and opening of payloads.

Belongs here: keys and what is done with them. Must not: the lake's tables, or deciding what is sealed. The chain and
its reasons: docs/decisions/0002-vault.md.
"""

from cenote.vault.root import LocalRootKey, RootKey
from cenote.vault.vault import Vault

__all__ = ["LocalRootKey", "RootKey", "Vault"]
