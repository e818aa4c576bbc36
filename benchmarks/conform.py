"""Conforming 300,000 order-like records, beside DuckDB reading and typing them: ``python -m benchmarks.conform``.

The floor reads the same records with DuckDB's ``json_transform`` into the same types and judges nothing: no
strictness, no rules, no reasons, no drift. The silver stage conforms chunks on two threads. Best of five; CPU seconds
tell the cost where the machine is shared.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from cenote.contracts import load_contract
from cenote.records import CHUNK_ROWS
from transforms.conform import conform

CONTRACT = Path(__file__).parents[1] / "contracts" / "orders.yaml"
STRUCTURE = """{"order_id":"VARCHAR","customer_id":"VARCHAR","status":"VARCHAR","channel":"VARCHAR",
"currency":"VARCHAR","ordered_at":"TIMESTAMPTZ","updated_at":"TIMESTAMPTZ","total_eur":"DECIMAL(12,2)","note":"VARCHAR",
"shipping":{"city":"VARCHAR","country":"VARCHAR","postal_code":"VARCHAR"},
"lines":[{"product_id":"VARCHAR","quantity":"BIGINT","unit_price_eur":"DECIMAL(12,2)"}]}"""


def orders(count: int, seed: int = 1) -> pl.DataFrame:
    """Bronze rows of orders; every hundredth breaks the contract."""
    rng = np.random.default_rng(seed)
    states = ("placed", "paid", "shipped", "delivered")
    encode = msgspec.json.Encoder().encode
    prices = rng.integers(100, 99_999, (count, 3)) / 100
    payloads = [
        encode(
            {
                "order_id": f"O{n:08d}",
                "customer_id": f"C{n % 5000:06d}",
                "status": states[n % 4] if n % 100 else "lost",
                "channel": "web",
                "currency": "EUR",
                "ordered_at": f"2026-03-{1 + n % 28:02d}T10:{n % 60:02d}:{n % 59:02d}.123Z",
                "updated_at": f"2026-03-{1 + n % 28:02d}T12:{n % 60:02d}:{n % 59:02d}+02:00",
                "total_eur": float(prices[n, 0]),
                "shipping": {"city": "Málaga", "country": "ES", "postal_code": "29001"},
                "lines": [
                    {"product_id": f"P{n % 999:05d}", "quantity": 1 + n % 5, "unit_price_eur": float(prices[n, k])}
                    for k in range(1 + n % 3)
                ],
                "note": 'please say "hello" at the door, second floor on the left' if n % 5 == 0 else None,
            }
        )
        for n in range(count)
    ]
    return pl.DataFrame({"payload": pl.Series(payloads, dtype=pl.Binary)}).select(
        pl.format("{}-{}", pl.lit("0" * 24), pl.int_range(pl.len()).cast(pl.String).str.zfill(10)).alias("lineage_id"),
        pl.lit("0" * 24).alias("batch_id"),
        pl.lit(datetime(2026, 11, 20, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("landed_at"),
        pl.lit(None, pl.String).alias("subject_id"),
        "payload",
    )


def measure(work: Callable[[], Any], times: int = 5) -> tuple[float, float]:
    """Least wall and CPU seconds."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def main(count: int = 300_000) -> None:
    """Measure and print."""
    records = orders(count)
    size = records["payload"].bin.size().sum() / 1e6
    contract = load_contract(CONTRACT)
    texts = records.select(pl.col("payload").cast(pl.String).alias("j")).to_arrow()
    connection = duckdb.connect()
    connection.register("texts", texts)

    def floor() -> None:
        connection.sql("SELECT json_transform(j, $s) FROM texts", params={"s": STRUCTURE}).to_arrow_table()

    def chunks() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda chunk: conform(chunk, contract), records.iter_slices(CHUNK_ROWS)))

    table = Table("what", "seconds", "CPU seconds", "MB/s", "times the floor")
    least, _ = base = measure(floor)
    for name, (wall, cpu) in {
        "DuckDB json_transform, no rules": base,
        "conform, at once": measure(lambda: conform(records, contract)),
        "conform, as the silver stage does": measure(chunks),
    }.items():
        table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{size / wall:.0f}", f"{wall / least:.1f}")
    result = conform(records, contract)
    console = Console()
    console.print(table)
    console.print(f"{count:,} records, {size:.0f} MB; {result.rejected.height:,} rejected, each with its reasons")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
