"""The type of a column: the first of those that fit its values by which nothing is lost.

Belongs here: what values may be. Must not: shapes, meaning. A type fits where transforms/scalars.py, which conforms
records, takes the values; so what is drafted here conforms the sample.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from cenote.inference.shape import BROKEN, kind_of
from transforms.classification.lexicon import listed
from transforms.classification.words import words
from transforms.contract import Field
from transforms.scalars import parse

NULL_WORDS = (
    "",
    "NULL",
    "null",
    "Null",
    "N/A",
    "n/a",
    "#N/A",
    "nil",
    "undefined",
    "\\N",
    "NaN",
    "(null)",
    "None",
)
_MONEY = listed(
    """
    amount balance budget charge cost deposit discount due fare fee freight gross income net paid payment premium price
    refund revenue salary subtotal tax tip total wage
    """
)
_NO_MONEY = listed("percent rate id code number count")
_MOMENTS = listed("at on date time timestamp ts created updated modified expires expiry start end when datetime ms")
_DATES = (
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d-%b-%Y",
)
_CLOCKS = ("%H:%M:%S", "%H:%M")
_EPOCHS = {"epoch_s": (5e8, 5e9), "epoch_ms": (5e11, 5e12), "epoch_us": (5e14, 5e15)}
_NUMBERS = {"integer", "number", "string"}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_DATED = re.compile(r"\d{4}[-/]\d|\d{1,2}[-/. :]|[A-Z][a-z]{2} \d")  # what any of the formats begins with
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\d[T ]00:00(:00(\.0+)?)?Z?$")


@dataclass(frozen=True)
class Typed:
    """A logical type with its physical type and options, and why."""

    type: str
    reason: str
    physical: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def as_field(self, name: str) -> Field:
        """A contract's field of this type."""
        return Field(name, f"$.{name}", self.type, self.physical, options=self.options)


def type_of(name: str, values: Sequence[Any]) -> Typed | None:
    """The type for a column of that name, or None where no single type holds its values (booleans among texts)."""
    if not values:
        return Typed("string", "always null in the sample, so its type is a guess")
    nulls = [word for word in NULL_WORDS if word in set(values)]
    options = {"nullValues": nulls} if nulls else {}
    counts = Counter(_json(value) for value in values if value not in nulls)
    if not counts:
        return Typed("string", "always null in the sample, so its type is a guess", options=options)
    raw, weights = pl.Series(list(counts), dtype=pl.String), pl.Series(list(counts.values()))
    kept = [value for value in values if value not in nulls]
    for typed in _candidates(set(words(name)), _usual_kinds(kept), kept):
        fits = parse(typed.as_field("value"), raw)
        wrong = int(weights.filter(fits.wrong | fits.outside).sum())
        if wrong <= BROKEN * len(kept):
            but = f"; {wrong:,} of the sample are not, and will go to quarantine" if wrong else ""
            return Typed(typed.type, typed.reason + but, typed.physical, options | typed.options)
    return None


def _usual_kinds(values: Sequence[Any]) -> set[str]:
    """The JSON kinds of the values, but for those that only a few broken ones are of."""
    kinds = Counter(map(kind_of, values))
    return {kind for kind, count in kinds.items() if count > BROKEN * len(values)}


def _json(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _candidates(name: set[str], kinds: set[str], values: list[Any]) -> Iterator[Typed]:
    """Types that may fit, the most telling first."""
    if kinds == {"boolean"} or (kinds == {"string"} and set(values) <= {"true", "false"}):
        yield Typed("boolean", "only true and false")
        return
    if kinds == {"integer"} and name & _MOMENTS:
        for unit, (low, high) in _EPOCHS.items():
            if all(low <= value <= high for value in values if isinstance(value, int)):
                yield Typed("timestamp", f"numbers that count time ({unit})", options={"format": unit})
    money = bool(name & _MONEY) and not name & _NO_MONEY
    if kinds == {"integer"}:
        yield Typed("integer", "whole numbers" + (", perhaps of the smallest coin" if money else ""))
    elif kinds <= _NUMBERS and (money or kinds != {"string"}):
        yield from _numbers(kinds, _decimal(values) if money else None)
    if kinds == {"string"} and _share(_DATED, values) >= 1 - BROKEN:
        yield from _times(values)
    yield Typed("string", "text" if kinds == {"string"} else "numbers" if "string" not in kinds else "text and numbers")


def _numbers(kinds: set[str], decimal: str | None) -> Iterator[Typed]:
    """Numbers with fractions, or such as are written as text here and there."""
    if decimal:
        yield Typed("number", "called as money is, so exact", decimal)
    if "number" in kinds:
        yield Typed("number", "numbers with fractions")
        return
    yield Typed("integer", "whole numbers, some written as text")
    yield Typed("number", "numbers, some written as text")


def _times(values: list[Any]) -> Iterator[Typed]:
    """Dates and times in text; ISO 8601 first."""
    if _share(_MIDNIGHT, values) == 1:
        yield Typed("date", "dates, with no time of day in any value")
    if _share(_ISO_DATE, values) >= 1 - BROKEN:
        yield Typed("date", "ISO 8601 dates")
    yield Typed("timestamp", "ISO 8601 times")
    for pattern in _DATES:
        doubtful = pattern[1] in "dm" and pattern[4:6] in ("%m", "%d")
        but = ": check that day and month are not the other way round" if doubtful else ""
        yield Typed("date", f"dates as {pattern}{but}", options={"format": pattern})
        for clock in _CLOCKS:
            yield Typed("timestamp", f"times as {pattern} {clock}{but}", options={"format": f"{pattern} {clock}"})
    yield Typed("time", "times of day")


def _share(pattern: re.Pattern[str], values: list[Any]) -> float:
    """The share of values that begin as the pattern says."""
    return sum(isinstance(value, str) and pattern.match(value) is not None for value in values) / len(values)


def _decimal(values: list[Any]) -> str | None:
    """``decimal(p,s)`` that holds all numbers, or None where they have more digits than money has."""
    scale, whole = 2, 1
    for value in values:
        if not isinstance(value, int | Decimal | str):
            continue
        match = re.fullmatch(r"-?(\d+)(?:\.(\d+))?", str(value))
        if not match:
            return None
        scale, whole = max(scale, len((match[2] or "").rstrip("0"))), max(whole, len(match[1]))
    return f"decimal({max(12, whole + scale + 2)},{scale})" if scale <= 4 and whole <= 15 else None
