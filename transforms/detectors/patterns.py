"""Writing regular expressions for the columnar engine.

Belongs here: narrowing patterns so that they compile and run fast, and asking a column for them. Must not: any pattern.
Full Unicode classes make large automata, and Unicode word boundaries slow ones; in ``\\d`` only ASCII digits are meant
(others are made ASCII before the search, see hidden.py), in ``\\p{L}`` the letters of alphabets, in ``\\b`` ASCII
boundaries.
"""

import re
from functools import cache
from typing import overload

import polars as pl

_LETTERS = r"A-Za-z\x{C0}-\x{24F}\x{370}-\x{1FFF}\x{2C00}-\x{2DFF}\x{3040}-\x{D7FF}"
_CLASSES = {"d": "0-9", "w": "0-9_" + _LETTERS, "p{L}": _LETTERS, "s": r"\t\n\r "}
_ESCAPE = re.compile(r"\(\?-u:\\b\)|\\(p\{L\}|.)|[\[\]]")


@cache
def fast(pattern: str) -> str:
    """The pattern with ``\\d \\w \\s \\p{L} \\b`` narrowed; other classes stay."""
    depth = 0

    def narrow(found: re.Match[str]) -> str:
        nonlocal depth
        whole, name = found.group(), found.group(1)
        if whole in "[]":
            depth = max(0, depth + (1 if whole == "[" else -1))
        elif name == "b" and depth == 0:
            return r"(?-u:\b)"
        elif name in _CLASSES:
            return _CLASSES[name] if depth else f"[{_CLASSES[name]}]"
        return whole

    return _ESCAPE.sub(narrow, pattern)


@overload
def has(column: str | pl.Expr, pattern: str) -> pl.Expr: ...
@overload
def has(column: pl.Series, pattern: str) -> pl.Series: ...
def has(column: str | pl.Expr | pl.Series, pattern: str) -> pl.Expr | pl.Series:
    """Whether texts match anywhere."""
    texts = pl.col(column) if isinstance(column, str) else column
    return texts.str.contains(fast(pattern))


@overload
def take(column: str | pl.Expr, pattern: str) -> pl.Expr: ...
@overload
def take(column: pl.Series, pattern: str) -> pl.Series: ...
def take(column: str | pl.Expr | pl.Series, pattern: str) -> pl.Expr | pl.Series:
    """The first group of the first match; null where there is none."""
    texts = pl.col(column) if isinstance(column, str) else column
    return texts.str.extract(fast(pattern))
