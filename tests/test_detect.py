"""Detection in free text: each kind by example, odd input, hidden text, and the properties that hold for any text."""

import base64
import json
import threading
import time
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from transforms.detect import KINDS, find_spans, redact_text
from transforms.detectors import patterns, places
from transforms.detectors.buffer import Buffer, count_before
from transforms.detectors.compiled.beside import ending, gather, windows
from transforms.detectors.crew import KEPT, Hand
from transforms.detectors.cues import BORN
from transforms.detectors.folding import fold, fold_all
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.tokens import DIGIT

FOUND = [
    ("EMAIL", "write to ann.o'hara+x@mail.example.co.uk today", "ann.o'hara+x@mail.example.co.uk"),
    ("EMAIL", "Correo: josé@dominio.es.", "josé@dominio.es"),
    ("EMAIL", "reach me: jane (at) example (dot) org thanks", "jane (at) example (dot) org"),
    ("PHONE", "call +44 20 7946 0958 now", "+44 20 7946 0958"),
    ("PHONE", "my number is (212) 555-0187 ext. 23, ok", "(212) 555-0187 ext. 23"),
    ("PHONE", "Tel: 0033 1 42 68 53 00", "0033 1 42 68 53 00"),
    ("PHONE", "llámame al 612 345 678 por favor", "612 345 678"),
    ("CARD", "card 4111 1111 1111 1111 exp", "4111 1111 1111 1111"),
    ("CARD", "amex 378282246310005.", "378282246310005"),
    ("IBAN", "pay DE89 3704 0044 0532 0130 00 soon", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "pay GB29NWBK60161331926819", "GB29NWBK60161331926819"),
    ("ACCOUNT", "account number: 12345678", "12345678"),
    ("SSN", "his SSN is 536-90-4399.", "536-90-4399"),
    ("US_ITIN", "ITIN 912-70-1234 filed", "912-70-1234"),
    ("IN_AADHAAR", "Aadhaar 2341\t2341 2346", "2341\t2341 2346"),
    ("UK_NINO", "NI AB 12 34 56 C given", "AB 12 34 56 C"),
    ("UK_NHS", "NHS number 943 476 5919", "943 476 5919"),
    ("ES_DNI", "DNI 12345678Z", "12345678Z"),
    ("ES_NIE", "NIE X1234567L", "X1234567L"),
    ("FR_NIR", "NIR 1 85 05 78 006 084 91", "1 85 05 78 006 084 91"),
    ("DE_TAX_ID", "Steuer-ID 86 095 742 719", "86 095 742 719"),
    ("IT_CF", "CF RSSMRA85T10A562S", "RSSMRA85T10A562S"),
    ("IN_PAN", "PAN ABCPE1234F", "ABCPE1234F"),
    ("IN_AADHAAR", "Aadhaar 2341 2341 2346", "2341 2341 2346"),
    ("BR_CPF", "CPF 529.982.247-25", "529.982.247-25"),
    ("IP", "from 203.0.113.77 and", "203.0.113.77"),
    ("IP", "from 2001:db8:85a3::8a2e:370:7334 and", "2001:db8:85a3::8a2e:370:7334"),
    ("MAC", "mac 00:1b:44:11:3a:b7.", "00:1b:44:11:3a:b7"),
    ("URL", "see https://example.org/a?b=c#d.", "https://example.org/a?b=c#d"),
    ("URL", "see shop.example.de/path now", "shop.example.de/path"),
    ("DATE", "on 2024-03-17 we", "2024-03-17"),
    ("DATE", "on the 3rd of May 2021 we", "3rd of May 2021"),
    ("DATE", "el 5 de febrero de 1998 fue", "5 de febrero de 1998"),
    ("BIRTH_DATE", "born on 12/31/1979 in", "12/31/1979"),
    ("BIRTH_DATE", "Fecha de nacimiento: 03/03/1946.", "03/03/1946"),
    ("AGE", "a 67-year-old man", "67"),
    ("AGE", "Paciente de 70 años de edad", "70 años"),
    ("AGE", "when she was 17 we", "17"),
    ("AGE", "soon I turn 30.", "30"),
    ("DATE", "flew there on Tuesday morning", "Tuesday"),
    ("DATE", "During 1999, we", "1999"),
    ("ADDRESS", "wohnt Kaiserring 12 in", "Kaiserring 12"),
    ("ADDRESS", "Domicilio: Los Alisos, 12.\nLocalidad: Lugo", "Los Alisos, 12"),
    ("ADDRESS", "Adresse : 3 les Tilleuls\nDirección: Gran Vía 4 B. Fin", "Gran Vía 4 B"),
    ("ADDRESS", "Hospital, Avda. Ramón Pérez, s/n 28001 Madrid", "Avda. Ramón Pérez, s/n"),
    ("ADDRESS", "vive en Calle Ramón Pérez 4, 2º B de", "Calle Ramón Pérez 4, 2º B"),
    ("ADDRESS", "lives at 1600 Pennsylvania Avenue in", "1600 Pennsylvania Avenue"),
    ("ADDRESS", "wohnt Hauptstraße 12 in", "Hauptstraße 12"),
    ("ADDRESS", "vive en Calle Mayor 15 de", "Calle Mayor 15"),
    ("POSTAL_CODE", "ZIP code 90210 please", "90210"),
    ("PERSON", "I spoke to Maria Gonzalez yesterday", "Maria Gonzalez"),
    ("PERSON", "thanks, Dr. Vrxblk said", "Vrxblk"),
    ("PERSON", "hi, my name is qwendoline smith and", "qwendoline smith"),
    ("PERSON", "Nombre: Ernesto. Apellidos: Rivera Bueno.", "Rivera Bueno"),
    ("MRN", "MRN: 00123456 seen", "00123456"),
    ("PASSPORT", "passport no. X12345678", "X12345678"),
    ("SECRET", "key AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
    ("SECRET", "password: hunter2!x", "hunter2!x"),
    ("SECRET", "x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y",
     "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"),
    ("WALLET", "btc 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ok", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("WALLET", "send bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 ok", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("HEALTH_ID", "policy number: ABC1234567 ok", "ABC1234567"),
    ("LICENCE", "driver's license no. D1234567 ok", "D1234567"),
    ("ID_NUMBER", "employee id: 445566 ok", "445566"),
    ("VEHICLE", "VIN 1HGCM82633A004352 ok", "1HGCM82633A004352"),
    ("DEVICE", "IMEI 490154203237518 ok", "490154203237518"),
    ("US_NPI", "NPI 1234567893 ok", "1234567893"),
    ("ES_NSS", "NSS 281234567840 ok", "281234567840"),
    ("BR_CNPJ", "CNPJ 11.222.333/0001-81 ok", "11.222.333/0001-81"),
    ("NL_BSN", "BSN 111222333 ok", "111222333"),
    ("PL_PESEL", "PESEL 44051401359 ok", "44051401359"),
    ("BE_NISS", "NISS 85.07.30-033.28 ok", "85.07.30-033.28"),
    ("CH_AHV", "AHV 756.9217.0769.85 ok", "756.9217.0769.85"),
    ("MX_CURP", "CURP BOXW310820HNERXN09 ok", "BOXW310820HNERXN09"),
    ("AU_TFN", "TFN 123 456 782 ok", "123 456 782"),
    ("AU_MEDICARE", "medicare 2123 45670 1 ok", "2123 45670 1"),
    ("CA_SIN", "SIN 046-454-286 ok", "046-454-286"),
    ("PT_NIF", "NIF 501964843 ok", "501964843"),
    ("SE_PIN", "personnummer 811228-9874 ok", "811228-9874"),
    ("FI_HETU", "hetu 131052-308T ok", "131052-308T"),
    ("IE_PPS", "PPS 6433435F ok", "6433435F"),
    ("HR_OIB", "OIB 33392005961 ok", "33392005961"),
    ("ACCOUNT", "routing number 021000021 ok", "021000021"),
    ("WALLET", "eth 0x52908400098527886E0F7030069857D2E4169EE7 ok", "0x52908400098527886E0F7030069857D2E4169EE7"),
    ("SECRET", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz x",
     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz"),
]  # fmt: skip


def test_every_kind_has_an_example() -> None:
    assert {kind for kind, _, _ in FOUND} == set(KINDS)


@pytest.mark.parametrize(("kind", "text", "value"), FOUND)
def test_finds_each_kind(kind: str, text: str, value: str) -> None:
    found = find_spans(pl.Series([text]), values=True)
    assert (kind, value) in found.select("kind", "value").rows()


@pytest.mark.parametrize(
    "text",
    [
        "The order shipped in 3 boxes of 12 pieces and costs 1,299.00 EUR.",
        "Version 10.2.3.4 of the firmware improves the display by 15 %.",
        "We sold 4,000,000 units; revenue grew 12.5% to $3,400,000.",
        "See chapter 7, e.g. section 3.2, i.e. the second part.",
        "std::cout prints; a ratio of 3:2 at 12:30 is fine.",
        "item 4111 1111 1111 1112 and 1234567890123456 are nothing",
        "Years 2012 2013 2014 2015, we counted 12 15 18 20 25 30 birds.",
        "The quick brown fox jumps over the lazy dog",
    ],
)
def test_leaves_what_is_no_personal_data(text: str) -> None:
    assert redact_text(pl.Series([text])).item() == text


def test_check_digits_decide() -> None:
    wrong = ["12345678A", "RSSMRA85T10A562T", "DE89370400440532013001", "756.1234.5678.98"]
    assert redact_text(pl.Series(wrong)).to_list() == wrong


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("base64", "note " + base64.b64encode(b"mail john.smith@example.com soon").decode()),
        ("base64 without padding", base64.urlsafe_b64encode(b"iban DE89370400440532013000").decode().rstrip("=")),
        ("base64 twice", base64.b64encode(base64.b64encode(b"mail john.smith@example.com soon")).decode()),
        ("hex", b"mail john.smith@example.com".hex()),
        ("html entities", "mail john.smith&#64;example&period;com soon"),
        ("url encoding", "?mail=john.smith%40example.com&x=1"),
        ("json in a string", json.dumps({"mail": "john.smith\u0040example.com"}).replace("@", "\\u0040")),
        ("tags inside", "mail john.smith<b>@</b>example.com soon"),
        ("zero width", "mail john.smith\u200b@example\u200b.com soon"),
        ("full width", "mail ｊｏｈｎ．ｓｍｉｔｈ＠ｅｘａｍｐｌｅ．ｃｏｍ soon"),
    ],
)
def test_finds_what_hides(name: str, text: str) -> None:
    redacted = redact_text(pl.Series([text])).item()
    assert "<EMAIL>" in redacted or "<IBAN>" in redacted
    assert "example" not in redacted and "smith" not in redacted


def test_odd_spaces_and_dashes_in_numbers() -> None:
    texts = pl.Series(["Tel. 01\u00a042\u00a068\u00a053\u00a000", "SSN 536\u201390\u20134399"])
    assert redact_text(texts).to_list() == ["Tel. <PHONE>", "SSN <SSN>"]


def test_what_looks_masked_is_read_like_any_other_text() -> None:
    texts = pl.Series(["<EMAIL> john@example.com", "<PERSON>536-90-4399", "****4111111111111111"])
    assert redact_text(texts).to_list() == ["<EMAIL> <EMAIL>", "<PERSON><SSN>", "****<CARD>"]


def test_offsets_are_characters() -> None:
    text = "🙂 ñandú — João: john@example.com 🙂"
    found = find_spans(pl.Series([text]), kinds=["EMAIL"])
    start, end = found.select("start", "end").row(0)
    assert text[start:end] == "john@example.com"


def test_odd_input() -> None:
    odd = pl.Series("t", [None, "", " ", "\n\n", "\x00\x02\x03", "🙂", "é" * 10, "a\x02b john@x.org \x03"])
    assert redact_text(odd).to_list() == [*odd.to_list()[:-1], "a\x02b <EMAIL> \x03"]
    assert redact_text(pl.Series([], dtype=pl.String)).to_list() == []
    assert redact_text(pl.Series([None, None], dtype=pl.String)).to_list() == [None, None]
    assert redact_text(pl.Series("x", ["a"])).name == "x"
    assert find_spans(pl.Series([None, ""], dtype=pl.String)).is_empty()
    quoted = f"a%41 {'x' * 90}’s"  # where the surroundings of the escape end, a sign of several bytes stands
    assert redact_text(pl.Series([quoted])).to_list() == [quoted]


def test_folded_text_keeps_every_place() -> None:
    some = [chr(code) for code in (*range(0x20, 0x3100), *range(0xA000, 0xD800, 97), *range(0xE000, 0x20000, 61))]
    folded = _folded("".join(some))
    assert folded.isascii() and folded == b"".join(fold(character) for character in some)
    assert all(len(fold(character)) == len(character.encode()) for character in some)
    assert _folded("Éa “x” 5€ ñ Ж") == b'E\x7fa "  x"   5$$$ n\x7f \x7f\x7f'


def _folded(text: str) -> bytes:
    return fold_all(np.frombuffer(text.encode(), dtype=np.uint8)).searched.tobytes()


def test_bytes_that_are_no_text_fold_without_harm() -> None:
    broken = b"\xe2\x80 \xc3 \x80\x80 \xf0\x9f\xe2a \xc3"
    folded = fold_all(np.frombuffer(broken, dtype=np.uint8), 4)
    assert len(folded.searched) == len(broken) + 8 and folded.searched.tobytes().isascii()
    assert len(folded.wide) + len(folded.inner) == sum(byte >= 0x80 for byte in broken)


def test_compiled_loops_refuse_what_lies_outside() -> None:
    codes, place = np.zeros(4, np.uint8), np.array([2], np.int64)
    with pytest.raises(IndexError, match="range"):
        gather(codes, place, place + 3)
    with pytest.raises(IndexError, match="window"):
        windows(codes, place, place, place, 0, 3, 1)


def test_places_before_others_are_counted_in_any_order() -> None:
    ordered = np.array([-1, 3, 3, 7, 9], np.int64)
    asked = np.array([9, 0, 10, -5, 3, 4, 7, -1], np.int64)
    assert (count_before(ordered, asked) == np.searchsorted(ordered, asked)).all()


@given(st.text("a1 -@_", max_size=14))
def test_what_stands_beside_is_told_as_byte_by_byte(text: str) -> None:
    scene, size = _scene([text]), len(text)
    at = np.array([(low, high) for low in range(size + 1) for high in range(low, size + 1)], np.int64).T
    free = scene.found(*at).free(none_of(left=(DIGIT, ("-", "@")), right=("_", (" ", DIGIT))))
    for low, high, said in zip(*at.tolist(), free.tolist(), strict=True):
        left, right = f"\n\n{text[:low]}"[-2:], f"{text[high:]}\n\n"[:2]
        beside = left[1] == "1" or left == "@-" or right[0] == "_" or right == " 1"
        assert said is not beside, (text, low, high)


@given(
    st.lists(st.lists(st.sampled_from(["born", "dob", "x", "12"]), max_size=6).map(" ".join), min_size=1, max_size=4)
)
def test_a_cue_counts_within_reach_in_its_row(rows: list[str]) -> None:
    scene, plain = _scene(rows), "\n".join(rows)
    at = np.arange(len(plain) + 1)
    for place, said in enumerate(scene.found(at, at).said(BORN, 9).tolist()):
        row = plain[plain.rfind("\n", 0, place) + 1 : place]
        word = max(row.rfind("born", 0, place), row.rfind("dob", 0, place))
        ended = (word >= 0 and not plain[place : place + 1].isalnum()) or " " in row[max(word, 0) :]
        assert said is (word >= 0 and ended and len(row) - word <= 9), (plain, place)


@given(
    st.lists(st.sampled_from(["12", " ", ",", "ter", "Kaiserring", "Lindenallee", "a", "\n"]), max_size=9).map("".join)
)
def test_no_street_beside_a_number_is_passed_over(text: str) -> None:
    scene = _scene([text])
    words = scene.found(scene.starts[scene.capitals], scene.ends[scene.capitals])
    near = patterns.has(words.after(28), r"^ \d") | patterns.has(words.before(20), places._LEFT_OF_STREET)
    near &= patterns.has(words.text, "(?:ng|ee)$") & (words.size >= 6)
    tables = scene.capitals, places._SORT, places._ENDINGS
    kept = ending(scene.buffer.codes, scene.starts, scene.ends, scene.sizes, *tables, 6)
    assert set(scene.capitals[near].tolist()) <= set(kept.tolist())


def _scene(texts: list[str]) -> Scene:
    scene = Scene(Buffer.of(pl.Series(texts)), pl.Series(texts))
    scene.prepare()
    return scene


def test_huge_texts_take_linear_time() -> None:
    words = "lorem ipsum dolor sit amet john@example.com " * 20_000
    unbroken = "x" * 500_000 + "1" * 500_000 + "@" * 50_000 + ":" * 50_000
    began = time.perf_counter()
    redacted = redact_text(pl.Series([words, unbroken]))
    assert time.perf_counter() - began < 30
    assert redacted[0].count("<EMAIL>") == 20_000


def test_many_rows_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.detect._CHUNK", 1000)
    monkeypatch.setattr("transforms.detect._LEAST", 1000)
    texts = pl.Series([f"row {i}: mail u{i}@example.com" for i in range(500)] * 2)
    assert redact_text(texts).to_list() == [f"row {i}: mail <EMAIL>" for i in range(500)] * 2
    found = find_spans(texts, ["EMAIL"], values=True)
    assert found["row"].to_list() == list(range(1000))
    assert found["value"].to_list() == [f"u{i}@example.com" for i in range(500)] * 2


def test_known_terms_of_the_caller() -> None:
    texts = pl.Series(["Xyzzy Plugh called; xyzzy plugh again; Xyzzy Plughs not", "nothing"])
    assert (
        redact_text(texts, known={"PERSON": ["Xyzzy Plugh", " "]})[0]
        == "<PERSON> called; <PERSON> again; Xyzzy Plughs not"
    )


def test_a_recognizer_is_plugged_in() -> None:
    def planets(texts: pl.Series) -> pl.DataFrame:
        rows = pl.DataFrame({"text": texts}).with_row_index("row").filter(pl.col("text").str.contains("Vulcan"))
        at = pl.col("text").str.split("Vulcan").list.first().str.len_chars().cast(pl.Int64)
        return rows.select("row", start=at, end=at + 6, kind=pl.lit("PLANET"), score=pl.lit(1.0))

    assert redact_text(pl.Series(["né on Vulcan."]), recognizers=[planets]).item() == "né on <PLANET>."


def test_kinds_choose_and_are_checked() -> None:
    text = pl.Series(["john@example.com 203.0.113.77"])
    assert redact_text(text, kinds=["IP"]).item() == "john@example.com <IP>"
    with pytest.raises(ValueError, match="no kind 'EMIAL'"):
        redact_text(text, kinds=["EMIAL"])
    assert len(set(KINDS)) >= 40


_VALUES = [value for _, _, value in FOUND]
_PIECES = st.one_of(
    st.sampled_from(_VALUES),
    st.sampled_from(
        ["<EMAIL>", "<PERSON>", "name is", "Dr.", "born", "account", "Street", "calle", "12", "ext. 5", "-", "@"]
    ),
    st.sampled_from(
        ["John", "Smith", "May", "maria", "of", "the", "de la", "password:", "%40", "&amp;", "\\u0040", "🙂"]
    ),
    st.text(max_size=12),
)
_TEXTS = st.lists(
    st.one_of(st.none(), st.tuples(st.lists(_PIECES, max_size=8), st.sampled_from([" ", "", ", ", "\n"]))), max_size=4
)


def _texts(parts: list[tuple[list[str], str] | None]) -> pl.Series:
    return pl.Series([None if part is None else part[1].join(part[0]) for part in parts], dtype=pl.String)


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(_TEXTS)
@example([(["John", "Smith", "john@example.com", "4111 1111 1111 1111"], "")])
def test_redaction_holds_for_any_text(parts: list[tuple[list[str], str] | None]) -> None:
    texts = _texts(parts)
    redacted = redact_text(texts)
    assert len(redacted) == len(texts)
    assert redacted.is_null().to_list() == texts.is_null().to_list()
    assert redact_text(texts).to_list() == redacted.to_list(), "not deterministic"
    assert redact_text(redacted).to_list() == redacted.to_list(), "not idempotent"
    found = find_spans(texts, values=True)
    for row, start, end, kind, score, value in found.rows():
        assert texts[row][start:end] == value
        assert kind in KINDS and 0.5 <= score <= 1
    for row, value, times in found.group_by("row", "value").len().rows():
        assert redacted[row].count(value) <= texts[row].count(value) - times, "a clear value survives"


_PLAIN = ("EMAIL", "CARD", "IBAN", "SSN", "IP", "URL", "WALLET")
_MARKS = st.characters(categories=["Zs", "Po"], exclude_characters="'’.@/\\%&:-_#*,;!?·")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([f for f in FOUND if f[0] in _PLAIN]), st.text(_MARKS, max_size=5))
def test_no_clear_value_survives_beside_spaces_and_marks(case: tuple[str, str, str], around: str) -> None:
    _, _, value = case
    text = f"{around} {value} {around}"
    if " (at) " in value:
        return
    assert value not in redact_text(pl.Series([text])).item()


def test_no_thread_takes_more_patterns_than_the_engine_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that takes one more compiles all of them again for each chunk (crew.py)."""
    used: dict[str, set[str]] = {}
    for space in (pl.series.string.StringNameSpace, pl.expr.string.ExprStringNameSpace):
        for name in ("contains", "extract", "replace", "replace_all", "count_matches"):
            monkeypatch.setattr(space, name, _counted(getattr(space, name), used))
    for name in ("_contains", "_extract"):  # not once for all threads
        monkeypatch.setattr(patterns, name, getattr(patterns, name).__wrapped__)
    find_spans(pl.Series([text for _, text, _ in FOUND] * 2))
    most = {name.rpartition("-")[2]: len(patterns) for name, patterns in used.items() if name.startswith("detect-")}
    assert most and max(most.values()) <= KEPT, most


def _counted(plain: Any, used: dict[str, set[str]]) -> Any:
    def call(self: Any, pattern: str, *more: Any, **options: Any) -> Any:
        if not options.get("literal"):
            used.setdefault(threading.current_thread().name, set()).add(pattern)
        return plain(self, pattern, *more, **options)

    return call


def test_a_failing_detector_is_heard_of_and_its_thread_goes_on() -> None:
    hand = Hand("test")
    with pytest.raises(ZeroDivisionError):
        hand.do(lambda: 1 // 0).result()
    assert hand.do(lambda: 2).result() == 2


@pytest.mark.parametrize("text", ["1999", "x", "Monday", "2001 ", "7", "c", "zip"])
def test_a_single_word_is_a_text_too(text: str) -> None:
    assert len(redact_text(pl.Series([text]))) == 1
