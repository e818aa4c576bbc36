"""One SQL statement whose table functions reach other stores: planned, asked of the stores, made plain SQL.

Belongs here: finding the calls, evaluating their arguments, telling which conditions reach a store, putting relations
in their place. Must not: the stores (functions.py), opening connections. Nothing here needs the lake, so a process that
must not see it can plan too.

``FROM search('late parcel', k => 20) s JOIN ... WHERE s.namespace = 'reviews'`` asks for 20 reviews: conditions beside
a call that are about its columns alone are applied before ranking. Those that the store has an index for go to it as
they are; for the others the matching passages are looked up first. They also stay in the statement.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cenote.door.functions import FUNCTIONS, HIT_COLUMNS, Stores
from cenote.door.tree import Node, column_refs, conjuncts, given, select_text, statements, text_of, walk
from cenote.errors import TableError
from cenote.sqltext import ident, one_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CALL = re.compile(rf'\b({"|".join(FUNCTIONS)})"?\s*\(', re.I)
_INDEXED = ("namespace", "dataset", "lineage_id", "passage_id", "subject_id")
_FILTERED = HIT_COLUMNS[2:]
_HITS = "cenote_hits"


def calls_functions(sql: str) -> bool:
    """Whether the text may call a function of the door; without the name of one, nothing is parsed."""
    return _CALL.search(sql) is not None


@dataclass
class Plan:
    """A statement that DuckDB can run, and what it reads besides the tables that its text named before.

    ``params``: the parameters that it still has. ``tables``: ``layer/table``. What the stores answered is registered
    with the connection that the statement was planned on.
    """

    sql: str
    params: dict[str, Any]
    tables: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Call:
    """A call in the tree, and the conditions that hold of each of its rows."""

    node: Node
    conditions: Sequence[Node]

    @property
    def function(self) -> str:
        return str(self.node["function"]["function_name"]).lower()

    @property
    def alias(self) -> str:
        return str(self.node["alias"] or self.function)


def plan(connection: "DuckDBPyConnection", sql: str, params: Mapping[str, Any], stores: Stores) -> Plan:
    """Ask the stores for what the statement's calls say and put it in their place.

    Raises ``TableError`` and what the stores raise; DuckDB's own errors where an argument cannot be evaluated.
    """
    nodes = statements(connection, sql)
    try:
        calls = [call for node in nodes for call in _calls(node)]
    except RecursionError:
        raise TableError("the statement joins too many tables to be planned", "join fewer") from None
    if not calls:
        return Plan(sql, dict(params))
    if len(nodes) > 1:
        raise TableError("the text holds several statements", "ask one at a time")
    made = Plan(sql, dict(params))
    # from the end, so that places before stay where they are
    for number, call in sorted(enumerate(calls), key=lambda c: c[1].node["query_location"], reverse=True):
        made = _replaced(made, call, _Asked(connection, call, params, stores).relation(made, number))
    return replace(made, params=given(statements(connection, made.sql), params) or {})


def _calls(root: Node) -> Iterator[_Call]:
    """The calls of a statement, each once, with the conditions that reach it."""
    seen: set[int] = set()
    for node in walk(root):
        if node.get("type") == "SELECT_NODE" and "from_table" in node:
            for call in _reached(node["from_table"], conjuncts(node.get("where_clause"))):
                seen.add(id(call.node))
                yield call
    for node in walk(root):
        if _is_call(node) and id(node) not in seen:
            yield _Call(node, ())


def _is_call(node: Node) -> bool:
    if node.get("type") != "TABLE_FUNCTION":
        return False
    function = node["function"]
    return str(function["function_name"]).lower() in FUNCTIONS and not function.get("schema")


def _reached(source: Node | None, conditions: Sequence[Node]) -> Iterator[_Call]:
    """The calls among joined tables. Conditions pass a join to the side whose rows it does not invent."""
    if not source:
        return
    if _is_call(source):
        yield _Call(source, conditions)
    elif source.get("type") == "JOIN":
        on = conjuncts(source.get("condition"))
        plain = source["ref_type"] in ("REGULAR", "CROSS", "NATURAL")
        left, right = {
            "INNER": ([*conditions, *on], [*conditions, *on]),
            "LEFT": (conditions, on),
            "RIGHT": (on, conditions),
            "SEMI": (conditions, on),
            "ANTI": (conditions, on),
        }.get(source["join_type"] if plain else "", ([], []))
        yield from _reached(source["left"], left)
        yield from _reached(source["right"], right)


class _Asked:
    """One call, put to its store."""

    def __init__(
        self, connection: "DuckDBPyConnection", call: _Call, params: Mapping[str, Any], stores: Stores
    ) -> None:
        self._connection, self._call, self._params, self._stores = connection, call, params, stores

    def relation(self, made: Plan, number: int) -> str:
        """What stands in the place of the call: a relation's name, or a subquery."""
        arguments = self._arguments()
        if self._call.function == "features":
            table, select = self._stores.features(arguments)
            made.tables.append(table)
            return f"({select})"
        if self._call.function == "search":
            rows = self._stores.search(arguments, self._where())
        else:
            rows = self._stores.neighbors(arguments)
        name = f"{_HITS}_{number}"
        self._connection.register(name, rows)
        return ident(name)

    def _arguments(self) -> dict[str, Any]:
        """The call's arguments, evaluated."""
        function = FUNCTIONS[self._call.function]
        listed = self._call.node["function"]["arguments"]
        expressions = [argument["expression"] for argument in listed]
        if any(_is_call(inner) for inner in walk(expressions)):
            raise TableError(
                f"{function.name}() takes no call of such a function within its own", "ask one after the other"
            )
        for expression in expressions:
            named = [ref for inner in _outside_subqueries(expression) for ref in column_refs(inner) if ref]
            if named:
                column = ".".join(named[0])
                raise TableError(
                    f"{function.name}() cannot take the column {column!r}: it is asked before the statement runs",
                    f"give a value, $parameter or (SELECT ...); put text in quotes: {function.usage}",
                )
        values = self._values(expressions) if expressions else []
        pairs = [(argument["name"].lower(), value) for argument, value in zip(listed, values, strict=True)]
        named_pairs = [(name, value) for name, value in pairs if name]
        if len({name for name, _ in named_pairs}) < len(named_pairs):
            raise TableError(f"{function.name}() has an argument twice", f"write {function.usage}")
        return function.bind([value for name, value in pairs if not name], dict(named_pairs))

    def _values(self, expressions: Sequence[Node]) -> list[Any]:
        sql = select_text(self._connection, [expression | {"alias": ""} for expression in expressions])
        return list(self._connection.execute(sql, given(expressions, self._params)).fetchall()[0])

    # conditions

    def _where(self) -> str | None:
        """The conditions on the call's rows as one that the passage store understands."""
        mine = [part for part in self._call.conditions if self._is_mine(part)]
        if self._call.node.get("column_name_alias"):
            return None  # columns go by other names here
        simple = [(part, told) for part in mine if (told := self._simple(part))]
        rest = [part for part in mine if not any(part is known for known, _ in simple)]
        where = " AND ".join(told for _, told in simple) or None
        return self._matching(rest, where) if rest else where

    def _is_mine(self, part: Node) -> bool:
        """Whether a condition is about columns of this call alone, and not about what ranking makes."""
        alias = self._call.alias.lower()
        refs = [ref[1:] if len(ref) == 2 and ref[0] == alias else ref for ref in column_refs(part)]
        return bool(refs) and all(len(ref) == 1 and ref[0] in _FILTERED for ref in refs)

    def _simple(self, part: Node) -> str | None:
        """A condition ``column = text`` or ``column IN (texts)`` on an indexed column, for the store."""
        if part["type"] == "COMPARE_EQUAL":
            sides = [part["left"], part["right"]]
            column, values = next(
                ((s, [o]) for s, o in (sides, sides[::-1]) if s.get("class") == "COLUMN_REF"), (None, [])
            )
        elif part["type"] == "COMPARE_IN":
            column, *values = part["children"]
        else:
            return None
        if not column or column.get("class") != "COLUMN_REF" or any(column_refs(value) for value in values):
            return None
        name = column["column_names"][-1].lower()
        texts = self._values(values)
        if name not in _INDEXED or not all(isinstance(value, str) for value in texts):
            return None
        return one_of(name, texts)

    def _matching(self, parts: Sequence[Node], where: str | None) -> str | None:
        """The condition narrowed to the passages that meet ``parts``, as DuckDB judges them."""
        columns = sorted({ref[-1] for part in parts for ref in column_refs(part)} | {"passage_id"})
        rows = self._stores.passages(columns, where)
        self._connection.register(f"{_HITS}_all", rows)
        (node,) = statements(self._connection, f"SELECT passage_id FROM {_HITS}_all AS {ident(self._call.alias)}")
        condition = {"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "alias": "", "children": list(parts)}
        sql = text_of(self._connection, node | {"where_clause": parts[0] if len(parts) == 1 else condition})
        found = [i for (i,) in self._connection.execute(sql, given(list(parts), self._params)).fetchall()]
        self._connection.unregister(f"{_HITS}_all")
        if len(found) == rows.num_rows:
            return where
        return one_of("passage_id", found)


def _outside_subqueries(expression: Node) -> list[Node]:
    """The expression, or nothing where it is a subquery, whose columns are its own."""
    return [] if any(inner.get("class") == "SUBQUERY" for inner in walk(expression)) else [expression]


def _replaced(made: Plan, call: _Call, relation: str) -> Plan:
    """The statement with a relation where the call was. Places count bytes, and span the alias."""
    node = call.node
    if node.get("sample") or node["with_ordinality"] != "WITHOUT_ORDINALITY":
        raise TableError(
            f"{call.function}() takes no TABLESAMPLE or WITH ORDINALITY",
            f"put it into a subquery: FROM {call.function}(...)",
        )
    renamed = ", ".join(map(ident, node.get("column_name_alias") or ()))
    alias = f" AS {ident(call.alias)}" + (f"({renamed})" if renamed else "")
    begin, length, text = node["query_location"], node["query_location_length"], made.sql.encode()
    sql = text[:begin] + (relation + alias).encode() + text[begin + length :]
    return replace(made, sql=sql.decode())
