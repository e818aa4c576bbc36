"""Lakes of somebody else's data, each built once for all workers: Chinook, Northwind, the jaffle shop, FHIR bundles.

Belongs here: what is landed, and building. Must not: testing anything. Contracts and SQL are below tests/lakes. Whoever
uses one only reads it, or copies it first (:func:`copied`).
"""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cenote import bronze, catalog, gold, graph, silver
from cenote.settings import Settings
from cenote.vault import Vault
from cenote.workspace import Workspace
from tests.distribution import once

LAKES = Path(__file__).parent / "lakes"
DATA = Path(__file__).parents[2] / "shared" / "data"
BUSINESS, BUNDLES = DATA / "business", DATA / "phi" / "synthea_r4"
Files = dict[str, tuple[Path, str | None]]  # dataset -> file, JSON pointer to its records


def opened(folder: Path, name: str) -> Workspace:
    """The lake below ``folder``, whose contracts and marts are those of tests/lakes/<name>."""
    definitions = {"contracts": LAKES / name / "contracts", "marts": LAKES / name / "marts", "features": folder / "no"}
    return Workspace(Settings(home=folder / "data", vault=folder / "vault", **definitions), run_id="test")  # type: ignore[arg-type]


def built(factory: pytest.TempPathFactory, name: str) -> Workspace:
    """The lake of this name, with every stage of a run but features and passages."""
    return opened(once(factory, name, lambda folder: _build(folder, name)), name)


def copied(factory: pytest.TempPathFactory, name: str, folder: Path) -> Workspace:
    """A copy of the lake, which a test may change."""
    shutil.copytree(built(factory, name).settings.home.parent, folder)
    return opened(folder, name)


def _build(folder: Path, name: str) -> None:
    space = opened(folder, name)
    Vault.create(space.settings)
    (folder / "files").mkdir()
    for dataset, (file, pointer) in FILES[name](folder / "files").items():
        bronze.land(space, dataset, [file], consume=False, pointer=pointer)
        silver.build(space, dataset)
    for mart in gold.marts(space):
        gold.build(space, mart)
    linked = [dataset for dataset, contract in space.contracts.items() if contract.edges]
    for dataset in linked:
        graph.build_edges(space, dataset)
    if linked:
        graph.build_nodes(space)
    catalog.refresh(space)
    shutil.rmtree(folder / "files")


def _chinook(_: Path) -> Files:
    """One JSON document with an array per table."""
    arrays = {
        "albums": "/Album", "artists": "/Artist", "customers": "/Customer", "employees": "/Employee",
        "genres": "/Genre", "invoice_lines": "/InvoiceLine", "invoices": "/Invoice", "tracks": "/Track",
    }  # fmt: skip
    return {name: (BUSINESS / "chinook" / "ChinookData.json", pointer) for name, pointer in arrays.items()}


def _northwind(_: Path) -> Files:
    """JSON arrays with nested lines and addresses."""
    return {file.stem: (file, None) for file in sorted((BUSINESS / "northwind" / "json").glob("*.json"))}


def _jaffle_shop(folder: Path) -> Files:
    """CSV, made JSON lines first."""
    landed: Files = {}
    for name in ("customers", "orders", "payments"):
        with (BUSINESS / "jaffle_shop" / "seeds" / f"raw_{name}.csv").open(encoding="utf-8", newline="") as rows:
            landed[name] = _lines(folder / f"{name}.jsonl", list(csv.DictReader(rows)))
    return landed


def _fhir(folder: Path) -> Files:
    """Bundles, as docs/fhir.md says: one file of resources per type."""
    return {name: _lines(folder / f"{name}.ndjson", found) for name, found in resources(bundles()).items()}


def _lines(file: Path, records: list[Any]) -> tuple[Path, None]:
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return file, None


FILES: dict[str, Callable[[Path], Files]] = {
    "chinook": _chinook, "northwind": _northwind, "jaffle_shop": _jaffle_shop, "fhir": _fhir,
}  # fmt: skip


def bundles() -> list[dict[str, Any]]:
    """The FHIR bundles, a patient each."""
    return [json.loads(file.read_bytes()) for file in sorted(BUNDLES.glob("*.json"))]


def resources(bundles: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """All resources of bundles by dataset."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in (entry for bundle in bundles for entry in bundle["entry"]):
        found.setdefault(dataset(entry["resource"]["resourceType"]), []).append(entry["resource"])
    return found


def dataset(resource_type: str) -> str:
    """``ImagingStudy`` -> ``imaging_studies``."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", resource_type).lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
