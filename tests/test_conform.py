"""Conforming: what raw JSON may stand for which type, what is rejected and how that is told."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cenote.contracts import load_contract
from transforms.conform import Conformed, conform
from transforms.contract import Change, Contract, Envelope, Field, Subject
from transforms.json_columns import format_path, parse_path
from transforms.jsontext import FAULTS
from transforms.rules import RULES
from transforms.scalars import dtype, strftime

LANDED = datetime(2026, 11, 20, tzinfo=UTC)
LAKES = Path(__file__).parent / "lakes"


def column(name: str, type: str = "string", path: str | None = None, **more: Any) -> Field:
    return Field(name, path or f"$.{name}", type, **more)


def array(name: str, item: Field, **more: Any) -> Field:
    return column(name, "array", items=item, **more)


def contract(*fields: Field, **more: Any) -> Contract:
    return Contract("things", "1.0.0", "", "", fields, **more)


def records(payloads: Sequence[bytes | str | dict[str, Any]]) -> pl.DataFrame:
    raw = [
        p if isinstance(p, bytes) else p.encode() if isinstance(p, str) else json.dumps(p).encode() for p in payloads
    ]
    ids = [f"r{number}" for number in range(len(raw))]
    return pl.DataFrame(
        {
            "lineage_id": ids,
            "batch_id": ["b"] * len(raw),
            "row": list(range(len(raw))),
            "landed_at": [LANDED] * len(raw),
            "subject_id": [None] * len(raw),
            "payload": raw,
        },
        schema={
            "lineage_id": pl.String,
            "batch_id": pl.String,
            "row": pl.Int64,
            "landed_at": pl.Datetime("us", "UTC"),
            "subject_id": pl.String,
            "payload": pl.Binary,
        },
    )


def told(result: Conformed) -> dict[str, list[tuple[str, str]]]:
    """Rules and paths by lineage id."""
    return {
        row["lineage_id"]: [(rule["rule"], rule["path"]) for rule in row["rules"]]
        for row in result.rejected.iter_rows(named=True)
    }


def values(result: Conformed, name: str) -> dict[str, Any]:
    return dict(result.valid.select("lineage_id", name).iter_rows())


ORDER = contract(
    column("order_id", primary_key=True, required=True),
    column("total", "number", physical_type="decimal(12,2)", options={"minimum": 0}),
    column("status", enum=("placed", "paid")),
    column("city", path="$.shipping.city"),
    column("updated_at", "timestamp", required=True),
    array(
        "lines",
        column(
            "item",
            "object",
            properties=(column("product_id", required=True), column("quantity", "integer", options={"minimum": 1})),
        ),
        required=True,
    ),
    change=Change("scd1", ("updated_at",)),
)
GOOD: dict[str, Any] = {
    "order_id": "O1",
    "total": 12.5,
    "status": "paid",
    "shipping": {"city": "Málaga"},
    "updated_at": "2026-01-02T03:04:05+02:00",
    "lines": [{"product_id": "P1", "quantity": 2}, {"product_id": "P2"}],
}


def test_clean_records_are_typed() -> None:
    result = conform(records([GOOD]), ORDER)
    assert result.rejected.is_empty()
    assert result.valid.row(0, named=True) == {
        "lineage_id": "r0",
        "landed_at": LANDED,
        "subject_id": None,
        "change_op": "upsert",
        "order_id": "O1",
        "total": Decimal("12.50"),
        "status": "paid",
        "city": "Málaga",
        "updated_at": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        "lines": [{"product_id": "P1", "quantity": 2}, {"product_id": "P2", "quantity": None}],
    }


def test_mixed_records_are_split_with_every_reason() -> None:
    result = conform(
        records(
            [
                GOOD,
                GOOD | {"order_id": None},
                GOOD | {"updated_at": None, "status": "lost"},
                GOOD | {"total": -1, "shipping": {"city": 7}},
                GOOD | {"lines": [{"quantity": 0}, "P2"]},
                GOOD | {"lines": None, "total": "12.505"},
                b'{"order_id": "O1"',
                b'{"order_id": "\xff"}',
                b"[1]",
                GOOD | {"lines": []},
            ]
        ),
        ORDER,
    )
    assert result.valid["lineage_id"].to_list() == ["r0", "r9"]
    assert told(result) == {
        "r1": [("missing_key", "$.order_id")],
        "r2": [("missing_sequence", "$.updated_at"), ("not_in_enum", "$.status")],
        "r3": [("out_of_range", "$.total")],
        "r4": [
            ("missing_required", "$.lines[*].product_id"),
            ("out_of_range", "$.lines[*].quantity"),
            ("wrong_type", "$.lines[*]"),
        ],
        "r5": [("missing_required", "$.lines"), ("wrong_type", "$.total")],
        "r6": [("malformed_json", "$")],
        "r7": [("not_utf8", "$")],
        "r8": [("not_an_object", "$")],
    }


def test_hopeless_records_are_all_rejected_and_none_gives_empty_frames() -> None:
    hopeless = conform(records([b"", b"\x00", b"{", b"nul", b"\xef\xbb\xbf{}"]), ORDER)
    none = conform(records([]), ORDER)
    some = conform(records([GOOD]), ORDER)
    assert hopeless.valid.is_empty() and hopeless.rejected.height == 5
    for result in (hopeless, none):
        assert result.valid.schema == some.valid.schema
        assert result.rejected.schema == hopeless.rejected.schema


def test_rejections_hold_no_values() -> None:
    secret = "ana@example.org"
    result = conform(records([GOOD | {"status": secret, "total": secret, "lines": [secret]}]), ORDER)
    assert secret not in str(result.rejected.to_dicts())
    assert {rule["rule"] for row in result.rejected["rules"] for rule in row} <= set(RULES)


OUT, WRONG = "out_of_range", "wrong_type"
COERCIONS: list[tuple[Field, list[tuple[str, Any]]]] = [
    (
        column("v"),
        [
            ('"a"', "a"),
            ("5", "5"),
            ("1.5", "1.5"),
            ("true", WRONG),
            ("{}", WRONG),
            ("[]", WRONG),
            (r'"\u00e9\n\""', 'é\n"'),
        ],
    ),
    (column("v", options={"nullValues": ["NULL", ""]}), [('"NULL"', None), ('""', None), ('"null"', "null")]),
    (
        column("v", "integer"),
        [
            ("5", 5),
            ("1.0", 1),
            ("1.5", WRONG),
            ('"7"', 7),
            ('"007"', WRONG),
            ('"+7"', WRONG),
            ('" 7"', WRONG),
            ("1e3", 1000),
            ('"1e3"', 1000),
            ("9223372036854775807", 2**63 - 1),
            ("9223372036854775808", OUT),
            ("1e400", OUT),
            ("true", WRONG),
            ('""', WRONG),
            ('"NaN"', WRONG),
            ("[1]", WRONG),
            ("-0", 0),
        ],
    ),
    (
        column("v", "number"),
        [
            ("5", 5.0),
            ('"12.50"', 12.5),
            ("3.140000104904175", 3.140000104904175),
            ("1e400", OUT),
            ('"inf"', WRONG),
            ("true", WRONG),
        ],
    ),
    (
        column("v", "number", physical_type="decimal(6,2)"),
        [
            ("5", Decimal("5.00")),
            ("12.500", Decimal("12.50")),
            ("12.505", WRONG),
            ("12345.67", OUT),
            ('"1.1e1"', Decimal("11.00")),
        ],
    ),
    (
        column("v", "number", physical_type="decimal(6,2)", options={"round": True}),
        [("12.505", Decimal("12.50")), ("12.515", Decimal("12.52"))],
    ),
    (column("v", "boolean"), [("true", True), ('"false"', False), ("1", WRONG), ('"TRUE"', WRONG)]),
    (
        column("v", "date"),
        [
            ('"2024-02-29"', date(2024, 2, 29)),
            ('"1996-08-01 00:00:00.000"', date(1996, 8, 1)),
            ('"2023-02-29"', WRONG),
            ("5", WRONG),
        ],
    ),
    (
        column("v", "date", options={"format": "dd/MM/yyyy"}),
        [('"31/12/2020"', date(2020, 12, 31)), ('"2020-12-31"', WRONG)],
    ),
    (column("v", "date", options={"format": "epoch_days"}), [("18262", date(2020, 1, 1)), ('"x"', WRONG)]),
    (
        column("v", "timestamp"),
        [
            ('"2024-02-29T23:00:00Z"', datetime(2024, 2, 29, 23, tzinfo=UTC)),
            ('"2024-02-29T23:00:00.5+02:00"', datetime(2024, 2, 29, 21, 0, 0, 500000, tzinfo=UTC)),
            ('"2024-02-29 23:00:00.123"', datetime(2024, 2, 29, 23, 0, 0, 123000, tzinfo=UTC)),
            ('"2024-02-29"', datetime(2024, 2, 29, tzinfo=UTC)),
            ('"2024-02-30T00:00:00Z"', WRONG),
            ('"soon"', WRONG),
            ("5", WRONG),
        ],
    ),
    (
        column("v", "timestamp", options={"defaultTimezone": "Europe/Madrid"}),
        [
            ('"2024-07-01T12:00:00"', datetime(2024, 7, 1, 10, tzinfo=UTC)),
            ('"2024-07-01T12:00:00Z"', datetime(2024, 7, 1, 12, tzinfo=UTC)),
            ('"2024-03-31T02:30:00"', WRONG),  # the clocks skip this
        ],
    ),
    (
        column("v", "timestamp", options={"format": "epoch_ms"}),
        [
            ("1589355606100", datetime(2020, 5, 13, 7, 40, 6, 100000, tzinfo=UTC)),
            ('"1589355606100"', datetime(2020, 5, 13, 7, 40, 6, 100000, tzinfo=UTC)),
            ("1e30", OUT),
            ("9223372036854775807", OUT),
            ('"2020-05-13"', WRONG),
        ],
    ),
    (
        column("v", "timestamp", options={"format": "%d.%m.%Y %H:%M"}),
        [('"01.02.2024 03:04"', datetime(2024, 2, 1, 3, 4, tzinfo=UTC))],
    ),
    (column("v", "time"), [('"01:02"', "01:02:00"), ('"01:02:03.5"', "01:02:03.500000"), ('"25:00"', WRONG)]),
    (column("v", "object"), [('{"a": [1]}', '{"a":[1]}'), ("[1]", WRONG), ('"{}"', WRONG)]),
    (
        array("v", column("item", "integer")),
        [("[1, null, 2]", [1, None, 2]), ("[]", []), ("1", WRONG), ('"[1]"', WRONG)],
    ),
    (array("v", array("item", column("item"))), [('[["a"], [], null]', [["a"], [], None])]),
    (
        column("v", "object", properties=(column("a", "integer"),)),
        [('{"a": 1}', {"a": 1}), ("{}", {"a": None}), ("[]", WRONG), ("null", None)],
    ),
]
CASES = [(field, raw, expected) for field, cases in COERCIONS for raw, expected in cases]


@pytest.mark.parametrize(("field", "raw", "expected"), CASES, ids=[f"{f.type}-{raw}" for f, raw, _ in CASES])
def test_coercion_is_lossless_or_refused(field: Field, raw: str, expected: Any) -> None:
    # among others, since whole columns of one kind take shorter ways
    for payloads in ([f'{{"v":{raw}}}'], [f'{{"v":{raw}}}', '{"v":"other"}', '{"v":3}', "{}"]):
        result = conform(records(payloads), contract(field))
        if expected in (OUT, WRONG):
            assert told(result)["r0"] == [(expected, "$.v")]
        else:
            got = values(result, "v")["r0"]
            assert (got, type(got)) == (expected, type(expected))


RULE_CASES = [
    (column("v", enum=("a", "b")), '"a"', '"c"', "not_in_enum"),
    (column("v", "integer", enum=(1, 2)), "1", "3", "not_in_enum"),
    (column("v", options={"format": "email"}), '"a@b.org"', '"a@b"', "bad_format"),
    (column("v", options={"format": "uuid"}), '"123e4567-e89b-12d3-a456-426614174000"', '"123"', "bad_format"),
    (column("v", options={"format": "ipv4"}), '"10.0.0.255"', '"10.0.0.256"', "bad_format"),
    (column("v", options={"format": "uri"}), '"https://a.b/c"', '"a b"', "bad_format"),
    (column("v", options={"pattern": "^O[0-9]+$"}), '"O1"', '"P1"', "pattern"),
    (column("v", options={"minLength": 2}), '"éé"', '"é"', "too_short"),
    (column("v", options={"maxLength": 2}), '"éé"', '"ééé"', "too_long"),
    (column("v", "integer", options={"minimum": 1}), "1", "0", "out_of_range"),
    (column("v", "integer", options={"maximum": 5}), "5", "6", "out_of_range"),
    (column("v", "number", options={"exclusiveMinimum": 0}), "0.1", "0", "out_of_range"),
    (column("v", "number", options={"exclusiveMaximum": 1}), "0.9", "1", "out_of_range"),
    (column("v", "number", physical_type="decimal(8,2)", options={"maximum": 1.5}), "1.5", "1.51", "out_of_range"),
    (column("v", "integer", options={"format": "u8"}), "255", "256", "out_of_range"),
    (column("v", "integer", options={"multipleOf": 5}), "10", "11", "not_a_multiple"),
    (column("v", "date", options={"minimum": "2020-01-01"}), '"2020-01-01"', '"2019-12-31"', "out_of_range"),
    (
        column("v", "timestamp", options={"maximum": "2020-01-01T00:00:00Z"}),
        '"2020-01-01"',
        '"2020-01-02"',
        "out_of_range",
    ),
    (array("v", column("item"), options={"minItems": 1}), '["a"]', "[]", "too_short"),
    (array("v", column("item"), options={"maxItems": 1}), '["a"]', '["a","b"]', "too_long"),
    (array("v", column("item"), options={"uniqueItems": True}), '["a","b"]', '["a","a"]', "not_unique"),
    (column("v", required=True), '""', "null", "missing_required"),
    (column("v", required=True, options={"nullValues": ["NULL"]}), '"x"', '"NULL"', "missing_required"),
]


@pytest.mark.parametrize(
    ("field", "good", "bad", "rule"), RULE_CASES, ids=[f"{f.type}-{r}-{b}" for f, _, b, r in RULE_CASES]
)
def test_rules_of_the_contract(field: Field, good: str, bad: str, rule: str) -> None:
    result = conform(records([f'{{"v":{good}}}', f'{{"v":{bad}}}']), contract(field))
    assert told(result) == {"r1": [(rule, "$.v")]}


def test_rules_hold_inside_arrays_and_objects() -> None:
    fields = (
        array("tags", column("item", options={"maxLength": 2}, required=True)),
        column(
            "who",
            "object",
            properties=(column("age", "integer", options={"minimum": 0}), column("name", required=True)),
        ),
    )
    result = conform(
        records([{"tags": ["abc", None], "who": {"age": -1, "name": "n"}}, {"who": {}}, {"tags": None}]),
        contract(*fields),
    )
    assert told(result) == {
        "r0": [("missing_required", "$.tags[*]"), ("out_of_range", "$.who.age"), ("too_long", "$.tags[*]")],
        "r1": [("missing_required", "$.who.name")],
    }


def test_contracts_that_ask_the_impossible_are_refused() -> None:
    for field in (
        column("v", path="$.v..w"),
        column("v", path="v"),
        column("v", options={"pattern": "(?=x)"}),
        column("v", "integer", options={"minimum": "many"}),
        column("v", "date", options={"format": "qqqq"}),
        column("v", "timestamp", options={"defaultTimezone": "Europe/Atlantis"}),
    ):
        with pytest.raises(ValueError, match="v"):
            conform(records(['{"v": "1"}']), contract(field))


# paths


@pytest.mark.parametrize("path", ["$.a.b", "$['a b'].c", '$."a.b"', "$.a[1].b", "$.ü"])
def test_paths_find_members(path: str) -> None:
    document = {"a": {"b": 1}, "a b": {"c": 1}, "a.b": 1, "ü": 1}
    other = {"a": [0, {"b": 1}]}
    field = column("v", "integer", path=path)
    assert values(conform(records([other if "[1]" in path else document]), contract(field)), "v") == {"r0": 1}
    assert parse_path(format_path(parse_path(path))) == parse_path(path)


def test_the_first_of_two_members_with_one_name_counts() -> None:
    assert values(conform(records(['{"v": 1, "v": 2}']), contract(column("v", "integer"))), "v") == {"r0": 1}


def test_a_whole_record_as_text_takes_any_json() -> None:
    payloads = ["5", '"x"', "null", "[1, 2]", ' {"b": 1,  "a": 2}\n', "1.10"]
    result = conform(records(payloads), contract(column("value", path="$")))
    assert list(values(result, "value").values()) == payloads
    assert result.drift.is_empty()


def test_people_whom_records_mention_are_named() -> None:
    mentions = (Subject("customer", "$.followed"), Subject("staff", "$.team[*].id"))
    result = conform(
        records([{"followed": 7, "team": [{"id": "a"}, {"id": None}, {"id": "a"}]}, {"followed": None}, "{"]),
        contract(column("since"), mentions=mentions),
    )
    assert sorted(result.named.rows()) == [("r0", "customer", "7"), ("r0", "staff", "a")]


def test_drift_counts_unknown_members_and_hides_keys_that_may_be_data() -> None:
    result = conform(
        records(
            [
                GOOD | {"coupon": 1, "shipping": {"city": "x", "floor": 2}},
                GOOD | {"coupon": 2, "ana@example.org": 1, "5551234": 1},
                GOOD | {"coupon": 3, "status": "never", "lost": 1},
            ]
        ),
        ORDER,
    )
    assert dict(result.drift.rows()) == {"$.coupon": 2, "$.shipping.floor": 1, "$.*": 2}


# deletes and envelopes

CHANGES = contract(
    column("id", "integer", primary_key=True, required=True),
    column("name", required=True),
    column("seq", "integer", path="$envelope.seq"),
    change=Change("scd1", ("seq",), envelope=Envelope("$.op", "$.before", "$.after", ("d",))),
    mentions=(Subject("friend", "$.friend"),),
)


def test_envelopes_give_the_row_and_the_operation() -> None:
    result = conform(
        records(
            [
                {"op": "c", "before": None, "after": {"id": 1, "name": "a", "friend": 9}, "seq": 1},
                {"op": "u", "before": {"id": 1, "name": "a"}, "after": {"id": 1, "name": "b"}, "seq": 2},
                {"op": "d", "before": {"id": 1}, "after": None, "seq": 3},
                {"op": "d", "before": None, "after": {"id": 2}, "seq": 4},
                {"schema": {}, "payload": {"op": "u", "before": None, "after": {"id": 3, "name": "c"}, "seq": 5}},
                {"op": "u", "before": {"id": 1, "name": "a"}, "after": None, "seq": 6},
                {"before": None, "after": {"id": 1, "name": "a"}, "seq": 7},
                {"op": "c", "after": {"id": 1}, "seq": 8},
                {"op": "c", "after": 5, "seq": 9},
                [1],
                {"op": "c", "after": {"id": 1, "name": "a"}},
            ]
        ),
        CHANGES,
    )
    assert result.valid.select("change_op", "id", "name", "seq").rows() == [
        ("upsert", 1, "a", 1),
        ("upsert", 1, "b", 2),
        ("delete", 1, None, 3),
        ("delete", 2, None, 4),
        ("upsert", 3, "c", 5),
    ]
    assert result.named.rows() == [("r0", "friend", "9")]
    assert {row: rules[0] for row, rules in told(result).items()} == {
        "r5": ("missing_key", "$.id"),
        "r6": ("missing_required", "$.op"),
        "r7": ("missing_required", "$.name"),
        "r8": ("not_an_object", "$"),
        "r9": ("not_an_object", "$"),
        "r10": ("missing_sequence", "$envelope.seq"),
    }


def test_a_column_can_delete() -> None:
    change = Change("scd2", ("at",), "status", ("deleted", "gone"))
    fields = (
        column("id", primary_key=True, required=True),
        column("at", "integer"),
        column("status"),
        column("title", required=True),
    )
    result = conform(
        records(
            [
                {"id": "1", "at": 1, "status": "published", "title": "x"},
                {"id": "1", "at": 2, "status": "gone"},
                {"id": "1", "at": 3, "status": None, "title": "x"},
                {"id": "1", "at": 3, "status": "published"},
            ]
        ),
        contract(*fields, change=change),
    )
    assert list(values(result, "change_op").values()) == ["upsert", "delete", "upsert"]
    assert told(result) == {"r3": [("missing_required", "$.title")]}


# anything at all

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
order_like = st.fixed_dictionaries({}, optional={name: documents | st.just(value) for name, value in GOOD.items()})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(documents.map(json.dumps), order_like.map(json.dumps), st.binary(max_size=20)), max_size=6))
def test_every_record_is_valid_or_rejected_and_depends_on_itself_alone(payloads: list[bytes | str]) -> None:
    result = conform(records(payloads), ORDER)
    ids = [*result.valid["lineage_id"], *result.rejected["lineage_id"]]
    assert sorted(ids) == sorted(f"r{n}" for n in range(len(payloads)))
    for number, payload in enumerate(payloads):
        alone = conform(records([payload]), ORDER)
        both = (
            (alone.valid, result.valid.filter(lineage_id=f"r{number}"))
            if alone.valid.height
            else (alone.rejected, result.rejected.filter(lineage_id=f"r{number}"))
        )
        assert both[0].drop("lineage_id").equals(both[1].drop("lineage_id"))


# the JSON parsing test suite


def test_json_suite_accepts_and_rejects(shared_data: Path) -> None:
    files = sorted((shared_data / "json" / "nst" / "test_parsing").glob("*.json"))
    anything = load_contract(LAKES / "any_json" / "contracts" / "anything.yaml")
    result = conform(records([f.read_bytes() for f in files]), anything)
    taken = set(result.valid["lineage_id"])
    verdicts = {f.name: f"r{number}" in taken for number, f in enumerate(files)}
    assert [name for name, valid in verdicts.items() if name.startswith("y_") and not valid] == []
    assert [name for name, valid in verdicts.items() if name.startswith("n_") and valid] == []
    assert all(rule in FAULTS and path == "$" for ((rule, path),) in told(result).values())


def test_json_suite_transforms_do_not_crash(shared_data: Path) -> None:
    files = sorted((shared_data / "json" / "nst").glob("test_*/*.json"))
    fields = [
        column(type, type, "$.a")
        for type in ("string", "integer", "number", "boolean", "date", "timestamp", "time", "object")
    ]
    elements = [column("first", "integer", "$[0]"), column("number", "number", "$[0]"), column("text", path="$[0]")]
    for chosen in (fields, elements):
        result = conform(records([f.read_bytes() for f in files]), contract(*chosen))
        assert result.valid.height + result.rejected.height == len(files)


def test_naughty_strings_come_through_unchanged(shared_data: Path) -> None:
    naughty = json.loads((shared_data / "json" / "blns" / "blns.json").read_text())
    result = conform(records([{"v": text} for text in naughty]), contract(column("v")))
    assert result.valid["v"].to_list() == naughty


def test_types_are_those_declared() -> None:
    assert dtype(column("v", "number", physical_type="numeric(10, 3)")) == pl.Decimal(10, 3)
    assert strftime("yyyy-MM-dd'T'HH:mm:ss.SSSXXX") == "%Y-%m-%dT%H:%M:%S.%3f%#z"
