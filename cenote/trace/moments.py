"""The lake as it stood when a table was built: connections whose views show recorded table versions.

Belongs here: which versions can still be read, and the connections. Must not: what is asked of them.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cenote import catalog
from cenote.errors import TableError
from cenote.tables import COMPACT, CommitInfo
from cenote.views import Opened
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Moments:
    """Connections on past versions of a lake's tables; ``notes`` gathers which versions are gone. A context
    manager."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._stack = ExitStack()
        self._open: list[tuple[dict[str, int], DuckDBPyConnection]] = []
        self._readable: dict[tuple[str, int], int | None] = {}
        self._columns: dict[int, dict[str, tuple[str, ...]]] = {}
        self._tables: dict[str, Opened | None] = {}
        self._commits: dict[str, list[CommitInfo]] = {}
        self.notes: list[str] = []

    def __enter__(self) -> "Moments":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def connection(self, versions: Mapping[str, int]) -> "DuckDBPyConnection":
        """A connection that shows these table versions (``silver/orders`` -> 3), or the present where one is gone."""
        wanted = {t: v for t, recorded in versions.items() if (v := self.readable(t, recorded)) is not None}
        for held, connection in self._open:
            if all(held.get(table) == version for table, version in wanted.items()):
                return connection
        connection = self._stack.enter_context(catalog.connect(self._space, list(wanted), wanted, everybody=True))
        connection.execute("SET parquet_metadata_cache = true")
        self._open.append((wanted, connection))
        return connection

    def shown(self, connection: "DuckDBPyConnection") -> Mapping[str, int]:
        """The table versions that a connection shows."""
        return next(held for held, opened in self._open if opened is connection)

    def any_connection(self) -> "DuckDBPyConnection":
        """A connection for what names its files itself."""
        return self._open[0][1] if self._open else self.connection({})

    def prepare(self, wanted: Iterable[Mapping[str, int]]) -> None:
        """Open as few connections as show all these sets of versions."""
        groups: list[dict[str, int]] = []
        for versions in wanted:
            for group in groups:
                if all(group.get(table, version) == version for table, version in versions.items()):
                    group |= versions
                    break
            else:
                groups.append(dict(versions))
        for group in groups:
            self.connection(group)

    def note(self, told: str) -> None:
        """Remember what must be known to trust the answer, once."""
        if told not in self.notes:
            self.notes.append(told)

    def readable(self, table: str, version: int) -> int | None:
        """The version itself if its files are all there, otherwise the present one; None where there is no table."""
        key = (table, version)
        if key not in self._readable:
            self._readable[key] = self._look(table, version)
        return self._readable[key]

    def _look(self, name: str, version: int) -> int | None:
        table = self.table(name)
        if table is None:
            return None
        present = self.present(name)
        try:
            if version == present or all(Path(file).exists() for file in table.files(version)):
                return version
        except TableError:
            pass  # its log entry is gone as well
        self.note(f"version {version} of {name} was vacuumed: its present version {present} is used")
        return present

    def columns(self, connection: "DuckDBPyConnection") -> dict[str, tuple[str, ...]]:
        """Column names of every view of a connection (``silver.orders`` -> names)."""
        if id(connection) not in self._columns:
            rows = connection.execute(
                "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) "
                "FROM duckdb_columns() WHERE NOT internal AND database_name <> 'temp' GROUP BY ALL"
            ).fetchall()
            self._columns[id(connection)] = {table: tuple(names) for table, names in rows}
        return self._columns[id(connection)]

    def commit(self, table: str, version: int | None = None, stages: Iterable[str] = ()) -> CommitInfo | None:
        """The commit of a table that made ``version`` (None: the newest), or the last before it of one of
        ``stages``."""
        wanted = set(stages)
        made = (c for c in self._history(table) if (version is None or c.version <= version) and c.stage != COMPACT)
        return next((c for c in made if not wanted or c.stage in wanted), None)

    def table(self, name: str) -> Opened | None:
        """A table as it stands (``silver/orders``), its log read once; None where it was never written."""
        if name not in self._tables:
            found = self._space.table(*name.split("/", 1))
            self._tables[name] = Opened(found) if found.exists else None
        return self._tables[name]

    def present(self, name: str) -> int:
        """The version that made the rows of a table as it stands, 0 where it was never written."""
        opened = self.table(name)
        return (opened.content_version or 0) if opened else 0

    def _history(self, table: str) -> list[CommitInfo]:
        if table not in self._commits:
            opened = self.table(table)
            self._commits[table] = list(opened.commits()) if opened else []
        return self._commits[table]
