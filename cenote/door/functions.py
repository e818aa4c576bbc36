"""The functions that SQL gains at the door: their arguments, columns, and where their rows come from.

Belongs here: what ``search``, ``neighbors`` and ``features`` take and give. Must not: reading SQL (statement.py),
ranking or walking (the stores do).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from cenote.errors import FeatureError, TableError, unknown

if TYPE_CHECKING:
    import pyarrow as pa

    from cenote.workspace import Workspace

HIT_COLUMNS = (
    "rank", "score", "passage_id", "lineage_id", "subject_id", "dataset", "namespace", "title", "text", "at",
    "metadata",
)  # fmt: skip
"""Columns of ``search(...)``; conditions on all but the first two reach the store."""


@dataclass(frozen=True)
class Function:
    """A table function: its arguments in order, the first being required, with the types that each may have."""

    name: str
    arguments: Mapping[str, tuple[type, ...]]
    usage: str

    def bind(self, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name. Raises ``TableError``: too many, twice, unknown, missing or of a wrong type."""
        names = list(self.arguments)
        if len(positional) > len(names):
            raise self._wrong(f"takes at most {len(names)} arguments, {len(positional)} given")
        found = dict(zip(names, positional, strict=False))
        for name, value in named.items():
            if name not in self.arguments:
                raise self._wrong(f"is not asked like this: {unknown('argument', name, names)}")
            if name in found:
                raise self._wrong(f"has {name} twice")
            found[name] = value
        if found.get(names[0]) is None:
            raise self._wrong(f"needs {names[0]}")
        found = {name: value for name, value in found.items() if value is not None}
        for name, value in found.items():
            if isinstance(value, bool) or not isinstance(value, self.arguments[name]):
                kinds = " or ".join(kind.__name__ for kind in self.arguments[name])
                raise self._wrong(f"takes {name} as {kinds}, not {type(value).__name__}")
        return found

    def _wrong(self, what: str) -> TableError:
        return TableError(f"{self.name}() {what}", f"write {self.usage}")


_NEIGHBORS = {"node": (str,), "hops": (int,), "types": (str, list), "as_of": (str, date)}
FUNCTIONS = {
    "search": Function(
        "search",
        {"query": (str,), "k": (int,), "namespace": (str, list), "mode": (str,)},
        "search('words', k => 20, namespace => 'reviews', mode => 'hybrid')",
    ),
    "neighbors": Function("neighbors", _NEIGHBORS, "neighbors('product:P00001', hops => 2, types => ['ordered'])"),
    "neighbours": Function("neighbours", _NEIGHBORS, "neighbours('product:P00001', hops => 2, types => ['ordered'])"),
    "features": Function(
        "features",
        {"view": (str,), "as_of": (str, date)},
        "features('customer_features', as_of => TIMESTAMP '2026-11-01')",
    ),
}


class Stores(Protocol):
    """Where rows come from: the lake itself, or a process that has it."""

    def search(self, arguments: Mapping[str, Any], where: str | None) -> "pa.Table":
        """Hits, best first; ``where`` is a condition that the passage store understands."""

    def passages(self, columns: Sequence[str], where: str | None) -> "pa.Table":
        """Columns of the passages that meet ``where``."""

    def neighbors(self, arguments: Mapping[str, Any]) -> "pa.Table":
        """Nodes around a node."""

    def features(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """The table to read, as ``features/view``, and a SELECT over it: the row of each entity that holds."""


class LakeStores:
    """The stores of a lake that this process can read. Every answer passes :func:`cenote.door.people.visible`."""

    def __init__(self, space: "Workspace") -> None:
        self._space = space

    def search(self, arguments: Mapping[str, Any], where: str | None) -> "pa.Table":
        """Hits of :func:`cenote.door.retrieve.search`."""
        from cenote.door.retrieve import search

        told = dict(arguments)
        return _arrow(search(self._space, told.pop("query"), where, **told))

    def passages(self, columns: Sequence[str], where: str | None) -> "pa.Table":
        """Passages as they are stored."""
        from cenote.vectors.store import Store

        store = Store(self._space)
        if store.identity is None:
            raise TableError("this lake has no passages yet", "run `cenote run --select vectors`")
        return _arrow(store.rows(columns, where))

    def neighbors(self, arguments: Mapping[str, Any]) -> "pa.Table":
        """Neighbours of :class:`cenote.graph.GraphDoor`, with the ``id`` that is in a node's name."""
        import polars as pl

        from cenote.door.people import visible
        from cenote.graph import GraphDoor

        types, moment = arguments.get("types"), arguments.get("as_of")
        around = GraphDoor(self._space).neighbours(
            arguments["node"],
            arguments.get("hops", 1),
            types=[types] if isinstance(types, str) else types,
            as_of=None if moment is None else _moment(moment),
        )
        name = pl.col("node").str.replace("^[^:]*:", "").alias("id")
        found = around.insert_column(around.columns.index("entity") + 1, around.select(name).to_series())
        return _arrow(visible(self._space, found))

    def features(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """Newest rows of a feature table, by event time, then created time, without those that expired."""
        from cenote.features.definitions import described
        from cenote.features.newest import newest_rows

        views = described(self._space)
        name = arguments["view"]
        if name not in views:
            raise FeatureError(
                unknown("feature view", name, [v.name for v in views.values() if v.stored]),
                "see them with `cenote features`",
            )
        view = views[name]
        if not view.stored:
            raise FeatureError(f"{name} is computed on demand, so it has no table", "ask `lake.features` for it")
        if not self._space.table("features", name).exists:
            raise FeatureError(f"feature view {name} has no table yet", "run `cenote run`")
        moment = _moment(arguments["as_of"]) if "as_of" in arguments else self._space.clock()
        return f"features/{name}", newest_rows(name, list(view.keys), moment, view.ttl)


def _moment(value: str | date) -> datetime:
    """A moment in UTC, of ISO text, a date or a timestamp; naive is UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise TableError("as_of is no moment", "write it as 2026-11-20 or 2026-11-20T12:00:00+00:00") from None
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _arrow(frame: Any) -> "pa.Table":
    import polars as pl

    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
