"""Dates, birth dates and ages.

Belongs here: when something was and how old somebody is. Must not: other numbers. Forms: ISO 8601, numeric
day-month-year in any order, and month names in English, Spanish, French, German, Italian and Portuguese.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from transforms.detectors.cues import AGE_LABEL, AGED, BORN, DATING, MONTH, MONTHS, WEEKDAY
from transforms.detectors.patterns import TEXT, ask, has, take, widths
from transforms.detectors.scene import Found, Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import ALNUM, DIGIT, LOWER

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
    r"born|birth|\bdob\b|d\.o\.b|b-?day|nacid[oa]|nacimiento|\bnac\b|\bnée?[ :]|naissance|geboren|geburt"
    r"|\bgeb\b|nascit[ao]|nascimento|nato il|nata il"
)
_DATED = (
    r"(?:\bin|\bsince|\bon|\bby|\buntil|\bfrom|\bof|\byear|\bdated?|\bcirca|\ben|\bdesde|\baño|\bdel?|\bfecha"
    r"|\bdepuis|\bjahr|\bim|\bseit|\bdel año|born|birth|nacid[oa]|\bof|\bduring|\btill|\bdurante|\bhasta"
    r"|\bpendant|jusqu'en|\bwährend|\bbis)[:\s]*(?:el |the |early |late )?$"
)


_PRICED = ("$", (" ", "$"))
_FREE = none_of(left=(ALNUM, ("-./", ALNUM), "_", *_PRICED))
_WEEKDAY = r"(?:\bon|\blast|\bnext|\bthis past|\buntil|\bsince|\bel|\bdesde el|\ble|\bam|\bletzten|\bnächsten) $"


def dates(scene: Scene) -> list[Spans]:
    """Dates of any usual form; BIRTH_DATE where words say so. A bare year counts after a word such as "since", a
    weekday after one such as "on".
    """
    numeric = scene.shaped(_NUMERIC)
    text = numeric.text
    dense, real = (has(text, pattern) for pattern in (_DENSE, _REAL))
    short = scene.shaped(r"(?-u:\b)99?/(?:99|9999)(?-u:\b)")
    alone = scene.shaped(r"(?-u:\b)9999(?-u:\b)")
    alone = alone.where(
        (alone.left_in("1", 0) & alone.left_in("89", -1)) | (alone.left_in("2", 0) & alone.left_in("0", -1))
    )
    doubtful = numeric.where(dense).joined(short).joined(alone)
    doubtful = doubtful.where(doubtful.follows(DATING, 3) | doubtful.said(BORN, 64))
    return [*_dated(numeric.where(real).joined(_named(scene)), 0.82), *_dated(doubtful, 0.3), *_weekdays(scene)]


def _weekdays(scene: Scene) -> list[Spans]:
    index = scene.cued(WEEKDAY)
    found = scene.found(scene.starts[index], scene.ends[index])
    if not len(found):
        return []
    return [found.where(has(found.before(16), _WEEKDAY)).spans("DATE", 0.55)]


def _dated(found: Found, score: float) -> list[Spans]:
    """Candidates of a score as dates, with their time of day; the doubtful ones where words say so."""
    found = found.where(found.free(_FREE))
    if not len(found):
        return []
    before, after, sure = found.before(32), found.after(32), score >= 0.5
    birth = has(before, rf"(?:{_BIRTH})[^\d.;\n]{{0,16}}$")
    clock = widths(take(after, "(?i)" + _CLOCK)) if sure else np.zeros(len(found), np.int64)
    apart = (clock > 0) | ~has(after, r"^(?:\p{L}|[-/_.]?\d|[-/_](?:\p{L}|\d))|^\s?[%€$£]")
    doubtful = score if sure else np.where(has(before, _DATED), 0.6, score)
    scores = np.where(birth & (not sure), 0.8, doubtful)
    whole = replace(found, end=found.end + clock)
    return [
        whole.where(chosen).spans(kind, scores[chosen])
        for kind, chosen in (("BIRTH_DATE", birth & apart), ("DATE", ~birth & apart))
    ]


def _named(scene: Scene) -> Found:
    """Dates with a month's name, from the text around each such name."""
    found = search(scene.near(scene.beside_number(scene.cued(MONTH), 3), 16, 24), _NAMED)
    return scene.found(*found)


_UNITS = (
    r"years?[- ]old|year[- ]olds?|years? of age|yrs?\.?(?:[- ]old)?|y/?o|y\.o\.|years?|months?[- ]old|years? young"
    r"|años?(?: de edad)?|meses de edad|ans|jahre?(?: alt)?|jährige[rn]?|anni|anos"
)
_UNIT_AFTER = rf"^([ -]?(?:{_UNITS}))(?:[^\p{{L}}]|$)"
_SPANISH_UNIT = r"^( {1,2}(?:años?|meses|a))(?:[^\p{L}]|$)"
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
    r"(?:\bage|aged|\bedad|\bâge|\balter|\bturn(?:s|ed|ing)?|\bi am|\bi'm|\bhe is|\bshe is|\bhe's|\bshe's|âgée? de"
    r"|\bwhen (?:i|he|she|we|they) (?:was|were)|cuando tenía)"
    r"(?:\s*[:=]\s*| (?:of |is |es )?|\s*\(\s*)$"
)
_AGE_FREE = none_of(left=(ALNUM, ("-./", ALNUM), ".,/:", *_PRICED))
_NO_AGE_AFTER = (
    r"^(?:[.,:/%-]?\d|[ ]?[%€$£°]|\p{L}{3,}|[ -]?(?:min|hour|day|km|kg|cm|mm|mg|ml|week|month|mi\b|lb"
    r"|feet|foot|ft|percent|times|th\b|st\b|nd\b|rd\b|am\b|pm\b|horas|días|semanas|meses|heures|jours|tage|wochen))"
)


def ages(scene: Scene) -> list[Spans]:
    """Ages: the number before "years old" and the like, or after "aged". The number alone is the span; in Spanish, as
    those who mark clinical texts have it, with its unit ("58 años").
    """
    from transforms.detectors.compiled.beside import age_like

    index = age_like(scene.numeric, scene.sizes, scene.bits, scene.meanings, DIGIT | LOWER, AGE_LABEL, AGED)
    found = scene.found(scene.starts[index], scene.ends[index])
    found = found.where(found.free(_AGE_FREE))
    number = take(found.text, r"^(\d{1,3})(?:$|y|a[nñ]|j|m)")
    aged = ask(number, (TEXT.cast(pl.Int32) <= 125).fill_null(False)).to_numpy()
    found = replace(found, end=found.start + widths(number)).where(aged)
    if not len(found):
        return []
    before, after = found.before(24), found.after(28)
    unit = take(after, _UNIT_AFTER)
    united, sure = widths(unit) > 0, has(ask(unit, TEXT.fill_null("")), r"old|age|edad|y/?\.?o|alt|jährig")
    spell = has(before, _SPELL_BEFORE, united)
    person = has(before, _PERSON_BEFORE, united & ~sure)
    person |= has(after, _PERSON_AFTER, united & ~sure & ~person)
    labelled = has(before, _LABEL_BEFORE, ~sure | spell)
    labelled &= ~has(after, _NO_AGE_AFTER, labelled)
    score = np.select([sure & ~spell, united & person & ~spell, labelled], [0.85, 0.65, 0.7], 0.2)
    spanish = np.where(score >= 0.5, widths(take(after, _SPANISH_UNIT)), 0)
    found = replace(found, end=found.end + spanish)
    kept = (score >= scene.least) | united
    return [found.where(kept).spans("AGE", score[kept])]
