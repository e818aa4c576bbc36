"""Walking expressions: what belongs to a SELECT itself and what to its subqueries, what aggregates, what is bound.

Belongs here: questions to a syntax tree that need no names resolved. Must not: sources and their columns (blocks.py).
"""

from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp

# DuckDB's aggregates that sqlglot does not know (a test holds the list against DuckDB)
AGGREGATES = {
    "arbitrary", "arg_max_null", "arg_max_nulls_last", "arg_min_null", "arg_min_nulls_last", "bitstring_agg",
    "combine_aggr", "count_star", "decimal_average", "entropy", "favg", "fsum", "histogram", "histogram_exact",
    "kahan_sum", "kurtosis_pop", "lttb", "mad", "mean", "product", "reservoir_quantile", "sem", "sum_no_overflow",
    "sumkahan", "variant_group_object",
}  # fmt: skip


def own_nodes(node: exp.Expr, *kinds: type[exp.Expr], inner: bool = False) -> list[exp.Expr]:
    """Nodes of some kinds in an expression or SELECT, without those inside its subqueries and sources; with ``inner``
    also these queries themselves."""

    def is_inner(n: exp.Expr) -> bool:
        return isinstance(n, exp.Query) and n is not node

    return [n for n in node.walk(prune=is_inner) if (inner if is_inner(n) else isinstance(n, kinds))]


def own_queries(node: exp.Expr) -> Iterator[exp.Query]:
    """The outermost subqueries in an expression, out of their parentheses."""
    for found in node.walk(prune=lambda n: isinstance(n, exp.Query)):
        if isinstance(found, exp.Query):
            while isinstance(found, exp.Subquery):
                found = found.this
            yield found


def rewritten(expression: exp.Expr, change: Callable[[exp.Column], exp.Expr]) -> exp.Expr:
    """A copy with its columns changed, those of its subqueries left as they are."""
    root = exp.Paren(this=expression.copy())
    for column in own_nodes(root, exp.Column):
        if not is_bound(column) and not isinstance(column.this, exp.Star):
            changed = change(column)  # type: ignore[arg-type]
            if changed is not column:
                column.replace(changed)
    return root.this


def aggregates(node: exp.Expr) -> bool:
    """Whether an expression aggregates rows (a window function does not)."""
    return any(is_aggregate(call) and not _is_windowed(call) for call in own_nodes(node, exp.Func))


def is_aggregate(call: exp.Expr) -> bool:
    """Whether a function call makes one value of many rows."""
    unknown = isinstance(call, exp.Anonymous) and call.name.lower() in AGGREGATES
    return isinstance(call, exp.AggFunc) or unknown


def _is_windowed(call: exp.Expr) -> bool:
    """Whether a function is the one that OVER applies to."""
    while isinstance(call.parent, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        call = call.parent
    return isinstance(call.parent, exp.Window) and call.parent.this is call


def conditions_of(where: exp.Expr | None) -> list[exp.Expr]:
    """The conditions that WHERE joins by AND."""
    if where is None:
        return []
    found, waiting = [], [where.this]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.And):
            waiting += [node.this, node.expression]
        elif isinstance(node, exp.Paren):
            waiting.append(node.this)
        else:
            found.append(node)
    return found


def holder_of(query: exp.Query) -> tuple[exp.Expr, exp.Expr | None]:
    """The expression that a subquery serves, and for IN the value looked for."""
    node: exp.Expr = query
    while isinstance(node.parent, exp.Subquery):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.In) and parent.args.get("query") is not None and parent.this is not node:
        return parent, parent.this
    return (parent, None) if isinstance(parent, exp.Exists) else (node, None)


def partition_of(window: exp.Window, named: Mapping[str, exp.Window]) -> list[exp.Expr]:
    """What a window is partitioned by, named windows looked up."""
    keys = list(window.args.get("partition_by") or ())
    base = window.args.get("alias")
    if not keys and base is not None and base.name.lower() in named:
        return partition_of(named[base.name.lower()], named)
    return keys


def is_bound(column: exp.Expr) -> bool:
    """Whether a name is a parameter of a lambda or a list comprehension around it."""
    name = (column.table or column.name) if isinstance(column, exp.Column) else column.name
    node = column.parent
    while node is not None and not isinstance(node, exp.Query):
        if isinstance(node, exp.Lambda) and name in {p.name for p in node.expressions}:
            return True
        if isinstance(node, exp.Comprehension) and node.expression.name == name:
            return True
        node = node.parent
    return False
