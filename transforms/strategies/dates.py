"""The strategy ``shift_dates``: a subject's dates move together by a secret number of days.

Belongs here: shifting. Must not: cutting dates down to month or year (generalize.py).
"""

import hashlib
import hmac

import polars as pl

from transforms.strategies.base import REDACTED, Context, Options, Strategy

_DAY_US = 86_400_000_000


def _offsets(subjects: pl.Series, max_days: int, key: bytes) -> pl.Series:
    """Days per row, constant for a subject, from -max_days to max_days without 0; null where there is no subject."""
    distinct = subjects.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(subjects))
    days = []
    for subject in distinct.to_list():
        drawn = int.from_bytes(hmac.digest(key, subject.encode(), hashlib.sha256)[:8]) % (2 * max_days) - max_days
        days.append(drawn if drawn < 0 else drawn + 1)
    return subjects.replace_strict(distinct, pl.Series(days, dtype=pl.Int64), return_dtype=pl.Int64)


def _shift(values: pl.Series, options: Options, context: Context) -> pl.Series:
    """Dates or timestamps moved by the subject's offset; without a subject there is no offset, so null."""
    days = _offsets(context.subjects, int(options.get("max_days", 180)), context.keys.derive("shift_dates"))
    if values.dtype == pl.Date:
        return (values.to_physical().cast(pl.Int64) + days).cast(pl.Int32).cast(pl.Date)
    if isinstance(values.dtype, pl.Datetime):
        instants = values.cast(pl.Datetime("us", values.dtype.time_zone))
        return (instants.to_physical() + days * _DAY_US).cast(instants.dtype).cast(values.dtype)
    shifted = _shift_text(values.cast(pl.String), options, context)
    return shifted.fill_null(REDACTED).zip_with(values.is_not_null(), pl.Series([None], dtype=pl.String))


def _shift_text(values: pl.Series, options: Options, context: Context) -> pl.Series:
    """ISO dates and date-times in text: the day moves, the rest stays; anything else is null."""
    parts = values.str.extract_groups(
        r"^(\d{4}-\d\d-\d\d)((?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)$"
    )
    day = parts.struct.field("1").str.to_date("%Y-%m-%d", strict=False)
    return _shift(day, options, context).cast(pl.String) + parts.struct.field("2")


def _same(plain: pl.DataType, _options: Options) -> pl.DataType:
    return plain if plain == pl.Date or isinstance(plain, pl.Datetime) else pl.String()


def _check(options: Options) -> str | None:
    days = options.get("max_days", 180)
    return None if isinstance(days, int) and 1 <= days <= 3650 else "max_days must be a number of days from 1 to 3650"


shift_dates = Strategy(_shift, _same, ("max_days",), types=("date", "timestamp", "string"), check=_check)
