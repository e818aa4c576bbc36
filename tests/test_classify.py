"""The sensitivity of fields: measured against labels, told in words, and contradicted by values."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import classification as bench
from transforms.classification.words import words
from transforms.classify import Column, Verdict, classify, contradictions
from transforms.contract import Contract, Field, Mask
from transforms.mask import mask_problems


def judge(dataset: str, *paths: str, type: str = "string", values: list[str] | None = None) -> list[Verdict]:
    texts = pl.Series(values or [], dtype=pl.String)
    return classify([Column(f"$.{path}", type, texts) for path in paths], dataset)


def level(dataset: str, path: str, type: str = "string", values: list[str] | None = None) -> str:
    return judge(dataset, path, type=type, values=values)[0].level


# measured


@pytest.mark.slow
@pytest.mark.parametrize("name", bench.SETS)
def test_f2_over_paths_is_at_least_095(name: str, request: pytest.FixtureRequest) -> None:
    if name != "everyday":
        request.getfixturevalue("shared_data")
    found = bench.score(name)
    assert found.f2 >= 0.95, (found.wrong, found.missed)


@pytest.mark.parametrize("name", [name for name in bench.SETS if name != "everyday"])
def test_labels_name_paths_that_are_there(name: str, shared_data: Path) -> None:
    there = {(dataset, column.path) for dataset, columns in bench._sets(name, shared_data, {}) for column in columns}
    labelled = {(d, p) for d, levels in bench.labels(name).items() for paths in levels.values() for p in paths}
    assert labelled <= there


# names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fechaNacimiento", "date birth"), ("Geburtsdatum", "birth date"), ("date_naissance", "date birth"),
        ("código postal", "postal code"), ("PLZ", "postal code"), ("zipcode", "postal code"),
        ("Telefonnummer", "phone number"), ("numéro de téléphone", "number de phone"), ("customerIDs", "customer id"),
        ("correo_electronico", "email"), ("e-mail", "email"), ("mot_de_passe", "password"),
        ("estado_civil", "marital status"), ("Straße", "street"), ("SozialversicherungsNr", "social security number"),
        ("lastName", "family name"), ("apellido1", "family name 1"), ("userid", "user id"), ("report", "report"),
    ],
)  # fmt: skip
def test_names_are_read_in_four_languages(name: str, meant: str) -> None:
    assert " ".join(words(name)) == meant


@pytest.mark.parametrize("dataset", ["customers", "Kunden", "clientes", "patients", "crm.user"])
def test_a_name_is_a_persons_among_persons(dataset: str) -> None:
    assert level(dataset, "name") == "HIGH"


@pytest.mark.parametrize("dataset", ["products", "genres", "tax_rates", "warehouses"])
def test_a_name_is_nobodys_among_things(dataset: str) -> None:
    assert level(dataset, "name") == "PUBLIC"


def test_the_nearest_object_tells_whose_it_is() -> None:
    said = {v.path: v.level for v in judge("orders", "customer.name", "product.name", "store.phone", "buyer.phone")}
    assert said == {"$.customer.name": "HIGH", "$.product.name": "LOW", "$.store.phone": "LOW", "$.buyer.phone": "HIGH"}


def test_an_organization_with_a_contact_has_the_contacts_phone() -> None:
    assert level("suppliers", "phone") == "PUBLIC"
    assert judge("suppliers", "phone", "contact_name")[0].level == "HIGH"


@pytest.mark.parametrize(
    ("path", "entity"),
    [
        ("customer_id", "customer"), ("customerID", "customer"), ("customer.id", "customer"),
        ("id_cliente", "customer"),
        ("createdBy", "user"), ("manager_id", "employee"), ("patient", "patient"), ("user_uuid", "user"),
    ],
)  # fmt: skip
def test_ids_of_persons_become_tokens_of_their_kind(path: str, entity: str) -> None:
    (verdict,) = judge("events", path)
    assert (verdict.kind, verdict.entity) == ("SUBJECT_ID", entity)
    assert verdict.mask == Mask("token", {"entity": entity})


@pytest.mark.parametrize(
    "path",
    ["order_id", "email_verified_at", "phone_type", "address_check", "user_agent_rule", "country", "customer_count"],
)
def test_what_is_about_something_is_not_the_thing(path: str) -> None:
    assert level("events", path) in ("PUBLIC", "LOW")


def test_flags_are_harmless_unless_they_tell_of_health() -> None:
    assert level("customers", "has_email", "boolean") == "PUBLIC"
    assert level("patients", "is_pregnant", "boolean") == "PUBLIC"  # a question; the flag itself is
    assert level("patients", "pregnant", "boolean") == "MEDIUM"


def test_an_object_with_a_birth_date_is_a_person_whatever_it_is_called() -> None:
    assert level("entries", "resource.id") == "PUBLIC"
    verdicts = {v.path: v for v in judge("entries", "resource.id", "resource.birthDate", "resource.identifier.value")}
    assert verdicts["$.resource.id"].kind == "SUBJECT_ID" and verdicts["$.resource.identifier.value"].level == "HIGH"


def test_masks_that_are_suggested_can_be_done() -> None:
    paths = sorted({path for d in bench.labels("everyday").values() for paths in d.values() for path in paths})
    for type_ in ("string", "integer", "number", "date", "timestamp", "boolean"):
        for verdict in classify([Column(path, type_) for path in paths], "records"):
            assert mask_problems((Field("field", verdict.path, type_, mask=verdict.mask),)) == [], (verdict, type_)


# values


def test_values_overrule_a_harmless_name() -> None:
    found = ["anna@example.com", "bob@example.org", "carl@example.net"]
    (verdict,) = judge("settings", "target", values=found)
    assert (verdict.level, verdict.kind) == ("HIGH", "EMAIL")
    assert level("settings", "target", values=["left", "right", "centre"]) == "PUBLIC"


def test_long_text_is_free_text_but_for_what_describes_a_thing() -> None:
    texts = [f"The quick brown fox number {n} jumps over the lazy dog and is gone for good." for n in range(5)]
    assert judge("log_lines", "entry", values=texts)[0].kind == "TEXT"
    assert level("products", "details", values=texts) == "PUBLIC"


def test_a_value_that_identifies_a_person_elsewhere_identifies_them_here() -> None:
    ids = [f"3f2b8c1e-0d4a-4b6e-9a57-{n:012d}" for n in range(4)]
    columns = [
        Column("$.customer_id", values=pl.Series(ids)),
        Column("$.link", values=pl.Series([f"urn:uuid:{value}" for value in ids])),
    ]
    assert [v.kind for v in classify(columns, "events")] == ["SUBJECT_ID", "SUBJECT_ID"]


def test_reasons_quote_no_value(shared_data: Path) -> None:
    for dataset in ("Customer", "Employee", "Invoice"):
        columns = bench.columns(bench._records("chinook", shared_data)[dataset])
        values = {text for c in columns if c.type == "string" for text in c.values if text and len(text) > 5}
        told = " ".join(v.reason for v in classify(columns, dataset))
        assert not [value for value in values if value in told]


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.text(max_size=20))
def test_any_name_gets_a_verdict(steps: list[str], dataset: str) -> None:
    path = "$" + "".join(f'."{step}"' for step in steps if '"' not in step)
    (verdict,) = classify([Column(path)], dataset)
    assert verdict.level in ("HIGH", "MEDIUM", "LOW", "PUBLIC") and verdict.reason


# contradictions


def contract(*fields: Field) -> Contract:
    return Contract("notes", "1.0.0", "", "", fields)


def test_values_that_contradict_their_class_are_counted_by_path_and_kind() -> None:
    item = Field("item", "$.item", "object", properties=(Field("text", "$.text", "string"),))
    described = contract(
        Field("label", "$.label", "string", classification="LOW"),
        Field("lines", "$.lines", "array", items=item),
        Field("note", "$.note", "string", classification="HIGH", mask=Mask("text")),
        Field("gone", "$.gone", "string", mask=Mask("drop")),
    )
    frame = pl.DataFrame(
        {
            "label": ["blue", "write to anna@example.com", "or bob@example.org", None],
            "lines": [[{"text": "4111 1111 1111 1111"}, {"text": "fine"}], [], None, [{"text": None}]],
            "note": ["anna@example.com"] * 4,
        }
    )
    assert contradictions(frame, described) == [("$.label", "EMAIL", 2), ("$.lines[*].text", "CARD", 1)]


def test_nothing_contradicts_harmless_values() -> None:
    frame = pl.DataFrame({"label": ["blue", "green"], "count": [1, 2]})
    described = contract(Field("label", "$.label", "string"), Field("count", "$.count", "integer"))
    assert contradictions(frame, described) == []
