"""The whole way, landing to features, of a million mixed records: ``python -m benchmarks whole [--customers N]``.

Floors: DuckDB and Polars read the same files once, mask three fields and write Parquet. Peers: dlt only loads them;
LakeLogic types, checks and masks the orders, beside Cenote's silver stage alone. All get the same plain JSON lines
without the lines that are not JSON, at which peers stop; LakeLogic only those that keep the contract. Each runs in a
process of its own; wall seconds and peak memory are the process's, from start to end. Embeddings, and the tier that
finds names with the same encoder, are left out: benchmarks/search.py and tagger.py measure them.
"""

import argparse
import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks._run import PEERS, ROOT, Measured, cenote, lake, measured, remember
from cenote.contracts import load_contract
from cenote.sample import generate
from transforms.conform import conform

SELECT = "not group:vectors"
UNTIL = datetime(2026, 11, 20, tzinfo=UTC)


def plain_lines(sample: Path, out: Path) -> tuple[int, int]:
    """The sample's records as plain JSON lines, file by file; returns records and bytes."""
    import msgspec
    import zstandard

    records = size = 0
    for file in sorted(sample.glob("*/*.*")):
        content = file.read_bytes()
        if file.suffix == ".gz":
            import gzip

            content = gzip.decompress(content)
        elif file.suffix == ".zst":
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        content = content.removeprefix(b"\xef\xbb\xbf")
        lines = content.splitlines()
        if file.suffix == ".json":
            lines = [msgspec.json.encode(r) for r in msgspec.json.decode(content)]
        good = [line for line in lines if _is_object(line)]
        target = out / file.parent.name / f"{file.name.split('.')[0]}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        size += target.write_bytes(b"\n".join([*good, b""]))
        records += len(good)
    return records, size


def _is_object(line: bytes) -> bool:
    import msgspec

    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def accepted(folder: Path, out: Path) -> int:
    """The orders that keep the contract, in one file."""
    contract = load_contract(ROOT / "contracts" / "orders.yaml")
    out.mkdir(parents=True)
    rows = 0
    with (out / "orders.jsonl").open("wb") as target:
        for file in sorted(folder.glob("*.jsonl")):
            lines = file.read_bytes().splitlines()
            records = pl.DataFrame({"payload": pl.Series(lines, dtype=pl.Binary)}).select(
                pl.int_range(pl.len()).cast(pl.String).alias("lineage_id"),
                pl.lit("").alias("batch_id"),
                pl.lit(UNTIL).alias("landed_at"),
                pl.lit(None, pl.String).alias("subject_id"),
                "payload",
            )
            kept = conform(records, contract).valid["lineage_id"].cast(pl.Int64).to_list()
            target.write(b"".join(lines[n] + b"\n" for n in kept))
            rows += len(kept)
    return rows


def whole_way(files: Path, home: Path) -> Measured:
    """Cenote from landing to features; ``details``: seconds by asset."""
    shutil.copytree(files, home / "data" / "landing")
    environment = lake(home)
    measured(cenote("vault", "init"), environment)
    found = measured(cenote("run", "--json", "--select", SELECT), environment)
    outcome = json.loads(found.output)
    found.details = {a["key"]: a["seconds"] for a in outcome["assets"] if not a["key"].startswith("quarantine/")}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=32_000, help="about 31 records each")
    args, _ = parser.parse_known_args()
    console = Console()
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="cenote-whole-") as folder:
        home = Path(folder)
        generate(home / "sample" / "landing", args.customers, 42, UNTIL)
        records, size = plain_lines(home / "sample" / "landing", home / "files")
        shutil.rmtree(home / "sample")
        accepted(home / "files" / "orders", home / "accepted")
        for name in ("duckdb", "polars", "dlt"):
            command = [sys.executable, "-m", "benchmarks._floors", name, home / "files", home / name]
            found[name] = measured(command)
            shutil.rmtree(home / name)
        found["cenote"] = whole_way(home / "files", home / "lake")
        silver: dict[str, float] = {"cenote": found["cenote"].details["silver/orders"]}
        if PEERS.exists():
            output = measured([PEERS, "benchmarks/_lakelogic.py", home / "accepted", home / "lakelogic"]).output
            silver["lakelogic"] = json.loads(output)["seconds"]
        else:
            console.print("LakeLogic is not installed: make bench does it")
    _show(console, found, silver, records, size)
    stages: dict[str, float] = {}
    for asset, seconds in found["cenote"].details.items():
        layer = asset.split("/")[0]
        stages[layer] = round(stages.get(layer, 0) + seconds, 2)
    contenders = {name: m.told() for name, m in found.items()}
    remember("whole", {"records": records, "bytes": size, "contenders": contenders, "silver": silver, "stages": stages})


def _show(console: Console, found: dict[str, Measured], silver: dict[str, float], records: int, size: int) -> None:
    told = {
        "duckdb": "floor: DuckDB reads, types, masks 3 fields",
        "polars": "floor: Polars does the same",
        "dlt": "dlt only loads",
        "cenote": "cenote, landing to features",
    }
    table = Table("what", "seconds", "CPU seconds", "peak MiB", "times the floor")
    for name, what in told.items():
        m = found[name]
        row = (f"{m.wall:.1f}", f"{m.cpu:.1f}", f"{m.mib:,.0f}", f"{m.wall / found['duckdb'].wall:.1f}")
        table.add_row(what, *row)
    console.print(table)
    console.print(f"{records:,} records, {size / 1e6:.0f} MB of JSON lines")
    if "lakelogic" in silver:
        ours, theirs = silver["cenote"], silver["lakelogic"]
        console.print(f"orders to silver: cenote {ours:.1f} s, LakeLogic {theirs:.1f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
