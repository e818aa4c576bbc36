"""Which SQL an agent may run: one SELECT over tables of the lake, with functions that compute.

Belongs here: judging a statement by its tree, before anything runs. Must not: limits of time and memory (worker.py).
This is the first of three walls. DuckDB's own settings are the second: no files but the tables', nothing to load,
nothing to configure. The process that runs the statement is the third: it has no keys, can write no file, and is
killed when it is late.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from cenote.door.functions import FUNCTIONS
from cenote.door.tree import Node, statements, walk
from cenote.errors import ToolError, unknown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST = 20_000
_ROWS = {*FUNCTIONS, "range", "generate_series", "unnest"}
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_SOURCES = {"BASE_TABLE", "TABLE_FUNCTION", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "EMPTY", "PIVOT", "CTE"}
# Functions that read or change more than their arguments: files, settings, secrets, sequences, logs, SQL in text.
_REACHING = re.compile(
    r"""^(
        read_|parquet_|duckdb_|pragma_|pg_(?!typeof)|sqlite_|python_|arrow_scan|pandas_scan|seq_scan|sniff_|scan_
        |json_(execute|serialize|deserialize)|from_substrait|get_substrait|sql_auto_complete
        |(query|query_table|glob|get(env|variable|_type)|setvariable|set_config|current_setting|which_secret|nextval|currval
        |write_log|parse_duckdb_log_message|checkpoint|force_checkpoint|sleep|sleep_ms|txid_current|current_query
        |current_database|current_catalog|current_schema|current_schemas|current_user|current_role|session_user|user
        |version|in_search_path|add_parquet_key|setseed|has_.*_privilege|icu_sort_key)$
    )""",
    re.X,
)


def check(
    connection: "DuckDBPyConnection", sql: str, tables: Collection[tuple[str, str]], known: Collection[str] = ()
) -> None:
    """Raise ``ToolError`` unless ``sql`` is one SELECT over ``tables`` (schema, name) that computes and nothing else.

    ``known``: further names of tables, to suggest.
    """
    import duckdb

    if "\0" in sql:
        raise ToolError("the SQL holds a null character", "leave it out")
    try:
        parsed = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise ToolError(
            f"the SQL cannot be read: {str(error).splitlines()[0][:200]}", "correct it; it is DuckDB's SQL"
        ) from None
    if len(parsed) != 1:
        raise ToolError(f"the text holds {len(parsed)} statements", "ask one SELECT at a time")
    nodes = statements(connection, sql)
    if not _is_select(parsed[0]) or len(nodes) != 1:
        raise ToolError("only SELECT is answered here", "ask what you want to know; nothing can be changed")
    _check_tree(nodes[0], tables, known)


def _is_select(statement: Any) -> bool:
    """Whether it is a SELECT. DuckDB's Python has no word for the type of some statements."""
    try:
        return str(statement.type).rpartition(".")[2] == "SELECT"
    except ValueError:
        return False


def _check_tree(root: Node, tables: Collection[tuple[str, str]], suggested: Collection[str]) -> None:
    named = {entry["key"].lower() for node in walk(root) if "cte_map" in node for entry in node["cte_map"]["map"]}
    named |= {str(node["cte_name"]).lower() for node in walk(root) if node.get("cte_name")}
    known = {(schema.lower(), table.lower()) for schema, table in tables}
    for node in walk(root):
        kind = str(node.get("type", ""))
        if "cte_map" in node and kind not in _QUERIES:
            raise ToolError(f"a {kind.removesuffix('_NODE')} is not answered here", "write a SELECT")
        if "sample" in node and "alias" in node and kind not in _SOURCES:
            raise ToolError(f"{kind} is not answered here", "the tool `tables` tells tables and columns")
        if kind == "BASE_TABLE":
            _check_table(node, named, known, suggested)
        if kind == "TABLE_FUNCTION":
            name = _name(node["function"])
            if name not in _ROWS:
                raise ToolError(
                    f"the table function {name}() is not answered here", f"there are {', '.join(sorted(_ROWS))}"
                )
        elif node.get("class") == "FUNCTION" and _REACHING.match(_name(node)):
            raise ToolError(f"the function {_name(node)}() is not answered here", "use functions that compute")


def _name(function: Node) -> str:
    return str(function["function_name"]).lower()


def _check_table(
    node: Node, named: Collection[str], known: Collection[tuple[str, str]], suggested: Collection[str]
) -> None:
    path = tuple(part.lower() for part in node["qualified_name"]["path"])
    if node.get("at_clause"):
        raise ToolError("AT is not answered here", "ask for the tables as they are")
    if path in known or (len(path) == 1 and path[0] in named):
        return
    listed = {*suggested, *(".".join(name) for name in known)}
    raise ToolError(unknown("table", ".".join(path), listed), "the tool `tables` tells tables and columns")
