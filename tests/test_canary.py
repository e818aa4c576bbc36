"""Unique values in every field and text of every dataset, a whole run with failures, then a search of every byte.

What a contract keeps is the control: it has to be found, or the search proves nothing. Names inside free text are
planted apart, since no detector finds them all; how many come through is reported as a property of the test.
"""

import gzip
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import zstandard

import cenote.silver
from cenote import bronze, residue, silver
from cenote.sample import generate
from cenote.settings import Settings
from cenote.vault import Vault
from cenote.workspace import Workspace
from pipelines.run import RunOutcome, run_pipeline
from tests.lake import UNTIL
from transforms.contract import Contract, Field

PROJECT = Path(__file__).resolve().parents[1]
PLANTED = 6
OPEN = (
    "silver/",
    "gold/",
    "graph/",
    "features/",
    "vectors/",
    "online/",
)  # where a value that a contract keeps may stand
UNSEALED = ("bronze/products/", "bronze/documents/", "bronze/media_assets/")
LEAKY = """
apiVersion: v3.2.0
kind: DataContract
id: urn:test:leaky
name: leaky
version: 1.0.0
status: active
schema:
  - name: leaky
    logicalType: object
    physicalType: jsonl
    properties:
      - name: leaky_id
        logicalType: string
        primaryKey: true
        classification: HIGH
        customProperties: [{property: mask, value: redact}]
      - name: secret_note
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: redact}]
    customProperties:
      - {property: subject, value: {entity: person, path: $.leaky_id}}
      - {property: changeMode, value: append}
      - {property: erasure, value: delete}
"""
FAILING_MART = """/* ---
description: A mart that fails with a message that quotes a row.
owner: nobody@shop.example
grain: [city]
--- */
SELECT CAST(city AS INTEGER) AS city FROM silver.customers
"""


class Canaries:
    """Makes values that stand nowhere else, and remembers them."""

    def __init__(self) -> None:
        self._random = random.Random(20261121)
        self.personal: list[str] = []
        self.kept: list[str] = []
        self.names: list[str] = []
        self.field_names: list[str] = []

    def digits(self, count: int) -> str:
        return "".join(self._random.choices("123456789", k=count))

    def word(self) -> str:
        return "zq" + "".join(self._random.choices("bcdfghjklmnpqrstvwxz", k=12))

    def secret(self, value: str) -> str:
        self.personal.append(value)
        return value

    def email(self) -> str:
        return f"{self.secret(self.word())}@{self.word()}.example"

    def phone(self) -> str:
        return self.secret(f"+49 30 {self.digits(8)}")

    def card(self) -> str:
        body = "4" + self.digits(14)
        total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(body))
        return self.secret(body + str(-total % 10))

    def iban(self) -> str:
        account = self.digits(18)
        return self.secret(f"DE{98 - int(account + '131400') % 97:02d}{account}")

    def ssn(self) -> str:
        return self.secret(f"5{self.digits(2)}-{self.digits(2)}-{self.digits(4)}")

    def text(self) -> str:
        self.names.append(self.word().capitalize())
        return (
            f"Hello, this is Maria {self.names[-1]}. Please write to {self.email()} or call {self.phone()}. "
            f"My card is {self.card()}, my IBAN {self.iban()}, and my SSN is {self.ssn()}."
        )

    def value(self, field: Field) -> Any:
        """A value for a field that the contract masks or keeps; None: leave what is there."""
        strategy, to = field.mask.strategy, field.mask.options.get("to")
        if strategy == "text":
            return self.text() if field.options.get("maxLength", 999) > 300 else f"Write to {self.email()}"
        if strategy == "keep":
            free = field.type == "string" and not (field.enum or field.primary_key or "pattern" in field.options)
            if not free or field.name.endswith(
                ("_id", "country", "currency", "language", "kind", "uri", "hash", "license")
            ):
                return None
            self.kept.append(self.word())
            return self.kept[-1]
        if field.options.get("pattern", "").startswith("^C") or field.mask.options.get("entity") == "customer":
            return self.secret(f"C9{self.digits(6)}")
        if field.name == "email":
            return self.email()
        if field.name == "phone":
            return self.phone()
        if to == "subnet":
            return self.secret(f"198.1{self.digits(1)}.1{self.digits(2)}.1{self.digits(2)[0]}7")
        if to == "year":
            return self.secret(f"19{self.digits(2)}-0{self.digits(1)}-1{self.digits(1)}")
        return self.secret(self.word()[:10]).upper() if to == "zip3" else self.secret(self.word())


@dataclass
class CanaryLake:
    """A lake after its run, what was planted, and what the run said."""

    settings: Settings
    canaries: Canaries
    outcome: RunOutcome
    printed: str
    planted: dict[str, int] = field(default_factory=dict)


def at(record: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, last = path.removeprefix("$.").split(".")
    for name in parents:
        record = record.setdefault(name, {})
    return record, last


def plant(record: dict[str, Any], contract: Contract, canaries: Canaries) -> dict[str, Any]:
    """Canaries in every field that may hold one, and in fields that the contract does not name."""
    images = [record[name] for name in ("after", "before") if isinstance(record.get(name), dict)] or [record]
    for image in images:
        for f in contract.fields:
            if f.path.startswith("$.") and (value := canaries.value(f)) is not None:
                inner, name = at(image, f.path)
                inner[name] = value
            elif (
                image is record and f.primary_key and "pattern" not in f.options and isinstance(record.get(f.name), str)
            ):
                # A key of its own, else it is a redelivery or an older version.
                record[f.name] += "" if f.mask.strategy != "keep" else canaries.digits(4)
        if contract.sealed:
            image["unnamed"] = {"deep": [canaries.text(), {"deeper": canaries.secret(canaries.word())}]}
            canaries.field_names.append(canaries.word())
            image[canaries.field_names[-1]] = "a value as a name"
    return record


def break_it(record: dict[str, Any], number: int, contract: Contract) -> bytes:
    """A record that ends in quarantine: half of one, one of the wrong types, one without its key."""
    if number % 3 == 0:
        return msgspec.json.encode(record)[:-7]
    image = next((record[n] for n in ("after", "before") if isinstance(record.get(n), dict)), record)
    for f in contract.fields:
        if f.primary_key:
            inner, name = at(image, f.path)
            inner[name] = {"not": inner.get(name)} if number % 3 == 1 else None
    return msgspec.json.encode(record)


def records(folder: Path) -> list[dict[str, Any]]:
    """The first well-formed records of a landed dataset."""
    found: list[dict[str, Any]] = []
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
        if file.suffix == ".zst":
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        content = content.removeprefix(b"\xef\xbb\xbf")
        lines = json.loads(content) if ".json" in file.suffixes else content.splitlines()
        for line in lines:
            try:
                found.append(line if isinstance(line, dict) else json.loads(line))
            except ValueError:
                continue
    return [r for r in found if isinstance(r, dict)]


def land(settings: Settings, canaries: Canaries) -> dict[str, int]:
    """The sample shop, and in each dataset files of canary records, good and broken; file names are canaries too."""
    generate(settings.landing, 15, 11, UNTIL)
    planted = {}
    for dataset, contract in Workspace(settings).contracts.items():
        if dataset == "leaky":
            continue
        folder = settings.landing / dataset
        chosen = records(folder)[: 2 * PLANTED]
        good = [msgspec.json.encode(plant(r, contract, canaries)) for r in chosen[:PLANTED]]
        if contract.sealed:  # of the others a broken record may stand in bronze as it came
            good += [break_it(plant(r, contract, canaries), n, contract) for n, r in enumerate(chosen[PLANTED:])]
        planted[dataset] = len(good)
        (folder / f"{canaries.secret(canaries.word())}.jsonl").write_bytes(b"\n".join(good) + b"\n")
    (settings.landing / "leaky").mkdir(parents=True)
    rows = [{"leaky_id": canaries.secret(canaries.word()), "secret_note": canaries.text()} for _ in range(3)]
    (settings.landing / "leaky" / "x.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    return planted


def _settings(folder: Path) -> Settings:
    shutil.copytree(PROJECT / "contracts", folder / "contracts")
    (folder / "contracts" / "leaky.yaml").write_text(LEAKY)
    shutil.copytree(PROJECT / "transforms" / "marts", folder / "marts")
    (folder / "marts" / "failing.sql").write_text(FAILING_MART)
    paths = {name: folder / name for name in ("contracts", "marts", "vault")}
    settings = Settings(home=folder / "data", as_of=UNTIL, **paths)  # type: ignore[arg-type]
    Vault.create(settings)
    return settings


def _quoting(frame: pl.DataFrame, *arguments: Any, **more: Any) -> pl.DataFrame:
    """Masking that fails on one dataset with a message that quotes it, as a library's would."""
    if "secret_note" in frame.columns:
        raise ValueError(f"cannot mask {frame.rows()}") from KeyError(str(frame.to_dicts()))
    return MASK(frame, *arguments, **more)


MASK = cenote.silver.mask_frame


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanaryLake]:
    settings, canaries = _settings(tmp_path_factory.mktemp("canary")), Canaries()
    planted = land(settings, canaries)
    log = settings.home.parent / "printed"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setattr(cenote.silver, "mask_frame", _quoting)
        outcome = _printed_to(log, lambda: run_pipeline(settings=settings))
    yield CanaryLake(settings, canaries, outcome, log.read_text() + log.with_suffix(".python").read_text(), planted)


def _printed_to(log: Path, work: Any) -> Any:
    """Run ``work`` with all that this process prints, below Python too, going to a file."""
    sys.stdout.flush()
    saved = [os.dup(n) for n in (1, 2)]
    with log.open("wb") as out:
        for n in (1, 2):
            os.dup2(out.fileno(), n)
        try:
            with log.with_suffix(".python").open("w") as text, redirect_stdout(text), redirect_stderr(text):
                return work()
        finally:
            for n, handle in zip((1, 2), saved, strict=True):
                os.dup2(handle, n)
                os.close(handle)


def told(hits: list[residue.Hit]) -> list[tuple[str, str]]:
    """Where hits are, without the needle: the first folders of the file, and the place in it."""
    return sorted({("/".join(Path(h.file).parts[:3]), h.where) for h in hits})


def test_the_run_failed_where_it_was_meant_to_and_nowhere_else(lake: CanaryLake) -> None:
    failed = {error.split(":")[0].split(" ")[0] for error in lake.outcome.errors}
    assert not lake.outcome.success
    assert len(failed) >= 2, lake.outcome.errors
    assert all("leaky" in f or "failing" in f for f in failed), lake.outcome.errors


def test_canaries_reached_silver_and_quarantine_of_every_dataset(lake: CanaryLake) -> None:
    space = Workspace(lake.settings)
    assert len(lake.canaries.personal) > 500
    for dataset, planted in lake.planted.items():
        batch = pl.scan_parquet(space.table("bronze", dataset).files()).select("lineage_id", "batch_id").collect()
        mine = batch.join(
            pl.scan_parquet(space.table("meta", "batches").files())
            .filter(pl.col("dataset") == dataset, pl.col("records") == planted)
            .select("batch_id").collect(),
            on="batch_id", how="semi",
        )["lineage_id"]  # fmt: skip
        silver_rows = space.table("silver", dataset).scan().filter(pl.col("lineage_id").is_in(mine.implode())).collect()
        assert silver_rows.height > 0, dataset
        if space.contract(dataset).sealed:
            rejected = space.table("quarantine", dataset).scan().select("lineage_id").collect()["lineage_id"]
            assert rejected.is_in(mine.implode()).any(), dataset


def test_no_canary_stands_outside_sealed_payloads(lake: CanaryLake) -> None:
    found = residue.examine(lake.settings.home, lake.canaries.personal)
    assert found.opaque == []
    assert found.files > 100
    assert told(found.hits) == []


def test_a_value_that_is_the_name_of_a_field_does_not_leak(lake: CanaryLake) -> None:
    assert told(residue.scan(lake.settings.home, lake.canaries.field_names)) == []


def test_nothing_printed_and_nothing_told_quotes_a_canary(lake: CanaryLake) -> None:
    everything = lake.canaries.personal + lake.canaries.kept + lake.canaries.names
    assert len(lake.printed) > 500, "the run printed its summary"
    assert residue.search(lake.printed.encode(), everything) == []
    assert residue.search(lake.outcome.to_json().encode(), everything) == []
    assert told(residue.scan(lake.settings.vault, everything)) == []


def test_kept_values_are_found_where_they_may_be_and_only_there(lake: CanaryLake) -> None:
    hits = residue.scan(lake.settings.home, lake.canaries.kept)
    assert {h.file.split("/")[0] for h in hits} >= {"silver", "gold", "vectors"}, "the search sees what is there"
    assert told([h for h in hits if not h.file.startswith((*OPEN, *UNSEALED))]) == []


def test_names_in_free_text_are_reported(lake: CanaryLake, record_property: Any) -> None:
    hits = residue.scan(lake.settings.home, lake.canaries.names)
    record_property("names planted in free text", len(lake.canaries.names))
    record_property("names that came through", len({h.needle for h in hits}))
    assert all(h.file.startswith(OPEN) for h in hits), told(hits)


def test_no_name_stands_in_a_text_that_the_names_tier_reads(lake: CanaryLake) -> None:
    assert lake.settings.names
    read = [name for name, contract in Workspace(lake.settings).contracts.items() if "'names'" in repr(contract.fields)]
    assert sorted(read) == ["invoices", "orders", "turns"]
    hits = residue.scan(lake.settings.home, lake.canaries.names)
    assert told([h for h in hits if h.file.startswith(tuple(f"silver/{name}/" for name in read))]) == []


@pytest.mark.parametrize("dataset", ["customers", "turns"])
def test_a_broken_masker_is_caught(dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, canaries = _settings(tmp_path), Canaries()
    land(settings, canaries)
    space = Workspace(settings)
    bronze.land_new(space, dataset)
    shutil.rmtree(settings.landing)
    monkeypatch.setattr(cenote.silver, "mask_frame", lambda frame, *_, **__: frame)
    silver.build(space, dataset)
    places = {h.file.split("/")[0] for h in residue.scan(settings.home, canaries.personal)}
    assert places == {"silver"}
