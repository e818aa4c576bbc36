"""From the rows of a SELECT to the rows that made them: one query for each way down to a base table.

Belongs here: the rules of tracing. Must not: parsing, running.

A *path* is a query that gives the columns its reader looks at, and beside them hidden columns: the lineage id of one
base table, or the keys of a *stage*. Paths are read as sets, so they may say a row twice, and DISTINCT and unread
LEFT JOINs can be left out of them. A stage is a group or window partition that must be computed to know which rows
are asked for; its own paths lead on from its keys. A SELECT whose reader looks at its group keys only is dissolved
into its rows instead.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from transforms.inversion.bare import bare
from transforms.inversion.blocks import HIDDEN, Block, Columns, Inner, Known, Source
from transforms.inversion.nodes import aggregates
from transforms.inversion.refusal import NotInvertible
from transforms.inversion.sparing import spared

HERE = f"{HIDDEN}here"
ROWS = f"{HIDDEN}rows"


@dataclass(eq=False)
class Stage:
    """Groups or partitions of one SELECT, by ``keys`` key columns (``__k1`` ...). Two that look alike are two."""

    keys: int
    paths: list["Path"] = field(default_factory=list)


@dataclass(frozen=True)
class Path:
    """A way from the columns ``names`` to ``hidden`` columns ``__h1`` ... of a base table or a stage.

    In ``select`` a base table that is led to is called :data:`ROWS`.
    ``ranges``: for a name that is a moment cut to its day or the like, the name of a column that holds the moment
    itself, and the unit of the cut. ``given``: names that hold the same as the hidden columns, where rows of the
    result are all that a reader can ask for, so the query need not run. ``spared``: only keys that are in the result
    may be asked for (sparing.py). ``bare``: for a name that is a column of the base table, which one (bare.py).
    """

    select: exp.Query
    names: tuple[str, ...]
    hidden: int
    end: str | Stage
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    given: tuple[str, ...] | None = None
    spared: bool = False
    bare: Mapping[str, str] = field(default_factory=dict)


class Paths:
    """Finds the paths of queries whose CTEs were put in place. ``ids``: the identity column of tables."""

    def __init__(self, known: Known, ids: Mapping[str, str]) -> None:
        self._columns, self._ids = Columns(known), ids
        self._stages: dict[tuple[object, object], Stage] = {}

    def of(self, query: exp.Query, need: Sequence[str] | None, *, real: bool = False) -> Iterator[Path]:
        """Paths of a query whose reader looks at the columns ``need`` (None: all of them).

        ``real``: the rows asked for are known to be rows of the result.
        """
        if isinstance(query, exp.Subquery):
            yield from self.of(query.this, need, real=real)
        elif isinstance(query, exp.SetOperation):
            yield from self._of_set(query, need)
        elif isinstance(query, exp.Select):
            block = self._columns.block(query)
            wanted = list(block.outputs) if need is None else list(need)
            if _dissolves(block, wanted, real):
                shown = {n: block.outputs.get(n, exp.column(n)) for n in wanted}
                yield from self._rows(block, shown, alone=True, real=real)
            else:
                yield from self._computed(block, wanted if real else [])

    def _of_set(self, query: exp.SetOperation, need: Sequence[str] | None) -> Iterator[Path]:
        names = self._columns.of(query)
        whole = need is None or isinstance(query, exp.Except | exp.Intersect)
        wanted = list(names or ()) if whole else list(need or ())
        distinct = bool(query.args.get("distinct"))
        for branch in (query.this, query.expression):
            if isinstance(query, exp.Except) and distinct and branch is query.expression:
                return  # a row is there for not being on this side
            held = self._columns.of(branch)
            place = dict(zip(names, held, strict=False)) if names and held else {}
            inner = [place.get(n, n) for n in wanted]
            for path in self.of(branch, inner):
                shown = [exp.alias_(_column(i, "__b"), n, quoted=True) for n, i in zip(wanted, inner, strict=True)]
                extra = [r for r, _ in path.ranges.values()]
                kept = [_column(h, "__b") for h in (*extra, *_hidden(path.hidden))]
                select = exp.select(*shown, *kept).from_(exp.Subquery(this=path.select, alias=exp.to_identifier("__b")))
                if isinstance(query, exp.Except | exp.Intersect):
                    select = _surviving(select, query, names or (), wanted, inner)
                ranges = {n: path.ranges[i] for n, i in zip(wanted, inner, strict=True) if i in path.ranges}
                plain = {n: path.bare[i] for n, i in zip(wanted, inner, strict=True) if i in path.bare}
                shows = (*wanted, *extra, *_hidden(path.hidden))
                yield Path(select, shows, path.hidden, path.end, ranges, bare=plain)

    def _computed(self, block: Block, given: list[str]) -> Iterator[Path]:
        """The SELECT as it stands, with the keys of its groups or partitions beside each row."""
        for keys, stage in self._stages_of(block):
            select = block.select.copy()
            for clause in ("distinct", "order"):
                select.set(clause, None)
            hidden = [exp.alias_(block.plain(k), h) for k, h in zip(keys, _hidden(len(keys)), strict=True)]
            select.set("expressions", [*select.expressions, *hidden])
            held = {block.key(block.outputs[n]): n for n in given if n in block.outputs}
            texts = [block.key(k) for k in keys]
            same = tuple(held[t] for t in texts) if all(t in held for t in texts) else None
            yield Path(select, (*block.outputs, *_hidden(len(keys))), len(keys), stage, given=same)

    def _stages_of(self, block: Block) -> Iterator[tuple[list[exp.Expr], Stage]]:
        if self._columns.outer(block.select):
            raise NotInvertible(
                "a correlated subquery with HAVING, QUALIFY or windows, or looked at by value",
                "make it a CTE with the columns to join on, and join that",
            )
        tag = block.select.meta.get("tag", id(block.select))
        group = None if block.group_keys is None else [*block.group_keys] or [exp.Literal.number(1)]
        if not block.partitions:
            assert group is not None
            yield group, self._stage((tag, "group"), group, block)
        for number, partition in enumerate(block.partitions):
            keys = partition or [exp.Literal.number(1)]
            stage = self._stages.get((tag, number))
            if stage is None:
                stage = self._stages[tag, number] = Stage(len(keys))
                named = {f"{HIDDEN}k{n}": k for n, k in enumerate(keys, 1)}
                if group is None:
                    stage.paths += self._rows(block, named)
                else:
                    stage.paths.append(self._groups_of(block, named, group, self._stage((tag, "group"), group, block)))
            yield keys, stage

    def _stage(self, name: tuple[object, object], keys: list[exp.Expr], block: Block) -> Stage:
        if name not in self._stages:
            self._stages[name] = Stage(len(keys))
            self._stages[name].paths += self._rows(block, {f"{HIDDEN}k{n}": k for n, k in enumerate(keys, 1)})
        return self._stages[name]

    def _groups_of(self, block: Block, named: Mapping[str, exp.Expr], group: list[exp.Expr], stage: Stage) -> Path:
        """From the partitions of a grouped SELECT to its groups."""
        select = block.select.copy()
        for clause in ("distinct", "order", "qualify", "windows"):
            select.set(clause, None)
        if having := select.args.get("having"):
            having.set("this", block.plain(having.this))
        hidden = dict(zip(_hidden(len(group)), group, strict=True))
        select.set("expressions", [exp.alias_(block.plain(e), n) for n, e in {**named, **hidden}.items()])
        if select.args.get("group"):
            select.set("group", exp.Group(expressions=[block.plain(k) for k in group]))
        return Path(select, (*named, *hidden), len(group), stage)

    # rows of one SELECT

    def _rows(
        self, block: Block, outputs: Mapping[str, exp.Expr], *, alone: bool = False, real: bool = False
    ) -> Iterator[Path]:
        """Paths from expressions over the rows that FROM and WHERE give, down each source and subquery.

        ``alone``: the rows are the SELECT's own, so its unnest() decides with them which there are. ``real``: the
        outputs asked for are known to be of rows of the result.
        """
        given = {name: block.qualified(e) for name, e in outputs.items()}
        extra = {f"{HIDDEN}u{n}": block.qualified(e) for n, e in enumerate(block.multiplying)} if alone else {}
        shown = {**given, **extra}
        for source in (s for s in block.sources if not s.absent):
            easier = spared(block, shown, source, self._columns) if real and not extra else None
            place, names, target = easier or (block, shown, source)
            if target.table:
                yield replace(self._down_a_table(place, names, target), spared=easier is not None)
            elif target.body is not None:
                found = self._down_a_query(place, names, target)
                yield from (replace(path, spared=easier is not None) for path in found)
        for inner in block.inners:
            yield from self._down_an_expression(block, shown, inner)

    def _down_a_table(self, block: Block, shown: Mapping[str, exp.Expr], source: Source) -> Path:
        if source.node.args.get("alias") and source.node.args["alias"].columns:
            raise NotInvertible("new names for the columns of a table", "name them with AS in a CTE")
        assert source.table is not None
        identity = _column(self._ids.get(source.table, "lineage_id"), _name(source))
        ranges = _ranges(shown)
        moments = {f"{HIDDEN}r{n}": moment for n, (moment, _) in enumerate(ranges.values())}
        held = {name: (r, unit) for (name, (_, unit)), r in zip(ranges.items(), moments, strict=True)}
        columns = {**shown, **moments, "__h1": identity}
        node = source.node.copy()
        node.set("db", None)
        node.set("this", exp.to_identifier(ROWS))
        select = _select(block, columns, source, node)
        if _may_be_missing(block):
            select.where(exp.Not(this=exp.Is(this=identity.copy(), expression=exp.null())), copy=False)
        return Path(select, tuple(columns), 1, source.table, held, bare=bare(block, shown, source))

    def _down_a_query(self, block: Block, shown: Mapping[str, exp.Expr], source: Source) -> Iterator[Path]:
        kept = _kept(block, shown.values(), source)
        clauses = [*shown.values(), block.where, *(c for s in kept for c in _own_clauses(s))]
        named = block.referred(clauses).get(source.alias, set())
        if named is not None:
            named = named | {n for s in kept for n in s.using if source.columns is None or n in source.columns}
        assert source.body is not None
        inner_names = self._columns.of(source.body)
        outside = dict(zip(inner_names, source.columns, strict=False)) if inner_names and source.columns else {}
        inside = {outer: inner for inner, outer in outside.items()}
        need = None if named is None else sorted(inside.get(n, n) for n in named)
        for path in self.of(source.body, need):
            alias = exp.TableAlias(this=exp.to_identifier(_name(source), quoted=True))
            if outside and any(inner != outer for inner, outer in outside.items()):
                alias.set("columns", [exp.to_identifier(outside.get(n, n), quoted=True) for n in path.names])
            below = path.select
            if _may_be_missing(block):
                below = exp.select("*", f"TRUE AS {HERE}").from_(
                    exp.Subquery(this=below, alias=exp.to_identifier("__m"))
                )
                if alias.columns:
                    alias.append("columns", exp.to_identifier(HERE))
            ranges = _ranges(shown) | _passed_on(block, shown, source, path, outside)
            moments = {f"{HIDDEN}r{n}": moment for n, (moment, _) in enumerate(ranges.values())}
            held = {name: (r, unit) for (name, (_, unit)), r in zip(ranges.items(), moments, strict=True)}
            hidden = {h: _column(h, _name(source)) for h in _hidden(path.hidden)}
            columns = {**shown, **moments, **hidden}
            select = _select(block, columns, source, exp.Subquery(this=below, alias=alias))
            if _may_be_missing(block):
                select.where(_column(HERE, _name(source)), copy=False)
            plain = bare(block, shown, source, {outside.get(n, n): column for n, column in path.bare.items()})
            yield Path(select, tuple(columns), path.hidden, path.end, held, bare=plain)

    def _down_an_expression(self, block: Block, shown: Mapping[str, exp.Expr], inner: Inner) -> Iterator[Path]:
        outer = self._columns.outer(inner.query)
        if block.partitions and inner.per_row and (outer or inner.value is not None):
            raise NotInvertible("a correlated subquery beside a window", "compute it in a CTE before the window")
        values = _values(inner)
        if any(map(aggregates, values)):
            raise NotInvertible("an aggregate looked for IN a subquery", "group in a CTE, and filter that")
        names = list(self._columns.of(inner.query) or ())[: len(values)]
        for path in self.of(inner.query, names if values else []):
            found = names or path.names[: len(values)]
            match: exp.Expr = exp.true()
            if values:
                pairs = [
                    exp.EQ(this=exp.paren(block.qualified(v)), expression=_column(n, "__in"))
                    for v, n in zip(values, found, strict=True)
                ]
                match = exp.and_(*pairs)
                if not inner.wanted:
                    match = exp.Not(this=exp.Is(this=exp.paren(match), expression=exp.false()))
            columns = {**shown, **{h: _column(h, "__in") for h in _hidden(path.hidden)}}
            join = exp.Join(
                this=exp.Subquery(this=path.select, alias=exp.TableAlias(this=exp.to_identifier("__in"))), on=match
            )
            select = _select(block, columns, None, None, values, outer)
            select.append("joins", join)
            yield Path(select, tuple(columns), path.hidden, path.end)


def named(table: str) -> str:
    """A base table's name as SQL writes it."""
    layer, _, name = table.partition(".")
    return exp.table_(name, db=layer, quoted=True).sql("duckdb")


def _dissolves(block: Block, need: list[str], real: bool) -> bool:
    """Whether a reader of these columns can read the rows below the groups and windows instead."""
    if block.group_keys is None and not block.partitions:
        return True
    if any(n not in block.outputs for n in need) or (block.group_keys is not None and block.multiplying):
        return False
    read = {block.key(block.outputs[n]) for n in need}
    lists = [*block.partitions, *([] if block.group_keys is None else [block.group_keys])]
    sets = [{block.key(k) for k in keys} for keys in lists]
    if block.filtered and not (real and all(read == keys for keys in sets)):
        return False
    return all(read <= keys for keys in sets)


def _select(
    block: Block,
    columns: Mapping[str, exp.Expr],
    target: Source | None,
    node: exp.Expr | None,
    also: Iterable[exp.Expr] = (),
    outer: Iterable[exp.Expr] = (),
) -> exp.Select:
    """SELECT the columns from the block's rows, with ``node`` in the place of ``target``, whose join must find a
    row."""
    shown = [exp.Alias(this=e.copy(), alias=exp.to_identifier(n, quoted=True)) for n, e in columns.items()]
    select = exp.Select(expressions=shown)
    for source in _kept(block, [*columns.values(), *also, *outer], target):
        item = node if source is target and node is not None else source.node.copy()
        if source.join is None:
            select.set("from_", exp.From(this=item))
            continue
        join = exp.Join(**{k: v for k, v in source.join.args.items() if k not in ("this", "on")}).copy()
        join.set("this", item)
        if source.alias in block.conditions:
            join.set("on", block.conditions[source.alias].copy())
        if source is target:
            join.set("kind", None if join.kind == "SEMI" else join.args.get("kind"))
            join.set("side", None if join.side == "LEFT" else join.args.get("side"))
        select.append("joins", join)
    if block.where is not None:
        select.set("where", exp.Where(this=block.where.copy()))
    return select


def _kept(block: Block, clauses: Iterable[exp.Expr], target: Source | None) -> list[Source]:
    """The sources that decide which rows there are, or are named; other LEFT JOINs change nothing in a set."""
    named = set(block.referred([*clauses, block.where]))
    kept = []
    for source in reversed(block.sources):
        if source is target or not source.optional or source.alias in named:
            kept.append(source)
            named |= set(block.referred(_own_clauses(source)))
    return kept[::-1]


def _own_clauses(source: Source) -> list[exp.Expr | None]:
    """What a source says of other sources: its ON, and the arguments of a row-making function."""
    on = source.join.args.get("on") if source.join else None
    return [on, source.node if source.body is None and source.table is None else None]


def _may_be_missing(block: Block) -> bool:
    """Whether a join may leave a source before it without a row."""
    return any(s.join is not None and s.join.side in ("RIGHT", "FULL") for s in block.sources)


def _surviving(
    select: exp.Select, query: exp.SetOperation, names: Sequence[str], wanted: Sequence[str], inner: Sequence[str]
) -> exp.Select:
    """Of one side of EXCEPT or INTERSECT, the rows that are in the result."""
    whole = exp.TableAlias(this=exp.to_identifier("__s"), columns=[exp.to_identifier(n, quoted=True) for n in names])
    same = [
        exp.NullSafeEQ(this=_column(i, "__b"), expression=_column(n, "__s")) for n, i in zip(wanted, inner, strict=True)
    ]
    join = exp.Join(this=exp.Subquery(this=query.copy(), alias=whole), kind="SEMI", on=exp.and_(*same))
    select.append("joins", join)
    return select


def _ranges(shown: Mapping[str, exp.Expr]) -> dict[str, tuple[exp.Expr, str]]:
    """The moments behind outputs that are a moment cut to its day or a longer unit."""
    found: dict[str, tuple[exp.Expr, str]] = {}
    for name, expression in shown.items():
        node = expression.unnest()
        if isinstance(node, exp.Cast) and node.to.is_type("date"):
            inner = node.this.unnest()
            if isinstance(inner, exp.AtTimeZone) and isinstance(inner.this, exp.Column):
                found[name] = (inner.this, "day")
        elif isinstance(node, exp.TimestampTrunc | exp.DateTrunc) and isinstance(node.this, exp.Column):
            unit = str(node.args.get("unit") or "").strip("'").lower()
            if unit in ("day", "week", "month", "quarter", "year"):
                found[name] = (node.this, unit)
    return found


def _passed_on(
    block: Block, shown: Mapping[str, exp.Expr], source: Source, path: Path, outside: Mapping[str, str]
) -> dict[str, tuple[exp.Expr, str]]:
    """The same for outputs that are such a column of the path below."""
    found: dict[str, tuple[exp.Expr, str]] = {}
    below = {outside.get(n, n): held for n, held in path.ranges.items()}
    for name, expression in shown.items():
        node = expression.unnest()
        if isinstance(node, exp.Column) and node.name.lower() in below and block.owners(node) == [source]:
            moment, unit = below[node.name.lower()]
            found[name] = (_column(moment, _name(source)), unit)
    return found


def _values(inner: Inner) -> list[exp.Expr]:
    """What IN looks for, column by column."""
    if inner.value is None:
        return []
    value = inner.value.unnest()
    return list(value.expressions) if isinstance(value, exp.Tuple) else [value]


def _hidden(count: int) -> list[str]:
    return [f"{HIDDEN}h{n}" for n in range(1, count + 1)]


def _column(name: str, table: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))


def _name(source: Source) -> str:
    """The name by which SQL calls a source."""
    return source.alias
