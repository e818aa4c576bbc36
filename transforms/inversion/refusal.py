"""What cannot be inverted: each construct with its name and another way to write it.

Belongs here: the refusals that need no analysis, and the error for all of them. Must not: working out paths.
"""

from collections.abc import Iterator

from sqlglot import exp

_GROUPINGS: dict[type[exp.Expr], str] = {
    exp.Rollup: "ROLLUP",
    exp.Cube: "CUBE",
    exp.GroupingSets: "GROUPING SETS",
}


class NotInvertible(ValueError):
    """A SELECT holds a construct whose rows cannot be traced. ``what`` names it, ``fix`` says how to write it
    instead."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}: {fix}")


def refuse(tree: exp.Query) -> None:
    """Raise ``NotInvertible`` for the first construct of ``tree`` that no rule covers."""
    for what, fix in _found(tree):
        raise NotInvertible(what, fix)


def _found(tree: exp.Query) -> Iterator[tuple[str, str]]:
    for node in tree.walk():
        if isinstance(node, exp.With) and node.args.get("recursive"):
            yield (
                "a recursive CTE",
                "write the steps that are needed as CTEs, or keep the closure as a table of its own",
            )
        elif isinstance(node, exp.Limit | exp.Offset | exp.Fetch):
            yield (
                f"{type(node).__name__.upper()}",
                "number the rows with QUALIFY row_number() OVER (ORDER BY ...) <= n, or take one with arg_max()",
            )
        elif isinstance(node, exp.Distinct) and node.args.get("on"):
            yield "DISTINCT ON", "write QUALIFY row_number() OVER (PARTITION BY ... ORDER BY ...) = 1"
        elif isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
            yield _GROUPINGS[type(node)], "write a UNION ALL of one GROUP BY for each grouping"
        elif isinstance(node, exp.Pivot):
            yield "PIVOT or UNPIVOT", "write one aggregate with FILTER for each column, or unnest a list"
        elif isinstance(node, exp.Columns):
            yield "COLUMNS()", "name the columns"
        elif isinstance(node, exp.Any | exp.All) and node.find(exp.Query):
            yield "a comparison with ANY or ALL of a subquery", "compare with its min() or max(), or use IN"
        elif isinstance(node, exp.Values) and node.find(exp.Subquery):
            yield "a subquery in VALUES", "make it a CTE"
        else:
            yield from _of_joins_and_sets(node)


def _of_joins_and_sets(node: exp.Expr) -> Iterator[tuple[str, str]]:
    if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
        yield "a set operation BY NAME", "list the columns of both sides in the same order"
    elif isinstance(node, exp.Join):
        if node.method in ("NATURAL", "POSITIONAL"):
            yield f"a {node.method} JOIN", "name the columns with USING or ON"
        elif isinstance(node.this, exp.Lateral) and node.this.find(exp.Table):
            yield "a LATERAL subquery that reads a table", "join a CTE, or write it as a scalar subquery"
    elif (isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query)) or (
        isinstance(node, exp.Table) and (node.args.get("joins") or node.args.get("sample"))
    ):
        yield "a join in parentheses", "write the joins one after the other, or as a CTE"
