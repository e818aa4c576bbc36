"""Detection on texts and numbers that nobody here wrote (../shared/data); skipped where they are absent."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.detection import MEDDOCAN, PRESIDIO, meddocan, presidio, score
from transforms.detect import find_spans, redact_text


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8-sig"))


def cases(shared_data: Path, validator: str, argument: str | None = None) -> tuple[list[str], list[str]]:
    """Valid and invalid strings of validator.js for a validator and its first argument."""
    valid, invalid = [], []
    for case in read(shared_data / "formats" / "validatorjs" / "cases.json"):
        arguments = case.get("options") or case.get("args") or []
        if case["validator"] == validator and arguments[:1] == ([argument] if argument else []):
            valid += case.get("valid", [])
            invalid += case.get("invalid", [])
    return valid, invalid


def share_found(values: list[str], kind: str, frame: str = "it is {} today", threshold: float = 0.5) -> float:
    """The share of values that are found whole in a sentence."""
    texts = pl.Series([frame.format(value) for value in values])
    found = find_spans(texts, [kind], values=True, threshold=threshold)
    hits = found.with_columns(wanted=pl.Series(values).gather(found["row"])).filter(pl.col("value") == pl.col("wanted"))
    return hits["row"].n_unique() / max(len(values), 1)


@pytest.fixture
def english(shared_data: Path) -> pl.DataFrame:
    texts, marked = presidio(shared_data)
    return score(find_spans(texts), marked, PRESIDIO)


def test_pattern_kinds_in_english_sentences(english: pl.DataFrame) -> None:
    together = english.row(by_predicate=pl.col("kind") == "patterns", named=True)
    assert together["recall"] >= 0.97 and together["precision"] >= 0.95
    assert together["char_recall"] >= 0.97 and together["char_precision"] >= 0.95


def test_names_in_english_sentences(english: pl.DataFrame) -> None:
    people = english.row(by_predicate=pl.col("kind") == "PERSON", named=True)
    assert people["char_recall"] >= 0.5 and people["char_precision"] >= 0.8


def test_spanish_clinical_cases(shared_data: Path) -> None:
    texts, marked = meddocan(shared_data)
    table = score(find_spans(texts), marked, MEDDOCAN).rows_by_key("kind", named=True, unique=True)
    for kind in ("EMAIL", "PHONE", "DATE", "ID"):
        assert table[kind]["recall"] >= 0.9, kind
    assert table["PERSON"]["recall"] >= 0.85


def test_redacting_the_corpora_again_changes_nothing(shared_data: Path) -> None:
    for load in (presidio, meddocan):
        once = redact_text(load(shared_data)[0])
        assert (redact_text(once) != once).sum() / len(once) < 0.01


def test_nothing_marked_as_pattern_survives(shared_data: Path) -> None:
    texts, marked = presidio(shared_data)
    hard = marked.filter(pl.col("type").is_in(["EMAIL_ADDRESS", "EMAIL", "IBAN_CODE", "US_SSN", "IP_ADDRESS"]))
    redacted = redact_text(texts)
    leaks = [row for row, start, end, _ in hard.rows() if texts[row][start:end] in redacted[row]]
    assert not leaks


def test_ibans_of_every_country(shared_data: Path) -> None:
    ibans = read(shared_data / "formats" / "iban_schwifty" / "iban_cases.json")
    assert share_found(ibans["valid"], "IBAN") == 1
    assert share_found(ibans["experimental"], "IBAN") >= 0.85
    assert share_found(ibans["invalid"], "IBAN") <= 0.25  # three of twelve have good check digits


def test_phone_numbers_of_every_region(shared_data: Path) -> None:
    numbers = read(shared_data / "formats" / "phone_libphonenumber" / "example_numbers.json")
    long = [number["e164"] for number in numbers if 9 <= len(number["e164"]) <= 16]
    assert share_found(long, "PHONE", "please call {} today") >= 0.99


@pytest.mark.parametrize(
    ("validator", "argument", "kind", "least", "most"),
    [
        ("isTaxID", "de-DE", "DE_TAX_ID", 0.8, 0),
        ("isTaxID", "it-IT", "IT_CF", 1, 0),
        ("isTaxID", "es-ES", "ES_DNI", 0.15, 0),
        ("isTaxID", "pl-PL", "PL_PESEL", 0.8, 0.2),
        ("isTaxID", "pt-BR", "BR_CPF", 0.6, 0),
        ("isTaxID", "pt-PT", "PT_NIF", 1, 0),
        ("isTaxID", "fi-FI", "FI_HETU", 1, 0),
        ("isTaxID", "nl-NL", "NL_BSN", 1, 0),
        ("isTaxID", "fr-BE", "BE_NISS", 1, 0),
        ("isTaxID", "hr-HR", "HR_OIB", 1, 0),
        ("isTaxID", "en-IE", "IE_PPS", 1, 0),
        ("isCreditCard", None, "CARD", 1, 0.45),
        ("isBtcAddress", None, "WALLET", 0.75, 0.15),
        ("isEthereumAddress", None, "WALLET", 1, 0.2),
        ("isJWT", None, "SECRET", 1, 0.3),
    ],
)
def test_numbers_of_validator_js(
    shared_data: Path, validator: str, argument: str | None, kind: str, least: float, most: float
) -> None:
    valid, invalid = cases(shared_data, validator, argument)
    assert share_found(valid, kind, threshold=0.05) >= least
    assert share_found(invalid, kind, threshold=0.05) <= most


@pytest.mark.parametrize(
    ("model", "kind", "least"), [("EmailModel", "EMAIL", 0.9), ("IpAddressModel", "IP", 0.9), ("URLModel", "URL", 0.75)]
)
def test_recognizers_of_microsoft(shared_data: Path, model: str, kind: str, least: float) -> None:
    marked = read(shared_data / "pii" / "recognizers_en" / f"{model}.json")
    texts = pl.Series([case["Input"] for case in marked])
    found = find_spans(texts, [kind], values=True)
    wanted = [
        (row, r["Text"].lower())
        for row, case in enumerate(marked)
        for r in case.get("Results", ())
        if r["TypeName"] in ("email", "ip", "url")
    ]
    have = set(found.select("row", pl.col("value").str.to_lowercase()).rows())
    assert sum(want in have for want in wanted) / len(wanted) >= least
