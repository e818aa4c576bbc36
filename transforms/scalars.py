"""Raw JSON scalars -> typed columns, losing nothing: a value that cannot be held exactly is not taken.

Belongs here: what of JSON may stand for which type. Must not: contract rules such as minimum or enum (rules.py).

| type | from |
|---|---|
| string | a JSON string; a number, as its text |
| integer | a whole number within 64 bits (1.0 is one), or a string that spells one as JSON does |
| number | a finite number, or a string that spells one; ``decimal(p,s)`` takes no finer fraction unless ``round`` |
| boolean | true, false, or these words as strings |
| timestamp | ISO 8601; without an offset it is in ``defaultTimezone`` (UTC); or ``format`` |
| date | the date as written at the head of an ISO 8601 text; or ``format`` |
| time | HH:MM[:SS[.ffffff]] -> text HH:MM:SS[.ffffff] (Delta Lake has no type for a time of day) |
| object without properties | its JSON text |

``format`` is a strftime pattern, a JDK pattern as ODCS has it (``dd/MM/yyyy``), or for numbers one of ``epoch_s``,
``epoch_ms``, ``epoch_us``, ``epoch_ns``, ``epoch_days``.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from transforms.contract import Field
from transforms.json_columns import unquote

UTC_TIME = pl.Datetime("us", "UTC")
_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
_EXACT_FLOAT = 2**53
_ISO = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$"
_ISO_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_EPOCHS = {"epoch_s": 1e6, "epoch_ms": 1e3, "epoch_us": 1.0, "epoch_ns": 1e-3, "epoch_days": 86_400e6}
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999, in microseconds
_JDK = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "ss": "%S", "SSSSSSSSS": "%9f", "SSSSSS": "%6f",
    "SSS": "%3f", "a": "%p", "XXX": "%#z", "XX": "%#z", "X": "%#z", "Z": "%z",
}  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """A typed column, and which values are of another type (``wrong``) or beyond what it can hold (``outside``)."""

    values: pl.Series
    wrong: pl.Series
    outside: pl.Series


def parse(field: Field, raw: pl.Series) -> Typed:
    """Type the raw JSON texts of a scalar field (null: missing). Raises ``ValueError`` for unusable options."""
    if decimal_type(field):
        typed = _decimal(field, raw)
    elif field.type in _TIMES:
        typed = _TIMES[field.type](field, raw)
    else:
        typed = _PLAIN[field.type](raw)
    return replace(typed, values=typed.values.alias(field.name))


def without_null_words(field: Field, raw: pl.Series) -> pl.Series:
    """Raw JSON texts with the field's ``nullValues`` (words that stand for null, as ``NULL`` or ``""``) made null."""
    words = field.options.get("nullValues")
    return raw.set(raw.is_in([_spelled(word) for word in words]).fill_null(False), None) if words else raw


def dtype(field: Field) -> pl.DataType:
    """The column type of a field that is no array and has no properties."""
    if precision := decimal_type(field):
        return precision
    return {
        "integer": pl.Int64(),
        "number": pl.Float64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "timestamp": UTC_TIME,
    }.get(field.type, pl.String())


def decimal_type(field: Field) -> pl.Decimal | None:
    """``decimal(p,s)`` or ``numeric(p,s)`` as a Polars type; None where the field is no such number."""
    match = re.fullmatch(r"(?:decimal|numeric)\((\d+)(?:,\s*(\d+))?\)", (field.physical_type or "").strip().lower())
    return pl.Decimal(int(match[1]), int(match[2] or 0)) if match and field.type == "number" else None


def strftime(pattern: str) -> str:
    """A strftime pattern as it is; a JDK date pattern turned into one. Raises ``ValueError`` where that cannot be."""
    if "%" in pattern:
        return pattern
    parts = re.findall(r"'([^']*)'|([A-Za-z])(\2*)|([^A-Za-z']+)", pattern)
    for _, letter, more, _ in parts:
        if letter and letter + more not in _JDK:
            raise ValueError(f"{letter + more!r} in the format {pattern!r} is not understood; use a strftime pattern")
    return "".join(_JDK[letter + more] if letter else literal + rest for literal, letter, more, rest in parts)


def _string(raw: pl.Series) -> Typed:
    quoted = _quoted(raw)
    if quoted.all():  # as nearly always; null counts as quoted
        return _typed(raw, unquote(raw))
    return _typed(raw, _pick(quoted, unquote(_where(raw, quoted)), _where(raw, _is_number(raw))))


def _integer(raw: pl.Series) -> Typed:
    text = _number_text(raw)
    values = text.cast(pl.Int64, strict=False)
    if values.null_count() == raw.null_count():
        return _typed(raw, values)
    whole = text.str.replace(r"\.0+$", "")
    approximate = text.cast(pl.Float64, strict=False)
    scaled = text.str.contains("[eE]") & (approximate.floor() == approximate) & (approximate.abs() <= _EXACT_FLOAT)
    values = whole.cast(pl.Int64, strict=False).zip_with(
        ~scaled.fill_null(False), _where(approximate, scaled).cast(pl.Int64, strict=False)
    )
    return _typed(raw, values, outside=text.is_not_null() & ((approximate.floor() == approximate) & values.is_null()))


def _number(raw: pl.Series) -> Typed:
    values = _number_text(raw).cast(pl.Float64, strict=False)
    infinite = values.is_infinite().fill_null(False)
    return _typed(raw, _where(values, ~infinite) if infinite.any() else values, outside=infinite)


def _decimal(field: Field, raw: pl.Series) -> Typed:
    kind = decimal_type(field)
    assert kind is not None
    text = _number_text(raw)
    values = text.cast(kind, strict=False)
    outside = text.is_not_null() & values.is_null()
    if not field.options.get("round"):
        exponent = text.str.contains("[eE]").fill_null(False)
        finer = text.str.contains(rf"\.\d{{{kind.scale}}}\d*[1-9]").fill_null(False) & ~exponent
        if exponent.any():
            finer |= exponent & (values.cast(pl.Float64) != text.cast(pl.Float64, strict=False)).fill_null(False)
        values = _where(values, ~finer) if finer.any() else values
    return _typed(raw, values, outside=outside)


def _boolean(raw: pl.Series) -> Typed:
    true, false = raw.is_in(["true", '"true"']), raw.is_in(["false", '"false"'])
    return _typed(raw, _where(true, true | false))


def _object(raw: pl.Series) -> Typed:
    return _typed(raw, _where(raw, raw.str.starts_with("{")))


def _timestamp(field: Field, raw: pl.Series) -> Typed:
    pattern = field.options.get("format")
    if pattern in _EPOCHS:
        return _epoch(raw, _EPOCHS[pattern], UTC_TIME)
    text = unquote(_where(raw, _quoted(raw)))
    zone = _zone(field)
    if pattern:
        return _typed(raw, _moments(text, [_strftime(field)], zone))
    text = _where(text, text.str.contains(_ISO)).str.replace(" ", "T", literal=True)
    return _typed(raw, _moments(text, _ISO_FORMATS, zone))


def _date(field: Field, raw: pl.Series) -> Typed:
    pattern = field.options.get("format")
    if pattern in _EPOCHS:
        return _epoch(raw, _EPOCHS[pattern], pl.Date())
    text = unquote(_where(raw, _quoted(raw)))
    if pattern:
        return _typed(raw, text.str.to_date(_strftime(field), strict=False))
    return _typed(raw, _where(text, text.str.contains(_ISO)).str.head(10).str.to_date("%Y-%m-%d", strict=False))


def _time(field: Field, raw: pl.Series) -> Typed:
    text = unquote(_where(raw, _quoted(raw)))
    pattern = field.options.get("format")
    if pattern:
        values = text.str.to_time(_strftime(field), strict=False)
    else:
        full = text.str.replace(r"^(\d\d:\d\d)$", "${1}:00")
        full = _where(full, full.str.contains(r"^\d\d:\d\d:\d\d(\.\d{1,9})?$"))
        values = full.str.to_time("%H:%M:%S%.f", strict=False)
    return _typed(raw, values.dt.to_string("%H:%M:%S%.6f").str.strip_suffix(".000000"))


def _epoch(raw: pl.Series, factor: float, kind: pl.DataType) -> Typed:
    text = _number_text(raw)
    exact = text.cast(pl.Int64, strict=False)
    approximate = text.cast(pl.Float64, strict=False) * factor
    inside = approximate.is_between(_EARLIEST, _LATEST)
    whole = exact // round(1 / factor) if factor < 1 else exact * int(factor)
    rounded = _where(approximate, inside).round().cast(pl.Int64, strict=False)
    micros = _pick(exact.is_not_null(), _where(whole, inside), rounded)
    return _typed(raw, micros.cast(UTC_TIME).cast(kind), outside=(text.is_not_null() & ~inside))


def _moments(text: pl.Series, formats: Sequence[str], zone: str) -> pl.Series:
    """Try the formats in turn on what the ones before did not understand."""
    values = pl.Series(text.name, [None], dtype=UTC_TIME).new_from_index(0, len(text))
    for pattern in formats:
        left = text.is_not_null() & values.is_null()
        if not left.any():
            break
        found = (text if left.all() else text.filter(left)).str.to_datetime(pattern, strict=False, time_unit="us")
        if found.dtype.time_zone is None:  # type: ignore[attr-defined]
            found = found.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        found = found.dt.convert_time_zone("UTC")
        values = found if left.all() else values.scatter(left.arg_true(), found)
    return values


def _strftime(field: Field) -> str:
    try:
        return strftime(field.options["format"])
    except ValueError as error:
        raise ValueError(f"field {field.name!r}: {error}") from None


def _zone(field: Field) -> str:
    zone = field.options.get("defaultTimezone") or field.options.get("timezone")
    if not isinstance(zone, str):  # ODCS's own `timezone` is a boolean
        return "UTC"
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"field {field.name!r}: there is no time zone {zone!r}") from None


def _spelled(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quoted(raw: pl.Series) -> pl.Series:
    return raw.str.starts_with('"')


def _is_number(raw: pl.Series) -> pl.Series:
    return raw.str.contains("^[-0-9]")


def _number_text(raw: pl.Series) -> pl.Series:
    """The texts of numbers, and of strings that spell a number just as JSON would."""
    if _is_number(raw).all():
        return raw
    inner = raw.str.strip_prefix('"').str.strip_suffix('"')
    return _where(inner, inner.str.contains(_NUMBER))


def _where(values: pl.Series, keep: pl.Series) -> pl.Series:
    return values.set(~keep.fill_null(False), None)


def _pick(mask: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return yes.zip_with(mask.fill_null(False), no)


def _typed(raw: pl.Series, values: pl.Series, outside: pl.Series | None = None) -> Typed:
    missed = raw.is_not_null() & values.is_null()
    if outside is None:
        return Typed(values, missed, missed & False)
    outside = missed & outside.fill_null(False)
    return Typed(values, missed & ~outside, outside)


_PLAIN: dict[str, Callable[[pl.Series], Typed]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "object": _object,
}
_TIMES: dict[str, Callable[[Field, pl.Series], Typed]] = {"date": _date, "timestamp": _timestamp, "time": _time}
