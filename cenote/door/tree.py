"""SQL as DuckDB itself parses it: a statement's tree, and pieces of it as SQL again.

Belongs here: walking and printing the tree that ``json_serialize_sql`` gives. Must not: what any function means. The
parser is DuckDB's own, so whatever DuckDB takes for a string, a comment or a name is that here too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cenote.errors import TableError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Node = dict[str, Any]
_DEEPEST = "the statement is nested too deeply"


def statements(connection: "DuckDBPyConnection", sql: str) -> list[Node]:
    """The query nodes of the SELECT statements in ``sql``; none where it is another kind of statement.

    Raises ``TableError`` where it cannot be parsed.
    """
    try:
        ((text,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
        found = json.loads(text)
    except RecursionError:
        raise TableError(_DEEPEST, "write it with fewer levels") from None
    if found["error"] and found["error_type"] == "not implemented":
        return []
    if found["error"]:
        raise TableError(
            f"the SQL cannot be read: {found['error_message']}", "correct it; `cenote sql` takes DuckDB's SQL"
        )
    return [statement["node"] for statement in found["statements"]]


def walk(node: Any) -> Iterator[Node]:
    """Every node of a tree, from the outside in. Raises ``TableError`` where it is too deep to be looked at."""
    waiting = [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > 10_000:
            raise TableError(_DEEPEST, "write it with fewer levels")
        if isinstance(here, dict):
            yield here
            waiting += [(inner, depth + 1) for inner in reversed(here.values())]
        elif isinstance(here, list):
            waiting += [(inner, depth + 1) for inner in reversed(here)]


def select_text(connection: "DuckDBPyConnection", expressions: Sequence[Node]) -> str:
    """``SELECT`` of some expressions, as SQL."""
    (node,) = statements(connection, "SELECT 1")
    return text_of(connection, node | {"select_list": list(expressions)})


def text_of(connection: "DuckDBPyConnection", node: Node) -> str:
    """A query node as SQL."""
    tree = json.dumps({"error": False, "statements": [{"node": node, "named_param_map": []}]})
    ((sql,),) = connection.execute("SELECT json_deserialize_sql(?::JSON)", [tree]).fetchall()
    return str(sql)


def conjuncts(condition: Node | None) -> list[Node]:
    """The parts of a condition that must all hold."""
    if not condition:
        return []
    if condition["type"] == "CONJUNCTION_AND":
        return [part for child in condition["children"] for part in conjuncts(child)]
    return [condition]


def column_refs(node: Node) -> list[tuple[str, ...]]:
    """The columns that an expression names, in lower case; empty parts where it holds what is no plain column."""
    opaque = ("SUBQUERY", "WINDOW", "STAR", "POSITIONAL_REFERENCE", "LAMBDA")
    found = []
    for inner in walk(node):
        if inner.get("class") == "COLUMN_REF":
            found.append(tuple(name.lower() for name in inner["column_names"]))
        elif inner.get("class") in opaque:
            found.append(())
    return found


def parameters(node: Any) -> set[str]:
    """The names of the parameters in a tree."""
    return {inner["identifier"] for inner in walk(node) if inner.get("class") == "PARAMETER"}


def given(node: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters that a tree needs, of those there are; None for none, as DuckDB wants it."""
    needed = parameters(node)
    return {name: value for name, value in params.items() if name in needed} or None
