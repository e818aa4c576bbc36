"""Dates, birth dates and ages.

Belongs here: when something was and how old somebody is. Must not: other numbers. Forms: ISO 8601, numeric
day-month-year in any order, and month names in English, Spanish, French, German, Italian and Portuguese.
"""

import numpy as np
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.cues import AGE_LABEL, AGED, MONTH, MONTHS
from transforms.detectors.patterns import has, take
from transforms.detectors.scene import Scene
from transforms.detectors.spans import no_spans, search, spans
from transforms.detectors.tokens import DIGIT, LOWER

_MONTH = "(?:" + "|".join(sorted(dict.fromkeys(MONTHS.split()), key=len, reverse=True)) + r")\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:1[89]|20|21)\d\d"
_CLOCK = (
    r"^((?:[T ,]{1,2}(?:at )?(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?[ap]\.?m\.?)?(?:Z"
    r"|[ ]?(?:UTC|GMT)|[+-]\d\d:?\d\d)?)?)"
)
_NUMERIC = (
    r"(?-u:\b)(?:9999([-/.])99?[-/.]99?|99?[-/.]99?[-/.](?:9999|99)|99?([-/. ])AAA[-/. ](?:9999|99)"
    r"|9999[-/ ]AAA[-/ ]99?|9{8})(?:AA?99)?(?-u:\b)"
)
_REAL = (
    rf"(?i)^(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.]{_DAY}|{_DAY}[-/.]{_DAY}[-/.](?:{_YEAR}|\d\d)"
    rf"|{_DAY}[-/. ]{_MONTH}[-/. ](?:{_YEAR}|\d\d)"
    rf"|{_YEAR}[-/ ]{_MONTH}[-/ ]{_DAY})(?:T\d\d)?$"
)
_DENSE = (
    r"^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)$"
)
_NAMED = (
    rf"(?i)(?-u:\b)(?:{_DAY}(?:st|nd|rd|th|er|\.|º|°)?(?: of| de| del)?[-/. ]{_MONTH}(?:,?[-/. ](?:of |de "
    rf"|del )?(?:{_YEAR}|'?\d\d(?-u:\b)))?"
    rf"|{_MONTH} {_DAY}(?:st|nd|rd|th)?(?-u:\b)(?:,? ?(?:of )?{_YEAR})?"
    rf"|{_MONTH},? (?:of |de |del )?{_YEAR}"
    r")(?-u:\b)"
)
_BIRTH = (
    r"born|birth|\bdob\b|d\.o\.b|b-?day|nacid[oa]|nacimiento|\bnac\b|\bné[e]?\b|naissance|geboren|geburt"
    r"|\bgeb\b|nascit[ao]|nascimento|nato il|nata il"
)
_DATED = (
    r"(?:\bin|\bsince|\bon|\bby|\buntil|\bfrom|\bof|\byear|\bdated?|\bcirca|\ben|\bdesde|\baño|\bdel?|\bfecha"
    r"|\bdepuis|\bjahr|\bim|\bseit|\bdel año|born|birth|nacid[oa]|\bof)[:\s]*(?:el |the |early |late )?$"
)


def dates(scene: Scene) -> pl.DataFrame:
    """Dates of any usual form; BIRTH_DATE where words say so. A bare year counts after a word such as "since"."""
    numeric = scene.shaped(_NUMERIC)
    dense = numeric.filter(has("text", _DENSE)).with_columns(score=pl.lit(0.3))
    numeric = numeric.filter(has("text", _REAL)).with_columns(score=pl.lit(0.85))
    named = _named(scene).with_columns(score=pl.lit(0.8))
    short = scene.shaped(r"(?-u:\b)99?/(?:99|9999)(?-u:\b)").with_columns(score=pl.lit(0.3))
    alone = scene.shaped(r"(?-u:\b)9999(?-u:\b)").filter(has("text", "^(?:1[89]|20)")).with_columns(score=pl.lit(0.2))
    found = pl.concat([numeric, dense, named, short, alone])
    if found.is_empty():
        return no_spans()
    found = found.with_columns(
        before=scene.buffer.before(found["start"].to_numpy(), 32),
        after=scene.buffer.after(found["end"].to_numpy(), 32),
    )
    clock = pl.when(pl.col("score") > 0.5).then(take("after", "(?i)" + _CLOCK).str.len_bytes()).fill_null(0)
    apart = ~has("before", r"[\d\p{L}_][-./]?$|[$€£]\s?$") & (
        (clock > 0) | ~has("after", r"^(?:\p{L}|[-/_.]?\d|[-/_](?:\p{L}|\d))|^\s?[%€$£]")
    )
    birth = has("before", rf"(?:{_BIRTH})[^\d.;\n]{{0,16}}$")
    dated = has("before", _DATED)
    score = pl.when(pl.col("score") >= 0.5).then("score").when(birth).then(0.8).when(dated).then(0.6).otherwise("score")
    kind = pl.when(birth).then(pl.lit("BIRTH_DATE")).otherwise(pl.lit("DATE"))
    return spans(found.filter(apart).with_columns(end=pl.col("end") + clock), kind, score)


def _named(scene: Scene) -> pl.DataFrame:
    """Dates with a month's name, from the text around each such name."""
    found = search(scene.near(_beside_numbers(scene, scene.cued(MONTH)), 16, 24), _NAMED)
    return found.unique(["start", "end"], maintain_order=True)


def _beside_numbers(scene: Scene, index: Positions) -> Positions:
    """The tokens of ``index`` that have a token with digits within three places."""
    if len(index) == 0:
        return index
    numbers = scene.numeric if len(scene.numeric) else np.array([-9])
    at = np.searchsorted(numbers, index)
    right = numbers[np.minimum(at, len(numbers) - 1)]
    left = numbers[np.maximum(at - 1, 0)]
    return index[(np.abs(right - index) <= 3) | (np.abs(index - left) <= 3)]


_UNITS = (
    r"years?[- ]old|year[- ]olds?|years? of age|yrs?\.?(?:[- ]old)?|y/?o|y\.o\.|years?|months?[- ]old|years? young"
    r"|años?(?: de edad)?|meses de edad|ans|jahre?(?: alt)?|jährige[rn]?|anni|anos"
)
_UNIT_AFTER = rf"^([ -]?(?:{_UNITS}))(?:[^\p{{L}}]|$)"
_PERSON_BEFORE = (
    r"aged?|edad|paciente|patient|man|woman|mujer|varón|varon|hombre|niñ[oa]|\bis|soy|tengo|tiene|agé"
    r"|patiente|j'ai|alter|ist|bin"
)
_PERSON_AFTER = r"^[ -]?\p{L}+\s*,?\s*(?:old )?(?:male|female|man|woman|boy|girl|f\b|m\b|de edad|sexo)"
_SPELL_BEFORE = (
    r"\b(?:hace|durante|for|over|last|past|next|within|every|since|after|in|por|tras|dans|depuis|seit|vor)\s+"
    r"(?:the\s+|los\s+|unos\s+|últimos\s+|more than\s+)?$|\d[-.,/]$"
)
_LABEL_BEFORE = (
    r"(?:\bage|aged|\bedad|\bâge|\balter|turn(?:s|ed|ing)|\bi am|\bi'm|\bhe is|\bshe is|\bhe's|\bshe's|âgée? de)"
    r"(?:\s*[:=]\s*| (?:of |is |es )?|\s*\(\s*)$"
)
_NO_AGE_AFTER = (
    r"^(?:[.,:/%-]?\d|[ ]?[%€$£°]|\p{L}{3,}|[ -]?(?:min|hour|day|km|kg|cm|mm|mg|ml|week|month|mi\b|lb"
    r"|feet|foot|ft|percent|times|th\b|st\b|nd\b|rd\b|am\b|pm\b|horas|días|semanas|meses|heures|jours|tage|wochen))"
)


def ages(scene: Scene) -> pl.DataFrame:
    """Ages: the number before "years old" and the like, or after "aged". The number alone is the span."""
    index = scene.numeric[scene.ends[scene.numeric] - scene.starts[scene.numeric] <= 5]
    cues = np.concatenate([[0], scene.cues, [0]])
    mixed = scene.bits[index] == DIGIT | LOWER
    index = index[mixed | ((cues[index] & AGE_LABEL) > 0) | ((cues[index + 2] & AGED) > 0)]
    found = pl.DataFrame(
        {"start": scene.starts[index], "text": scene.buffer.cut(scene.starts[index], scene.ends[index])}
    )
    found = found.with_columns(text=take("text", r"^(\d{1,3})(?:$|y|a[nñ]|j|m)")).drop_nulls("text")
    found = found.with_columns(end=pl.col("start") + pl.col("text").str.len_bytes()).filter(
        pl.col("text").cast(pl.Int32) <= 125
    )
    if found.is_empty():
        return no_spans()
    found = found.with_columns(
        before=scene.buffer.before(found["start"].to_numpy(), 24),
        after=scene.buffer.after(found["end"].to_numpy(), 28),
    ).filter(~has("before", r"[\d\p{L}][-./]$|[.,/:]$|[$€£]\s?$"))
    unit = take("after", _UNIT_AFTER)
    sure = has(unit, r"old|age|edad|y/?\.?o|alt|jährig")
    person = has("before", _PERSON_BEFORE) | has("after", _PERSON_AFTER)
    spell = has("before", _SPELL_BEFORE)
    labelled = has("before", _LABEL_BEFORE) & ~has("after", _NO_AGE_AFTER)
    score = (
        pl.when(sure & ~spell).then(0.85).when(unit.is_not_null() & person & ~spell).then(0.65).when(labelled).then(0.7)
        .otherwise(0.2)
    )  # fmt: skip
    return spans(found, "AGE", score)
