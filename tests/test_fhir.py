"""FHIR bundles through reviewed contracts (tests/lakes/fhir): tables that join, and nobody to be found in them.

The bundles are landed as docs/fhir.md says: one file of resources per type.
"""

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from cenote import catalog, gold, quality, residue
from cenote.erasure.find import find
from cenote.erasure.people import People
from cenote.workspace import Workspace
from tests import other_lakes
from tests.other_lakes import BUNDLES, built

pytestmark = pytest.mark.skipif(
    not BUNDLES.is_dir(), reason="third-party test data (../shared/data) is not beside this checkout"
)


@pytest.fixture(scope="module")
def bundles() -> list[dict[str, Any]]:
    return other_lakes.bundles()


@pytest.fixture(scope="module")
def resources(bundles: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """All resources by dataset."""
    return other_lakes.resources(bundles)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Every stage of a run, one after the other."""
    return built(tmp_path_factory, "fhir")


def test_all_asset_checks_hold(lake: Workspace) -> None:
    checked = [finding for contract in lake.contracts.values() for finding in quality.check_silver(lake, contract)]
    checked += [finding for mart in gold.marts(lake).values() for finding in quality.check_gold(lake, mart)]
    assert [finding for finding in checked if not finding.passed] == []


def test_every_resource_reaches_silver(lake: Workspace, resources: dict[str, list[dict[str, Any]]]) -> None:
    assert set(lake.contracts) == set(resources)
    rows = {name: lake.table("silver", name).count() for name in resources}
    assert rows == {name: len({resource["id"] for resource in found}) for name, found in resources.items()}
    rules = catalog.query(lake, "select distinct rule from meta.quarantine").rows()
    assert rules == [("duplicate_key",)], "an organization of two bundles came twice"


def patients(bundles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [bundle["entry"][0]["resource"] for bundle in bundles]


def identifiers(patient: dict[str, Any]) -> set[str]:
    """What names a patient: name parts, phone, street, and every number and id."""
    named = {part for name in patient["name"] for part in (*name["given"], name["family"])}
    named |= {line for address in patient["address"] for line in address["line"]}
    named |= {extension["valueString"] for extension in patient["extension"] if "valueString" in extension}
    return named | {t["value"] for t in (*patient["telecom"], *patient["identifier"])} | {patient["id"]}


def test_no_identifier_of_a_patient_stands_outside_sealed_payloads(
    lake: Workspace, bundles: list[dict[str, Any]]
) -> None:
    for patient in patients(bundles):
        named = identifiers(patient)
        kinds = {identifier.get("type", {}).get("text") for identifier in patient["identifier"]}
        assert {"Medical Record Number", "Social Security Number"} <= kinds and len(named) >= 8
    needles = sorted({needle for patient in patients(bundles) for needle in identifiers(patient)})
    found = residue.examine(lake.settings.home, needles)
    assert found.opaque == [] and found.files > 100
    assert sorted({(hit.file.split("/")[0], hit.where) for hit in found.hits}) == []
    assert residue.scan(lake.settings.home / "silver", ["General examination of patient"]), (
        "the search sees what is kept"
    )


def test_references_and_ids_are_one_patient(lake: Workspace, bundles: list[dict[str, Any]]) -> None:
    owners = lake.vault.subject_ids("patient", pl.Series([patient["id"] for patient in patients(bundles)]))
    for name, contract in lake.contracts.items():
        if contract.subject and contract.subject.entity == "patient":
            rows = lake.table("silver", name).scan().select("subject_id", "patient_id").collect()
            assert rows["subject_id"].null_count() == 0 and set(rows["subject_id"]) <= set(owners), name
            assert (rows["subject_id"] == rows["patient_id"]).all(), name
    doctors = "select count(*) from silver.encounters semi join silver.practitioners using (practitioner_id)"
    assert catalog.query(lake, doctors).item() == lake.table("silver", "encounters").count()
    mentioned = lake.table("silver", "encounters").scan().select(pl.col("mentions").explode()).collect().to_series()
    assert set(mentioned) <= set(
        lake.table("silver", "practitioners").scan().select("subject_id").collect().to_series()
    )


def test_an_erasure_finds_a_practitioner_behind_the_prefix(
    lake: Workspace, resources: dict[str, list[dict[str, Any]]]
) -> None:
    seen = Counter(e["participant"][0]["individual"]["reference"] for e in resources["encounters"])
    reference, count = seen.most_common(1)[0]
    ids = lake.vault.subject_ids("practitioner", pl.Series([reference.removeprefix("urn:uuid:")]))
    found = find(lake, People.of(ids.to_list()))
    assert found.own["practitioners"] >= 1 and found.mentioning["encounters"] == count


def test_the_mart_says_what_the_bundles_say(
    lake: Workspace, bundles: list[dict[str, Any]], resources: dict[str, list[dict[str, Any]]]
) -> None:
    seen = Counter(resource["subject"]["reference"] for resource in resources["encounters"])
    claimed: dict[str, Decimal] = defaultdict(Decimal)
    for claim in resources["claims"]:
        claimed[claim["patient"]["reference"]] += Decimal(str(claim["total"]["value"]))
    references = [bundle["entry"][0]["fullUrl"] for bundle in bundles]
    expected = sorted((seen[reference], claimed[reference]) for reference in references)
    rows = catalog.query(lake, "select encounter_count, claimed_usd from gold.patient_summary order by all").rows()
    assert rows == expected


def test_dates_of_a_patient_move_together(lake: Workspace, resources: dict[str, list[dict[str, Any]]]) -> None:
    row = catalog.query(lake, "select id, started_at, ended_at from silver.encounters order by id limit 1").row(0)
    (raw,) = (encounter for encounter in resources["encounters"] if encounter["id"] == row[0])
    begun, ended = pl.Series([raw["period"]["start"], raw["period"]["end"]]).str.to_datetime(time_zone="UTC")
    assert row[2] - row[1] == ended - begun and row[1] != begun
