"""Writing regular expressions for the columnar engine.

Belongs here: narrowing patterns to folded text (folding.py), so that they compile and run fast, and asking a column for
them. Must not: any pattern. Patterns are written as usual, with accents and ``\\p{L}``; in ``\\d``, ``\\w``,
``\\b`` and where case does not count ASCII is meant; other letters are folded the same way in pattern and text.
"""

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.folding import MORE, fold

_PLAIN = "(?-u)"
TEXT = pl.col("text")
"""The column that an expression handed to ``ask`` is about."""
_ALL = frozenset(range(128))
_CAPITALS, _SMALLS = (frozenset(range(ord(first), ord(first) + 26)) for first in "Aa")
_LETTERS = _CAPITALS | _SMALLS | {ord(MORE)}
_DIGITS = frozenset(range(48, 58))
_SETS = {
    "d": _DIGITS, "w": _LETTERS | _DIGITS | {ord("_")}, "s": frozenset(b"\t\n\r "),
    "p{L}": _LETTERS, "p{Lu}": _CAPITALS, "p{Ll}": _SMALLS,
}  # fmt: skip
_PART = re.compile(r"\(\?-u:\\b\)|\(\?[a-zA-Z]+[):]|\(\?P?<\w+>|\\(?:[pP]\{\w+\}|x\{\w+\}|.)|\[\^?|[^\\\[]", re.S)
_ITEM = re.compile(r"\\(?:[pP]\{\w+\}|.)|[^\\]", re.S)


@cache
def fast(pattern: str) -> str:
    """The pattern for folded text, without Unicode."""
    out, at = [_PLAIN], 0
    dotted = _ALL if pattern.startswith(("(?s", "(?is")) else _ALL - {ord("\n")}
    while at < len(pattern):
        part = _PART.match(pattern, at)
        assert part, pattern[at:]
        piece, at = part.group(), part.end()
        if piece in ("[", "[^"):
            written, at = _class(pattern, at, negated=piece == "[^")
            out.append(written)
        elif piece == r"(?-u:\b)":
            out.append(r"\b")
        elif piece == ".":
            out.append(_set(dotted))
        elif piece[0] == "\\" and len(piece) > 1 and (named := _named(piece)) is not None:
            out.append(_set(named))
        else:
            out.append(piece if piece.isascii() else _written(piece))
    return "".join(out)


def _named(escape: str) -> frozenset[int] | None:
    """The set that an escape such as ``\\d``, ``\\W`` or ``\\p{L}`` names; None for any other escape."""
    name = escape[1:]
    if name in _SETS:
        return _SETS[name]
    lower = name[0].lower() + name[1:]
    return _ALL - _SETS[lower] if lower in _SETS and name[0].isupper() else None


def _class(pattern: str, at: int, *, negated: bool) -> tuple[str, int]:
    """The class that begins behind ``[`` or ``[^``, and where the pattern goes on."""
    items: list[str] = []
    while pattern[at] != "]" or not items:
        found = _ITEM.match(pattern, at)
        assert found
        items.append(found.group())
        at = found.end()
    some: set[int] = set()
    written: list[str] = []
    place = 0
    while place < len(items):
        item = items[place]
        named = _named(item) if len(item) > 1 else None
        if named is not None:
            some |= named
        elif place + 2 < len(items) and items[place + 1] == "-":
            low, high = _code(item), _code(items[place + 2])
            some |= set(range(low, min(high, 127) + 1)) | (set(_LETTERS) if high > 127 else set())
            place += 2
        elif item.isascii():
            some.add(_code(item))
        elif len(set(fold(item))) == 1 or negated:
            some |= set(fold(item))
        else:
            written.append(_written(item))
        place += 1
    kept = frozenset(some)
    whole = _set(_ALL - kept if negated else kept) if kept or negated else ""
    return (f"(?:{'|'.join([*written, *([whole] if whole else [])])})" if written else whole), at + 1


def _code(item: str) -> int:
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return ord(escapes.get(item[1], item[1]) if len(item) > 1 else item)


def _written(character: str) -> str:
    """A character beyond ASCII as it stands in folded text."""
    return f"(?:{re.escape(fold(character).decode())})"


def _set(codes: frozenset[int]) -> str:
    """A class of bytes as ranges."""
    if len(codes) == 1:
        return f"\\x{next(iter(codes)):02x}"
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"\\x{a:02x}" if a == b else f"\\x{a:02x}-\\x{b:02x}" for a, b in ranges) + "]"


def ask(texts: pl.Series, answer: pl.Expr) -> pl.Series:
    """An expression over texts (``TEXT``), computed in the thread that asks."""
    return texts.alias("text").to_frame().select_seq(answer.alias("answer"), *_beside()).to_series()


@cache
def _beside() -> list[pl.Expr]:
    """Columns that are asked for beside the one wanted. For fewer columns than it has threads, the engine computes the
    arguments of each function (a column and a pattern, say) in its own threads; waiting for these takes longer than
    searching thousands of candidates, and as many cycles.
    """
    return [TEXT.alias(str(place)) for place in range(1, pl.thread_pool_size())]


def has(texts: pl.Series, pattern: str, among: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
    """Whether folded texts (not null) match anywhere; ``among``: the texts that are looked at, the others do not."""
    if among is None:
        return ask(texts, _contains(pattern)).to_numpy()
    found = among.copy()
    if among.any():
        found[among] = ask(texts.filter(pl.Series(among)), _contains(pattern)).to_numpy()
    return found


def take(texts: pl.Series, pattern: str) -> pl.Series:
    """The first group of the first match in folded texts; null where there is none."""
    return ask(texts, _extract(pattern))


@cache
def _contains(pattern: str) -> pl.Expr:
    return TEXT.str.contains(fast(pattern))


@cache
def _extract(pattern: str) -> pl.Expr:
    return TEXT.str.extract(fast(pattern))


def widths(texts: pl.Series) -> npt.NDArray[np.int64]:
    """The bytes of each text; 0 for null."""
    return ask(texts, TEXT.str.len_bytes().cast(pl.Int64).fill_null(0)).to_numpy()


def without(texts: pl.Series, pattern: str) -> pl.Series:
    """Texts less all that matches."""
    return ask(texts, TEXT.str.replace_all(fast(pattern), ""))
