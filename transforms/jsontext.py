"""What is valid JSON: one rule for the whole house, strict as RFC 8259.

Belongs here: judging bytes. Must not: taking JSON apart (json_columns.py). Valid is: UTF-8, one JSON value, nothing but
JSON white space around it, no lone surrogate escapes, nested at most ``MAX_DEPTH`` deep. DuckDB's and Polars' own
readers are more lenient, each in its way, so they only get to see what passed here.
"""

import json
import re
from collections import deque
from collections.abc import Sequence

import msgspec
import polars as pl

MAX_DEPTH = 256
"""Deeper nesting counts as malformed: readers recurse, and this limit does not depend on how much stack is left."""

WHITESPACE = b" \t\r\n"
FAULTS = ("not_utf8", "too_deep", "not_a_number", "lone_surrogate", "malformed_json")
_decode = msgspec.json.Decoder(msgspec.Raw).decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WIDE = re.compile(rb"\0[^\0]\0[^\0]|[^\0]\0[^\0]\0|\0{3}[^\0]|[^\0]\0{3}")
"""How UTF-16 and UTF-32 without a byte order mark begin (RFC 4627, section 3); as UTF-8 it would be full of NULs."""
_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def is_json(payload: bytes) -> bool:
    """Whether the bytes are one valid JSON value."""
    return _is_json_if_utf8(payload) and _is_utf8(payload)


def faults(payloads: pl.Series, valid: pl.Series) -> pl.Series:
    """What is wrong with payloads (Binary) that are no valid JSON: one of ``FAULTS``, else null."""
    wrong = (~valid).arg_true()
    told = [fault(payload or b"") for payload in payloads.gather(wrong).to_list()]
    return pl.Series([None], dtype=pl.String).new_from_index(0, len(payloads)).scatter(wrong, told)


def fault(payload: bytes) -> str:
    """What is wrong with bytes that are no valid JSON: one of ``FAULTS``, rules of quarantine (rules.py)."""
    if not _is_utf8(payload) or _WIDE.match(payload):
        return "not_utf8"
    try:
        # Python's reader is as strict, but for the words it calls constants and for surrogates.
        json.loads(payload.decode(), parse_constant=_no_number, parse_int=len, parse_float=len)
    except _NoNumber:
        return "not_a_number"
    except RecursionError:
        return "too_deep"
    except ValueError:
        return "malformed_json"
    if _depth(payload) > MAX_DEPTH:
        return "too_deep"
    return "lone_surrogate" if b"\\u" in payload else "malformed_json"


class _NoNumber(Exception):
    pass


def _no_number(_: str) -> None:
    raise _NoNumber


def valid_json(payloads: Sequence[bytes | None] | pl.Series) -> pl.Series:
    """Whether each payload is one valid JSON value: a Boolean series. Null is not."""
    if isinstance(payloads, pl.Series):
        utf8 = _all_utf8(payloads)
        payloads = payloads.cast(pl.Binary).to_list()
    else:
        utf8 = _all_utf8(pl.Series(payloads, dtype=pl.Binary))
    if utf8 and _all_json(payloads):
        return pl.Series("valid_json", [True], dtype=pl.Boolean).new_from_index(0, len(payloads))
    check = _is_json_if_utf8 if utf8 else is_json
    return pl.Series("valid_json", [p is not None and check(p) for p in payloads], dtype=pl.Boolean)


def _all_json(payloads: Sequence[bytes | None]) -> bool:
    """Whether all these UTF-8 payloads are valid, as nearly always; spares a call of Python's for each."""
    try:
        deque(map(_decode, payloads), maxlen=0)  # type: ignore[arg-type]
    except (msgspec.DecodeError, RecursionError, TypeError):
        return False
    return all(_is_shallow(p) for p in payloads if p is not None and len(p) > 2 * MAX_DEPTH)


def _all_utf8(payloads: pl.Series) -> bool:
    if payloads.dtype != pl.String:
        try:
            payloads.cast(pl.String)
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
    return len(payload) <= 2 * MAX_DEPTH or _is_shallow(payload)  # what is short cannot be deep, and most records are


def _is_shallow(payload: bytes) -> bool:
    return payload.count(b"[") + payload.count(b"{") <= MAX_DEPTH or _depth(payload) <= MAX_DEPTH


def _depth(payload: bytes) -> int:
    """How deep a valid JSON text nests: the highest balance of opening over closing brackets outside strings."""
    depth = deepest = 0
    for bracket in _STRING.sub(b"", payload).translate(None, _BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
