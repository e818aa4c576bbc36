"""Somebody else's change events: Debezium messages give the table that their publisher expects."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, silver
from cenote.accounting import account
from cenote.workspace import Workspace

CONTRACTS = Path(__file__).parent / "lakes" / "cdc" / "contracts"
START = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def events(shared_data: Path) -> list[bytes]:
    file = shared_data / "cdc" / "seatunnel" / "debezium-data.txt"
    if not file.is_file():
        pytest.skip("third-party change events are absent")
    return file.read_bytes().splitlines()


@pytest.fixture
def expected(shared_data: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(
        (shared_data / "cdc" / "seatunnel" / "expected_final_state.json").read_text()
    )
    return rows


def land(space: Workspace, folder: Path, lines: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    bronze.land(space, "products", [file], consume=False)


def final_state(space: Workspace) -> pl.DataFrame:
    return space.table("silver", "products").scan().filter("is_current").sort("id").collect()


def same(state: pl.DataFrame, expected: list[dict[str, object]]) -> None:
    """Equal, where weights are compared in single precision, which the publisher's column has."""
    columns = ("id", "name", "description", pl.col("weight").cast(pl.Float32))
    assert state.select(columns).rows() == pl.DataFrame(expected).sort("id").select(columns).rows()


def test_final_state_is_the_published_one(
    make_space: Callable[..., Workspace], tmp_path: Path, events: list[bytes], expected: list[dict[str, object]]
) -> None:
    space = make_space(contracts=CONTRACTS)
    land(space, tmp_path / "in", events)
    made, rejected = silver.build(space, "products")
    assert (made.rows, rejected.rows) == (len(events), 0)
    same(final_state(space), expected)


@pytest.mark.parametrize("seed", range(3))
def test_late_and_split_events_give_the_same_state(
    make_space: Callable[..., Workspace],
    tmp_path: Path,
    events: list[bytes],
    expected: list[dict[str, object]],
    seed: int,
) -> None:
    hours = iter(range(100))
    space = make_space(contracts=CONTRACTS, clock=lambda: START + timedelta(hours=next(hours)))
    shuffled = random.Random(seed).sample(events, len(events))
    for number in range(3):
        land(space, tmp_path / f"in{number}", shuffled[number::3])
        silver.build(space, "products")
    same(final_state(space), expected)
    assert account(space, "products").balanced
    before = space.table("silver", "products").scan().sort("lineage_id").collect()
    silver.build(space, "products", rebuild=True)
    assert space.table("silver", "products").scan().sort("lineage_id").collect().equals(before)


def test_messages_wrapped_by_kafka_connect_are_unwrapped(
    make_space: Callable[..., Workspace], tmp_path: Path, events: list[bytes], expected: list[dict[str, object]]
) -> None:
    space = make_space(contracts=CONTRACTS)
    land(space, tmp_path / "in", [b'{"schema":{"type":"struct"},"payload":' + event + b"}" for event in events])
    silver.build(space, "products")
    same(final_state(space), expected)
