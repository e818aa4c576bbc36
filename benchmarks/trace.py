"""What lineage costs, and how fast it answers, in a lake of a million orders.

``python -m benchmarks.trace [--orders 10000000] [--rounds 1] [--home FOLDER]``; a FOLDER is kept, and used again.
Printed are

- for each mart the processor time of its build against that of the same SQL run bare in DuckDB over the same files and
  written the same way, in turns: without lineage ids, and with the same column of ids; ratios are of the medians
- the median time to trace one row drawn at random: backward from a mart's or feature's row to records, forward from an
  order to all marts and features, and a customer's whole footprint; the tracer is kept open, as a service would
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._shop import make_shop, open_shop
from cenote import catalog, features, gold
from cenote.lineage import grain_id_sql
from cenote.tables import Commit, Table
from cenote.trace import trace_with
from cenote.trace.tracer import Tracer
from cenote.workspace import Workspace

ROUNDS = 9
VIEWS = ("customer_features", "product_features", "product_inventory")


def main(orders: int = 1_000_000, home: Path | None = None, rounds: int = ROUNDS) -> None:
    """Run both parts."""
    with TemporaryDirectory() if home is None else nullcontext(home) as folder:
        space = open_shop(Path(folder))
        if not space.tables("silver"):
            start = time.perf_counter()
            make_shop(space, orders)
            print(f"{orders:,} orders made in {time.perf_counter() - start:.0f} s")
        builds(space, rounds)
        for view in VIEWS:
            features.build(space, view)
        traces(space)


# building


def builds(space: Workspace, rounds: int) -> None:
    """Marts against their bare SQL, each built ``rounds`` times."""
    print(f"{'mart':<24}{'rows':>10}{'bare s':>10}{'with ids':>10}{'built s':>10}{'to bare':>9}{'to ids':>8}")
    sums = [0.0, 0.0, 0.0]
    for mart in gold.marts(space):
        ways = (
            partial(_bare, space, mart),
            partial(_bare, space, mart, ids=True),
            partial(gold.build, space, mart, rebuild=True),
        )
        ways[0]()  # all find the files in the page cache
        used = [[_used(way) for way in ways] for _ in range(rounds)]
        times = [statistics.median(way) for way in zip(*used, strict=True)]
        sums = [total + one for total, one in zip(sums, times, strict=True)]
        _told(mart, f"{space.table('gold', mart).count():,}", times)
    _told("all", "", sums)


def _told(mart: str, rows: str, times: Sequence[float]) -> None:
    bare, ids, built = times
    print(f"{mart:<24}{rows:>10}{bare:>10.3f}{ids:>10.3f}{built:>10.3f}{built / bare:>9.2f}{built / ids:>8.2f}")


def _bare(space: Workspace, mart: str, *, ids: bool = False) -> None:
    """The mart's SQL in DuckDB, streamed into a Delta table by the same writer; with ``ids``, a lineage id before each
    row."""
    file = gold.marts(space)[mart]
    parameters = {"as_of": space.as_of} if file.uses_as_of else None
    table = Table(space.path("bare", mart), f"bare/{mart}")
    with catalog.connect(space, file.inputs) as connection:
        connection.execute(f"CREATE TEMP TABLE result AS {file.sql}", parameters)
        columns = ", ".join(
            f'CAST("{name}" AS BIGINT) AS "{name}"' if str(kind) == "HUGEINT" else f'"{name}"'
            for name, kind, *_ in connection.execute("DESCRIBE result").fetchall()
        )
        columns = f"{grain_id_sql(mart, list(file.grain))} AS lineage_id, {columns}" if ids else columns
        rows = connection.sql(f"SELECT {columns} FROM result").to_arrow_reader(65_536)
        table.overwrite(rows, Commit("bare"), ["lineage_id"] if ids else [])


def _used(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# tracing


def traces(space: Workspace) -> None:
    """Backward, forward, and people."""
    with Tracer(space) as tracer:
        tracer.made.builds()
        for table in (*(f"gold/{m}" for m in gold.marts(space)), *(f"features/{v}" for v in VIEWS)):
            print(f"backward  {table:<30}{median(partial(_backward, tracer, table), _ids(space, table))}")
        drawn = _drawn(space)
        print(f"{'backward  a gold row at random':<40}{median(lambda row: _backward(tracer, *row), drawn)}")
        orders = _ids(space, "silver/orders")
        print(f"{'forward   an order':<40}{median(lambda i: tracer.down({'orders': [i]}), orders)}")
        people = _ids(space, "silver/customers", "customer_id")
        print(f"{'footprint a customer':<40}{median(tracer.footprint, people)}")
    cold = median(lambda i: _cold(space, i), _ids(space, "gold/customer_360"))
    print(f"{'cold      gold/customer_360, all of it':<40}{cold}")


def median(run: Callable[[Any], Any], cases: Sequence[Any]) -> str:
    """Times of a question, without the first, which makes plans."""
    run(cases[0])
    wall, used = [], []
    for case in cases[1:]:
        start, processor = time.perf_counter(), time.process_time()
        run(case)
        wall.append(1000 * (time.perf_counter() - start))
        used.append(1000 * (time.process_time() - processor))
    shown = f"p50 {statistics.median(wall):7.0f} ms   max {max(wall):7.0f} ms"
    return f"{shown}   processor {statistics.median(used):7.0f} ms"


def _ids(space: Workspace, table: str, column: str = "lineage_id", count: int = 16) -> list[str]:
    rows = space.table(*table.split("/")).scan().select(column).collect().to_series()
    return list(rows.sample(min(count, len(rows)), seed=3))


def _drawn(space: Workspace, count: int = 32) -> list[tuple[str, str]]:
    """Rows drawn at random from all rows of all marts: tables and ids."""
    tables = [f"gold/{mart}" for mart in gold.marts(space)]
    rows = [space.table(*table.split("/")).count() for table in tables]
    chosen = random.Random(3).choices(tables, rows, k=count)
    return [(table, row) for table in tables for row in _ids(space, table, count=chosen.count(table))]


def _backward(tracer: Tracer, table: str, lineage_id: str) -> None:
    build = tracer.made.build(table)
    assert build is not None
    assert tracer.made.made_of(build, [lineage_id])


def _cold(space: Workspace, lineage_id: str) -> None:
    with Tracer(space) as tracer:
        trace_with(tracer, lineage_id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each mart is built each way")
    chosen = parser.parse_args()
    main(chosen.orders, chosen.home, chosen.rounds)
