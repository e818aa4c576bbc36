"""The contracts of the sample domain, and the reading of contracts in general."""

import importlib.resources
import json
from pathlib import Path

import pytest
import yaml

from cenote.contracts import (
    CONTRACT_PROPERTIES,
    FIELD_PROPERTIES,
    SCHEMA_PROPERTIES,
    lint_contracts,
    load_contract,
    load_contracts,
)
from cenote.errors import ContractError
from transforms.contract import Contract, Field, leaves

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "contracts"
DATASETS = {
    "consents", "conversations", "customers", "documents", "follows", "invoices", "media_assets", "orders", "products",
    "reviews", "turns",
}  # fmt: skip


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts(FOLDER)


def test_there_is_a_contract_for_every_dataset(contracts: dict[str, Contract]) -> None:
    assert set(contracts) == DATASETS


@pytest.mark.parametrize(
    "file", sorted((*FOLDER.glob("*.yaml"), *PROJECT.glob("tests/lakes/*/contracts/*.yaml"))), ids=lambda f: f.stem
)
def test_contract_is_valid_odcs(file: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    text = (importlib.resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))] == []


def test_contracts_lint_clean() -> None:
    assert not any(lint_contracts(FOLDER).values())


def test_every_dataset_and_column_is_described_and_owned(contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        assert contract.owner.endswith("@shop.example"), contract.dataset
        assert contract.description and contract.tags and contract.lawful_basis and contract.purpose
        assert {"bronze", "silver"} <= set(contract.retention) and contract.freshness_hours, contract.dataset
        assert [f.name for f in contract.fields if not f.description] == [], contract.dataset
        for field in contract.fields:
            if field.items:
                assert [f.name for f in field.items.properties if not f.description] == []


def test_high_fields_are_masked_and_free_text_is_high(contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        for leaf in leaves(contract.fields):
            if leaf.classification == "HIGH":
                assert leaf.mask.strategy != "keep", (contract.dataset, leaf.name)
            if leaf.mask.strategy == "text":
                assert leaf.classification == "HIGH" and "free-text" in leaf.tags


def test_customers_join_across_datasets_by_one_token(contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        for field in contract.fields:
            if field.name in ("customer_id", "follower_id", "followed_id"):
                assert (field.mask.strategy, field.mask.options) == ("token", {"entity": "customer"})


def test_documented_change_modes_and_passages(contracts: dict[str, Contract]) -> None:
    modes = {name: contract.change.mode for name, contract in contracts.items()}
    assert modes["customers"] == "scd2"
    assert {name for name, mode in modes.items() if mode == "append"} == {"turns", "reviews", "consents"}
    spaces = {p.namespace for contract in contracts.values() for p in contract.passages}
    assert spaces == {"documents", "products", "reviews", "turns", "memos"}
    edges = {e.type for contract in contracts.values() for e in contract.edges}
    assert edges == {"ordered", "reviewed", "follows", "wrote", "tagged", "talked_in"}
    assert contracts["invoices"].erasure == "anonymize"
    assert contracts["follows"].mentions[0].path == "$.followed"
    assert not contracts["products"].sealed and contracts["orders"].sealed


def test_money_is_decimal(contracts: dict[str, Contract]) -> None:
    money = [f for c in contracts.values() for f in leaves(c.fields) if f.name.endswith("_eur")]
    assert {f.physical_type for f in money} == {"decimal(12,2)"} and len(money) == 6


def test_every_custom_property_is_documented() -> None:
    text = (PROJECT / "docs" / "contracts.md").read_text(encoding="utf-8")
    for name in {*CONTRACT_PROPERTIES, *SCHEMA_PROPERTIES, *FIELD_PROPERTIES}:
        assert f"### `{name}`" in text, name


def test_examples_in_the_documentation_load(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "contracts.md").read_text(encoding="utf-8")
    whole = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    whole = [block for block in whole if block.startswith("apiVersion")]
    assert whole
    for number, block in enumerate(whole):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")
        assert load_contract(file).fields


# reading contracts in general

PLAIN = """\
apiVersion: v3.2.0
kind: DataContract
id: plain
version: 1.0.0
status: active
schema:
  - name: {name}
    properties:
      - {{name: id, logicalType: string, primaryKey: true}}
      - {field}
    customProperties:
      - {custom}
slaProperties:
  - {level}
"""
FIELD = "{name: at, logicalType: timestamp}"
CUSTOM = "{property: changeMode, value: append}"
LEVEL = "{property: retention, value: 2, unit: y}"


def _written(
    folder: Path, *, name: str = "plain", field: str = FIELD, custom: str = CUSTOM, level: str = LEVEL
) -> Path:
    file = folder / "plain.yaml"
    file.write_text(PLAIN.format(name=name, field=field, custom=custom, level=level), encoding="utf-8")
    return file


def test_a_plain_contract_has_defaults(tmp_path: Path) -> None:
    contract = load_contract(_written(tmp_path))
    assert contract.fields[1] == Field("at", "$.at", "timestamp")
    assert contract.primary_key == ("id",) and not contract.keyed and not contract.sealed
    assert contract.retention == {"*": 730} and contract.erasure == "delete"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "../elsewhere"}, "cannot name a dataset"),
        ({"field": "{name: id, logicalType: string}"}, "two properties are named 'id'"),
        ({"field": "{name: lineage_id, logicalType: string}"}, "Cenote adds itself"),
        ({"field": "{name: at, logicalType: moment}"}, "logicalType"),
        ({"field": "{name: at, logicalType: array}"}, "has no items"),
        ({"field": "{name: at, classification: secret}"}, "classification"),
        ({"field": "{name: at, customProperties: [{property: mask, value: {to: year}}]}"}, "names no strategy"),
        ({"field": "{name: at, customProperties: [{property: masks, value: keep}]}"}, "did you mean mask?"),
        ({"custom": "{property: changeMode, value: scd3}"}, "did you mean scd"),
        ({"custom": "{property: changeMode, value: scd1}"}, "needs a primary key and sequenceBy"),
        ({"custom": "{property: subject, value: {entity: customer}}"}, "wrong members"),
        ({"custom": "{property: passages, value: [{namespace: n, text: '{boddy}'}]}"}, "there is no column 'boddy'"),
        ({"custom": "{property: deleteWhen, value: {column: gone, values: [1]}}"}, "there is no column 'gone'"),
        ({"level": "{property: retention, value: long}"}, "retention is no number"),
        ({"level": "{property: retention, value: 2, unit: fortnight}"}, "unit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_contract_is_refused_with_a_reason(tmp_path: Path, changed: dict[str, str], told: str) -> None:
    with pytest.raises(ContractError, match=r"plain\.yaml") as error:
        load_contract(_written(tmp_path, **changed))
    assert told in error.value.what and error.value.fix


def test_units_of_service_levels(tmp_path: Path) -> None:
    for level, days in (
        ("{property: retention, value: 6, unit: m}", 180),
        ("{property: retention, value: 48, unit: h}", 2),
    ):
        assert load_contract(_written(tmp_path, level=level)).retention == {"*": days}
    assert load_contract(_written(tmp_path, level="{property: freshness, value: 2, unit: d}")).freshness_hours == 48


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """YAML would keep the last one; the first may be a mask."""
    text = (PROJECT / "contracts" / "reviews.yaml").read_text()
    file = tmp_path / "reviews.yaml"
    file.write_text(text.replace("version: 1.0.0", "version: 1.0.0\nversion: 1.0.1", 1))
    with pytest.raises(ContractError, match="'version' stands twice"):
        load_contract(file)
