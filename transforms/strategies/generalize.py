"""The strategy ``generalize``: a value gives way to the class it falls in.

Belongs here: year, month, age band, ZIP area, number bucket, subnet. Must not: shifting dates (dates.py). The rules for
ZIP codes and ages are those of the HIPAA Safe Harbor method, 45 CFR 164.514(b)(2)(i), with the list of areas of fewer
than 20,000 people that the guidance of the US Department of Health names (Census 2000).
"""

import ipaddress
from collections.abc import Callable

import polars as pl

from transforms.strategies.base import REDACTED, Context, Options, Strategy, as_text, map_distinct

RESTRICTED_ZIP3 = (
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
    "893",
)  # fmt: skip
_FAR = 10**15


def _day(values: pl.Series) -> pl.Series:
    """The calendar day of dates, timestamps or text that begins with an ISO date; null where there is none."""
    if values.dtype == pl.String:
        return values.str.extract(r"^\s*(\d{4}-\d\d-\d\d)(?:\D|$)").str.to_date("%Y-%m-%d", strict=False)
    return (
        values.cast(pl.Date)
        if values.dtype.is_temporal()
        else pl.Series([None], dtype=pl.Date).new_from_index(0, len(values))
    )


def _year(values: pl.Series, options: Options) -> pl.Series:
    """The year as Int32; years before ``earliest`` become ``earliest`` (so that nobody stands out as over 89)."""
    if values.dtype.is_integer():
        years = values.cast(pl.Int32, strict=False)
    elif values.dtype == pl.String:
        years = _day(values).dt.year().fill_null(values.str.extract(r"^\s*(\d{4})(?:-\d\d)?\s*$").cast(pl.Int32))
    else:
        years = _day(values).dt.year()
    earliest = options.get("earliest")
    return years if earliest is None else years.clip(lower_bound=int(earliest))


def _month(values: pl.Series, _options: Options) -> pl.Series:
    """``2026-03``; a date that is no more exact stays as it is."""
    months = _day(values).dt.strftime("%Y-%m")
    if values.dtype == pl.String:
        months = months.fill_null(values.str.extract(r"^\s*(\d{4}-(?:0[1-9]|1[0-2]))\s*$"))
    return _or_redacted(months, values)


def _band(values: pl.Series, options: Options) -> pl.Series:
    """An age as ``30-39``; 90 and over are one band, since Safe Harbor names no age over 89."""
    width = int(options.get("width", 10))
    ages = values.cast(pl.Float64, strict=False).floor()
    frame = ages.clip(0, 90).cast(pl.Int64, strict=False).alias("age").to_frame()
    low = pl.col("age") // width * width
    high = pl.min_horizontal(low + width - 1, pl.lit(89))
    band = pl.when(pl.col("age") >= 90).then(pl.lit("90+")).otherwise(pl.format("{}-{}", low, high))
    return _or_redacted(frame.select(band).to_series(), values)


def _zip3(values: pl.Series, options: Options) -> pl.Series:
    """US ZIP codes: three digits, or ``000`` in a thinly settled area. Other postal codes: two characters."""
    text = as_text(values).str.strip_chars().str.to_uppercase()
    if values.dtype.is_integer():
        text = text.str.zfill(5)
    restricted = [*RESTRICTED_ZIP3, *map(str, options.get("restricted", ()))]
    frame = text.alias("code").to_frame()
    area = pl.col("code").str.extract(r"^(\d{3})\d\d(?:[ -]?\d{4})?$")
    abroad = pl.col("code").str.extract(r"^([A-Z]{1,2}-)?([A-Z0-9]{2})[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4})?$", 2)
    coarse = pl.when(area.is_in(restricted)).then(pl.lit("000")).otherwise(pl.coalesce(area, abroad))
    has_digit = pl.col("code").str.contains(r"\d")
    return _or_redacted(frame.select(pl.when(has_digit).then(coarse)).to_series(), values)


def _bucket(values: pl.Series, options: Options) -> pl.Series:
    """A number as the half-open interval it lies in: ``[20, 30)`` for width 10."""
    width = options.get("width", 10)
    numbers = values.cast(pl.Float64, strict=False)
    frame = (numbers / width).floor().alias("n").to_frame()
    whole = isinstance(width, int)
    edges = [(pl.col("n") + step) * width for step in (0, 1)]
    low, high = (edge.cast(pl.Int64, strict=False) if whole else edge for edge in edges)
    inside = pl.col("n").is_finite() & ((pl.col("n") * width).abs() < _FAR)
    return _or_redacted(frame.select(pl.when(inside).then(pl.format("[{}, {})", low, high))).to_series(), values)


def _subnet(values: pl.Series, _options: Options) -> pl.Series:
    """An IPv4 address as its /24, an IPv6 address as its /48; a wider network stays as it is."""

    def network(text: str) -> str:
        try:
            given = ipaddress.ip_interface(text.strip().split("%")[0])
        except ValueError:
            return REDACTED
        if isinstance(given, ipaddress.IPv6Interface) and given.ipv4_mapped:
            given = ipaddress.ip_interface((given.ipv4_mapped, max(0, given.network.prefixlen - 96)))
        widest = min(given.network.prefixlen, 24 if given.version == 4 else 48)
        return str(ipaddress.ip_network((given.ip, widest), strict=False))

    return map_distinct(as_text(values), network)


def _or_redacted(coarse: pl.Series, values: pl.Series) -> pl.Series:
    """``<REDACTED>`` where a value has no class; null only where it was null."""
    return coarse.fill_null(REDACTED).zip_with(values.is_not_null(), pl.Series([None], dtype=pl.String))


_CLASSES: dict[str, Callable[[pl.Series, Options], pl.Series]] = {
    "year": _year, "month": _month, "band": _band, "zip3": _zip3, "bucket": _bucket, "subnet": _subnet,
}  # fmt: skip


def _apply(values: pl.Series, options: Options, _context: Context) -> pl.Series:
    return _CLASSES[options["to"]](values, options)


def _dtype(_plain: pl.DataType, options: Options) -> pl.DataType:
    return pl.Int32() if options["to"] == "year" else pl.String()


def _check(options: Options) -> str | None:
    if options.get("to") not in _CLASSES:
        return f"generalize needs `to`, one of {', '.join(_CLASSES)}"
    width = options.get("width", 10)
    if isinstance(width, bool) or not isinstance(width, int | float) or width <= 0:
        return "width must be a number above 0"
    if options["to"] == "band" and (not isinstance(width, int) or 90 % width):
        return "the width of an age band must be a whole number that divides 90"
    return None


generalize = Strategy(_apply, _dtype, ("to", "width", "earliest", "restricted"), check=_check)
