"""LakeLogic on orders, as a script for the interpreter of its own environment: ``python _lakelogic.py FOLDER OUT``.

Belongs here: its contract and its calls. Must not: Cenote. LakeLogic caps DuckDB and Polars below what Cenote uses, so
`make bench` installs it apart. It reads JSON lines, types the fields that Cenote's contract types, masks the same
three, holds each row to the same rules, and writes Delta; nested values stay JSON text in it. Prints seconds
and rows.
"""

import json
import os
import sys
import time
from pathlib import Path

import yaml

os.environ.setdefault("LAKELOGIC_PII_SALT", "a salt for this benchmark")
FIELDS = {
    "order_id": {"type": "string", "required": True},
    "customer_id": {"type": "string", "required": True, "pii": True, "masking": "hash"},
    "status": {"type": "string", "required": True},
    "channel": {"type": "string", "required": True},
    "currency": {"type": "string"},
    "ordered_at": {"type": "timestamp", "required": True},
    "updated_at": {"type": "timestamp", "required": True},
    "total_eur": {"type": "double", "required": True},
    "shipping": {"type": "string", "pii": True, "masking": "partial"},
    "lines": {"type": "string", "required": True},
    "note": {"type": "string", "pii": True, "masking": "redact"},
}
RULES = {
    "number": "regexp_matches(order_id, '^O[0-9]{8}$')",
    "status": "status IN ('placed', 'paid', 'shipped', 'delivered', 'returned', 'cancelled')",
    "channel": "channel IN ('web', 'app', 'assistant', 'store')",
    "total": "total_eur >= 0",
}


def main(folder: Path, out: Path) -> None:
    """Run with its DuckDB engine, the faster one; prints a JSON object."""
    from lakelogic import DataProcessor

    out.mkdir(parents=True)
    contract = {
        "version": "1.0.0",
        "dataset": "orders",
        "info": {"title": "orders", "owner": "benchmark", "target_layer": "silver"},
        "model": {"fields": [{"name": name, **told} for name, told in FIELDS.items()]},
        "quality": {"row_rules": [{"name": name, "sql": sql} for name, sql in RULES.items()]},
        "materialization": {"strategy": "overwrite", "format": "delta", "target_path": str(out / "orders")},
        "quarantine": {"enabled": True, "target": str(out / "quarantine")},
    }
    file = out / "orders.yaml"
    file.write_text(yaml.safe_dump(contract))
    begun = time.perf_counter()
    processor = DataProcessor(str(file), engine="duckdb")
    result = processor.run_source(str(folder / "*.jsonl"))
    processor.materialize(result.good, result.bad)
    print(json.dumps({"seconds": time.perf_counter() - begun, "rows": result.good_count}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
