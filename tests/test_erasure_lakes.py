"""Erasing people from other people's lakes: Chinook, Northwind, FHIR. Contracts and SQL alone say what a person is."""

import json
from pathlib import Path

import polars as pl
import pytest

from cenote import erasure, gold, residue
from cenote.accounting import account
from cenote.erasure.people import people
from cenote.workspace import Workspace
from tests.other_lakes import BUSINESS, DATA, bundles, copied, resources

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="third-party test data (../shared/data) is not beside this checkout"
)


def forget(space: Workspace, who: str, names: list[str]) -> None:
    """Erase somebody; nothing that names them is left, in files or in payloads, and every record is accounted for."""
    chosen = people(space, [who])
    erasure.forget(space, chosen, "request", certified=False)
    assert residue.scan(space.settings.home, [*names, *chosen.pseudonyms]) == []
    assert all(account(space, dataset).balanced for dataset in space.contracts)
    assert not any(gold.is_stale(space, mart) for mart in gold.marts(space))


def test_a_chinook_customer(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    space = copied(tmp_path_factory, "chinook", tmp_path / "lake")
    customer = json.loads((BUSINESS / "chinook" / "ChinookData.json").read_text())["Customer"][0]
    before = space.table("silver", "invoices").scan().collect()
    forget(space, f"customer:{customer['CustomerId']}", [customer["Email"], customer["Phone"], customer["Address"]])
    after = space.table("silver", "invoices").scan().collect()
    assert after.height == before.height == 412, "invoices are under legal hold"
    assert after["customer_id"].null_count() == 7
    assert space.table("silver", "customers").count() == 58


def test_a_northwind_employee_and_a_customer(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = BUSINESS / "northwind" / "json"
    space = copied(tmp_path_factory, "northwind", tmp_path / "lake")
    revenue = space.table("gold", "revenue_by_product").scan().sort("product_id").collect()
    employee = json.loads((folder / "employees.json").read_text())[1]
    customer = json.loads((folder / "customers.json").read_text())[0]
    forget(
        space,
        f"employee:{employee['employeeID']}",
        [employee["notes"][:40], f"{employee['firstName']} {employee['lastName']}"],
    )
    orders = space.table("silver", "orders").scan().collect()
    assert orders.height == 830, "whoever took an order, it stays"
    assert orders["employee_id"].null_count() > 0
    forget(
        space,
        f"customer:{customer['customerID']}",
        [customer["contactName"], customer["phone"]] if "phone" in customer else [],
    )
    assert space.table("silver", "orders").count() == 830
    after = space.table("gold", "revenue_by_product").scan().sort("product_id").collect()
    assert after.equals(revenue), "amounts stay"


def test_a_patient(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    space = copied(tmp_path_factory, "fhir", tmp_path / "lake")
    patient = resources(bundles())["patients"][0]
    others = {n: space.table("silver", n).scan().filter(pl.col("subject_id").is_not_null()) for n in space.contracts}
    (pseudonym,) = people(space, [f"patient:{patient['id']}"]).pseudonyms
    kept = {n: rows.filter(pl.col("subject_id") != pseudonym).collect() for n, rows in others.items()}
    assert sum(
        rows.filter(pl.col("subject_id") == pseudonym).select(pl.len()).collect().item() for rows in others.values()
    )
    forget(space, f"patient:{patient['id']}", [str(patient["id"])])
    for name, rows in kept.items():
        ids = rows["lineage_id"].implode()
        after = space.table("silver", name).scan().filter(pl.col("lineage_id").is_in(ids)).collect()
        assert after.height == rows.height, name
