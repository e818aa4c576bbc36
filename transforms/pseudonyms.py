"""Subject tokens: the keyed stand-in for a natural id, the same in every dataset.

Belongs here: ``subject_tokens``, the keyed digest it is made of, and one spelling of an id. Must not: where the key is
kept (cenote/vault), other strategies.
"""

import hashlib
from collections.abc import Iterable, Sequence

import polars as pl

TOKEN_DIGITS = 24
_BLOCK = 64  # bytes that SHA-256 takes at once
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def keyed_digests(key: bytes, messages: Iterable[bytes]) -> list[bytes]:
    """HMAC-SHA-256 (RFC 2104) of each message. The key is taken in once, which is twice as fast."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(block.translate(_INNER))
    outer = hashlib.sha256(block.translate(_OUTER))
    digests = []
    for message in messages:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        digests.append(second.digest())
    return digests


def without_prefix(ids: pl.Series, prefixes: Sequence[str]) -> pl.Series:
    """Ids without the first of these prefixes that they have, so that ``Patient/7`` and ``7`` are one person."""
    if not prefixes:
        return ids
    either = "|".join(pl.escape_regex(prefix) for prefix in sorted(prefixes, key=len, reverse=True))
    return ids.str.replace(f"^(?:{either})", "")


def subject_tokens(entity: str, natural_ids: pl.Series, key: bytes) -> pl.Series:
    """``<entity>_<24 hex digits of HMAC-SHA-256(key, entity + "\\x1f" + id)>`` per natural id; null stays null."""
    ids = natural_ids.cast(pl.String)
    distinct = ids.drop_nulls().unique()
    if distinct.is_empty():
        return ids
    prefix = entity.encode() + b"\x1f"
    digests = keyed_digests(key, (prefix + text.encode() for text in distinct.to_list()))
    tokens = [f"{entity}_{digest.hex()[:TOKEN_DIGITS]}" for digest in digests]
    return ids.replace_strict(distinct, pl.Series(tokens, dtype=pl.String), return_dtype=pl.String)
