"""Features: building, point-in-time joins against Feast, full and incremental sync against Feast's, online reads.

Run ``python -m benchmarks features [--entities N] [--rows N]``; prints a table. Everything is made in a temporary
folder.
"""

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from cenote import features
from cenote.features.definitions import feast_quiet
from cenote.settings import Settings
from cenote.tables import Commit
from cenote.workspace import Workspace

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
VIEW = "customer_features"


def timed(name: str, work: Callable[[], object], unit: int = 0) -> float:
    """Run, print seconds (and units a second), return seconds."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(f"{name:<64}{seconds:>9.2f} s" + (f"{unit / seconds:>14,.0f} /s" if unit else ""))
    return seconds


def customer_rows(entities: np.ndarray, moments: np.ndarray, created: np.ndarray) -> pl.DataFrame:
    """Rows of the feature table customer_features."""
    return pl.DataFrame({"n": entities, "event_timestamp": moments, "created_timestamp": created}).select(
        pl.format("customer_features-{}", "n").alias("lineage_id"),
        pl.format("customer_{}", pl.col("n").cast(pl.String).str.zfill(24)).alias("customer_id"),
        pl.col("event_timestamp", "created_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        pl.col("n").alias("total_orders"),
        pl.col("n").cast(pl.Float64).alias("total_spent"),
        pl.lit(1.0).alias("avg_order_value"),
        pl.lit(NOW, MOMENT).alias("last_order_at"),
    )


def lake(folder: Path, name: str) -> Workspace:
    """An empty lake."""
    return Workspace(Settings(home=folder / name, vault=folder / "vault", as_of=NOW), clock=lambda: NOW)


def random_rows(rows: int, entities: int, seed: int = 1) -> pl.DataFrame:
    """Feature rows over a year, each known within a day of its moment."""
    chance = np.random.default_rng(seed)
    minutes = chance.integers(0, 500_000, rows)
    moments = np.datetime64("2025-12-01", "us") + minutes.astype("timedelta64[m]")
    return customer_rows(
        chance.integers(0, entities, rows), moments, moments + chance.integers(0, 1440, rows).astype("timedelta64[m]")
    )


def point_in_time(folder: Path, rows: int, entities: int) -> None:
    """A training set of 30,000 moments, by Cenote and by Feast's duckdb store."""
    space = lake(folder, "join")
    space.table("features", VIEW).append(random_rows(rows, entities), Commit("features"))
    features.apply(space)
    spine = random_rows(30_000, entities, seed=2).select("customer_id", "event_timestamp")
    asked = [f"{VIEW}:{name}" for name in ("total_orders", "total_spent", "avg_order_value")]
    found: dict[str, pl.DataFrame] = {}

    def feast() -> None:
        with feast_quiet():
            job = features.feast_store(space).get_historical_features(
                spine.to_pandas(), asked, filter_by_created_timestamp=True
            )
            found["feast"] = pl.DataFrame(pl.from_arrow(job.to_arrow()))

    def ours() -> None:
        found["ours"] = features.training_set(space, spine, asked)

    name = f"training set, {rows:,} rows x 30,000 moments"
    timed(f"{name}: Cenote", ours)
    timed(f"{name}: Feast duckdb store", feast)
    theirs = found["feast"].select(
        "customer_id", pl.col("event_timestamp").cast(MOMENT), pl.col("total_orders").cast(pl.Int64)
    )
    order = ["customer_id", "event_timestamp"]
    left, right = found["ours"].select(*order, "total_orders").sort(order), theirs.sort(order)
    unlike = int(left["total_orders"].ne_missing(right["total_orders"]).sum())
    print(f"{'':<4}moments at which they differ (ties of time within an entity): {unlike} of {left.height:,}")


def syncing(folder: Path, entities: int) -> None:
    """Full and incremental sync, by Cenote and by Feast's materialize."""
    space = lake(folder, "sync")
    everybody = np.arange(entities)
    start = np.datetime64("2026-11-01", "us")
    table = space.table("features", VIEW)
    table.append(customer_rows(everybody, np.full(entities, start), np.full(entities, start)), Commit("features"))
    features.apply(space)
    timed(f"sync of {entities:,} entities, all new: Cenote", lambda: features.sync_online(space), entities)
    some = everybody[::100]
    later = np.full(len(some), start + np.timedelta64(1, "D"))
    table.append(customer_rows(some, later, later), Commit("features"))
    ours = timed(f"sync of 1 % changed ({len(some):,}): Cenote", lambda: features.sync_online(space), len(some))

    def feast() -> None:
        with feast_quiet(), contextlib.redirect_stdout(io.StringIO()):
            features.feast_store(space).materialize(NOW - timedelta(days=60), NOW, feature_views=[VIEW])

    theirs = timed("sync of 1 % changed: Feast's full path (materialize)", feast, entities)
    print(f"{'':<4}{theirs / ours:.0f} times faster")


def reading(folder: Path) -> None:
    """Online reads of one entity from three views."""
    space = lake(folder, "sync")
    graph = ("pagerank", "community_size", "followers", "following")
    product = ("sales_last_30d", "revenue_last_30d", "avg_rating")
    for view, columns in (("product_features", product), ("customer_graph_features", graph)):
        key = "product_id" if view.startswith("product") else "customer_id"
        types = {"pagerank": pl.Float64, "revenue_last_30d": pl.Float64, "avg_rating": pl.Float64}
        rows = pl.DataFrame({"lineage_id": [view], key: [f"customer_{1:024d}"]}).with_columns(
            pl.lit(NOW, MOMENT).alias("event_timestamp"), pl.lit(NOW, MOMENT).alias("created_timestamp"),
            *(pl.lit(1).cast(types.get(c, pl.Int64)).alias(c) for c in columns),
        )  # fmt: skip
        space.table("features", view).append(rows, Commit("features"))
    features.sync_online(space)
    asked = [f"{VIEW}:total_spent", "customer_graph_features:pagerank", "product_features:avg_rating"]
    entity = {"customer_id": f"customer_{1:024d}", "product_id": f"customer_{1:024d}"}
    for name, wanted in (("three views", asked), ("service customer_churn, with on-demand features", "customer_churn")):
        seconds = []
        for _ in range(2000):
            start = time.perf_counter()
            features.online(space, wanted, entity)
            seconds.append(time.perf_counter() - start)
        seconds.sort()
        print(f"online read, one entity, {name:<39} p50 {seconds[1000] * 1e3:.2f} ms, p99 {seconds[1980] * 1e3:.2f} ms")


def main() -> None:
    """Run them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=3_000_000)
    given = parser.parse_args()
    with feast_quiet(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        point_in_time(folder, given.rows, 30_000)
        syncing(folder, given.entities)
        reading(folder)


if __name__ == "__main__":
    main()
