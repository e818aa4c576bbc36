"""Strategies that hide a value: ``redact``, ``partial`` and ``text``.

Belongs here: strategies that need no key. Must not: detection itself (transforms/detect.py).
"""

import polars as pl

from transforms.strategies.base import REDACTED, Context, Options, Strategy, as_text, to_string


def _redact(values: pl.Series, _options: Options, _context: Context) -> pl.Series:
    hidden = pl.Series(values.name, [REDACTED]).extend_constant(REDACTED, max(len(values) - 1, 0)).head(len(values))
    return hidden.zip_with(values.is_not_null(), pl.Series([None], dtype=pl.String))


def _partial(values: pl.Series, options: Options, _context: Context) -> pl.Series:
    """The last ``keep`` characters behind stars; of a short value at most half. The width tells no length."""
    keep = int(options.get("keep", 4))
    frame = as_text(values).rename("text").to_frame()
    kept = pl.min_horizontal(pl.lit(keep), pl.col("text").str.len_chars() // 2)
    hidden = pl.col("text").str.tail(kept).str.pad_start(max(4, 2 * keep), "*")
    return frame.select(hidden).to_series()


def _check_partial(options: Options) -> str | None:
    keep = options.get("keep", 4)
    return None if isinstance(keep, int) and 0 <= keep <= 16 else "keep must be a number of characters from 0 to 16"


def _text(values: pl.Series, options: Options, context: Context) -> pl.Series:
    redacted = context.redact_names if options.get("names") else context.redact_text
    return redacted(values.cast(pl.String))


def _check_text(options: Options) -> str | None:
    return None if isinstance(options.get("names", False), bool | str) else "names must be true or false"


redact = Strategy(_redact, to_string)
partial = Strategy(_partial, to_string, ("keep",), check=_check_partial)
text = Strategy(_text, to_string, ("names",), types=("string", "object"), check=_check_text)
