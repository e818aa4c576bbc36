"""Whom no door shows: people whose erasure was asked for, until it is done or taken back.

Belongs here: who is hidden, and how that is said to Polars and to SQL. Must not: the doors themselves; they ask here.
Costs a look at two files' times where nothing changed, and one look where nobody ever asked. Builds see everybody, so
that whoever is taken back is there again at once.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cenote.erasure import marker
from cenote.erasure.queue import ERASED, FILE, OPEN, Requests

if TYPE_CHECKING:
    import polars as pl

    from cenote.workspace import Workspace

_PSEUDONYM = r"^(.+)(_[0-9a-f]{24})$"


def hidden(space: "Workspace") -> tuple[str, ...]:
    """Pseudonyms of the hidden, sorted: of open requests, and of those done in a lake that was restored since."""
    queue = space.settings.vault / FILE
    stamp = _stamp(queue)
    if stamp is None:
        return ()
    return _hidden(space, str(queue), stamp, _stamp(marker.file(space)))


@lru_cache(maxsize=16)
def _hidden(space: "Workspace", queue: str, *stamps: object) -> tuple[str, ...]:  # noqa: ARG001
    been = marker.present(space)
    found = Requests(space.settings).all(*OPEN, ERASED)
    people = {s for r in found if r.status != ERASED or r.request_id not in been for s in r.subjects}
    return tuple(sorted(people))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def naming(schema: "pl.Schema", people: Collection[str]) -> "pl.Expr":
    """Whether a row is about one of the people: in any column of texts, as a pseudonym or as the name of a node.

    Pseudonyms are unlike any other text, so no table needs to say which of its columns hold people. Where rows carry
    ``subject_id`` and ``mentions``, these say it, and the ends of edges.
    """
    import polars as pl

    names = pl.Series(sorted(people), dtype=pl.String)
    names = pl.concat([names, names.str.replace(_PSEUDONYM, "${1}:${1}${2}")])
    tests = [pl.col(c).is_in(names.implode()) for c in _looked_at(schema.names()) if schema[c] == pl.String]
    tests += [
        pl.col(c).list.set_intersection(names.to_list()).list.len() > 0
        for c in _looked_at(schema.names())
        if schema[c] == pl.List(pl.String)
    ]
    return pl.any_horizontal(tests).fill_null(False) if tests else pl.lit(False)


def naming_sql(columns: Sequence[tuple[str, bool]], people: Collection[str]) -> str:
    """The same as a SQL condition; ``columns``: names of the columns of texts, and whether they hold lists."""
    import re

    def quoted(value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    names = [*people, *(re.sub(_PSEUDONYM, r"\1:\1\2", name) for name in people)]
    listed = ", ".join(map(quoted, names))
    looked_at = set(_looked_at([name for name, _ in columns]))
    tests = [
        f'coalesce(list_has_any("{name}", [{listed}]), false)' if many else f'coalesce("{name}" IN ({listed}), false)'
        for name, many in columns
        if name in looked_at
    ]
    return " OR ".join(tests) or "false"


def _looked_at(columns: Sequence[str]) -> list[str]:
    """The columns that tell whom a row is about: of rows of silver and what is made of them, a few tell it all.

    The id of a row never does.
    """
    telling = ("subject_id", "mentions", "source", "target")
    return [name for name in columns if (name in telling if "subject_id" in columns else name != "lineage_id")]
