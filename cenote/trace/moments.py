"""The lake as it stood when a table was built: connections whose views show recorded table versions.

Belongs here: which versions can still be read, and the connections. Must not: what is asked of them.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cenote import catalog
from cenote.errors import TableError
from cenote.tables import COMPACT, CommitInfo
from cenote.trace.files import Files
from cenote.views import Opened, snapshots, table_views, text
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_FILES = "the files"


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
        self._views: dict[tuple[str, int], tuple[tuple[str, ...], dict[str, str]]] = {}
        self.files = Files()
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

    def narrow(self, versions: Mapping[str, int], view: str, column: str, values: Collection[str]) -> str | None:
        """A FROM item for a view (``silver.orders``) at the versions that a connection shows, over only those files
        that can hold a row with one of some texts in a column; None where that would be all of them."""
        name = view.replace(".", "/", 1)
        name = name if name in versions else name.removesuffix("_records")
        if name not in versions:
            return None
        files, views = self._views_of(name, versions[name])
        found = self.files.holding(files, column, values) or files[:1]  # one that does not hold it says so itself
        if len(found) == len(files) or view not in views:
            return None
        return f"({views[view].replace(text(_FILES), ', '.join(map(text, found)))})"

    def _views_of(self, name: str, version: int) -> tuple[tuple[str, ...], dict[str, str]]:
        """The files of a table, and its views with :data:`_FILES` in the place of these."""
        if (name, version) not in self._views:
            (found,) = snapshots(self._space, [name], {name: version}, everybody=True)
            views = table_views(self._space, replace(found, files=(_FILES,)))
            self._views[name, version] = found.files, {f"{v.schema}.{v.name}": v.sql for v in views}
        return self._views[name, version]

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
