"""What one per cent more costs: ``python -m benchmarks increment [--customers N]``.

A lake is built of N customers' records (about 31 each). One per cent more then land, are conformed, and everything up
to the features is brought up to date, each by `cenote run` in a process of its own. Half of what is added is of
customers who are new, the other half of some who are known: they change their details, order, return, write and talk
on. Told: wall and CPU seconds beside those of building the lake, and what a run costs that finds a single new record.

``--home FOLDER`` keeps the lake there as it was built, and takes it from there the next time: the rest happens to a
copy.
"""

import argparse
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks._run import Measured, cenote, lake, measured, remember
from cenote.sample import generate

SELECT = "not group:vectors"
_CONFORMING = "group:silver or group:quarantine"
STEPS = {
    "landing": "group:bronze",
    "conforming": _CONFORMING,
    "all that follows": f"{SELECT} and not (group:bronze or {_CONFORMING})",
}
UNTIL = datetime(2026, 11, 20, tzinfo=UTC)
_BUILT = "built.json"


def land(sample: Path, home: Path, seed: int) -> None:
    """Put a sample's files into the landing zone, under names of their own."""
    for file in sample.glob("*/*"):
        target = home / "data" / "landing" / file.parent.name / f"{seed}-{file.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)


def run(home: Path, select: str = SELECT) -> Measured:
    """One run; ``details``: seconds by asset."""
    found = measured(cenote("run", "--json", "--select", select), lake(home))
    outcome = json.loads(found.output)
    assets = [a for a in outcome["assets"] if not a["key"].startswith("quarantine/")]
    found.details = {a["key"]: a["seconds"] for a in assets}
    return found


def build(home: Path, customers: int) -> tuple[Measured, int]:
    """A lake of so many customers, in an empty folder: what its first run took, and its records."""
    measured(cenote("vault", "init"), lake(home))
    records = _sample(home, customers, seed=42)
    built = run(home)
    (home / _BUILT).write_text(json.dumps(built.told() | {"assets": built.details, "records": records}))
    return built, records


def _sample(home: Path, customers: int, seed: int, first: int = 0) -> int:
    """Put a sample into the landing zone; how many records it has."""
    made = generate(home / "sample" / "landing", customers, seed, UNTIL, first=first)
    land(home / "sample" / "landing", home, seed)
    shutil.rmtree(home / "sample")
    return made.total


def _kept(home: Path, customers: int) -> tuple[Measured, int]:
    """What the first run of a lake took: of one that is kept in the folder, or of one that is made there now."""
    if not (home / _BUILT).exists():
        return build(home, customers)
    told = json.loads((home / _BUILT).read_text())
    return Measured(told["wall"], told["cpu"], told["mib"], details=told["assets"]), told["records"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=32_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only-more", action="store_true", help="leave out the run that finds one record")
    args, _ = parser.parse_known_args()
    found: dict[str, Measured] = {}
    records: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="cenote-increment-", dir=args.home and args.home.parent) as folder:
        home = Path(folder) / "lake"
        if args.home:
            args.home.mkdir(parents=True, exist_ok=True)
            found["built"], records["built"] = _kept(args.home, args.customers)
            shutil.copytree(args.home, home)
            run(home, "features/online")  # Feast's registry names paths: after a move, all is registered anew
        else:
            home.mkdir()
            found["built"], records["built"] = build(home, args.customers)
        if not args.only_more:
            line = '{"product_id": "P00000001", "name": "new", "price_eur": 1, "updated_at": "2026-11-19T00:00:00Z"}'
            (home / "data" / "landing" / "products" / "one.jsonl").write_text(line + "\n")
            found["one record"] = run(home)
        known = max(1, args.customers // 200)
        records["one per cent more"] = _sample(home, args.customers + known, 43, first=args.customers - known)
        steps = {f"1 % more: {name}": run(home, select) for name, select in STEPS.items()}
    seconds = {name: m.details for name, m in found.items()}
    seconds["1 % more"] = {asset: took for m in steps.values() for asset, took in m.details.items()}
    found |= steps
    _show(found, records, seconds)
    remember(
        "increment",
        {
            "records": records["built"],
            "more": records["one per cent more"],
            "runs": {n: m.told() for n, m in found.items()},
            "of_building": {name: _of(m, found["built"]) for name, m in steps.items()},
            "assets": seconds,
        },
    )


def _of(more: Measured, built: Measured) -> dict[str, float]:
    return {"wall": round(more.wall / built.wall, 4), "cpu": round(more.cpu / built.cpu, 4)}


def _show(found: dict[str, Measured], records: dict[str, int], seconds: dict[str, dict[str, float]]) -> None:
    console, base = Console(), found["built"]
    table = Table("run", "seconds", "CPU seconds", "of building", "of its CPU", "peak MiB")
    for name, m in found.items():
        shares = [f"{share:.1%}" for share in _of(m, base).values()]
        table.add_row(name, f"{m.wall:.1f}", f"{m.cpu:.1f}", *shares, f"{m.mib:,.0f}")
    console.print(table)
    console.print(", ".join(f"{name}: {count:,} records" for name, count in records.items()))
    told, (*_, more) = Table("asset, in seconds", *seconds), seconds.values()
    for asset in sorted(more, key=lambda asset: -more[asset])[:15]:
        told.add_row(asset, *(f"{took.get(asset, 0):.2f}" for took in seconds.values()))
    console.print(told)


if __name__ == "__main__":
    main()
