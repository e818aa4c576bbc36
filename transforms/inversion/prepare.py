"""A SELECT made ready to be inverted: refused or parsed, every source named, CTEs put where they are read.

Belongs here: rewriting that keeps the meaning. Must not: working out paths.
"""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from transforms.inversion.blocks import Known
from transforms.inversion.nodes import own_nodes
from transforms.inversion.refusal import refuse


def prepared(query: str | exp.Query, known: Known) -> exp.Query:
    """The parsed SELECT, refused where it must be, with every CTE in the place where it is read.

    A SELECT that comes parsed is changed.
    """
    tree = sqlglot.parse_one(query, read="duckdb") if isinstance(query, str) else query
    assert isinstance(tree, exp.Query)
    for node in tree.walk():
        if node.meta_get("line") is not None:  # positions in the text, copied with every copy
            node.meta.clear()
    refuse(tree)
    _name_sources(tree)
    for select in list(tree.find_all(exp.Select)):
        _unnest_inside(select, known)
    for tag, select in enumerate(tree.find_all(exp.Select)):
        select.meta["tag"] = tag
    _mark_outer(tree)
    return _in_place(tree, {})


def _name_sources(tree: exp.Query) -> None:
    """Give every source an alias, and take schemas off columns, which then have no use for them."""
    for number, source in enumerate(list(tree.find_all(exp.Table, exp.Subquery))):
        if isinstance(source.parent, exp.From | exp.Join) and not source.alias:
            name = source.this.copy() if isinstance(source.this, exp.Identifier) else exp.to_identifier(f"__f{number}")
            alias = source.args.get("alias") or exp.TableAlias()
            alias.set("this", name)
            source.set("alias", alias)
    for column in tree.find_all(exp.Column):
        if column.db and column.table:
            column.set("db", None)


def _unnest_inside(select: exp.Select, known: Known) -> None:
    """Read ``FROM t, unnest(t.list) AS u(item)`` as ``FROM (SELECT *, unnest(list) AS item FROM t) AS t``.

    DuckDB runs the first as a correlated join, twenty times slower.
    """
    source = select.args.get("from_")
    joins = select.args.get("joins") or []
    if source is None or not joins or any(item.is_star for item in select.expressions):
        return
    table, join = source.this, joins[0]
    made = join.this
    on = join.args.get("on")
    if not isinstance(made, exp.Unnest) or join.side or join.kind == "OUTER" or made.args.get("offset"):
        return
    if (
        isinstance(table, exp.Table)
        and table.db
        and (on is None or on == exp.true())
        and not table.args["alias"].columns
    ):
        names, lists = made.args["alias"].columns if made.args.get("alias") else [], made.expressions
        own = all(isinstance(e, exp.Column) and e.table.lower() == table.alias.lower() for e in lists)
        taken = known.get(f"{table.db}.{table.name}".lower(), ())
        if (
            len(names) == len(lists) == 1
            and own
            and names[0].name.lower() not in taken
            and not _is_named(select, names[0].name, made.alias)
        ):
            alias = table.args["alias"].copy()
            item = exp.alias_(exp.Explode(this=exp.column(lists[0].this.copy())), names[0].copy())
            inner = exp.select("*", item).from_(table.copy())
            joins.pop(0)
            source.set("this", exp.Subquery(this=inner, alias=alias))
            for column in select.find_all(exp.Column):
                if column.table.lower() == made.alias.lower() and column.name.lower() == names[0].name.lower():
                    column.set("table", None)


def _is_named(select: exp.Select, name: str, alias: str) -> bool:
    """Whether a column of that name is read from elsewhere, so that it must stay apart."""
    columns = [c for c in select.find_all(exp.Column) if c.name.lower() == name.lower()]
    return any(c.table and c.table.lower() != alias.lower() for c in columns)


def _mark_outer(tree: exp.Query) -> None:
    """Mark the columns that name a source of a query around theirs, so that they are not taken for fields of a
    struct."""
    for column in tree.find_all(exp.Column):
        if column.table:
            around = column.find_ancestor(exp.Select)
            own = around is None or column.table.lower() in _aliases(around)
            while around is not None and not own and not column.meta.get("outer"):
                around = around.find_ancestor(exp.Select)
                column.meta["outer"] = around is not None and column.table.lower() in _aliases(around)


def _aliases(select: exp.Select) -> set[str]:
    items = [select.args.get("from_"), *(select.args.get("joins") or ())]
    return {item.this.alias_or_name.lower() for item in items if item is not None}


def _in_place(query: exp.Query, known: Mapping[str, exp.CTE]) -> exp.Query:
    held = dict(known)
    if with_ := query.args.get("with_"):
        query.set("with_", None)
        for cte in with_.expressions:
            body = _in_place(cte.this, held)
            held[cte.alias.lower()] = exp.CTE(this=body, alias=cte.args["alias"])
    for inner in own_nodes(query, exp.Table, inner=True):
        if isinstance(inner, exp.Query):
            _in_place(inner, held)
        elif isinstance(inner, exp.Table) and not inner.db and inner.name.lower() in held:
            inner.replace(_subquery(inner, held[inner.name.lower()]))
    return query


def _subquery(table: exp.Table, cte: exp.CTE) -> exp.Subquery:
    given = table.args.get("alias")
    name = given.this if given and given.this else exp.to_identifier(table.name, quoted=True)
    columns = (given.columns if given else None) or cte.args["alias"].columns
    alias = exp.TableAlias(this=name.copy(), columns=[c.copy() for c in columns])
    return exp.Subquery(this=cte.this.copy(), alias=alias)
