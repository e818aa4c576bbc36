"""Tables that an SQL file makes: marts and feature views, traced through their SQL.

Belongs here: which commit made a row, and following its file's inversion with that commit's versions and moment. Must
not: rewriting SQL (transforms/inversion), raw records.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

import polars as pl

from cenote import gold
from cenote.errors import SqlFileError
from cenote.features import views as feature_views
from cenote.lineage import grain_id
from cenote.sqlfiles import SqlFile
from cenote.tables import CommitInfo
from cenote.trace.follow import Follower
from cenote.trace.moments import Moments
from cenote.trace.records import Records
from cenote.views import ident, text
from cenote.workspace import Workspace
from transforms.inversion import Inversion, NotInvertible, invert

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IDS = {"graph.edges": "edge_id"}
STAGES = {"gold": "gold", "features": "features"}


@dataclass(frozen=True)
class Build:
    """One build of a table by its SQL file. ``version``: at which the table itself is read."""

    table: str
    file: SqlFile
    commit: CommitInfo
    version: int

    @property
    def as_of(self) -> datetime | None:
        """What ``$as_of`` stood for."""
        _, *stamps = self.commit.code.split("@")  # the moment, and who was left out for withdrawing consent
        moment = next((stamp for stamp in stamps if not stamp.startswith("without:")), None)
        return datetime.fromisoformat(moment) if moment else None

    @property
    def view(self) -> str:
        """The table's name in SQL."""
        layer, _, name = self.table.partition("/")
        return f"{layer}.{ident(name)}"

    @property
    def versions(self) -> dict[str, int]:
        """Versions of what the build read, and of the table."""
        return {**self.commit.inputs, self.table: self.version}


class Made:
    """The lake's marts and feature views, traced in both directions.

    ``records``: knows of rows that are followed upwards whose they are, and may hold them.
    """

    def __init__(self, space: Workspace, moments: Moments, records: Records) -> None:
        self._space, self._moments, self._records = space, moments, records
        self._followers: dict[int, Follower] = {}
        self._texts: dict[str, bool] = {}  # of marts, whether their grain is texts

    @cached_property
    def files(self) -> dict[str, SqlFile]:
        """SQL files by the table that they make, each after those that it reads."""
        marts = {f"gold/{name}": file for name, file in gold.marts(self._space).items()}
        return marts | {f"features/{name}": file for name, file in feature_views(self._space).items()}

    def build(self, table: str, version: int | None = None) -> Build | None:
        """The build that made a version of a table (None: the newest); None where it was never built."""
        layer = table.partition("/")[0]
        commit = self._moments.commit(table, version, [STAGES[layer]])
        if commit is None:
            return None
        file = self.files[table]
        if commit.code.partition("@")[0] != file.digest:
            self._moments.note(f"the SQL of {table} has changed since it was built: it is traced by the SQL of now")
        # rows of features outlive the build that added them, so these are read as they stand
        newest = self._moments.present(table)
        return Build(table, file, commit, newest if version is None or layer == "features" else version)

    def builds(self) -> list[Build]:
        """The newest build of every table, those that read another after it."""
        found = [build for table in self.files if (build := self.build(table))]
        self._moments.prepare([build.versions for build in found])
        return found

    def made_of(self, build: Build, ids: Sequence[str]) -> dict[str, list[str]]:
        """What made some rows of a table: ids by table in SQL (``silver.orders``, ``gold.x``, ``graph.edges``)."""
        inversion = self.inversion(build)
        grain = ", ".join(ident(c) for c in inversion.grain)
        keys = f"SELECT {grain} FROM {build.view} WHERE lineage_id IN ({', '.join(map(text, ids))})"
        found = self._follower(build).backward(inversion, keys, build.as_of)
        return {table: series.to_list() for table, series in found.items()}

    def makes(self, build: Build, records: Mapping[str, Iterable[str]]) -> list[str]:
        """Lineage ids of a table's rows in which base rows take part (ids by table in SQL), sorted."""
        follower, inversion = self._follower(build), self.inversion(build)
        return follower.stored(inversion, records, build.view, build.as_of, self._namer(build, inversion.grain))

    def forget(self) -> None:
        """Drop what was kept for the last trace."""
        for follower in self._followers.values():
            follower.forget()

    def inversion(self, build: Build) -> Inversion:
        """The inversion of a build's SQL. Raises ``SqlFileError``."""
        columns = self._moments.columns(self.connection(build))
        try:
            return invert(build.file.sql, build.file.grain, {t: columns[t] for t in _read(columns, build)}, IDS)
        except NotInvertible as error:
            raise SqlFileError(f"{build.file.name!r} cannot be traced back: it has {error.what}", error.fix) from None

    def _namer(self, build: Build, grain: Sequence[str]) -> Callable[..., str] | None:
        """What names a mart's rows, if its grain is texts; rows of features are named after a moment too."""
        if not build.table.startswith("gold/"):
            return None
        if build.table not in self._texts:
            shape = self.connection(build).sql(f"SELECT {', '.join(map(ident, grain))} FROM {build.view}")
            self._texts[build.table] = set(map(str, shape.types)) == {"VARCHAR"}
        return partial(grain_id, build.file.name) if self._texts[build.table] else None

    def connection(self, build: Build) -> "DuckDBPyConnection":
        """A connection that shows what the build read, and the table itself."""
        return self._moments.connection(build.versions)

    def _follower(self, build: Build) -> Follower:
        connection = self.connection(build)
        if id(connection) not in self._followers:
            named = self._named(self._moments.columns(connection))
            shown = self._moments.shown(connection)
            held, narrow = partial(self._held, shown), partial(self._moments.narrow, shown)
            self._followers[id(connection)] = Follower(connection, IDS, named, self._records.owners, held, narrow)
        return self._followers[id(connection)]

    def _held(self, shown: Mapping[str, int], table: str, ids: Collection[str]) -> pl.DataFrame | None:
        """Rows of a table in SQL that were read for this trace, if they are of the version that a connection shows."""
        name = table.removesuffix("_records").replace(".", "/", 1)
        if shown.get(name) != self._moments.present(name):
            return None
        rows = self._records.held(name, ids)
        is_view = rows is not None and name == table.replace(".", "/", 1) and "is_current" in rows.columns
        return rows.filter("is_current") if rows is not None and is_view else rows

    def _named(self, tables: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Columns of tables that some SQL file may name: its words are among them."""
        words = self.words
        return {t: [c for c in cs if c.lower() in words or c in ("lineage_id", IDS.get(t))] for t, cs in tables.items()}

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of the SQL files, in small letters: the columns that they name are among them."""
        return frozenset(re.findall(r"\w+", " ".join(file.sql for file in self.files.values()).lower()))


def _read(columns: Mapping[str, Sequence[str]], build: Build) -> list[str]:
    """The tables in SQL that a build can have read."""
    names = {table.replace("/", ".", 1) for table in build.commit.inputs}
    return [table for table in columns if table in names or table.removesuffix("_records") in names]
