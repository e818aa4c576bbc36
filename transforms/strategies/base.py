"""What every masking strategy is made of.

Belongs here: the shape of a strategy, its context, and mapping over distinct values. Must not: any one strategy.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from transforms.detect import Recognizer

REDACTED = "<REDACTED>"


@dataclass(frozen=True, repr=False)
class MaskKeys:
    """The secret of masking: the 32-byte pseudonym key. Everything keyed derives from it; it never prints itself."""

    pseudonym: bytes

    def __post_init__(self) -> None:
        if len(self.pseudonym) != 32:
            raise ValueError("the pseudonym key must have 32 bytes; take it from the vault")

    def __repr__(self) -> str:
        return "MaskKeys(...)"

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, so that outputs of different strategies cannot be compared."""
        return hmac.digest(self.pseudonym, b"cenote/mask/" + purpose.encode(), hashlib.sha256)


@dataclass(frozen=True)
class Context:
    """What a strategy may know besides the values.

    ``name``: the declared field's name; ``subjects``: the subject id of each value's row (same length as the values);
    ``detect``: the free-text redactor; ``names``: the recognizer of names, for fields whose mask asks for it;
    ``known``: the recognizer of people that the lake knows, for all free text.
    """

    name: str
    subjects: pl.Series
    keys: MaskKeys
    detect: Callable[[pl.Series], pl.Series] | None = None
    names: "Recognizer | None" = None
    known: "Recognizer | None" = None

    @cached_property
    def redact_text(self) -> Callable[[pl.Series], pl.Series]:
        """The free-text redactor: the caller's, or the columnar detectors."""
        if self.detect is not None:
            return self.detect
        from transforms.detect import redact_text

        return partial(redact_text, recognizers=(self.known,)) if self.known else redact_text

    @cached_property
    def redact_names(self) -> Callable[[pl.Series], pl.Series]:
        """The free-text redactor with the recognizer of names. Raises ``ValueError`` where the caller gave none."""
        if self.names is None:
            raise ValueError(f"{self.name}: the mask asks for names, but no recognizer of names was given")
        from transforms.detect import redact_text

        return partial(redact_text, recognizers=(self.names, *((self.known,) if self.known else ())))


Options = Mapping[str, Any]


@dataclass(frozen=True)
class Strategy:
    """One way of masking.

    ``apply(values, options, context)``: values of any scalar type -> masked values, nulls kept, same length.
    ``dtype(plain, options)``: the type of the result for values of type ``plain``.
    ``options``: the names it understands. ``types``: contract types it can mask, or None for all.
    ``check(options)``: what is wrong with the options, or None.
    """

    apply: Callable[[pl.Series, Options, Context], pl.Series]
    dtype: Callable[[pl.DataType, Options], pl.DataType]
    options: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    check: Callable[[Options], str | None] = lambda _: None


def to_string(_plain: pl.DataType, _options: Options) -> pl.DataType:
    """The result type of strategies that give text."""
    return pl.String()


def as_text(values: pl.Series) -> pl.Series:
    """Values as the text a JSON scalar has: 2 and 2.0 and "2" are the same, true is ``true``; nulls stay."""
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float() or values.dtype.is_decimal():
        return values.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
    return values.cast(pl.String)


def map_distinct(values: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """Text values changed by a Python function that is called once per distinct value; nulls stay null."""
    distinct = values.drop_nulls().unique()
    if distinct.is_empty():
        return values.cast(pl.String)
    changed = pl.Series([change(value) for value in distinct.to_list()], dtype=pl.String)
    return values.replace_strict(distinct, changed, return_dtype=pl.String)
