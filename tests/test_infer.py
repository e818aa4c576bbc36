"""Drafts of contracts for unseen JSON: they load, lint, conform what they were drawn from, and give nothing away."""

import gzip
import importlib.resources
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cenote import bronze, silver
from cenote.cli import app
from cenote.contracts import lint_contracts, load_contract
from cenote.errors import LandingError
from cenote.infer import draft_contract
from cenote.landing import LandingFile
from cenote.workspace import Workspace
from transforms.conform import Conformed, conform
from transforms.contract import Contract
from transforms.mask import MaskKeys, mask_frame

MakeSpace = Callable[..., Workspace]


def write(file: Path, records: list[Any]) -> Path:
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return file


def drafted(folder: Path, records: list[Any], dataset: str = "things") -> Contract:
    """The contract drafted for records; it has to lint."""
    return adopt(folder, draft_contract([write(folder / f"{dataset}.jsonl", records)]), dataset)


def adopt(folder: Path, text: str, dataset: str) -> Contract:
    contracts = folder / "contracts"
    contracts.mkdir(exist_ok=True)
    file = contracts / f"{dataset}.yaml"
    file.write_text(text, encoding="utf-8")
    assert lint_contracts(contracts)[file.name] == []
    return load_contract(file)


def conformed(contract: Contract, files: list[Path], pointer: str | None = None) -> Conformed:
    """What the files' records become under a contract."""
    payloads = []
    for path in files:
        file = LandingFile(path, contract.dataset, "the file", pointer)
        file.survey()
        payloads += [payload for chunk in file.chunks() for payload in chunk.payloads]
    count = len(payloads)
    frame = pl.DataFrame(
        {
            "lineage_id": [str(n) for n in range(count)], "batch_id": ["b"] * count, "subject_id": ["s"] * count,
            "landed_at": [datetime(2026, 1, 1, tzinfo=UTC)] * count, "payload": payloads,
        },
        schema_overrides={"payload": pl.Binary},
    )  # fmt: skip
    return conform(frame, contract)


def many(make: Callable[[int], dict[str, Any]], count: int = 60) -> list[dict[str, Any]]:
    return [make(n) for n in range(count)]


# somebody else's data, all the way


def build(space: Workspace, tables: dict[str, tuple[Path, str | None]]) -> dict[str, float]:
    """Land tables under drafted contracts and conform them; the share of records that reached silver."""
    shares = {}
    for dataset, (file, pointer) in tables.items():
        bronze.land(space, dataset, [file], consume=False, pointer=pointer)
        silver.build(space, dataset)
        rows = {layer: space.table(layer, dataset).count() for layer in ("bronze", "silver")}
        shares[dataset] = rows["silver"] / rows["bronze"]
    return shares


def lake(make_space: MakeSpace, folder: Path, tables: dict[str, tuple[Path, str | None]]) -> dict[str, float]:
    for dataset, (file, pointer) in tables.items():
        adopt(folder, draft_contract([file], dataset, pointer), dataset)
    return build(make_space(contracts=folder / "contracts", marts=folder), tables)


def test_chinook_conforms_its_drafts(make_space: MakeSpace, tmp_path: Path, shared_data: Path) -> None:
    file = shared_data / "business" / "chinook" / "ChinookData.json"
    tables = {name: (file, f"/{name}") for name in json.loads(file.read_bytes())}
    shares = lake(make_space, tmp_path, tables)
    assert len(shares) == 11 and min(shares.values()) >= 0.99


def test_northwind_conforms_its_drafts(make_space: MakeSpace, tmp_path: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "business" / "northwind" / "json").glob("*.json"))
    shares = lake(make_space, tmp_path, {file.stem: (file, None) for file in files})
    assert len(shares) == 8 and min(shares.values()) >= 0.99
    employees = load_contract(tmp_path / "contracts" / "employees.yaml")
    assert employees.column("reports_to").options == {"nullValues": ["NULL"]}
    assert employees.column("address_city").path == "$.address.city"
    assert employees.subject and employees.subject.entity == "employee" and employees.mentions


def test_a_draft_is_valid_odcs_and_names_nobody(shared_data: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    file = shared_data / "business" / "chinook" / "ChinookData.json"
    text = draft_contract([file], "customers", "/Customer")
    schema = json.loads((importlib.resources.files("open_data_contract_standard") / "schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    people = json.loads(file.read_bytes())["Customer"]
    values = {value for person in people for value in person.values() if isinstance(value, str) and len(value) > 3}
    assert not [value for value in values if value in text]


@pytest.mark.parametrize("pointer", [None, "/entry"])
def test_fhir_bundles_masked_by_their_draft_name_no_patient(
    pointer: str | None, tmp_path: Path, shared_data: Path
) -> None:
    files = sorted((shared_data / "phi" / "synthea_r4").glob("*.json"))
    contract = adopt(tmp_path, draft_contract(files, "bundles", pointer), "bundles")
    assert contract.sealed
    found = conformed(contract, files, pointer)
    assert found.rejected.is_empty()
    masked = mask_frame(found.valid, contract.fields, MaskKeys(bytes(32)))
    text = masked.write_json()
    for file in files:
        patient = json.loads(file.read_bytes())["entry"][0]["resource"]
        assert patient["resourceType"] == "Patient"
        for value in identifiers(patient):
            assert value not in text


def identifiers(patient: dict[str, Any]) -> set[str]:
    """What names a patient: name parts, phone, street, birth date, numbers and ids."""
    named = {part for name in patient["name"] for part in (*name["given"], name["family"])}
    named |= {line for address in patient["address"] for line in address["line"]}
    named |= {extension["valueString"] for extension in patient["extension"] if "valueString" in extension}
    return named | {t["value"] for t in (*patient["telecom"], *patient["identifier"])} | {patient["id"]}


# types


def test_types_are_the_first_that_lose_nothing(tmp_path: Path) -> None:
    contract = drafted(
        tmp_path,
        many(
            lambda n: {
                "price": n + 0.25, "total_price": f"{n}.50", "ratio": n / 7, "count": n, "ok": n % 2 == 0,
                "flag": "true",
                "day": f"2026-02-{n % 28 + 1:02}", "created_at": f"2026-02-03T04:05:{n:02}Z", "at": 1_760_000_000 + n,
                "born_on": f"{n % 28 + 1:02}.03.1990", "opens": f"{n % 24:02}:30", "phone": f"0301234{n:03}",
                "zip": n if n % 2 else f"A{n}", "big": 10**30, "nothing": None,
                "midnight": f"2026-01-{n % 28 + 1:02} 00:00:00.000",
            }
        ),
    )  # fmt: skip
    found = {f.name: (f.type, f.physical_type, f.options) for f in contract.fields}
    assert found == {
        "price": ("number", "decimal(12,2)", {}),
        "total_price": ("number", "decimal(12,2)", {}),
        "ratio": ("number", None, {}),
        "count": ("integer", None, {}),
        "ok": ("boolean", None, {}),
        "flag": ("boolean", None, {}),
        "day": ("date", None, {}),
        "created_at": ("timestamp", None, {}),
        "at": ("timestamp", None, {"format": "epoch_s"}),
        "born_on": ("date", None, {"format": "%d.%m.%Y"}),
        "opens": ("time", None, {}),
        "phone": ("string", None, {}),
        "zip": ("string", None, {}),
        "big": ("string", None, {}),
        "nothing": ("string", None, {}),
        "midnight": ("date", None, {}),
    }
    assert {f.name for f in contract.fields if not f.required} == {"nothing"}


def test_a_few_broken_values_do_not_change_a_type(tmp_path: Path) -> None:
    records = many(lambda n: {"n": n, "day": "2026-02-03"}, 500)
    records[7] = {"n": True, "day": "tomorrow"}
    contract = drafted(tmp_path, records)
    assert [f.type for f in contract.fields] == ["integer", "date"]
    assert conformed(contract, [tmp_path / "things.jsonl"]).rejected.height == 1


def test_nesting_is_flattened_and_arrays_stay(tmp_path: Path) -> None:
    records = many(
        lambda n: {
            "shipTo": {"Street Name": "x", "geo": {"zone": n}},
            "lines": [{"sku": "a", "price": {"net": 1.5}, "tags": ["b", "c"]}],
            "scores": [1, 2.5],
            "subject_id": "s",
        }
    )
    contract = drafted(tmp_path, records)
    assert [(f.name, f.path) for f in contract.fields] == [
        ("ship_to_street_name", '$.shipTo."Street Name"'), ("ship_to_geo_zone", "$.shipTo.geo.zone"),
        ("lines", "$.lines"), ("scores", "$.scores"), ("source_subject_id", "$.subject_id"),
    ]  # fmt: skip
    line = contract.column("lines").items
    assert line and [(f.name, f.type) for f in line.properties] == [
        ("sku", "string"), ("price", "object"), ("tags", "array"),
    ]  # fmt: skip
    assert conformed(contract, [tmp_path / "things.jsonl"]).rejected.is_empty()


def test_keys_that_are_data_are_not_repeated(tmp_path: Path) -> None:
    records = many(lambda n: {"id": n, "votes": {f"user{n}@example.com": 1}})
    text = draft_contract([write(tmp_path / "polls.jsonl", records)])
    contract = adopt(tmp_path, text, "polls")
    assert "example.com" not in text
    votes = contract.column("votes")
    assert (votes.type, votes.properties, votes.classification, votes.mask.strategy) == ("object", (), "HIGH", "text")


def test_values_of_different_kinds_are_left_out_with_a_reason(tmp_path: Path) -> None:
    text = draft_contract([write(tmp_path / "odd.jsonl", many(lambda n: {"id": n, "odd": n if n % 2 else [n]}))])
    assert "Left out, so it stays in bronze: $.odd (values of different kinds)" in text
    assert [f.name for f in adopt(tmp_path, text, "odd").fields] == ["id"]


def test_few_values_are_listed_only_where_they_concern_nobody(tmp_path: Path) -> None:
    records = many(lambda n: {"customer_id": n, "status": ["open", "paid"][n % 2], "gender": "fm"[n % 2]})
    contract = drafted(tmp_path, records)
    assert contract.column("status").enum == ("open", "paid") and contract.column("gender").enum == ()


# roles


def test_the_key_is_the_unique_id_of_the_row(tmp_path: Path) -> None:
    records = many(lambda n: {"customer_id": n % 5, "order_id": n, "amount": n, "code": n})
    assert drafted(tmp_path, records, "orders").primary_key == ("order_id",)


def test_two_ids_make_a_key_where_one_does_not(tmp_path: Path) -> None:
    records = many(lambda n: {"playlist_id": n // 10, "track_id": n % 10})
    assert drafted(tmp_path, records, "entries").primary_key == ("playlist_id", "track_id")


def test_a_row_that_comes_again_has_a_history(tmp_path: Path) -> None:
    def record(n: int) -> dict[str, Any]:
        return {"id": n % 20, "name": f"v{n}", "updatedAt": f"2026-03-01T00:{n:02}:01Z", "is_deleted": n == 7}

    contract = drafted(tmp_path, many(record), "products")
    assert (contract.change.mode, contract.change.sequence_by) == ("scd2", ("updated_at",))
    assert (contract.change.delete_column, contract.change.delete_values) == ("is_deleted", (True,))


def test_a_unique_row_with_a_time_of_change_is_replaced(tmp_path: Path) -> None:
    contract = drafted(tmp_path, many(lambda n: {"id": n, "modified_on": f"2026-03-01T00:{n:02}:01Z"}))
    assert (contract.change.mode, contract.change.sequence_by) == ("scd1", ("modified_on",))


@pytest.mark.parametrize("wrapped", [False, True])
def test_debezium_is_recognised(wrapped: bool, tmp_path: Path) -> None:
    def record(n: int) -> dict[str, Any]:
        row = {"id": n % 10, "label": f"row {n}"}
        deletes = n == 33
        event = {
            "op": "d" if deletes else "u",
            "before": row if deletes else None,
            "after": None if deletes else row,
            "ts_ms": 1_760_000_000_000 + n,
            "source": {"lsn": n},
        }
        return {"schema": None, "payload": event} if wrapped else event

    contract = drafted(tmp_path, many(record), "rows")
    assert contract.change.envelope and contract.change.mode == "scd1" and contract.primary_key == ("id",)
    assert contract.change.sequence_by == ("changed_at", "change_lsn")
    assert [f.name for f in contract.fields] == ["id", "label", "changed_at", "change_lsn"]
    found = conformed(contract, [tmp_path / "rows.jsonl"])
    assert found.rejected.is_empty() and (found.valid["change_op"] == "delete").sum() == 1


def test_real_change_events_conform(tmp_path: Path, shared_data: Path) -> None:
    events = (shared_data / "cdc" / "seatunnel" / "debezium-data.txt").read_text(encoding="utf-8")
    file = tmp_path / "products.jsonl"
    file.write_text(events, encoding="utf-8")
    contract = adopt(tmp_path, draft_contract([file]), "products")
    assert contract.change.envelope and conformed(contract, [file]).rejected.is_empty()


def test_the_subject_is_whose_records_they_are_and_others_are_mentioned(tmp_path: Path) -> None:
    records = many(
        lambda n: {"order_id": n, "employee_id": n % 3, "buyer": {"customer_id": n % 7}, "cc": [{"user_id": 1}]}
    )
    contract = drafted(tmp_path, records, "orders")
    assert contract.subject and (contract.subject.entity, contract.subject.path) == ("customer", "$.buyer.customer_id")
    assert {(m.entity, m.path) for m in contract.mentions} == {
        ("employee", "$.employee_id"),
        ("user", "$.cc[*].user_id"),
    }


@pytest.mark.parametrize(
    ("form", "strip"),
    [("urn:uuid:{}", ("urn:uuid:",)), ("Patient/{}", ("Patient/",)), ("{}", ()), ("P-{}", ())],
)
def test_a_reference_to_a_person_loses_its_prefix(form: str, strip: tuple[str, ...], tmp_path: Path) -> None:
    visits = drafted(tmp_path, many(lambda n: {"n": n, "patient": {"reference": form.format(n % 7)}}), "visits")
    assert visits.subject and (visits.subject.entity, visits.subject.strip) == ("patient", strip)
    assert tuple(visits.column("patient_reference").mask.options.get("strip", ())) == strip


def test_long_texts_become_passages_with_placeholders(tmp_path: Path) -> None:
    records = many(
        lambda n: {
            "ticket_id": n,
            "title": f"Case {n}",
            "body": f"Case {n}: the box came open, please send me another one soon.",
        }
    )
    contract = drafted(tmp_path, records, "tickets")
    (passage,) = contract.passages
    assert passage.text == "{body}" and contract.column("body").mask.strategy == "text"


# files


@pytest.mark.parametrize("ending", [".jsonl.gz", ".jsonl.zst", ".json"])
def test_whatever_can_be_landed_can_be_drafted(ending: str, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": n}) + "\n" for n in range(30)).encode()
    content = {
        ".jsonl.gz": gzip.compress(lines),
        ".jsonl.zst": zstandard.ZstdCompressor().compress(lines),
        ".json": json.dumps([{"id": n} for n in range(30)]).encode(),
    }[ending]
    file = tmp_path / f"parts{ending}"
    file.write_bytes(content)
    assert adopt(tmp_path, draft_contract([file]), "parts").primary_key == ("id",)


def test_only_a_head_of_each_file_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cenote.infer.SAMPLE_RECORDS", 40)
    files = [write(tmp_path / f"part{p}.jsonl", many(lambda n: {"id": n}, 100)) for p in "ab"]
    assert draft_contract(files, "parts").startswith("# Drafted from 40 records")


def test_what_is_no_object_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "mess.jsonl"
    file.write_text('{"id": 1}\nnot json\n[1]\n{"id": 2}\n')
    assert "# 2 records of the sample are no JSON objects" in draft_contract([file])


def test_a_file_without_objects_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "numbers.jsonl"
    file.write_text("1\n2\n")
    with pytest.raises(LandingError, match="no JSON object"):
        draft_contract([file])


def test_a_document_of_arrays_points_to_them(shared_data: Path) -> None:
    text = draft_contract([shared_data / "business" / "chinook" / "ChinookData.json"], "chinook")
    assert "use --pointer /PlaylistTrack" in text


def test_the_command_prints_the_draft(tmp_path: Path) -> None:
    file = write(tmp_path / "parts.jsonl", many(lambda n: {"id": n}))
    found = CliRunner().invoke(app, ["contract", "infer", str(file), "--dataset", "spares"])
    assert found.exit_code == 0 and yaml.safe_load(found.stdout)["name"] == "spares"


# anything at all

NAMES = st.text(st.characters(categories=("L", "N", "P", "Z")), min_size=1, max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.dates().map(str)
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), min_size=1, max_size=8))
def test_any_records_conform_their_draft(records: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "things.jsonl", records)
        contract = adopt(Path(folder), draft_contract([file]), "things")
        assert conformed(contract, [file]).rejected.is_empty()
