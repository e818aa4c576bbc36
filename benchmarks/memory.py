"""Peak memory while landing and conforming much JSON: ``python -m benchmarks memory [--gigabytes N]``.

The sample shop is made with as many customers as that needs; all datasets are landed, then conformed, each by
`cenote run` in a process of its own, whose peak resident memory is told. The limit is 2 GiB.
"""

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks._run import cenote, lake, measured, remember
from cenote.sample import generate

BYTES_PER_CUSTOMER = 11_100  # before compression
LIMIT = 2 * 1024
UNTIL = datetime(2026, 11, 20, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--folder", help="where to work, which takes about as much room (default: a temporary folder)")
    args, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="cenote-memory-", dir=args.folder) as folder:
        home = Path(folder)
        customers = round(args.gigabytes * 1e9 / BYTES_PER_CUSTOMER)
        made = generate(home / "data" / "landing", customers, 42, UNTIL)
        measured(cenote("vault", "init"), lake(home))
        landed = measured(cenote("run", "--json", "--select", "group:bronze"), lake(home))
        conformed = measured(cenote("run", "--json", "--select", "group:silver or group:quarantine"), lake(home))
        size = _bytes_landed(home)
    table = Table("what", "seconds", "MB/s", "CPU seconds", "peak MiB", "of 2 GiB")
    for name, m in {"landing": landed, "conforming": conformed}.items():
        row = (f"{m.wall:.0f}", f"{size / 1e6 / m.wall:.1f}", f"{m.cpu:.0f}", f"{m.mib:,.0f}", f"{m.mib / LIMIT:.0%}")
        table.add_row(name, *row)
    console = Console()
    console.print(table)
    console.print(f"{made.total:,} records, {size / 1e9:.2f} GB of JSON")
    stages = {"landing": landed.told(), "conforming": conformed.told()}
    remember("memory", {"bytes": size, "records": made.total, "stages": stages})


def _bytes_landed(home: Path) -> int:
    """What landed, unpacked, by the manifest."""
    import polars as pl

    from cenote.settings import Settings
    from cenote.workspace import Workspace

    space = Workspace(Settings(home=home / "data", vault=home / "vault"))  # type: ignore[call-arg]
    return int(space.table("meta", "batches").scan().select(pl.col("bytes").sum()).collect().item())


if __name__ == "__main__":
    main()
