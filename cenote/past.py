"""The lake as it was: reading every table at the version that it had at a moment.

Belongs here: which versions those are, and asking them. Must not: bringing anything back (cenote/backup.py restores).
Delta keeps older versions until they are vacuumed: by retention, and by an erasure at once. Search, graph and online
features have no past; their tables in SQL do.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenote.errors import TableError
from cenote.events import answered
from cenote.workspace import LAYERS, Workspace

if TYPE_CHECKING:
    import polars as pl

    from cenote.tables import Table


class PastLake:
    """A lake at a moment (UTC); answers SQL over the tables that were there then."""

    def __init__(self, space: Workspace, moment: datetime) -> None:
        self.space = space
        self.moment = moment
        found = {t.name: _version(t, moment) for layer in LAYERS for t in space.tables(layer)}
        self.versions = {name: version for name, version in found.items() if version is not None}

    def __repr__(self) -> str:
        return f"PastLake({self.space.settings.home} at {self.moment:%Y-%m-%d %H:%M:%S} UTC)"

    @answered("past")
    def sql(self, query: str, params: dict[str, Any] | None = None) -> "pl.DataFrame":
        """Run DuckDB SQL over the tables as they were.

        Raises ``TableError``, also where a version that is asked for was vacuumed since.
        """
        from cenote import catalog

        named = catalog.named_tables(query)
        chosen = {n: v for n, v in self.versions.items() if named is None or n in named}
        for name, version in chosen.items():
            self._still_there(self.space.table(*name.split("/", 1)), version)
        return catalog.query(self.space, query, params, versions=chosen)

    def table(self, name: str) -> "pl.LazyFrame":
        """A table or view by its name in the catalog (``gold.daily_cash``), lazily."""
        return self.sql(f"from {name}").lazy()

    def tables(self) -> "pl.DataFrame":
        """Every table of then, with its version."""
        import polars as pl

        rows = sorted((*name.split("/", 1), version) for name, version in self.versions.items())
        return pl.DataFrame(rows, schema={"layer": pl.String, "table": pl.String, "version": pl.Int64}, orient="row")

    def _still_there(self, table: "Table", version: int) -> None:
        if version != table.version and not all(Path(file).exists() for file in table.files(version)):
            raise TableError(
                f"table {table.name} as of {self.moment:%Y-%m-%d %H:%M:%S} UTC (version {version}) is gone: "
                "retention or an erasure has removed its files",
                "ask for a later moment, or restore a backup of that time elsewhere",
            )


def as_moment(moment: datetime | str) -> datetime:
    """A moment in UTC from a datetime or ISO 8601 text; one without an offset is UTC. Raises ``TableError``."""
    try:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise TableError("the moment cannot be read", "write it as ISO 8601: 2026-11-20T18:30:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _version(table: "Table", moment: datetime) -> int | None:
    return next((commit.version for commit in table.commits() if commit.at <= moment), None)
