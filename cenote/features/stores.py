"""Feast's registry and online stores, placed in a lake and held to its rules. Imported by Feast alone, by name.

Belongs here: where they lie, that an expired value is not served, that an overwritten value is gone from the file. Must not:
anything that Feast does well itself. A relative path is taken from the lake: ``CENOTE_HOME``, or ``data`` beside the
feature repository.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.infra.registry.file import FileRegistryStore
from feast.repo_config import RegistryConfig, RepoConfig


def _in_lake(path: str, repo: Path | None) -> Path:
    home = os.environ.get("CENOTE_HOME") or (repo or Path.cwd()).parent / "data"
    return Path(home, path).absolute()


class LakeRegistryStore(FileRegistryStore):
    """Feast's registry file, in the lake."""

    def __init__(self, registry_config: RegistryConfig, repo_path: Path | None) -> None:
        self._filepath = _in_lake(registry_config.path, repo_path)
        self._filepath.parent.mkdir(parents=True, exist_ok=True)


class Expiring(OnlineStore):
    """An online store that does not serve a value whose time to live has passed.

    ``clock`` says what now is. Goes before the store's own class among the bases.
    """

    clock: Callable[[], datetime] = staticmethod(lambda: datetime.now(UTC))

    def online_read(self, config: RepoConfig, table: Any, entity_keys: Any, requested_features: Any = None) -> Any:
        """Read as the store does, and blank what has expired."""
        rows = super().online_read(config, table, entity_keys, requested_features)  # type: ignore[safe-super]
        if not table.ttl:
            return rows
        oldest = self.clock() - table.ttl
        return [(at, values) if at is not None and at >= oldest else (None, None) for at, values in rows]

    _read_features_per_fv = OnlineStore._read_features_per_fv


class LakeSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """As Feast's, under this store's name."""

    type: Literal["cenote.features.stores.LakeSqliteOnlineStore"] = "cenote.features.stores.LakeSqliteOnlineStore"  # type: ignore[assignment]


class LakeSqliteOnlineStore(Expiring, SqliteOnlineStore):
    """Feast's SQLite store, in the lake; what is overwritten or deleted is zeroed in the file."""

    @staticmethod
    def _get_db_path(config: RepoConfig) -> str:
        path = _in_lake(config.online_store.path, config.repo_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def _get_conn(self, config: RepoConfig) -> Any:
        fresh = not self._conn
        connection = super()._get_conn(config)
        if fresh:
            connection.execute("PRAGMA secure_delete = ON")
        return connection
