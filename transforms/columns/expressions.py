"""What an expression is made of.

Belongs here: how each kind of expression hands links on. Must not: clauses and sources (queries.py), names (names.py).
An expression that has no rule of its own is a transformation of everything in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from sqlglot import exp

from transforms.columns.flow import NONE, Flow, Links, Relation, Use, indirect, merged, transformed
from transforms.columns.names import Scope
from transforms.inversion.nodes import is_aggregate

_aggregated = partial(transformed, use=Use.AGGREGATION)
# Functions that count, by which no value can be read
_COUNTING = (exp.Count, exp.CountIf, exp.ApproxDistinct)
# Window functions that hand on the value of another row
_OF_ANOTHER_ROW = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
# Aggregates that hand on one of their values, whole
_ONE_OF = (exp.AnyValue, exp.First, exp.Last, exp.Min, exp.Max, exp.Mode)
_CONSTANTS = (exp.Literal, exp.Null, exp.Boolean, exp.Placeholder, exp.Parameter, exp.DataType, exp.Var)
_WRAPPERS = (exp.Paren, exp.Alias, exp.IgnoreNulls, exp.RespectNulls, exp.Ordered, exp.Where)
_MAPPING = ("list_apply", "array_apply", "apply", "array_transform")
_FILTERING = ("array_filter", "filter")


class Expressions:
    """Reads expressions at one place. ``query``: what a subquery there gives; ``windows``: the named windows."""

    def __init__(
        self,
        scope: Scope,
        query: Callable[[exp.Query, Scope], Relation],
        windows: Mapping[str, exp.Window] | None = None,
    ) -> None:
        self._scope, self._query, self._windows = scope, query, windows or {}

    def links(self, node: exp.Expr | None, use: Use) -> Links:
        """The links of something that only decides."""
        return NONE if node is None else indirect(self.flow(node).links, use)

    def flow(self, node: exp.Expr) -> Flow:
        """What a value is made of."""
        match node:
            case exp.Column():
                return self._scope.flow([part.name for part in node.parts])
            case exp.Identifier():
                return self._scope.flow([node.name])
            case exp.Query():
                return self._subquery(node)
            case _ if isinstance(node, _CONSTANTS):
                return Flow()
            case _ if isinstance(node, _WRAPPERS):
                return self.flow(node.this)
            case exp.Dot() | exp.StructExtract() | exp.Bracket() | exp.Explode() | exp.Unnest():
                return self._part(node)
            case exp.Struct() | exp.Array() | exp.Comprehension():
                return self._made(node)
            case exp.Window() | exp.Filter() | exp.WithinGroup() | exp.Order():
                return self._decided(node)
            case exp.Case() | exp.If():
                return self._conditional(node)
            case exp.In() if node.args.get("query"):
                return Flow(merged([self.flow(node.this), self.flow(node.args["query"])])).changed()
            case exp.Is() if isinstance(node.expression, exp.Null):
                return self.flow(node.this).changed(masking=True)
            case exp.Exists():
                relation = self._query(_bare(node.this), self._scope)
                return Flow(relation.whole | transformed(relation.rows, masking=True))
            case exp.Func() if is_aggregate(node):
                return self._aggregate(node)
            case exp.Func():
                return self._function(node)
        return self._all(node)

    def _all(self, node: exp.Expr) -> Flow:
        """A transformation of everything in an expression."""
        return Flow(merged(self.flow(child) for child in node.iter_expressions())).changed()

    def _subquery(self, node: exp.Query) -> Flow:
        """A scalar subquery."""
        relation = self._query(_bare(node), self._scope)
        first = next(iter(relation.columns.values()), Flow())
        return first.beside(relation.whole)

    def _part(self, node: exp.Expr) -> Flow:
        """A member of a struct or an item of a list."""
        if isinstance(node, exp.Unnest):
            return Flow(merged(self.flow(e).items for e in node.expressions))
        whole = self.flow(node.this)
        if isinstance(node, exp.Explode):
            return whole.items
        if isinstance(node, exp.Bracket):
            return self._subscript(whole, node.expressions)
        name = node.expression
        if isinstance(name, exp.Identifier) or (isinstance(name, exp.Literal) and name.is_string):
            return whole.member(name.name)
        return Flow(merged([whole, self.flow(name)])).changed()

    def _subscript(self, whole: Flow, keys: Sequence[exp.Expr]) -> Flow:
        if len(keys) == 1 and isinstance(keys[0], exp.Literal) and keys[0].is_string:
            return whole.member(keys[0].name)
        taken = whole.through(transformed) if any(isinstance(k, exp.Slice) for k in keys) else whole.items
        return taken.beside(indirect(merged(self.flow(k) for k in keys), Use.CONDITIONAL))

    def _made(self, node: exp.Expr) -> Flow:
        """A struct or a list that is put together."""
        if isinstance(node, exp.Struct):
            pairs = [(e.this.name, e.expression) for e in node.expressions if isinstance(e, exp.PropertyEQ)]
            return Flow.of_members({name: self.flow(value) for name, value in pairs})
        if isinstance(node, exp.Comprehension):
            source = self.flow(node.args["iterator"])
            inner = self._with({node.expression.name: source.items})
            chosen = inner.links(node.args.get("condition"), Use.CONDITIONAL)
            return Flow.of_items(inner.flow(node.this).beside(chosen))
        if len(node.expressions) == 1:
            only = self.flow(node.expressions[0])
            return only if isinstance(node.expressions[0], exp.Comprehension) else Flow.of_items(only)
        return Flow.of_items(Flow(merged(map(self.flow, node.expressions))))

    def _decided(self, node: exp.Expr) -> Flow:
        """A value and what decides which of its rows count, or in which order."""
        if isinstance(node, exp.Window):
            return self._window(node)
        value = self.flow(node.this)
        if isinstance(node, exp.Filter):
            return value.beside(self.links(node.expression, Use.FILTER))
        if isinstance(node, exp.WithinGroup):  # percentile_cont(0.5) WITHIN GROUP (ORDER BY x) is about x
            return value.beside(_aggregated(merged(map(self.flow, node.expression.expressions))))
        return value.beside(indirect(merged(map(self.flow, node.expressions)), Use.SORT))

    def _window(self, node: exp.Window) -> Flow:
        call = node.this
        while isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
            call = call.this
        value = self._all(call) if isinstance(call, _OF_ANOTHER_ROW) else self.flow(call)
        return value.beside(self._over(node) | self._scope.times)

    def _over(self, window: exp.Window) -> Links:
        """What a window is partitioned and ordered by, a named one looked up."""
        order = window.args.get("order")
        keys = [*(window.args.get("partition_by") or ()), *(order.expressions if order else ())]
        own = indirect(merged(map(self.flow, keys)), Use.WINDOW)
        base = window.args.get("alias")
        named = self._windows.get(base.name.lower()) if base is not None else None
        return own | self._over(named) if named is not None else own

    def _conditional(self, node: exp.Expr) -> Flow:
        """CASE or if(): its results, and what chooses among them."""
        branches = [node] if isinstance(node, exp.If) else node.args["ifs"]
        results = [b.args.get(part) for b in branches for part in ("true", "false")] + [node.args.get("default")]
        choosing = [b.this for b in branches] + ([node.this] if isinstance(node, exp.Case) else [])
        value = Flow(merged(self.flow(r) for r in results if r is not None)).changed()
        return value.beside(indirect(merged(self.flow(c) for c in choosing if c is not None), Use.CONDITIONAL))

    def _aggregate(self, node: exp.Func) -> Flow:
        arguments = list(node.iter_expressions())
        if isinstance(node, _COUNTING):
            counted = self._scope.rows if node.find(exp.Star) or not arguments else merged(map(self.flow, arguments))
            return Flow(transformed(counted, Use.AGGREGATION, masking=True) | self._scope.times)
        if isinstance(node, exp.ArgMax | exp.ArgMin):
            return self.flow(node.this).through(_aggregated).beside(self.links(node.expression, Use.SORT))
        if isinstance(node, exp.ArrayAgg):
            return Flow.of_items(self.flow(node.this).through(_aggregated)).beside(self._scope.times)
        if isinstance(node, _ONE_OF):
            return self.flow(node.this).through(_aggregated)
        links = merged(map(self.flow, arguments))
        made = _aggregated(links) if links else transformed(self._scope.rows, Use.AGGREGATION, masking=True)
        return Flow(made | self._scope.times)

    def _function(self, node: exp.Func) -> Flow:
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        arguments = list(node.iter_expressions())
        functions = [a for a in arguments if isinstance(a, exp.Lambda)]
        if not functions:
            if name == "list_extract":
                return self._subscript(self.flow(arguments[0]), arguments[1:])
            return self._all(node)
        source = self.flow(arguments[0])
        body = self._body(functions[0], source)
        if isinstance(node, exp.Transform) or name in _MAPPING:
            return Flow.of_items(body)
        if isinstance(node, exp.ArrayFilter) or name in _FILTERING:
            return source.beside(indirect(body.links, Use.CONDITIONAL))
        rest = [self.flow(a) for a in arguments[1:] if not isinstance(a, exp.Lambda)]
        return Flow(merged([source, body, *rest])).changed()

    def _body(self, function: exp.Lambda, source: Flow) -> Flow:
        """What a lambda over the items of a list gives; each of its parameters may be any of them."""
        return self._with({p.name: source.items for p in function.expressions}).flow(function.this)

    def _with(self, bound: Mapping[str, Flow]) -> "Expressions":
        return Expressions(self._scope.binding(bound), self._query, self._windows)


def _bare(query: exp.Expr) -> exp.Query:
    """A query out of its parentheses."""
    while isinstance(query, exp.Subquery) and not query.args.get("with_"):
        query = query.this
    assert isinstance(query, exp.Query)
    return query


def all_links(reader: Expressions, nodes: Iterable[exp.Expr], use: Use) -> Links:
    """The links of several things that only decide."""
    return frozenset().union(*(reader.links(node, use) for node in nodes))
