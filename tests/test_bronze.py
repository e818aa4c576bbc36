"""Bronze: exact bytes, sealed, exactly once, whatever happens in between."""

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard
from deltalake import write_deltalake

from cenote import bronze, records
from cenote.errors import ContractError, LandingError, TableError, VaultError
from cenote.settings import Settings
from cenote.tables import Table
from cenote.vault import Vault
from cenote.workspace import Workspace
from transforms.contract import Change, Contract, Envelope, Subject

CUSTOMER = Subject("customer", "$.customer_id")


def contract(dataset: str, **more: Any) -> Contract:
    return Contract(dataset=dataset, version="1.0.0", description="", owner="", fields=(), **more)


@pytest.fixture
def space(make_space: Callable[..., Workspace]) -> Workspace:
    made = make_space()
    made.contracts = {
        "orders": contract("orders", subject=CUSTOMER),
        "reviews": contract("reviews", subject=CUSTOMER),
        "products": contract("products"),
        "invoices": contract(
            "invoices",
            subject=CUSTOMER,
            change=Change(envelope=Envelope("$.op", "$.before", "$.after", ("delete",))),
        ),
    }
    return made


def drop(space: Workspace, dataset: str, name: str, content: bytes) -> Path:
    """Put a file into the landing zone, as old as the hills."""
    file = space.settings.landing / dataset / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (0, 0))
    return file


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def order(number: int, customer: Any = "C1") -> dict[str, Any]:
    return {"order_id": number, "customer_id": customer, "note": f"clear text {number}"}


def replayed(space: Workspace, batch_id: str) -> bytes:
    out = io.BytesIO()
    bronze.replay(space, batch_id, out)
    return out.getvalue()


def opened(space: Workspace, dataset: str, since: int | None = None) -> pl.DataFrame:
    return pl.concat([*bronze.read(space, dataset, since)])


def rows(space: Workspace, dataset: str) -> pl.DataFrame:
    return space.table("bronze", dataset).scan().sort("lineage_id").collect()


# the whole way of a file


def test_a_file_lands_and_comes_back(space: Workspace) -> None:
    content = lines(order(1), order(2, "C2"), order(3)) + b"\r\nnot json\n"
    file = drop(space, "orders", "a.jsonl", content)
    assert bronze.is_stale(space, "orders")
    report = bronze.land_new(space, "orders")
    assert (report.table, report.rows, report.written, report.version, report.fresh) == (
        "bronze/orders",
        4,
        4,
        0,
        False,
    )
    assert report.details == {
        "batches": 1, "records": 4, "sealed": 4, "ownerless": 1, "malformed": 1, "already_landed": 0, "refused": 0,
    }  # fmt: skip
    assert not file.exists()
    assert not bronze.is_stale(space, "orders")
    (batch,) = bronze.batches(space).iter_rows(named=True)
    assert (batch["dataset"], batch["bytes"], batch["records"], batch["format"]) == ("orders", len(content), 4, "lines")
    assert replayed(space, batch["batch_id"]) == content


def test_columns_are_as_designed(space: Workspace) -> None:
    drop(space, "orders", "a.jsonl", lines(order(1), order(2, "C2"), order(3, None)))
    bronze.land_new(space, "orders")
    table = rows(space, "orders")
    assert table.schema == records.BRONZE
    batch_id = bronze.batches(space)["batch_id"][0]
    assert table["lineage_id"].to_list() == [f"{batch_id}-{n:010d}" for n in range(3)]
    assert table["row"].to_list() == [0, 1, 2]
    assert table["landed_at"].unique().to_list() == [space.clock()]
    expected = space.vault.subject_ids("customer", pl.Series(["C1", "C2", None]))
    assert table["subject_id"].to_list() == expected.to_list()
    assert table["key_id"].n_unique() == 3
    assert table["key_id"][2] == "dataset/orders"
    assert table["prefix"].to_list() == [b"", b"\n", b"\n"]


def test_opened_records_are_the_exact_bytes(space: Workspace) -> None:
    exact = [b'{"customer_id":"C1" , "a":1.0}', b'{"customer_id": 7}', b"nope"]
    drop(space, "orders", "a.jsonl", b"\n".join(exact))
    bronze.land_new(space, "orders")
    frame = opened(space, "orders")
    assert frame.columns == list(records.OPENED)
    assert frame["payload"].to_list() == exact
    some = bronze.open_records(space, "orders", [frame["lineage_id"][2], frame["lineage_id"][0], "unknown-id"])
    assert some["payload"].to_list() == [exact[0], exact[2]]


def test_public_datasets_are_not_sealed(space: Workspace) -> None:
    drop(space, "products", "a.json", b'[{"id":1},{"id":2}]')
    report = bronze.land_new(space, "products")
    assert (report.details["sealed"], report.details["ownerless"]) == (0, 0)
    table = rows(space, "products")
    assert table["payload"].to_list() == [b'{"id":1}', b'{"id":2}']
    assert table["key_id"].null_count() == table["subject_id"].null_count() == 2
    assert opened(space, "products")["payload"].to_list() == [b'{"id":1}', b'{"id":2}']


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_compressed_files_come_back_unpacked(name: str, space: Workspace) -> None:
    content = lines(*map(order, range(50)))
    drop(space, "orders", name, gzip.compress(content) if name.endswith("gz") else zstandard.compress(content))
    bronze.land_new(space, "orders")
    assert replayed(space, bronze.batches(space)["batch_id"][0]) == content


OWNERS = {
    "text": ({"customer_id": "2"}, "2"),
    "a number is its text": ({"customer_id": 2}, "2"),
    "escapes": ({"customer_id": 'é"\\'}, 'é"\\'),
    "null": ({"customer_id": None}, None),
    "missing": ({}, None),
    "blank": ({"customer_id": "  "}, None),
    "a boolean": ({"customer_id": True}, None),
    "an object": ({"customer_id": {"x": 1}}, None),
    "an array": ({"customer_id": [1]}, None),
    "no object at all": ([{"customer_id": 1}], None),
}


@pytest.mark.parametrize("name", OWNERS)
def test_the_owner_of_a_record(name: str, space: Workspace) -> None:
    record, natural = OWNERS[name]
    drop(space, "orders", "a.jsonl", lines(record))
    bronze.land_new(space, "orders")
    expected = space.vault.subject_ids("customer", pl.Series([natural], dtype=pl.String))[0]
    assert rows(space, "orders")["subject_id"][0] == expected


def test_the_owner_in_a_change_envelope(space: Workspace) -> None:
    events = [
        {"op": "create", "before": None, "after": {"customer_id": "A"}},
        {"op": "update", "before": {"customer_id": "A"}, "after": {"customer_id": "B"}},
        {"op": "delete", "before": {"customer_id": "C"}, "after": None},
        {"op": "odd", "after": "text"},
    ]
    drop(space, "invoices", "a.jsonl", lines(*events))
    bronze.land_new(space, "invoices")
    expected = space.vault.subject_ids("customer", pl.Series(["A", "B", "C", None]))
    assert rows(space, "invoices")["subject_id"].to_list() == expected.to_list()


# exactly once


def test_the_same_content_is_one_batch(space: Workspace) -> None:
    content = lines(order(1), order(2))
    for name in ("a.jsonl", "b.ndjson", "c.json"):
        drop(space, "orders", name, content)
    drop(space, "orders", "d.jsonl.gz", gzip.compress(content))
    report = bronze.land_new(space, "orders")
    assert (report.rows, report.details["batches"], report.details["already_landed"]) == (2, 1, 3)
    drop(space, "orders", "again.jsonl", content)
    again = bronze.land_new(space, "orders")
    assert (again.rows, again.written, again.fresh, again.version) == (2, 0, True, 0)
    assert not bronze.is_stale(space, "orders")
    assert bronze.batches(space).height == 1


def test_many_small_files_are_one_commit_in_order(space: Workspace) -> None:
    for number in range(300):
        drop(space, "orders", f"{number:04}.jsonl", lines(order(number)))
    seen: list[tuple[int, int]] = []
    report = bronze.land_new(space, "orders", progress=lambda done, total: seen.append((done, total)))
    assert (report.rows, report.version, report.details["batches"]) == (300, 0, 300)
    assert bronze.batches(space).height == 300
    notes = [json.loads(p)["order_id"] for p in opened(space, "orders")["payload"]]
    assert notes == list(range(300))
    assert seen[-1][0] == seen[-1][1]
    assert not bronze.is_stale(space, "orders")


def test_large_files_are_read_back_in_ranges(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "READ_BYTES", 2000)
    monkeypatch.setattr(bronze, "COMMIT_BYTES", 5000)
    contents = [lines(*map(order, range(n))) for n in (1, 400, 3, 0, 90)]
    for number, content in enumerate(contents):
        drop(space, "orders", f"{number}.jsonl", content)
    report = bronze.land_new(space, "orders")
    assert (report.rows, report.details["batches"], report.version) == (494, 5, 1)
    found = sorted(replayed(space, batch) for batch in bronze.batches(space)["batch_id"])
    assert found == sorted(contents)


def test_only_new_commits_are_read(space: Workspace) -> None:
    for number in range(3):
        drop(space, "orders", "a.jsonl", lines(order(number)))
        bronze.land_new(space, "orders")
    assert [json.loads(p)["order_id"] for p in opened(space, "orders")["payload"]] == [0, 1, 2]
    assert [json.loads(p)["order_id"] for p in opened(space, "orders", since=0)["payload"]] == [1, 2]
    assert [*bronze.read(space, "orders", since=2)] == []
    assert [*bronze.read(space, "reviews", since=None)] == []


def test_nothing_waiting_does_nothing(space: Workspace) -> None:
    assert bronze.land_new(space, "orders").fresh
    assert not space.table("bronze", "orders").exists
    drop(space, "orders", "a.jsonl", lines(order(1)))
    bronze.land_new(space, "orders")
    before = (space.table("bronze", "orders").version, space.table("meta", "batches").version)
    assert bronze.land_new(space, "orders").fresh
    assert (space.table("bronze", "orders").version, space.table("meta", "batches").version) == before


def test_an_empty_file_is_a_batch_without_records(space: Workspace) -> None:
    drop(space, "orders", "empty.jsonl", b"")
    report = bronze.land_new(space, "orders")
    assert (report.rows, report.details["batches"]) == (0, 1)
    assert replayed(space, bronze.batches(space)["batch_id"][0]) == b""
    assert not bronze.is_stale(space, "orders")


# killed anywhere


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


STEPS = {
    "before the commit": (Table, "append", False),
    "after the bronze commit": (bronze, "record_batches", True),
    "before the proof": (bronze, "prove", False),
    "before the file goes": (Path, "unlink", False),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_and_run_again_is_as_if_undisturbed(
    step: str, space: Workspace, make_space: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"a.jsonl": lines(order(1), order(2, "C2")), "b.json": b'[{"customer_id":"C3"}, 5]'}
    for name, content in contents.items():
        drop(space, "orders", name, content)
    owner, name, second = STEPS[step]
    real = getattr(owner, name)
    calls = 0

    def dies(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if owner is Path and not str(args[0]).startswith(str(space.settings.landing)):
            return real(*args, **kwargs)
        if second and calls == 1:
            return real(*args, **kwargs)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies)
        with pytest.raises(KilledError):
            bronze.land_new(space, "orders")
    assert len(bronze.waiting(space, "orders")) == 2  # nothing is lost
    bronze.land_new(space, "orders")

    calm = make_space("calm")
    calm.contracts = space.contracts
    for file, content in contents.items():
        drop(calm, "orders", file, content)
    bronze.land_new(calm, "orders")
    columns = ["lineage_id", "batch_id", "row", "landed_at", "prefix"]
    assert rows(space, "orders").select(columns).equals(rows(calm, "orders").select(columns))
    assert opened(space, "orders")["payload"].to_list() == opened(calm, "orders")["payload"].to_list()
    assert bronze.batches(space).equals(bronze.batches(calm))
    assert not bronze.is_stale(space, "orders")


def test_a_manifest_row_follows_even_without_the_file(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop(space, "orders", "a.jsonl", lines(order(1)))
    with monkeypatch.context() as patch:
        patch.setattr(bronze, "prove", lambda *args: (_ for _ in ()).throw(KilledError))
        patch.setattr(bronze, "record_batches", lambda *args: None)
        with pytest.raises((KilledError, TableError)):
            bronze.land(space, "orders", [file], consume=False)
    file.unlink()
    assert bronze.batches(space).is_empty()
    bronze.land_new(space, "orders")
    assert replayed(space, bronze.batches(space)["batch_id"][0]) == lines(order(1))


def test_a_file_that_bronze_does_not_give_back_stays(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop(space, "orders", "a.jsonl", lines(order(1)))
    monkeypatch.setattr(bronze, "prove", lambda *args: set())
    with pytest.raises(TableError, match="does not give 1 batches back"):
        bronze.land_new(space, "orders")
    assert file.exists()


def test_a_file_that_grew_meanwhile_stays(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop(space, "orders", "a.jsonl", lines(order(1)))
    real = bronze.prove

    def writes(*args: Any) -> set[str]:
        file.write_bytes(lines(order(1), order(2)))
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(bronze, "prove", writes)
        bronze.land_new(space, "orders")
    assert file.exists()
    os.utime(file, (0, 0))
    assert bronze.land_new(space, "orders").details["batches"] == 1
    assert not file.exists()


def test_a_file_that_changes_while_landing_does_not_stop_the_others(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = drop(space, "orders", "a.jsonl", lines(order(1))), drop(space, "orders", "b.jsonl", lines(order(2)))
    real = Table.append

    def writes(self: Table, data: Any, commit: Any, *how: Any) -> int:
        if self.name == "bronze/orders" and bad.stat().st_mtime == 0:
            bad.write_bytes(lines(order(1), order(3)))
        return real(self, data, commit, *how)

    monkeypatch.setattr(Table, "append", writes)
    report = bronze.land_new(space, "orders")
    assert (report.rows, report.details["batches"], report.details["records"], report.details["refused"]) == (
        1,
        1,
        1,
        1,
    )
    assert "changed while it was landing" in report.details["problems"][0]
    assert bad.exists()
    assert not good.exists()


# what cannot be landed


def test_a_bad_file_is_told_and_the_others_land(space: Workspace) -> None:
    bad = drop(space, "orders", "anna.miller.jsonl.gz", b"\x1f\x8bnot gzip")
    drop(space, "orders", "good.jsonl", lines(order(1)))
    report = bronze.land_new(space, "orders")
    assert (report.rows, report.details["refused"]) == (1, 1)
    (problem,) = report.details["problems"]
    assert problem.startswith("landing/orders: file 1 of 2 by name")
    assert "anna" not in problem
    assert bronze.waiting(space, "orders") == [bad]
    with pytest.raises(LandingError, match="not a whole gzip"):
        bronze.land(space, "orders", [bad], consume=False)


def test_unknown_datasets_are_told(space: Workspace) -> None:
    drop(space, "oders", "a.jsonl", b"{}\n")
    drop(space, "orders", "a.jsonl", b"{}\n")
    (space.settings.landing / "empty").mkdir()
    (error,) = bronze.unknown_folders(space)
    assert "landing/oders" in error.what
    assert "did you mean orders" in error.what
    with pytest.raises(ContractError, match="did you mean orders"):
        bronze.land_new(space, "oders")


def test_files_elsewhere_are_left_in_place(space: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "one big document.json"
    file.write_bytes(b'{"Other": 1, "Customer": [{"customer_id": 1}, {"customer_id": 2}]}')
    report = bronze.land(space, "orders", [file], consume=False, pointer="/Customer")
    assert (report.rows, file.exists()) == (2, True)
    assert replayed(space, bronze.batches(space)["batch_id"][0]) == b'[{"customer_id": 1}, {"customer_id": 2}]'
    with pytest.raises(LandingError, match="in part only"):
        bronze.land(space, "orders", [file], consume=True, pointer="/Customer")
    with pytest.raises(LandingError, match="cannot be read"):
        bronze.land(space, "orders", [tmp_path / "absent.json"], consume=False)


def test_an_unknown_batch_cannot_be_replayed(space: Workspace) -> None:
    with pytest.raises(TableError, match="no batch"):
        replayed(space, "f" * 24)


def test_what_waits_has_a_digest(space: Workspace) -> None:
    file = drop(space, "orders", "a.jsonl", b"1\n")
    first = bronze.waiting_digest({"orders": bronze.waiting(space, "orders")})
    assert first == bronze.waiting_digest({"orders": [file]})
    assert first != bronze.waiting_digest({"reviews": [file]})
    file.write_bytes(b"12\n")
    assert first != bronze.waiting_digest({"orders": [file]})
    file.unlink()
    assert bronze.waiting_digest({"orders": [file]}) == bronze.waiting_digest({})


# keys


def test_without_keys_nothing_lands_or_opens(space: Workspace) -> None:
    file = drop(space, "orders", "a.jsonl", lines(order(1)))
    key = space.settings.vault / "root.key"
    key.chmod(0o644)
    with pytest.raises(VaultError, match="by others"):
        bronze.land_new(space, "orders")
    assert file.exists()
    assert not space.table("bronze", "orders").exists
    key.chmod(0o600)
    bronze.land_new(space, "orders")


def test_another_vault_opens_nothing(space: Workspace, tmp_path: Path) -> None:
    drop(space, "orders", "a.jsonl", lines(order(1)))
    bronze.land_new(space, "orders")
    other = Settings(home=tmp_path / "elsewhere", vault=tmp_path / "other")
    Vault.create(other)
    stranger = Workspace(space.settings.model_copy(update={"vault": other.vault}))
    stranger.contracts = space.contracts
    with pytest.raises(VaultError, match="does not hold"):
        opened(stranger, "orders")


@pytest.mark.parametrize("move", ["to another record", "to another dataset"])
def test_a_sealed_payload_that_was_moved_does_not_open(move: str, space: Workspace) -> None:
    drop(space, "orders", "a.jsonl", lines(order(1), order(2)))
    bronze.land_new(space, "orders")
    table = rows(space, "orders")
    if move == "to another record":
        table = table.with_columns(pl.col("payload").reverse())
    target = space.table("bronze", "orders" if move == "to another record" else "reviews")
    write_deltalake(str(target.path), table.to_arrow(), mode="overwrite")
    with pytest.raises(VaultError, match="does not open"):
        opened(space, target.name.removeprefix("bronze/"))


def test_clear_text_is_nowhere_in_the_lake(space: Workspace) -> None:
    names = [f"Secret Person {n}" for n in range(200)]
    content = lines(*({"customer_id": name, "mail": f"{n}@secret.example"} for n, name in enumerate(names)))
    drop(space, "orders", "secret-person.jsonl", content + b"secret rubbish\n")
    bronze.land_new(space, "orders")
    found = [p for p in space.settings.home.rglob("*") if p.is_file()]
    decoded = [p.read_bytes() for p in found]
    for file in found:
        if file.suffix == ".parquet":
            decoded += [repr(column.to_pylist()).encode() for column in pq.read_table(file).columns]
            decoded.append(repr(pq.ParquetFile(file).metadata.row_group(0).to_dict()).encode())
    assert len(decoded) > 4
    assert not [text for text in decoded if b"ecret" in text]


def test_records_of_a_shredded_subject_are_left_out(space: Workspace) -> None:
    first = lines(order(1, "A"), order(2, "B"))
    drop(space, "orders", "a.jsonl", first)
    bronze.land_new(space, "orders")
    space.vault.shred(space.vault.subject_ids("customer", pl.Series(["A"])))
    assert [json.loads(p)["order_id"] for p in opened(space, "orders")["payload"]] == [2]
    with pytest.raises(TableError, match="byte for byte"):
        replayed(space, bronze.batches(space)["batch_id"][0])
    again = drop(space, "orders", "again.jsonl", first)
    report = bronze.land_new(space, "orders")
    assert "landed before" in report.details["problems"][0]
    assert again.exists()


def test_late_records_of_a_shredded_subject_get_no_key(space: Workspace) -> None:
    space.vault.shred(space.vault.subject_ids("customer", pl.Series(["A"])))
    drop(space, "orders", "a.jsonl", lines(order(1, "A")))
    bronze.land_new(space, "orders")
    (row,) = rows(space, "orders").iter_rows(named=True)
    assert row["key_id"] == "dataset/orders"
    assert row["subject_id"] == space.vault.subject_ids("customer", pl.Series(["A"]))[0]
    assert space.vault.status()["subject_keys"] == 0
