"""What a contract asks of a typed value: enum, range, length, pattern, format.

Belongs here: the rules on one column. Must not: typing (scalars.py), presence of fields (conform.py). Option names are
ODCS's ``logicalTypeOptions``. A missing value breaks none of these rules.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from transforms.contract import Field
from transforms.scalars import parse

DUPLICATE_KEY = "duplicate_key"
ERASED_SUBJECT = "erased_subject"
RULES = {
    "not_utf8": "the record is not UTF-8: it is in another encoding (UTF-16, Latin-1), or bytes of it are damaged",
    "too_deep": "the record nests deeper than 256 objects and arrays",
    "not_a_number": "a value is NaN, Infinity or -Infinity, which JSON (RFC 8259) does not have",
    "lone_surrogate": "a text holds half of a surrogate pair, which stands for no character",
    "malformed_json": "the record is not JSON (RFC 8259)",
    "not_an_object": "the record is JSON but no object, and the contract names its members",
    "missing_required": "a required field is missing or null",
    "missing_key": "a field of the primary key is missing or null",
    "missing_sequence": "a field that orders changes is missing or null",
    "wrong_type": "the value is of another type, or would lose something in conversion",
    "not_in_enum": "the value is none of those listed",
    "bad_format": "the text is not of the format asked for",
    "pattern": "the text does not match the pattern",
    "out_of_range": "the value is below the minimum, above the maximum, or beyond what the type holds",
    "too_short": "the text or array is shorter than allowed",
    "too_long": "the text or array is longer than allowed",
    "not_a_multiple": "the number is no multiple of the one given",
    "not_unique": "the array holds an element twice",
    DUPLICATE_KEY: "an append dataset already has a row with this primary key; the first to land stays",
    ERASED_SUBJECT: "the record is about a person who was erased, or names one",
}
FORMATS = {
    "email": r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$",
    "uuid": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "hostname": r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$",
    "ipv4": r"^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$",
    "ipv6": r"^[0-9A-Fa-f:.]{2,45}$",
}
_BOUNDS = {"minimum": "__lt__", "maximum": "__gt__", "exclusiveMinimum": "__le__", "exclusiveMaximum": "__ge__"}
_WIDTHS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32)}


def broken_rules(field: Field, values: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    """The rules that some value breaks, each with the mask of these. Raises ``ValueError`` for unusable options."""
    for rule, mask in _checks(field, values):
        mask = mask.fill_null(False)
        if mask.any():
            yield rule, mask


def _checks(field: Field, values: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    options = field.options
    if field.enum:
        yield "not_in_enum", ~values.is_in(_constants(field, list(field.enum)).implode())
    for name, operator in _BOUNDS.items():
        if options.get(name) is not None and field.type not in ("string", "array", "object"):
            yield "out_of_range", getattr(values, operator)(_constants(field, [options[name]])[0])
    if field.type == "string":
        yield from _text_checks(field, values)
    elif field.type == "array":
        yield from _lengths(options.get("minItems"), options.get("maxItems"), values.list.len())
        if options.get("uniqueItems"):
            yield "not_unique", values.list.n_unique() < values.list.len()
    elif field.type in ("integer", "number"):
        yield from _number_checks(field, values)


def _text_checks(field: Field, values: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    options = field.options
    if "minLength" in options or "maxLength" in options:
        yield from _lengths(options.get("minLength"), options.get("maxLength"), values.str.len_chars())
    if options.get("format") in FORMATS:
        yield "bad_format", ~values.str.contains(FORMATS[options["format"]])
    if "pattern" in options:
        try:
            yield "pattern", ~values.str.contains(options["pattern"])
        except pl.exceptions.ComputeError:
            what = "is no regular expression (look-around is not known)"
            raise ValueError(f"field {field.name!r}: pattern {options['pattern']!r} {what}") from None


def _number_checks(field: Field, values: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    width = _WIDTHS.get(field.options.get("format", ""))
    if width:
        sign, bits = width
        low, high = (0, 2**bits - 1) if sign == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        yield "out_of_range", (values < low) | (values > high)
    multiple = field.options.get("multipleOf")
    if multiple:
        parts = values.cast(pl.Float64) / float(multiple)
        yield "not_a_multiple", (parts - parts.round()).abs() > 1e-9 * parts.abs().clip(1)


def _lengths(least: int | None, most: int | None, lengths: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    if least is not None:
        yield "too_short", lengths < least
    if most is not None:
        yield "too_long", lengths > most


def _constants(field: Field, constants: list[object]) -> pl.Series:
    """Constants of the contract, typed as the field's values are; written in the field's format, or plainly."""
    texts = pl.Series([_json_text(c) for c in constants], dtype=pl.String)
    for options in (field.options, {}):
        typed = parse(replace(field, options=options), texts)
        if not typed.values.null_count():
            return typed.values
    raise ValueError(f"field {field.name!r}: a value that its contract compares with is not of type {field.type}")


def _json_text(constant: object) -> str:
    # YAML reads unquoted dates as dates
    if isinstance(constant, datetime | date):
        return f'"{constant.isoformat()}"'
    return json.dumps(constant, ensure_ascii=False, default=str)
