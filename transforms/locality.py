"""SELECTs whose rows of a key come of that key's base rows alone, so that what changed can be computed alone.

Belongs here: the proof, from the syntax tree, and the SELECT cut down to some keys. Must not: running SQL. The proof is
strict: what it does not know it refuses, and the table is then made whole.

Every SELECT inside has to give the key as an output column. One over a single base table may compute it in any way; of
several sources, the first gives it and every other is joined to it by equality. Groups and windows have to be within a
key. So a base row bears on those output rows alone whose key it gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import sqlglot
from sqlglot import exp

from transforms.inversion.nodes import own_nodes

ROWS = "__rows"
"""What a base table is called in :attr:`Local.keys`."""
TOUCHED = "__touched"
"""The table with the keys, in its column ``entity``, in :attr:`Local.sql`."""
_PLAIN = ("with_", "with", "expressions", "from_", "from", "joins", "where", "group", "having", "qualify", "windows",
          "order", "distinct", "kind", "hint", "operation_modifiers")  # fmt: skip


@dataclass(frozen=True)
class Local:
    """``sql``: the SELECT over the base rows of the keys in :data:`TOUCHED` alone. ``keys``: by base table, SELECTs
    (one column) of the keys that the rows in :data:`ROWS` bear on.
    """

    sql: str
    keys: dict[str, list[str]] = field(default_factory=dict)


class _NotLocal(Exception):
    pass


@lru_cache(maxsize=256)
def local(sql: str, key: str) -> Local | None:
    """The SELECT cut down to keys of its output column ``key``; None where it is not known to allow that."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    found = Local("")
    try:
        _Proof(key.lower(), found).query(tree, frozenset())
    except _NotLocal:
        return None
    return Local(tree.sql("duckdb"), found.keys)


class _Proof:
    def __init__(self, key: str, found: Local) -> None:
        self._key, self._found = key, found

    def query(self, query: exp.Expr, known: frozenset[str]) -> None:
        """Prove a query, and cut it down in place. ``known``: names of CTEs that were proven."""
        if isinstance(query, exp.Subquery):
            self.query(query.this, known)
            return
        clause = query.args.get("with_") or query.args.get("with")
        if clause is not None:
            _must(not clause.args.get("recursive"))
            for cte in clause.expressions:
                _must(not cte.args["alias"].columns)
                self.query(cte.this, known)
                known |= {cte.alias.lower()}
        if isinstance(query, exp.Union):
            _must(not query.args.get("by_name") and not query.args.get("limit"))
            self.query(query.this, known)
            self.query(query.expression, known)
            _must(_place(query.this, self._key) == _place(query.expression, self._key))
        else:
            _must(isinstance(query, exp.Select))
            self._select(query, known)  # type: ignore[arg-type]

    def _select(self, select: exp.Select, known: frozenset[str]) -> None:
        _must(not any(value for name, value in select.args.items() if name not in _PLAIN))
        _must(not (select.args.get("distinct") and select.args["distinct"].args.get("on")))
        _must(not any(item.is_star for item in select.expressions))
        sources = list(_sources(select))
        for clause in _clauses(select):
            _must(not list(clause.find_all(exp.Query)))
            _must(not list(clause.find_all(exp.Explode, exp.Unnest)))
        keys = [item.unalias() for item in select.expressions if item.alias_or_name.lower() == self._key]
        _must(len(keys) == 1)
        self._within(select, keys[0])
        (first, _), *others = sources
        rows = [source for source, join in others if not _makes_rows(source, join)]
        if isinstance(first, exp.Table) and first.db and not rows:
            self._base(select, first, keys[0])
            return
        _must(len(rows) == len(others))
        _must(isinstance(keys[0], exp.Column) and (not others or keys[0].table.lower() == first.alias_or_name.lower()))
        self._source(first, keys[0].name, known)
        for source, join in others:
            _must(join is not None and join.side in ("", "LEFT") and join.kind in ("", "INNER", "OUTER"))
            self._source(source, _joined_by(join, keys[0], source), known)  # type: ignore[arg-type]

    def _within(self, select: exp.Select, key: exp.Expr) -> None:
        """Groups and windows have to be within a key."""

        def names(expression: exp.Expr) -> bool:
            plain = isinstance(key, exp.Column) and isinstance(expression, exp.Column) and not expression.table
            return expression == key or bool(plain and expression.name.lower() == key.name.lower() == self._key)

        nodes = [node for clause in _clauses(select) for node in own_nodes(clause, exp.AggFunc, exp.Window)]
        named = {w.this.name.lower(): w for w in select.args.get("windows") or ()}
        _must(all(any(map(names, w.args.get("partition_by") or ())) for w in named.values()))
        for window in (node for node in nodes if isinstance(node, exp.Window)):
            parted = any(map(names, window.args.get("partition_by") or ()))
            _must(parted or (window.alias.lower() in named and not window.args.get("partition_by")))
        group = select.args.get("group")
        if group is not None:
            _must(not any(group.args.get(name) for name in ("grouping_sets", "cube", "rollup")))
            whole = bool(group.args.get("all")) and not list(key.find_all(exp.AggFunc, exp.Window))
            _must(whole or any(map(names, group.expressions)))
        else:  # without groups, what aggregates has to be a window
            _must(all(isinstance(n, exp.Window) or isinstance(n.find_ancestor(exp.Window), exp.Window) for n in nodes))
            _must(not select.args.get("having"))
        _must(not list(key.find_all(exp.AggFunc, exp.Window)))

    def _source(self, source: exp.Expr, column: str, known: frozenset[str]) -> None:
        """A source with a column that has the key."""
        if isinstance(source, exp.Subquery):
            _must(column.lower() == self._key)
            self.query(source.this, known)
        elif isinstance(source, exp.Table) and not source.db:
            _must(source.name.lower() in known and column.lower() == self._key)
        else:
            _must(not source.args.get("pivots") and not source.args.get("sample"))
            if not isinstance(source, exp.Table):
                raise _NotLocal
            cell = exp.column(exp.to_identifier(column, quoted=True))
            table = exp.table_(source.name, db=source.db, quoted=True)
            self._note(source, exp.select(cell.copy()).from_(ROWS))
            cut = exp.select("*").from_(table).where(_touched(cell))
            source.replace(exp.Subquery(this=cut, alias=exp.TableAlias(this=exp.to_identifier(source.alias_or_name))))

    def _base(self, select: exp.Select, table: exp.Table, key: exp.Expr) -> None:
        """A SELECT over one base table, and what is made of its rows."""
        _must(not table.args.get("pivots") and not table.args.get("sample"))
        told = exp.select(exp.alias_(key.copy(), "entity"))
        for name in ("from_", "from", "joins"):
            if select.args.get(name):
                held = select.args[name]
                told.set(name, [j.copy() for j in held] if isinstance(held, list) else held.copy())
        alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
        place = next(t for t in told.find_all(exp.Table) if t == table)
        place.replace(exp.Table(this=exp.to_identifier(ROWS), alias=alias))
        self._note(table, told)
        select.where(_touched(key), copy=False)

    def _note(self, table: exp.Table, keys: exp.Select) -> None:
        self._found.keys.setdefault(f"{table.db}.{table.name}".lower(), []).append(keys.sql("duckdb"))


def _must(holds: bool) -> None:
    if not holds:
        raise _NotLocal


def _sources(select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Join | None]]:
    begin = select.args.get("from_") or select.args.get("from")
    _must(begin is not None)
    yield begin.this, None  # type: ignore[union-attr]
    for join in select.args.get("joins") or ():
        yield join.this, join


def _clauses(select: exp.Select) -> list[exp.Expr]:
    """The expressions of a SELECT, its sources aside."""
    held: list[exp.Expr] = list(select.expressions)
    for name in ("where", "group", "having", "qualify", "order"):
        held += [select.args[name]] if select.args.get(name) else []
    return [*held, *(j.args["on"] for j in select.args.get("joins") or () if j.args.get("on"))]


def _makes_rows(source: exp.Expr, join: exp.Join | None) -> bool:
    """Whether a source makes rows of a row before it: unnest()."""
    return isinstance(source, exp.Unnest) and join is not None and not join.args.get("on") and not join.side


def _place(query: exp.Expr, key: str) -> int:
    """Where the key stands among the outputs."""
    while not isinstance(query, exp.Select):
        query = query.this
    return [item.alias_or_name.lower() for item in query.expressions].index(key)


def _joined_by(join: exp.Join, key: exp.Expr, source: exp.Expr) -> str:
    """The column of a source that equals the key, by the condition of its join."""
    name = source.alias_or_name.lower()
    on = join.args.get("on")
    for condition in on.flatten() if isinstance(on, exp.And) else [on]:
        if isinstance(condition, exp.EQ):
            sides = [condition.this, condition.expression]
            for one, other in (sides, sides[::-1]):
                if one == key and isinstance(other, exp.Column) and other.table.lower() == name:
                    return str(other.name)
    raise _NotLocal


def _touched(key: exp.Expr) -> exp.Expr:
    return exp.In(this=key.copy(), query=exp.Subquery(this=exp.select("entity").from_(TOUCHED)))
