"""Mart and feature SQL files: one DuckDB SELECT with a YAML front comment -> ``SqlFile``.

Belongs here: reading and checking these files, without a store. Must not: running them (gold.py and
features.py do). A file is pure: it reads tables of silver and gold by name, and "now" is the parameter
``$as_of``; so the same table versions and the same moment always give the same rows, and its rows can be
traced by rewriting the SQL.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cenote.errors import SqlFileError, unknown
from cenote.smallgroups import read_privacy
from transforms.anonymity import Anonymity

if TYPE_CHECKING:
    from sqlglot import exp

# What a mart may read, and a feature view
MART_INPUTS = ("silver", "gold")
FEATURE_INPUTS = ("silver", "gold", "graph")
_FRONT = re.compile(r"\A\s*/\*\s*---\s*?\n(.*?)\n\s*---\s*\*/", re.DOTALL)
_MEMBERS = ("name", "description", "owner", "grain", "tags", "entity", "join_key", "columns", "privacy", "purpose")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_IMPURE = {
    "now", "today", "current_date", "current_time", "current_timestamp", "get_current_timestamp",
    "get_current_time", "transaction_timestamp", "localtime", "localtimestamp", "random", "rand", "setseed",
    "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval", "currval", "getvariable",
    "current_setting",
}  # fmt: skip
_ROW_SOURCES = {"unnest", "explode", "range", "generate_series", "generateseries"}


@dataclass(frozen=True)
class SqlFile:
    """One mart or feature view.

    ``grain``: the columns that identify a row (of a feature view: the join key and ``event_timestamp``).
    ``inputs``: the tables read, as ``layer/table``, sorted. ``columns``: descriptions of output columns.
    ``uses_as_of``: whether the SQL asks for the moment ``$as_of``. ``privacy``: what a mart does about small groups,
    after its SQL. ``purpose``: what a feature view is for; people who withdrew their consent to it are left out.
    ``digest`` changes with what decides the rows: name, SQL, grain and privacy.
    """

    name: str
    sql: str
    description: str
    owner: str
    grain: tuple[str, ...]
    tags: tuple[str, ...] = ()
    entity: str | None = None
    join_key: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    uses_as_of: bool = False
    privacy: Anonymity | None = None
    purpose: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of all that decides what the rows look like."""
        decides = (self.name, self.sql, *self.grain, *([repr(self.privacy)] if self.privacy else []))
        return hashlib.sha256("\x1f".join(decides).encode()).hexdigest()[:16]


def load_sqlfiles(folder: Path) -> dict[str, SqlFile]:
    """Read every ``*.sql`` file of a folder, keyed by name in name order; none where there is no folder.

    Raises ``SqlFileError``.
    """
    found: dict[str, SqlFile] = {}
    for file in sorted(folder.glob("*.sql")):
        sqlfile = load_sqlfile(file)
        if sqlfile.name in found:
            raise SqlFileError(f"two SQL files are named {sqlfile.name!r}", f"rename one; the second is {file.name}")
        found[sqlfile.name] = sqlfile
    return found


def load_sqlfile(file: Path) -> SqlFile:
    """Read and check one SQL file. Raises ``SqlFileError``."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SqlFileError(f"SQL file {file.name} cannot be read: {error}", "save it as UTF-8 text") from None
    return parse_sqlfile(text, file.name)


@lru_cache(maxsize=256)
def parse_sqlfile(text: str, filename: str) -> SqlFile:
    """Make a ``SqlFile`` of a file's text. Raises ``SqlFileError``."""
    return _Reader(filename).sqlfile(text)


class _Reader:
    """Reads one file; every complaint names it."""

    def __init__(self, filename: str) -> None:
        self._filename = filename

    def _fail(self, what: str, fix: str) -> SqlFileError:
        return SqlFileError(f"SQL file {self._filename}: {what}", fix)

    def sqlfile(self, text: str) -> SqlFile:
        front, sql = self._front(text)
        select = self._select(sql)
        join_key = front.get("join_key")
        grain = tuple(front.get("grain") or ((join_key, "event_timestamp") if join_key else ()))
        found = SqlFile(
            name=self._name(front.get("name", Path(self._filename).stem)),
            sql=sql,
            description=" ".join(str(front.get("description") or "").split()),
            owner=str(front.get("owner") or ""),
            grain=grain,
            tags=tuple(front.get("tags") or ()),
            purpose=tuple(front.get("purpose") or ()),
            entity=front.get("entity"),
            join_key=join_key,
            columns={str(c): " ".join(str(about).split()) for c, about in (front.get("columns") or {}).items()},
            inputs=self._inputs(select, FEATURE_INPUTS if front.get("entity") else MART_INPUTS),
            uses_as_of=self._uses_as_of(select),
            privacy=read_privacy(front["privacy"], grain, self._fail) if "privacy" in front else None,
        )
        self._check(found, select)
        self._check_traceable(select)
        return found

    def _front(self, text: str) -> tuple[dict[str, Any], str]:
        match = _FRONT.match(text)
        if not match:
            raise self._fail("it has no front comment", "start it with YAML between /* --- and --- */")
        try:
            front = yaml.safe_load(match[1]) or {}
        except yaml.YAMLError as error:
            raise self._fail(f"its front comment is not YAML: {error}", "write `key: value` lines") from None
        if not isinstance(front, dict):
            raise self._fail("its front comment is not a YAML mapping", "write `key: value` lines")
        for member in front:
            if member not in _MEMBERS:
                raise self._fail(unknown("member of a front comment", str(member), _MEMBERS), "correct or remove it")
        for member, kind in (("grain", list), ("tags", list), ("purpose", list), ("columns", dict), ("privacy", dict)):
            if front.get(member) is not None and not isinstance(front[member], kind):
                raise self._fail(f"{member} is not a {kind.__name__}", f"write it as a YAML {kind.__name__}")
        return front, text[match.end() :].strip().rstrip(";").rstrip()

    def _name(self, name: object) -> str:
        if not isinstance(name, str) or not _NAME.match(name):
            raise self._fail(f"{name!r} cannot name a table", "use lower-case letters, digits and underscores")
        return name

    def _select(self, sql: str) -> "exp.Query":
        import sqlglot
        from sqlglot import exp

        try:
            statements = [s for s in sqlglot.parse(sql, read="duckdb") if s is not None]
        except sqlglot.errors.SqlglotError as error:
            raise self._fail(f"its SQL cannot be parsed: {error}", "try it with `cenote sql`") from None
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise self._fail("it is not exactly one SELECT", "write one SELECT, with CTEs for its steps")
        return statements[0]

    def _inputs(self, select: "exp.Query", layers: tuple[str, ...]) -> tuple[str, ...]:
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope

        found = set()
        known = ", ".join(layers)
        for scope in traverse_scope(select):
            for source in scope.sources.values():
                if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                    if source.db not in layers or source.catalog:
                        raise self._fail(f"it reads {source.sql('duckdb')}", f"read tables of {known} by layer.name")
                    found.add(f"{source.db}/{source.name}")
        for call in select.find_all(exp.Table):
            if isinstance(call.this, exp.Func) and _function(call.this) not in _ROW_SOURCES:
                raise self._fail(f"it selects from {_function(call.this)}()", f"read tables of {known} by layer.name")
        return tuple(sorted(found))

    def _uses_as_of(self, select: "exp.Query") -> bool:
        from sqlglot import exp

        if select.find(exp.TableSample):
            raise self._fail("it takes a sample, which is another each time", "select rows by a hash of their key")
        for call in select.find_all(exp.Func):
            if _function(call) in _IMPURE:
                raise self._fail(
                    f"it calls {_function(call)}, which gives something else each time",
                    "take the moment from $as_of; derive everything else from the rows",
                )
        names = {str(p.this or "?") for p in select.find_all(exp.Placeholder, exp.Parameter)}
        if others := names - {"as_of"}:
            raise self._fail(f"it has a parameter {min(others)!r}", "only $as_of is passed")
        return bool(names)

    def _check(self, found: SqlFile, select: "exp.Query") -> None:
        for member in ("description", "owner"):
            if not getattr(found, member):
                raise self._fail(f"its front comment has no {member}", f"add `{member}: ...`")
        if not found.grain:
            raise self._fail("its front comment has no grain", "list what identifies a row: `grain: [day]`")
        if not found.inputs:
            raise self._fail("it reads no table", "select from silver.x or gold.x")
        if f"gold/{found.name}" in found.inputs:
            raise self._fail("it reads itself", "read silver, or another mart")
        if found.privacy and found.entity:
            raise self._fail("it is a feature view, which has no privacy", "declare it on the mart that it reads")
        for _, step in found.privacy.generalize if found.privacy else ():
            self._uses_as_of(self._select(f"SELECT {step}"))  # it has to be pure too
        names = select.named_selects
        if "*" in names or not all(names):
            return
        if "lineage_id" in names:
            raise self._fail("it has a column lineage_id", "leave it out; Cenote derives it from the grain")
        if doubled := next((n for n in names if names.count(n) > 1), None):
            raise self._fail(f"two of its columns are named {doubled!r}", "rename one with AS")
        for column in (*found.grain, *found.columns, *(found.privacy.columns if found.privacy else ())):
            if column not in names:
                raise self._fail(unknown("column", column, names), "name columns that the SELECT gives")

    def _check_traceable(self, select: "exp.Query") -> None:
        """Refuse what :mod:`transforms.inversion` cannot trace. Uses the query up."""
        from transforms.inversion import NotInvertible, check_invertible

        try:
            check_invertible(select)
        except NotInvertible as error:
            raise self._fail(f"its rows could not be traced: it has {error.what}", error.fix) from None


def _function(call: "exp.Func") -> str:
    """A function's name in lower case."""
    from sqlglot import exp

    return (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()


def in_order(files: Mapping[str, SqlFile], layer: str = "gold") -> dict[str, SqlFile]:
    """The same files, each after those of ``layer`` that it reads.

    Raises ``SqlFileError`` for a circle, and for a table of ``layer`` that no file makes.
    """
    from graphlib import CycleError, TopologicalSorter

    def before(sqlfile: SqlFile) -> Iterable[str]:
        for table in sqlfile.inputs:
            owner, _, name = table.partition("/")
            if owner == layer:
                if name not in files:
                    raise SqlFileError(
                        f"SQL file {sqlfile.name!r}: {unknown('mart', name, files)}",
                        "correct the name after FROM or JOIN",
                    )
                yield name

    try:
        names = TopologicalSorter({name: set(before(f)) for name, f in files.items()}).static_order()
        return {name: files[name] for name in names}
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SqlFileError(f"marts read each other in a circle: {circle}", "let one of them read silver") from None
