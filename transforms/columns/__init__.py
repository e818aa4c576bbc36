"""Column lineage: which columns each output column of a SELECT, or of a contract's tables, is made of, and how.

Belongs here: the doors. Must not: a store, or which marts there are (cenote/columns). What a link is: flow.py; what SQL
does to one: expressions.py and queries.py; what contracts declare: declared.py. The kinds of use are those of
OpenLineage's column lineage facet.
"""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from transforms.columns.flow import Flow, Link, Links, Relation, Use, stored
from transforms.columns.queries import Queries

__all__ = ["Flow", "Link", "Links", "Relation", "Use", "select_columns", "stored"]


def select_columns(sql: str, tables: Mapping[str, Relation]) -> Relation:
    """What each column of a SELECT's result is made of, in order.

    ``tables``: the tables it reads, by the name it gives them (``silver.orders``). A name that none of them has is
    taken to be made of everything in reach, so that nothing is left out.
    """
    query = sqlglot.parse_one(sql, read="duckdb")
    if not isinstance(query, exp.Query):
        raise ValueError("not a SELECT")
    return Queries({name.lower(): relation for name, relation in tables.items()}).relation(query)
