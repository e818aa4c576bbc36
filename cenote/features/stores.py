"""Feast's registry and online stores, placed in a lake and held to its rules. Imported by Feast alone, by name.

Belongs here: where they lie, that an expired value is not served, that an overwritten value is gone from the file.
Must not: anything that Feast does well itself.
"""

import sqlite3
import struct
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import polars as pl
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import extract_text_and_num
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.repo_config import RegistryConfig, RepoConfig
from feast.type_map import python_values_to_proto_values
from feast.types import String
from feast.utils import to_naive_utc

from cenote.settings import load_settings

_LENGTH = struct.Struct("<I")  # of a value in an entity key
asked_at: ContextVar[datetime | None] = ContextVar("asked_at", default=None)
"""The moment that a read is about; None: now."""


def _in_lake(path: str) -> Path:
    """A path of Feast's configuration; a relative one is taken from the lake that the settings name."""
    return Path(path) if Path(path).is_absolute() else load_settings().home / path


class LakeRegistryStore(FileRegistryStore):
    """Feast's registry file, in the lake."""

    def __init__(self, registry_config: RegistryConfig, repo_path: Path | None) -> None:  # noqa: ARG002
        self._filepath = _in_lake(registry_config.path)

    def _write_registry(self, registry_proto: Any) -> None:
        """Write aside and swap in: a reader never sees half a registry."""
        place = self._filepath
        self._filepath = place.with_suffix(".new")
        try:
            self._filepath.parent.mkdir(parents=True, exist_ok=True)
            super()._write_registry(registry_proto)
            self._filepath.replace(place)
        finally:
            self._filepath = place


class Expiring(OnlineStore):
    """An online store that does not serve a value whose time to live has passed. Goes first among the bases."""

    def clear(self, config: RepoConfig, table: Any) -> None:
        """Forget all values of a view."""
        self.update(config, [table], [], [], [], partial=True)
        self.update(config, [], [table], [], [], partial=True)

    def online_read(self, config: RepoConfig, table: Any, entity_keys: Any, requested_features: Any = None) -> Any:
        """Read as the store does, and blank what has expired."""
        rows = super().online_read(config, table, entity_keys, requested_features)  # type: ignore[safe-super]
        if not table.ttl:
            return rows
        oldest = (asked_at.get() or datetime.now(UTC)) - table.ttl
        return [(at, values) if at is not None and at >= oldest else (None, None) for at, values in rows]

    _read_features_per_fv = OnlineStore._read_features_per_fv


class LakeSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """As Feast's, under this store's name."""

    type: Literal["cenote.features.stores.LakeSqliteOnlineStore"] = "cenote.features.stores.LakeSqliteOnlineStore"  # type: ignore[assignment]


class LakeSqliteOnlineStore(Expiring, SqliteOnlineStore):
    """Feast's SQLite store, in the lake; what is overwritten or deleted is zeroed in the file."""

    @staticmethod
    def _get_db_path(config: RepoConfig) -> str:
        path = _in_lake(config.online_store.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def clear(self, config: RepoConfig, table: Any) -> None:
        """Forget all values of a view, in one transaction."""
        with self._get_conn(config) as connection:
            connection.execute(f'DELETE FROM "{config.project}_{table.name}"')

    def discard(self, config: RepoConfig, table: Any, entities: Sequence[Any]) -> None:
        """Forget all values of some entities of a view that has one join key, in one transaction."""
        (column,) = table.entity_columns
        values = python_values_to_proto_values(list(entities), column.dtype.to_value_type())
        protos = [EntityKey(join_keys=[column.name], entity_values=[value]) for value in values]
        version = config.entity_key_serialization_version
        keys = [(serialize_entity_key(proto, entity_key_serialization_version=version),) for proto in protos]
        with self._get_conn(config) as connection:
            connection.executemany(f'DELETE FROM "{config.project}_{table.name}" WHERE entity_key = ?', keys)

    def online_write_batch(self, config: RepoConfig, table: Any, data: Any, progress: Any) -> None:
        """Write as Feast does, all rows in one call of SQLite's, sorted as the table is."""
        rows: list[tuple[bytes, str, bytes, str | None, datetime, datetime | None]] = []
        version = config.entity_key_serialization_version
        for entity, values, at, made_at in data:
            key = serialize_entity_key(entity, entity_key_serialization_version=version)
            times = (to_naive_utc(at), to_naive_utc(made_at) if made_at is not None else None)
            for name, value in values.items():
                rows.append((key, name, value.SerializeToString(), extract_text_and_num(value, False)[0], *times))
        with self._get_conn(config) as connection:
            connection.executemany(
                f'INSERT OR REPLACE INTO "{config.project}_{table.name}" '
                "(entity_key, feature_name, value, value_text, event_ts, created_ts) VALUES (?, ?, ?, ?, ?, ?)",
                sorted(rows, key=itemgetter(0, 1)),
            )
        if progress:
            progress(len(data))

    def write_frame(self, config: RepoConfig, table: Any, rows: pl.DataFrame, stamps: tuple[str, str]) -> None:
        """Write rows of a view that :meth:`takes_frames`: the same values as ``online_write_batch`` writes.

        They are made column by column, each different one once. ``stamps``: the columns of the two times.
        """
        (column,) = table.entity_columns
        rows = rows.sort(column.name)
        keys = _text_keys(column.name, rows[column.name], config.entity_key_serialization_version)
        times = [_each(rows[name], _moments) for name in stamps]
        columns = []
        for feature in sorted(table.features, key=lambda feature: feature.name):
            kind = feature.dtype.to_value_type()
            made = _each(rows[feature.name], partial(_stored, kind))
            values, texts = ([pair[n] for pair in made] for n in (0, 1))
            columns.append(zip(keys, repeat(feature.name, len(keys)), values, texts, *times, strict=True))
        name = f"{config.project}_{table.name}"
        with self._get_conn(config) as connection:
            connection.execute(f'DROP INDEX IF EXISTS "{name}_ek"')  # the primary key begins with the same column
            connection.executemany(
                f'INSERT OR REPLACE INTO "{name}" '
                "(entity_key, feature_name, value, value_text, event_ts, created_ts) VALUES (?, ?, ?, ?, ?, ?)",
                chain.from_iterable(zip(*columns, strict=True)),
            )

    @staticmethod
    def takes_frames(table: Any) -> bool:
        """Whether a view has one join key, a text."""
        return len(table.entity_columns) == 1 and table.entity_columns[0].dtype == String

    def _get_conn(self, config: RepoConfig) -> Any:
        fresh = not self._conn
        connection = super()._get_conn(config)
        if fresh:
            connection.execute("PRAGMA secure_delete = ON")
        return connection


def _text_keys(name: str, values: pl.Series, version: int) -> list[bytes]:
    """Entity keys of one join key, serialized."""
    empty = EntityKey(join_keys=[name], entity_values=python_values_to_proto_values([""], String.to_value_type()))
    lead = serialize_entity_key(empty, entity_key_serialization_version=version)[: -_LENGTH.size]
    encoded = [value.encode() for value in values.to_list()]
    return [lead + _LENGTH.pack(len(value)) + value for value in encoded]


def _each(values: pl.Series, made: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """What is made of each value, each different one once."""
    different = values.unique()
    places = pl.DataFrame({"value": different}).with_row_index("place")
    named = values.rename("value").to_frame()
    order = named.join(places, on="value", how="left", nulls_equal=True, maintain_order="left")["place"]
    found = made(different.to_list())
    return [found[place] for place in order.to_list()]


def _stored(kind: Any, values: list[Any]) -> list[tuple[bytes, str | None]]:
    """Values as the store has them: in bytes, and as a text where there is one."""
    made = python_values_to_proto_values(values, kind)
    return [(value.SerializeToString(), extract_text_and_num(value, False)[0]) for value in made]


def _moments(values: list[datetime | None]) -> list[Any]:
    """Times as SQLite has them, by the adapter that Feast has registered."""
    return [None if at is None else sqlite3.adapt(to_naive_utc(at), sqlite3.PrepareProtocol) for at in values]
