"""The base tables that a SELECT reads, and the same SELECT over some rows of them only.

Belongs here: both. Must not: tracing.
"""

from collections.abc import Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope


def readings(sql: str) -> dict[str, int]:
    """How often each base table (``silver.orders``) is read; what a CTE reads counts once."""
    found: dict[str, int] = {}
    for table in _tables(_parsed(sql)):
        name = f"{table.db}.{table.name}".lower()
        found[name] = found.get(name, 0) + 1
    return found


@lru_cache(maxsize=64)
def restricted(sql: str, only: str, ids: tuple[tuple[str, str], ...] = ()) -> str:
    """The SELECT with every base table cut down to the rows whose identity is in a table of ids.

    ``only``: a table with the columns ``source`` (a base table's name) and ``id``. ``ids``: which column is the
    identity of a base table, where it is not ``lineage_id``.
    """
    named: Mapping[str, str] = dict(ids)
    tree = _parsed(sql)
    for table in _tables(tree):
        name = f"{table.db}.{table.name}".lower()
        plain = exp.table_(table.this.copy(), db=table.args["db"].copy())
        identity = exp.column(exp.to_identifier(named.get(name, "lineage_id"), quoted=True))
        kept = exp.select("id").from_(only).where(exp.column("source").eq(exp.Literal.string(name)))
        rows = exp.select("*").from_(plain).where(exp.In(this=identity, query=exp.Subquery(this=kept)))
        alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
        table.replace(exp.Subquery(this=rows, alias=alias.copy()))
    for column in tree.find_all(exp.Column):
        if column.db and column.table:
            column.set("db", None)
    return tree.sql("duckdb")


def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read="duckdb")


def _tables(tree: exp.Expr) -> list[exp.Table]:
    found = {}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and source.db:
                found[id(source)] = source
    return list(found.values())
