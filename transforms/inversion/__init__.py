"""Inversion: a SELECT rewritten so that it says which base rows made which of its rows, and the other way.

Belongs here: the doors, and putting CTEs in place. Must not: running SQL or naming stores. How a construct is traced:
paths.py; what SQL means by its names: blocks.py; what is refused: refusal.py.

:func:`invert` gives an :class:`Inversion`: queries that lead from the grain keys of the output (stage 0) to lineage
ids of base tables, directly or through stages in between. Read downwards with keys they say what made a row; read
upwards with lineage ids they say what a record made. Nothing is stored when the SELECT itself runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from transforms.inversion.blocks import Known
from transforms.inversion.paths import ROWS, Path, Paths, Stage, named
from transforms.inversion.prepare import prepared
from transforms.inversion.readings import readings, restricted
from transforms.inversion.refusal import NotInvertible

__all__ = ["ROWS", "Inversion", "Link", "NotInvertible", "check_invertible", "invert", "readings", "restricted"]


@dataclass(frozen=True)
class Link:
    """A query from the keys of one stage to a base table or to another stage.

    It gives the keys as ``__k1`` ..., and ``__h1`` ...: the lineage id of ``table``, or the keys of stage ``to``.
    ``upwards``: the same query with :data:`ROWS` in the place of ``table``: a table of the rows to start from.
    ``ranges``: for the number of a key that is a moment cut to a unit, the column with the moment, and the unit.
    ``given``: numbers of the keys that are the keys of ``to``, so that downwards nothing need run. ``uses_as_of``:
    whether it has the parameter ``$as_of``. ``spared``: whether it takes it that the keys are of rows of the result,
    which another link of the stage does not. ``bare``: for the number of a key that is a column of ``table``, which
    one: rows of a key's value have it there.
    """

    stage: int
    sql: str
    keys: int
    hidden: int
    table: str | None
    to: int | None
    upwards: str
    ranges: Mapping[int, tuple[str, str]]
    given: tuple[int, ...] | None
    uses_as_of: bool
    spared: bool = False
    bare: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inversion:
    """All links of a SELECT, those of a stage before those of the stages that it leads to."""

    grain: tuple[str, ...]
    links: tuple[Link, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The base tables that rows can be traced to, sorted."""
        return tuple(sorted({link.table for link in self.links if link.table}))


def check_invertible(query: str | exp.Query) -> None:
    """Raise ``NotInvertible`` where the rows of a SELECT cannot be traced, naming the construct and a way to write
    it. A parsed SELECT is used up."""
    for _ in Paths({}, {}).of(prepared(query, {}), None):
        pass


def invert(
    sql: str, grain: Sequence[str], columns: Known | None = None, ids: Mapping[str, str] | None = None
) -> Inversion:
    """Invert a SELECT over base tables whose output rows are named by the columns ``grain``.

    ``columns``: the column names of the base tables it reads (``silver.orders`` -> names). ``ids``: which column
    names a row of a base table, where it is not ``lineage_id``. Raises ``NotInvertible``.
    """
    held = tuple(sorted((table.lower(), tuple(names)) for table, names in (columns or {}).items()))
    return _invert(sql, tuple(g.lower() for g in grain), held, tuple(sorted((ids or {}).items())))


@lru_cache(maxsize=256)
def _invert(
    sql: str,
    grain: tuple[str, ...],
    columns: tuple[tuple[str, tuple[str, ...]], ...],
    ids: tuple[tuple[str, str], ...],
) -> Inversion:
    paths = list(Paths(dict(columns), dict(ids)).of(prepared(sql, dict(columns)), grain, real=True))
    top = Stage(len(grain), paths)
    order = _in_order(top)
    links = []
    for number, stage in enumerate(order):
        for path in stage.paths:
            keys = grain if stage is top else tuple(f"__k{n}" for n in range(1, stage.keys + 1))
            links.append(_link(number, path, keys, order))
    return Inversion(grain, tuple(links))


def _link(stage: int, path: Path, keys: tuple[str, ...], order: list[Stage]) -> Link:
    quoted = [exp.column(exp.to_identifier(k, quoted=True), table="__q") for k in keys]
    shown = [exp.alias_(column, f"__k{n}") for n, column in enumerate(quoted, 1)]
    rest = [n for n in path.names if n not in keys and n.startswith(("__h", "__r"))]
    inner = exp.Subquery(this=path.select, alias=exp.TableAlias(this=exp.to_identifier("__q")))
    select = exp.select(*shown, *(exp.column(n, table="__q") for n in rest)).from_(inner)
    upwards = select.sql("duckdb", copy=False)
    table = path.end if isinstance(path.end, str) else None
    return Link(
        stage,
        upwards if table is None else upwards.replace(ROWS, named(table)),
        len(keys),
        path.hidden,
        table,
        order.index(path.end) if isinstance(path.end, Stage) else None,
        upwards,
        {keys.index(name): held for name, held in path.ranges.items() if name in keys},
        None if path.given is None else tuple(keys.index(name) for name in path.given),
        "$as_of" in upwards and any(select.find_all(exp.Placeholder, exp.Parameter)),
        path.spared,
        {keys.index(name): column for name, column in path.bare.items() if name in keys},
    )


def _in_order(top: Stage) -> list[Stage]:
    """All stages, each before those that it leads to."""
    done: list[Stage] = []

    def visit(stage: Stage) -> None:
        if not any(stage is other for other in done):
            for path in stage.paths:
                if isinstance(path.end, Stage):
                    visit(path.end)
            done.append(stage)

    visit(top)
    return done[::-1]
