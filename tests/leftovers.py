"""Leftovers of each sort, planted in each store as it really keeps them after the obvious call to remove them.

Belongs here: planting. Must not: looking. ``STORES`` holds functions (folder, texts); ``DISGUISES`` ways to write a
value; ``ONE_WORD`` the stores that keep words, so that only disguises without signs can stand there.
"""

import base64
import gzip
import hashlib
import html
import json
import shutil
import sqlite3
import warnings
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import lancedb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from deltalake import DeltaTable, write_deltalake
from lancedb.index import FTS, Bitmap, BTree

Texts = list[str]
FILLER = [f"{n} some filler text that means nothing" for n in range(200)]


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.lower().encode()).hexdigest()


def _wrapped(text: str) -> str:
    return base64.encodebytes(f"{'x' * 50} {text} {'y' * 20}".encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "other separators": lambda text: text.replace(" ", "_").replace("-", "."),
    "more separators": lambda text: text.replace(" ", "  -  "),
    "no separators": lambda text: text.replace(" ", "").replace("-", ""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, shifted": lambda text: base64.b64encode(f'{{"a":"{text}"}}'.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"??>{text}<??".encode()).decode(),
    "base64 in lines": _wrapped,
    "URL": lambda text: quote(text),
    "URL twice": lambda text: quote(quote(text)),
    "URL, small letters": lambda text: quote(text).lower(),
    "hexadecimal": lambda text: text.encode().hex(),
    "JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "HTML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "md5": _digest("md5"),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "sha512": _digest("sha512"),
    "sha256, shortened": lambda text: hashlib.sha256(text.encode()).hexdigest()[:20],
    "sha256 of a line": lambda text: hashlib.sha256(f"{text}\n".encode()).hexdigest().upper(),
    "sha256 in base64": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(),
}
WORDS = ("plain", "upper case", "hexadecimal", "base64", "md5", "sha256, shortened")


def rows(texts: Texts) -> pa.Table:
    return pa.table({"id": [f"r{n}" for n in range(len(texts) + len(FILLER))], "text": [*FILLER, *texts]})


def clean() -> pa.Table:
    return pa.table({"id": ["r0"], "text": ["nothing"]})


# Delta and Parquet


def parquet_of_an_old_version(folder: Path, texts: Texts) -> None:
    write_deltalake(folder / "t", rows(texts), configuration={"delta.dataSkippingNumIndexedCols": "0"})
    write_deltalake(folder / "t", clean(), mode="overwrite")


def unreferenced_parquet(folder: Path, texts: Texts) -> None:
    write_deltalake(folder / "t", clean())
    pq.write_table(rows(texts), folder / "t" / "stray.parquet", compression="zstd", write_statistics=False)


def parquet_statistics(folder: Path, texts: Texts) -> None:
    """Values of the footer alone: the column itself is gone (its bytes are overwritten)."""
    shown = pa.table({"a": ["x"]}).replace_schema_metadata({f"k{n}": t for n, t in enumerate(texts)})
    pq.write_table(shown, folder / "x.parquet")


def delta_log(folder: Path, texts: Texts) -> None:
    """Predicates that named values, and statistics, which keep 32 characters of a value."""
    write_deltalake(folder / "t", rows([]))
    for number, text in enumerate(texts):
        if len(text) > 30:
            quoted = text.replace("'", "''")
            DeltaTable(folder / "t").delete(f"text = '{quoted}' OR id = 'r{number}'")
        else:
            write_deltalake(folder / "t", pa.table({"id": ["a"], "text": [text]}), mode="append")
    write_deltalake(folder / "t", clean(), mode="overwrite")
    DeltaTable(folder / "t").vacuum(0, enforce_retention_duration=False, dry_run=False)


def delta_checkpoint(folder: Path, texts: Texts) -> None:
    """Values of a partition column, in the checkpoint alone."""
    told = pa.table({"id": ["a"] * len(texts), "text": texts})
    write_deltalake(folder / "t", told, partition_by=["text"])
    DeltaTable(folder / "t").create_checkpoint()
    kept = next((folder / "t" / "_delta_log").glob("*.checkpoint.parquet")).rename(folder / "kept")
    shutil.rmtree(folder / "t")
    kept.rename(folder / "x.checkpoint.parquet")


def folders_of_partitions(folder: Path, texts: Texts) -> None:
    """Folders stay when their files are vacuumed away."""
    told = [text[:200] for text in texts]
    write_deltalake(folder / "t", pa.table({"id": told, "text": told}), partition_by=["text"])
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink()


# Lance


def _lance(folder: Path, texts: Texts) -> Any:
    return lancedb.connect(folder).create_table("t", rows(texts))


def _without_rows(folder: Path, table: Any, texts: Texts) -> None:
    """Delete, compact and clean up, as thoroughly as Lance can: indexes stay as they are."""
    table.delete("id >= 'r200'")
    dataset = table.to_lance()
    dataset.optimize.compact_files(
        materialize_deletions=True, materialize_deletions_threshold=0.0, defer_index_remap=True
    )
    dataset.cleanup_old_versions(timedelta(0), delete_unverified=True)
    for part in ("data", "_transactions", "_versions", "_deletions"):
        shutil.rmtree(folder / "t.lance" / part, ignore_errors=True)


def deleted_rows_in_lance(folder: Path, texts: Texts) -> None:
    table = lancedb.connect(folder).create_table("t", rows([*FILLER * 3, *texts]))  # few rows: they are not compacted
    table.delete("id >= 'r800'")
    with warnings.catch_warnings(action="ignore"):
        table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
    assert table.count_rows("id = 'r800'") == 0


def a_predicate_in_lance(folder: Path, texts: Texts) -> None:
    table = lancedb.connect(folder).create_table("t", rows([]))
    for number, text in enumerate(texts):
        table.delete("text = '{}' OR id = 'r{}'".format(text.replace("'", "''"), number))


def deletion_files_of_lance(folder: Path, texts: Texts) -> None:
    (folder / "_deletions").mkdir()
    with pa.ipc.new_file(folder / "_deletions" / "0-1-2.arrow", rows([]).schema) as out:
        out.write_table(rows(texts))


def _index_alone(kind: Any) -> Callable[[Path, Texts], None]:
    def plant(folder: Path, texts: Texts) -> None:
        table = _lance(folder, texts)
        table.create_index("text", config=kind, wait_timeout=timedelta(seconds=60))
        _without_rows(folder, table, texts)
        assert list((folder / "t.lance" / "_indices").rglob("*.lance"))

    return plant


# databases


def _sqlite(folder: Path, texts: Texts, journal: str) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "x.db")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE t (a)")
    connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in texts])
    connection.commit()
    return connection


def free_pages_of_sqlite(folder: Path, texts: Texts) -> None:
    connection = _sqlite(folder, texts, "DELETE")
    connection.execute("DROP TABLE t")
    connection.commit()
    connection.close()


def a_write_ahead_log(folder: Path, texts: Texts) -> None:
    aside = folder / "aside"
    aside.mkdir()
    connection = _sqlite(aside, texts, "WAL")
    connection.execute("DELETE FROM t")
    connection.commit()
    shutil.copy(aside / "x.db-wal", folder / "x.db-wal")
    connection.close()
    shutil.rmtree(aside)


def compressed_cells_of_sqlite(folder: Path, texts: Texts) -> None:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("CREATE TABLE t (a BLOB)")
        connection.executemany("INSERT INTO t VALUES (?)", [(gzip.compress(t.encode()),) for t in texts])
    connection.close()


def a_table_of_duckdb(folder: Path, texts: Texts) -> None:
    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?) AS text", [[*FILLER * 30, *texts]])


def a_log_of_duckdb(folder: Path, texts: Texts) -> None:
    connection = duckdb.connect(str(folder / "x.duckdb"))
    connection.execute("CREATE TABLE t (a VARCHAR)")
    connection.execute("CHECKPOINT")
    connection.execute("INSERT INTO t SELECT unnest(?)", [texts])
    shutil.copy(folder / "x.duckdb.wal", folder / "kept")
    connection.close()
    (folder / "kept").rename(folder / "x.duckdb.wal")


# files


def a_plain_log(folder: Path, texts: Texts) -> None:
    (folder / "run.err").write_text("\n".join(f"2026-11-20 12:00:00 ERROR {t!r}" for t in texts))


def _packed(name: str, pack: Callable[[bytes], bytes]) -> Callable[[Path, Texts], None]:
    def plant(folder: Path, texts: Texts) -> None:
        (folder / name).write_bytes(pack("\n".join([*FILLER, *texts]).encode()))

    return plant


def packed_twice(folder: Path, texts: Texts) -> None:
    pl.DataFrame({"a": texts}).write_parquet(folder / "inner", compression="zstd", statistics=False)
    with zipfile.ZipFile(folder / "outer.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.parquet.gz", gzip.compress((folder / "inner").read_bytes()))
    (folder / "inner").unlink()


def names_of_files(folder: Path, texts: Texts) -> None:
    for text in texts:
        (folder / text.replace("/", "").replace("\n", "")[-200:]).write_text("nothing")


STORES: dict[str, Callable[[Path, Texts], None]] = {
    "Parquet of an old version": parquet_of_an_old_version,
    "Parquet that nothing refers to": unreferenced_parquet,
    "metadata of Parquet": parquet_statistics,
    "a Delta log": delta_log,
    "a Delta checkpoint": delta_checkpoint,
    "empty folders of partitions": folders_of_partitions,
    "deleted rows in Lance": deleted_rows_in_lance,
    "a predicate in Lance's transactions": a_predicate_in_lance,
    "deletion files of Lance": deletion_files_of_lance,
    "index pages of Lance (btree)": _index_alone(BTree()),
    "index pages of Lance (bitmap)": _index_alone(Bitmap()),
    "token dictionaries of Lance": _index_alone(FTS()),
    "free pages of SQLite": free_pages_of_sqlite,
    "a write-ahead log of SQLite": a_write_ahead_log,
    "compressed cells of SQLite": compressed_cells_of_sqlite,
    "a table of DuckDB": a_table_of_duckdb,
    "a write-ahead log of DuckDB": a_log_of_duckdb,
    "a log": a_plain_log,
    "a gzip file": _packed("run.log.gz", gzip.compress),
    "a Zstandard file": _packed("run.log.zst", zstandard.compress),
    "Parquet in gzip in ZIP": packed_twice,
    "names of files": names_of_files,
}
UNCERTAIN = frozenset({"a table of DuckDB", "a write-ahead log of DuckDB"})
"""Stores whose files have free blocks, which the scanner says it cannot decode."""

ONE_WORD = frozenset({"token dictionaries of Lance"})
