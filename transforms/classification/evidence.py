"""What sampled values say about a column, whatever its name.

Belongs here: looking at values. Must not: names, verdicts, keeping or telling any value.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from transforms.detect import find_spans
from transforms.detectors import national

STRONG = frozenset({"EMAIL", "CARD", "IBAN", "WALLET", "SECRET", "MAC", "IP", "PHONE", *national.KINDS})
"""Kinds that prove themselves by form or check digits."""
_SAMPLE = 300
_COVERED = 0.8  # of a value's characters, for the value to be of the kind
_LONG, _WORDS = 60, 8  # characters and words of a text, on average
_SAME_AT_LEAST = 10  # so often the same value says nothing of anybody
_FEW = 3  # as few values may look like phone numbers by chance
_ENCODED = r"^\s*[A-Za-z0-9+/_-]{120,}={0,2}\s*$"
_MARKUP = r"^\s*<[A-Za-z!][^>]*>"


@dataclass(frozen=True)
class Evidence:
    """Of a column's distinct values: the share that is of each kind as a whole, kinds found inside, and their shape."""

    kinds: dict[str, float] = field(default_factory=dict)
    anywhere: frozenset[str] = frozenset()
    is_text: bool = False
    encoded: bool = False
    markup: bool = False
    constant: bool = False

    def share(self, kind: str) -> float:
        """The share of values that are of the kind."""
        return self.kinds.get(kind, 0.0)


def evidence(columns: Sequence[pl.Series]) -> list[Evidence]:
    """Look at samples of values as text, all columns in one pass."""
    samples = [values.drop_nulls().cast(pl.String).unique(maintain_order=True).head(_SAMPLE) for values in columns]
    samples = [s.filter(s.str.strip_chars() != "") for s in samples]
    spans = _spans(samples, STRONG | {"PERSON", "ADDRESS"})
    return [
        _weigh(sample, values.len() - values.null_count(), spans.filter(pl.col("column") == number))
        for number, (sample, values) in enumerate(zip(samples, columns, strict=True))
    ]


def count_kinds(columns: Sequence[pl.Series], kinds: Collection[str]) -> list[dict[str, int]]:
    """How many texts of each column hold personal data, by kind; all columns in one pass."""
    spans = _spans([texts.drop_nulls() for texts in columns], kinds).unique(["row", "kind"])
    counts = spans.group_by("column", "kind").len().sort("kind")
    found: list[dict[str, int]] = [{} for _ in columns]
    for column, kind, count in counts.iter_rows():
        found[column][kind] = count
    return found


def _spans(samples: Sequence[pl.Series], kinds: Collection[str]) -> pl.DataFrame:
    """Spans with the number of their column (``column``) and the length of the text they stand in (``length``)."""
    texts = pl.concat([*(s.alias("text") for s in samples), pl.Series("text", [], dtype=pl.String)])
    owner = pl.concat([pl.repeat(n, s.len(), dtype=pl.Int64, eager=True) for n, s in enumerate([*samples, texts[:0]])])
    spans = find_spans(texts, kinds=sorted(kinds))
    length = texts.str.strip_chars().str.len_chars()
    return spans.with_columns(column=owner.gather(spans["row"]), length=length.gather(spans["row"]))


def _weigh(values: pl.Series, count: int, spans: pl.DataFrame) -> Evidence:
    """What the distinct values of a column and the spans in them say; ``count`` values there are in all."""
    if values.is_empty():
        return Evidence()
    whole = spans.filter((pl.col("end") - pl.col("start")) >= _COVERED * pl.col("length")).unique(["row", "kind"])
    counts = dict(whole.group_by("kind").len().sort("kind").iter_rows())
    return Evidence(
        kinds={kind: n / values.len() for kind, n in counts.items() if kind != "PHONE" or n >= _FEW},
        anywhere=frozenset(spans.filter(pl.col("kind").is_in(list(STRONG)))["kind"]),
        is_text=_mean(values.str.len_chars()) >= _LONG and _mean(values.str.count_matches(r"\s")) >= _WORDS - 1,
        encoded=_mean(values.str.contains(_ENCODED)) > 0.5,
        markup=_mean(values.str.contains(_MARKUP)) > 0.5,
        constant=count >= _SAME_AT_LEAST and values.len() == 1,
    )


def _mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).sum()) / max(values.len(), 1)
