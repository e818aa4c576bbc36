"""Views of tables: the current Parquet files of a Delta table as a SELECT that DuckDB can run.

Belongs here: what a table looks like to SQL. Must not: connections and files of DuckDB (cenote/catalog.py),
views about the lake itself (cenote/meta.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from cenote.erasure.suppression import hidden, naming_sql
from cenote.sqltext import ident as ident
from cenote.sqltext import text as text
from cenote.tables import CommitInfo, Table
from cenote.workspace import LAYERS, Workspace

SCHEMAS = ("bronze", "silver", "gold", "graph", "features", "meta")
HIDDEN = {"bronze": ("payload", "prefix"), "meta": ("trailer", "head", "digest")}
VALIDITY = ("valid_from", "valid_to", "is_current")
STANDARD = {
    "lineage_id": "The raw record, or the table and key, that made the row.",
    "subject_id": "Pseudonym of the person whom the row is about.",
    "mentions": "Pseudonyms of other people whom the row names.",
    "batch_id": "The landed file that the record came in.",
    "landed_at": "When the record landed (UTC).",
    "change_op": "What the record did to its row: upsert or delete.",
    "valid_from": "Since when the version holds.",
    "valid_to": "Until when the version held; null while it holds.",
    "is_current": "Whether the version is the latest of a row that is not deleted.",
}


_TEXTS = (pa.string(), pa.large_string())


class Opened(Table):
    """A table whose log was read once, and is not read again."""

    def __init__(self, table: Table, version: int | None = None) -> None:
        super().__init__(table.path, table.name)
        self._delta = table.current() if version is None else table.delta(version)

    @property
    def exists(self) -> bool:
        """It does: it was opened."""
        return True

    def delta(self, version: int | None = None) -> DeltaTable:
        """The table as it stood when it was opened, or another version of it."""
        return self._delta if version is None else super().delta(version)

    def current(self) -> DeltaTable:
        """The table as it stood when it was opened."""
        return self._delta

    def schema(self) -> pl.Schema:
        """Column names and types, as it stood when it was opened."""
        return self._schema

    @cached_property
    def _schema(self) -> pl.Schema:
        return super().schema()


@dataclass(frozen=True)
class Snapshot:
    """One table at one version: its files and columns."""

    layer: str
    name: str
    table: Opened
    version: int
    files: tuple[str, ...]
    schema: pa.Schema
    rows: int
    hidden: tuple[str, ...] = ()

    @cached_property
    def commit(self) -> CommitInfo:
        """The commit that last said what the table is, or the newest one."""
        recent = list(self.table.commits(10))
        return next((c for c in recent if "description" in c.details), recent[0])

    @property
    def size(self) -> int:
        """Bytes of the table's files."""
        return sum(Path(file).stat().st_size for file in self.files)

    def relation(self, columns: Iterable[str]) -> str:
        """A SELECT of ``columns`` from the files; of no rows where there is no file."""
        return f"SELECT {', '.join(map(ident, columns))} FROM {self._rows()}"

    def _rows(self) -> str:
        if not self.files:
            typed = zip(self.schema.names, duckdb_types(self.schema), strict=True)
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in typed)
            return f"(SELECT {nulls} LIMIT 0)"
        files = ", ".join(text(file) for file in self.files)
        rows = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        return f"(SELECT * FROM {rows} WHERE NOT ({self._about_hidden()}))" if self.hidden else rows

    def _about_hidden(self) -> str:
        """Whether a row is about somebody whom no door shows."""
        texts = [(f.name, False) for f in self.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
        lists = [(f.name, True) for f in self.schema if pa.types.is_list(f.type) and f.type.value_type in _TEXTS]
        return naming_sql([*texts, *lists], self.hidden)


@dataclass(frozen=True)
class View:
    """A view of the catalog, with what it and its columns mean."""

    schema: str
    name: str
    sql: str
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def create(self) -> str:
        """The statement that makes it."""
        return f"CREATE VIEW {ident(self.schema)}.{ident(self.name)} AS {self.sql}"

    @property
    def comments(self) -> list[str]:
        """The statements that describe it."""
        full = f"{ident(self.schema)}.{ident(self.name)}"
        about = [f"COMMENT ON VIEW {full} IS {text(self.description)}"] if self.description else []
        return about + [f"COMMENT ON COLUMN {full}.{ident(c)} IS {text(d)}" for c, d in self.columns.items() if d]


def values(columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> str:
    """A SELECT that holds its rows itself, typed."""
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    if not records:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in columns.items())
        return f"SELECT {nulls} WHERE false"
    held, shape = json.dumps(records, ensure_ascii=False), json.dumps([dict(columns)])
    return f"SELECT unnest(from_json({text(held)}, {text(shape)}), recursive := true)"


@lru_cache(maxsize=512)
def duckdb_types(schema: pa.Schema) -> tuple[str, ...]:
    """DuckDB's name for the type of each column."""
    import duckdb

    if not schema.names:
        return ()
    with duckdb.connect() as connection:
        return tuple(str(kind) for kind in connection.from_arrow(schema.empty_table()).types)


def snapshots(
    space: Workspace,
    tables: Iterable[str] | None = None,
    versions: Mapping[str, int] | None = None,
    *,
    everybody: bool = False,
) -> list[Snapshot]:
    """The tables named (``layer/table``; default: all) that exist, at the versions given or as they stand now.

    People whose erasure was asked for are left out of them, unless ``everybody``: a build sees all rows.
    """
    without = () if everybody else hidden(space)
    if tables is None:
        named = [(layer, table) for layer in LAYERS for table in space.tables(layer)]
    else:
        named = [(layer, space.table(layer, name)) for layer, name in (t.split("/", 1) for t in tables)]
    pinned = versions or {}
    return [_snapshot(layer, Opened(table, pinned.get(table.name)), without) for layer, table in named if table.exists]


def _snapshot(layer: str, table: Opened, without: tuple[str, ...]) -> Snapshot:
    delta = table.delta()
    schema = pa.schema(delta.schema().to_arrow())
    files = tuple(sorted(unquote(file) for file in delta.file_uris()))  # a space in the folder comes as %20
    return Snapshot(layer, table.path.name, table, delta.version(), files, schema, delta.count(), without)


def table_views(space: Workspace, snapshot: Snapshot) -> list[View]:
    """The views of one table: one as people use it and, for silver, ``<dataset>_records`` with every row."""
    if snapshot.layer not in SCHEMAS:
        return []
    names = [n for n in snapshot.schema.names if n not in HIDDEN.get(snapshot.layer, ())]
    if snapshot.layer != "silver":
        about, columns = _described(snapshot)
        return [View(snapshot.layer, snapshot.name, snapshot.relation(names), about, _only(columns, names))]
    contract = space.contracts.get(snapshot.name)
    about = contract.description if contract else ""
    columns = STANDARD | ({f.name: f.description for f in contract.fields} if contract else {})
    shown, rows = names, ""
    if contract and contract.change.mode == "scd1":
        shown = [n for n in names if n not in (*VALIDITY, "change_op")]
        rows = " WHERE is_current"
    elif contract and contract.change.mode == "scd2":
        shown = [n for n in names if n != "change_op"]
        rows = " WHERE change_op <> 'delete' AND valid_from IS DISTINCT FROM valid_to"
    every = f"Every conformed record of {snapshot.name}: versions, deletions and duplicates included."
    return [
        View("silver", snapshot.name, snapshot.relation(shown) + rows, about, _only(columns, shown)),
        View("silver", f"{snapshot.name}_records", snapshot.relation(names), every, _only(columns, names)),
    ]


def _described(snapshot: Snapshot) -> tuple[str, dict[str, str]]:
    if snapshot.layer == "bronze":
        return f"Raw records of {snapshot.name}, without their payload.", STANDARD
    details = snapshot.commit.details
    return str(details.get("description", "")), STANDARD | dict(details.get("columns") or {})


def _only(columns: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: columns[name] for name in names if columns.get(name)}
