"""What is valid JSON: one rule for the whole house, strict as RFC 8259.

Belongs here: judging bytes. Must not: taking JSON apart (json_columns.py). Valid is: UTF-8, one JSON value, nothing but
JSON white space around it, no lone surrogate escapes, nested at most ``MAX_DEPTH`` deep. DuckDB's and Polars' own
readers are more lenient, each in its way, so they only get to see what passed here.
"""

import re
from collections.abc import Sequence

import msgspec
import polars as pl

MAX_DEPTH = 256
"""Deeper nesting counts as malformed: readers recurse, and this limit does not depend on how much stack is left."""

WHITESPACE = b" \t\r\n"
_decode = msgspec.json.Decoder(msgspec.Raw).decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def is_json(payload: bytes) -> bool:
    """Whether the bytes are one valid JSON value."""
    return _is_json_if_utf8(payload) and _is_utf8(payload)


def valid_json(payloads: Sequence[bytes | None] | pl.Series) -> pl.Series:
    """Whether each payload is one valid JSON value: a Boolean series. Null is not."""
    if isinstance(payloads, pl.Series):
        utf8 = payloads.dtype == pl.String
        payloads = payloads.cast(pl.Binary).to_list()
    else:
        utf8 = False
    check = _is_json_if_utf8 if utf8 or _all_utf8(payloads) else is_json
    return pl.Series("valid_json", [p is not None and check(p) for p in payloads], dtype=pl.Boolean)


def _all_utf8(payloads: Sequence[bytes | None]) -> bool:
    try:
        pl.Series(payloads, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_json_if_utf8(payload: bytes) -> bool:
    try:
        _decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    # What is short cannot be deep, and most records are short.
    if len(payload) <= 2 * MAX_DEPTH or payload.count(b"[") + payload.count(b"{") <= MAX_DEPTH:
        return True
    return _depth(payload) <= MAX_DEPTH


def _depth(payload: bytes) -> int:
    """How deep a valid JSON text nests: the highest balance of opening over closing brackets outside strings."""
    depth = deepest = 0
    for bracket in _STRING.sub(b"", payload).translate(None, _BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
