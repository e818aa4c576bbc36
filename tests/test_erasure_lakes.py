"""Erasing people from other people's lakes: Chinook, Northwind, FHIR. Contracts and SQL alone say what a person is."""

import json
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, catalog, erasure, gold, residue, silver
from cenote.accounting import account
from cenote.erasure.people import people
from cenote.settings import Settings
from cenote.vault import Vault
from cenote.workspace import Workspace

LAKES = Path(__file__).parent / "lakes"
DATA = Path(__file__).parents[2] / "shared" / "data"
BUSINESS, BUNDLES = DATA / "business", DATA / "phi" / "synthea_r4"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="third-party test data (../shared/data) is not beside this checkout"
)


def lake(folder: Path, name: str, files: dict[str, tuple[Path, str | None]]) -> Workspace:
    """Land ``dataset -> (file, JSON pointer)`` and build silver, marts and the catalog."""
    definitions = {
        "contracts": LAKES / name / "contracts",
        "marts": LAKES / name / "marts",
        "features": folder / "none",
    }
    settings = Settings(home=folder / "data", vault=folder / "vault", **definitions)  # type: ignore[arg-type]
    Vault.create(settings)
    space = Workspace(settings, run_id="test")
    for dataset, (file, pointer) in files.items():
        bronze.land(space, dataset, [file], consume=False, pointer=pointer)
        silver.build(space, dataset)
    for mart in gold.marts(space):
        gold.build(space, mart)
    catalog.refresh(space)
    return space


def forget(space: Workspace, who: str, names: list[str]) -> None:
    """Erase somebody; nothing that names them is left, in files or in payloads, and every record is accounted for."""
    chosen = people(space, [who])
    erasure.forget(space, chosen, "request", certified=False)
    assert residue.scan(space.settings.home, [*names, *chosen.pseudonyms]) == []
    assert all(account(space, dataset).balanced for dataset in space.contracts)
    assert not any(gold.is_stale(space, mart) for mart in gold.marts(space))


def test_a_chinook_customer(tmp_path: Path) -> None:
    file = BUSINESS / "chinook" / "ChinookData.json"
    arrays = {
        "albums": "/Album", "artists": "/Artist", "customers": "/Customer", "employees": "/Employee",
        "genres": "/Genre", "invoice_lines": "/InvoiceLine", "invoices": "/Invoice", "tracks": "/Track",
    }  # fmt: skip
    space = lake(tmp_path, "chinook", {name: (file, pointer) for name, pointer in arrays.items()})
    customer = json.loads(file.read_text())["Customer"][0]
    before = space.table("silver", "invoices").scan().collect()
    forget(space, f"customer:{customer['CustomerId']}", [customer["Email"], customer["Phone"], customer["Address"]])
    after = space.table("silver", "invoices").scan().collect()
    assert after.height == before.height == 412, "invoices are under legal hold"
    assert after["customer_id"].null_count() == 7
    assert space.table("silver", "customers").count() == 58


def test_a_northwind_employee_and_a_customer(tmp_path: Path) -> None:
    folder = BUSINESS / "northwind" / "json"
    space = lake(tmp_path, "northwind", {file.stem: (file, None) for file in sorted(folder.glob("*.json"))})
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


@pytest.mark.skipif(not (LAKES / "fhir").is_dir(), reason="there is no FHIR lake")
def test_a_patient(tmp_path: Path) -> None:
    from tests.test_fhir import dataset

    landed: dict[str, list[dict[str, object]]] = {}
    for file in sorted(BUNDLES.glob("*.json")):
        for entry in json.loads(file.read_bytes())["entry"]:
            landed.setdefault(dataset(entry["resource"]["resourceType"]), []).append(entry["resource"])
    files: dict[str, tuple[Path, str | None]] = {}
    for name, found in landed.items():
        files[name] = (tmp_path / f"{name}.ndjson", None)
        files[name][0].write_text("".join(f"{json.dumps(resource)}\n" for resource in found))
    space = lake(tmp_path / "lake", "fhir", files)
    patient = landed["patients"][0]
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
