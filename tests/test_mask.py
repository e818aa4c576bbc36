"""Masking: each strategy by example, nested fields, and the properties that hold for every strategy."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.contract import Field, Mask
from transforms.mask import MaskKeys, mask_frame, mask_problems, masked_dtype
from transforms.pseudonyms import subject_tokens

KEYS = MaskKeys(bytes(range(32)))
OTHER = MaskKeys(bytes(32))


def field(name: str, type_: str = "string", strategy: str = "keep", **options: Any) -> Field:
    return Field(name, f"$.{name}", type_, mask=Mask(strategy, options))


def masked(
    values: list[Any], type_: str, strategy: str, dtype: Any = None, keys: MaskKeys = KEYS, **options: Any
) -> list[Any]:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype), "subject_id": [f"c_{i}" for i in range(len(values))]})
    return mask_frame(frame, (field("x", type_, strategy, **options),), keys)["x"].to_list()


def test_redact_says_only_that_there_was_a_value() -> None:
    assert masked(["a", None, ""], "string", "redact") == ["<REDACTED>", None, "<REDACTED>"]
    assert masked([1.5, None], "number", "redact") == ["<REDACTED>", None]


def test_partial_keeps_the_last_characters_and_hides_the_length() -> None:
    assert masked(["+34612345678", "1234", "", None], "string", "partial") == ["****5678", "******34", "********", None]
    assert masked([123456], "integer", "partial", keep=2) == ["**56"]
    assert masked(["secret"], "string", "partial", keep=0) == ["****"]


def test_token_equals_the_subject_id_of_the_same_person() -> None:
    tokens = masked(["7", None, "7", "8"], "string", "token", entity="customer")
    assert tokens[0] == tokens[2] != tokens[3] and tokens[1] is None
    assert tokens[0] == subject_tokens("customer", pl.Series(["7"]), KEYS.pseudonym).item()
    assert (
        tokens[0]
        == masked([7], "integer", "token", entity="customer")[0]
        == masked([7.0], "number", "token", entity="customer")[0]
    )
    assert masked([Decimal("7.00")], "number", "token", entity="customer")[0] == tokens[0]
    assert masked(["7"], "string", "token")[0].startswith("x_")
    assert masked(["7"], "string", "token", keys=OTHER, entity="customer") != tokens[:1]


def test_token_strips_what_stands_before_an_id() -> None:
    references = ["7", "Patient/7", "urn:uuid:7", "Patient/Patient/7", None]
    tokens = masked(references, "string", "token", entity="patient", strip=["Patient/", "urn:uuid:"])
    seven = subject_tokens("patient", pl.Series(["7"]), KEYS.pseudonym).item()
    assert tokens[:3] == [seven] * 3 and tokens[3] not in (seven, None) and tokens[4] is None
    assert mask_problems((field("a", strategy="token", strip="Patient/"),)) == ["a: strip must be a list of texts"]


def test_pseudonym_names_are_made_up_and_stable() -> None:
    first, again, other = masked(["Ann Lee", "Ann Lee", "Bob Ray"], "string", "pseudonym_name")
    assert first == again != other and len(first.split()) == 2
    assert masked(["Ann Lee"], "string", "pseudonym_name", part="given") == [first.split()[0]]
    assert len(set(masked([f"person {i}" for i in range(2000)], "string", "pseudonym_name"))) > 1900


@pytest.mark.parametrize(
    ("value", "type_", "options", "expected"),
    [
        (date(1946, 3, 3), "date", {"to": "year"}, 1946),
        (datetime(2024, 3, 17, 8, tzinfo=UTC), "timestamp", {"to": "year"}, 2024),
        ("1946-03-03", "string", {"to": "year"}, 1946),
        ("soon", "string", {"to": "year"}, None),
        (date(1901, 3, 3), "date", {"to": "year", "earliest": 1937}, 1937),
        (date(1946, 3, 3), "date", {"to": "month"}, "1946-03"),
        ("1946-03", "string", {"to": "month"}, "1946-03"),
        ("1946-13", "string", {"to": "month"}, "<REDACTED>"),
        (34, "integer", {"to": "band"}, "30-39"),
        (89, "integer", {"to": "band"}, "80-89"),
        (90, "integer", {"to": "band"}, "90+"),
        (121, "integer", {"to": "band", "width": 5}, "90+"),
        ("old", "string", {"to": "band"}, "<REDACTED>"),
        ("10115", "string", {"to": "zip3"}, "101"),
        ("03601-1234", "string", {"to": "zip3"}, "000"),
        (3601, "integer", {"to": "zip3"}, "000"),
        ("SW1A 1AA", "string", {"to": "zip3"}, "SW"),
        ("Main Street 5", "string", {"to": "zip3"}, "<REDACTED>"),
        ("99950", "string", {"to": "zip3", "restricted": ["999"]}, "000"),
        (27, "integer", {"to": "bucket"}, "[20, 30)"),
        (-0.5, "number", {"to": "bucket", "width": 0.25}, "[-0.5, -0.25)"),
        (float("nan"), "number", {"to": "bucket"}, "<REDACTED>"),
        ("203.0.113.77", "string", {"to": "subnet"}, "203.0.113.0/24"),
        ("203.0.113.77/30", "string", {"to": "subnet"}, "203.0.113.0/24"),
        ("203.0.0.0/16", "string", {"to": "subnet"}, "203.0.0.0/16"),
        ("::ffff:203.0.113.77", "string", {"to": "subnet"}, "203.0.113.0/24"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "string", {"to": "subnet"}, "2001:db8:85a3::/48"),
        ("::ffff:203.0.113.77", "string", {"to": "subnet"}, "203.0.113.0/24"),
        ("999.1.1.1", "string", {"to": "subnet"}, "<REDACTED>"),
    ],
)
def test_generalize(value: Any, type_: str, options: dict[str, Any], expected: Any) -> None:
    assert masked([value, None], type_, "generalize", **options) == [expected, None]


def test_all_restricted_zip_areas_are_000() -> None:
    areas = "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893"
    assert masked([f"{area}12" for area in areas.split()], "string", "generalize", to="zip3") == ["000"] * 17


def test_shifted_dates_keep_the_distances_within_a_subject() -> None:
    days = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 1, 1)]
    frame = pl.DataFrame(
        {
            "subject_id": ["c_1", "c_1", "c_2", None],
            "day": [*days, date(2024, 1, 1)],
            "at": [datetime(2024, 1, 1, 12, tzinfo=UTC)] * 4,
            "text": ["2024-01-01T09:30:00Z", "2024-02-01", "soon", None],
        }
    )
    fields = (
        field("day", "date", "shift_dates"),
        field("at", "timestamp", "shift_dates"),
        field("text", "string", "shift_dates"),
    )
    shifted = mask_frame(frame, fields, KEYS)
    moved = shifted["day"].to_list()
    assert moved[1] - moved[0] == timedelta(days=31) and moved[3] is None
    assert 1 <= abs((moved[0] - days[0]).days) <= 180
    assert shifted["at"][0] - frame["at"][0] == moved[0] - days[0]
    assert shifted["text"].to_list() == [f"{moved[0]}T09:30:00Z", f"{moved[1]}", "<REDACTED>", None]
    assert mask_frame(frame, fields, OTHER)["day"].to_list() != moved


def test_text_is_redacted_by_the_given_detector_or_all_of_them() -> None:
    assert masked(["mail john@example.com", None], "string", "text") == ["mail <EMAIL>", None]
    frame = pl.DataFrame({"x": ["a"], "subject_id": ["c"]})
    assert mask_frame(frame, (field("x", "string", "text"),), KEYS, lambda s: s + "!")["x"].item() == "a!"


@pytest.mark.parametrize(
    "looks", ["<REDACTED>", "<EMAIL>", "****5678", "customer_" + "0" * 24, "90+", "203.0.113.0/24"]
)
def test_a_value_is_never_passed_because_it_looks_masked(looks: str) -> None:
    assert masked([looks], "string", "token") != [looks]
    assert masked([looks], "string", "pseudonym_name") != [looks]
    assert masked([looks], "string", "redact") == ["<REDACTED>"]


def test_nested_members_and_items() -> None:
    frame = pl.DataFrame(
        {
            "subject_id": ["c_1", "c_2", None],
            "who": [{"mail": "a@b.c", "tags": ["x", None], "age": 91}, None, {"mail": None, "tags": [], "age": None}],
            "visits": [[{"at": date(2024, 1, 1), "by": "d1"}, {"at": None, "by": None}], [], None],
            "mails": [["a@b.c"], None, []],
            "plain": [1, 2, 3],
        }
    )
    who = replace(
        field("who", "object"),
        properties=(
            field("mail", strategy="token", entity="mail"),
            replace(field("tags", "array"), items=field("item", strategy="redact")),
            field("age", "integer", "drop"),
        ),
    )
    visit = replace(
        field("item", "object"), properties=(field("at", "date", "shift_dates"), field("by", strategy="redact"))
    )
    fields = (
        who,
        replace(field("visits", "array"), items=visit),
        replace(field("mails", "array", "token", entity="mail"), items=field("item")),
        field("plain", "integer"),
    )
    out = mask_frame(frame, fields, KEYS)
    token = subject_tokens("mail", pl.Series(["a@b.c"]), KEYS.pseudonym).item()
    moved = masked([date(2024, 1, 1)] * 2, "date", "shift_dates")  # row 1 is subject c_1
    assert out["who"].to_list() == [{"mail": token, "tags": ["<REDACTED>", None]}, None, {"mail": None, "tags": []}]
    assert out["visits"].to_list() == [[{"at": moved[1], "by": "<REDACTED>"}, {"at": None, "by": None}], [], None]
    assert out["mails"].to_list() == [[token], None, []]
    assert out["plain"].to_list() == [1, 2, 3]
    for f in fields:
        assert masked_dtype(f, frame.schema[f.name]) == out.schema[f.name]
    assert mask_frame(frame.clear(), fields, KEYS).schema == out.schema


def test_a_mask_on_an_object_holds_for_members_that_declare_none() -> None:
    whole = replace(
        field("o", "object", "redact"), properties=(field("a"), field("b", "integer", "generalize", to="bucket"))
    )
    frame = pl.DataFrame({"o": [{"a": "x", "b": 5}], "subject_id": ["c"]})
    assert mask_frame(frame, (whole,), KEYS)["o"].to_list() == [{"a": "<REDACTED>", "b": "[0, 10)"}]
    gone = replace(whole, properties=(field("a", strategy="drop"),))
    assert mask_frame(frame, (gone,), KEYS).columns == ["subject_id"] and masked_dtype(gone) is None


def test_dropped_columns_are_absent_and_others_pass() -> None:
    frame = pl.DataFrame({"a": ["x"], "lineage_id": ["l"], "subject_id": ["c"]})
    assert mask_frame(frame, (field("a", strategy="drop"),), KEYS).to_dicts() == [
        {"lineage_id": "l", "subject_id": "c"}
    ]


def test_problems_name_the_path_and_what_is_wrong() -> None:
    fields = (
        field("a", strategy="tokn"),
        field("b", strategy="partial", kepe=3),
        field("c", "date", "generalize"),
        field("d", "integer", "text"),
        field("e", "integer", "generalize", to="band", width=7),
        replace(field("f", "array"), items=field("item", "date", "shift_dates", max_days=0)),
        field("g", strategy="token", entity="customer"),
    )
    assert [problem.split(":")[0] for problem in mask_problems(fields)] == ["a", "b", "c", "d", "e", "f[].item"]
    with pytest.raises(ValueError, match="no masking strategy 'tokn'"):
        masked(["x"], "string", "tokn")


def test_keys_are_whole_and_never_print() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MaskKeys(b"short")
    assert repr(KEYS) == "MaskKeys(...)" and str(KEYS.pseudonym) not in f"{KEYS}"


_STRATEGIES = [
    ("redact", {}), ("partial", {}), ("token", {}), ("pseudonym_name", {}), ("shift_dates", {}), ("text", {}),
    *(("generalize", {"to": to}) for to in ("year", "month", "band", "zip3", "bucket", "subnet")),
]  # fmt: skip
_VALUES = st.one_of(
    st.lists(st.none() | st.text(max_size=12), max_size=6).map(lambda v: pl.Series(v, dtype=pl.String)),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=6).map(lambda v: pl.Series(v, dtype=pl.Int64)),
    st.lists(st.none() | st.floats(), max_size=6).map(lambda v: pl.Series(v, dtype=pl.Float64)),
    st.lists(st.none() | st.booleans(), max_size=6).map(lambda v: pl.Series(v, dtype=pl.Boolean)),
    st.lists(st.none() | st.dates(), max_size=6).map(lambda v: pl.Series(v, dtype=pl.Date)),
    st.lists(st.none() | st.datetimes(), max_size=6).map(
        lambda v: pl.Series(v, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_VALUES, st.sampled_from(_STRATEGIES))
def test_any_value_by_any_strategy(values: pl.Series, strategy: tuple[str, dict[str, Any]]) -> None:
    name, options = strategy
    frame = pl.DataFrame({"x": values, "subject_id": pl.Series(["c"] * len(values), dtype=pl.String)})
    declared = field("x", "string", name, **options)
    out = mask_frame(frame, (declared,), KEYS)["x"]
    assert len(out) == len(values)
    assert out.dtype == masked_dtype(declared, values.dtype)
    if options != {"to": "year"}:
        assert out.is_null().to_list() == values.is_null().to_list()
    assert mask_frame(frame, (declared,), KEYS)["x"].equals(out, null_equal=True)
    if name in ("redact", "partial") or options.get("to") in ("year", "month", "subnet"):
        again = mask_frame(frame.with_columns(x=out), (declared,), KEYS)["x"]
        assert again.equals(out, null_equal=True)
