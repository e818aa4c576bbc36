"""Floors and loaders of the whole way, as a script: ``python -m benchmarks._floors NAME FOLDER OUT``.

Belongs here: the least that could be done with the same files. Must not: Cenote. A floor reads each dataset once, lets
the engine find the types, masks three fields (customer ids and e-mail addresses by a hash, addresses in notes by a
pattern) and writes Parquet: no strictness, no record kept, no history, no checks.
"""

import sys
from pathlib import Path

EMAIL = r"[\w.+-]+@[\w-]+\.[\w.]+"
HASHED, REPLACED = ("customer_id", "email"), ("note",)


def duckdb_floor(folder: Path, out: Path) -> None:
    """DuckDB: one COPY per dataset."""
    import duckdb

    connection = duckdb.connect()
    for dataset in sorted(folder.iterdir()):
        read = f"read_json('{dataset}/*.jsonl', format = 'newline_delimited', ignore_errors = true)"
        columns = [name for name, *_ in connection.execute(f"DESCRIBE FROM {read}").fetchall()]
        masks = [f"sha256('salt' || CAST({c} AS VARCHAR)) AS {c}" for c in HASHED if c in columns]
        masks += [
            f"regexp_replace(CAST({c} AS VARCHAR), '{EMAIL}', '[EMAIL]', 'g') AS {c}" for c in REPLACED if c in columns
        ]
        replace = f"REPLACE ({', '.join(masks)})" if masks else ""
        connection.execute(
            f"COPY (SELECT * {replace} FROM {read}) TO '{out}/{dataset.name}.parquet' (COMPRESSION zstd)"
        )


def polars_floor(folder: Path, out: Path) -> None:
    """Polars: one lazy query per dataset, with its own hash, which is quicker than SHA-256."""
    import polars as pl

    for dataset in sorted(folder.iterdir()):
        rows = pl.scan_ndjson(dataset / "*.jsonl", ignore_errors=True, infer_schema_length=10_000)
        columns = rows.collect_schema().names()
        rows = rows.with_columns(
            *(pl.col(c).cast(pl.String).hash(7) for c in HASHED if c in columns),
            *(pl.col(c).cast(pl.String).str.replace_all(EMAIL, "[EMAIL]") for c in REPLACED if c in columns),
        )
        rows.sink_parquet(out / f"{dataset.name}.parquet", compression="zstd", compression_level=1)


def dlt_load(folder: Path, out: Path) -> None:
    """dlt: its own reader of JSON lines into Parquet files, nested lists in tables of their own; no masking."""
    import dlt
    from dlt.sources.filesystem import filesystem, read_jsonl

    sources = []
    for dataset in sorted(folder.iterdir()):
        files = filesystem(bucket_url=dataset.as_uri(), file_glob="*.jsonl")
        sources.append((files | read_jsonl()).with_name(dataset.name))
    pipeline = dlt.pipeline(
        "floor",
        pipelines_dir=str(out / "state"),
        destination=dlt.destinations.filesystem(out.as_uri()),
        dataset_name="loaded",
    )
    pipeline.run(sources, loader_file_format="parquet")


CONTENDERS = {"duckdb": duckdb_floor, "polars": polars_floor, "dlt": dlt_load}

if __name__ == "__main__":
    target = Path(sys.argv[3])
    target.mkdir(parents=True)
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), target)
