"""Random schemas, data and queries, each query in two forms: as a mart would write it, and carrying its lineage
along.

Belongs here: the generator. Must not: the code under test. The second form is lineage by another road: every relation
has a column ``p``, the list of base rows that its row was made of, which joins concatenate and groups collect. It is
what "every traced record takes part" is compared with.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

TABLES = ("silver.t0", "silver.t1", "gold.t2")
TYPES = {"int": "INTEGER", "str": "VARCHAR", "list": "STRUCT(x INTEGER, y INTEGER)[]"}
Schema = dict[str, dict[str, str]]  # by table the type of each column, beside lineage_id
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Relation:
    """Something to select from: its SQL, its SQL with ``p``, its columns and their types."""

    sql: str
    traced: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Query:
    """A query over :data:`TABLES`, the same with ``p``, and its output columns."""

    sql: str
    traced: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """Tables, their rows, and queries over them."""

    schema: Schema
    rows: dict[str, list[Row]]
    queries: list[Query]

    @property
    def columns(self) -> dict[str, list[str]]:
        """All columns of each table."""
        return {table: ["lineage_id", *columns] for table, columns in self.schema.items()}

    @property
    def ddl(self) -> str:
        """Statements that make and fill the tables."""
        made = []
        for table, columns in self.schema.items():
            typed = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
            held = ", ".join(f"({', '.join(map(literal, row))})" for row in self.rows[table])
            made += [
                f"CREATE OR REPLACE TABLE {table} (lineage_id VARCHAR, {typed})",
                f"INSERT INTO {table} VALUES {held}",
            ]
        return "; ".join(made)


def literal(value: object) -> str:
    """A value as SQL writes it."""
    return "NULL" if value is None else repr(value).replace("None", "NULL")


def cases(pick: Random, count: int) -> Case:
    """Tables, their rows and ``count`` queries over them."""
    schema = {table: columns_of(pick) for table in TABLES}
    rows = {t: [(f"{t[-2:]}-{n}", *row(pick, c)) for n in range(pick.randint(1, 6))] for t, c in schema.items()}
    return Case(schema, rows, [queries(pick, schema) for _ in range(count)])


def columns_of(pick: Random) -> dict[str, str]:
    """One to three numbers, and perhaps a text and a list."""
    numbers = pick.sample(["k", "v", "m"], k=pick.choice([1, 2, 2, 3]))
    others = [("s", "str"), ("l", "list")]
    return dict.fromkeys(numbers, "int") | dict(pick.sample(others, k=pick.choice([0, 1, 2, 2])))


def row(pick: Random, columns: dict[str, str]) -> list[Any]:
    """Values that are often equal and sometimes null."""

    def small() -> int | None:
        return pick.choice([0, 1, 1, 2, None])

    make = {
        "int": small,
        "str": lambda: pick.choice(["a", "b", None]),
        "list": lambda: [{"x": small(), "y": pick.randint(0, 2)} for _ in range(pick.randint(0, 2))],
    }
    return [make[kind]() for kind in columns.values()]


def queries(pick: Random, schema: Schema) -> Query:
    """A query of one to three steps, each a CTE or a subquery, over the base tables and the steps before it."""
    bases = [Relation(t, f"(SELECT *, ['{t}/' || lineage_id] AS p FROM {t})", c) for t, c in schema.items()]
    known, ctes, traced_ctes = list(bases), [], []
    steps = pick.choice([1, 1, 2, 2, 3])
    for number in range(steps):
        step = steps_over(pick, known)
        if number == steps - 1:
            break
        name = f"step{number}"
        if pick.random() < 0.5:
            ctes.append(f"{name} AS ({step.sql})")
            traced_ctes.append(ctes[-1])
            known.append(Relation(name, f"{name}_p", step.columns))
        else:
            known.append(Relation(f"({step.sql})", f"{name}_p", step.columns))
        traced_ctes.append(f"{name}_p AS ({step.traced})")
    head = f"WITH {', '.join(ctes)} " if ctes else ""
    traced_head = f"WITH {', '.join(traced_ctes)} " if traced_ctes else ""
    return Query(head + step.sql, traced_head + step.traced, tuple(step.columns))


def steps_over(pick: Random, known: list[Relation]) -> Relation:
    """One SELECT or set operation; later relations are more likely to be read than base tables."""
    if pick.randint(0, 5) == 0:
        return set_operations(pick, known)
    return selects(pick, known)


def set_operations(pick: Random, known: list[Relation]) -> Relation:
    left, right = selects(pick, known, shape=("int", "int")), selects(pick, known, shape=("int", "int"))
    a, b = left.columns
    c, d = right.columns
    one = f"(SELECT {a}, {b}, p FROM ({left.traced}))"
    other = f"(SELECT {c} AS {a}, {d} AS {b}, p FROM ({right.traced}))"
    kind = pick.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
    both = f"SELECT {a}, {b}, flatten(list(p)) AS p FROM ({one} UNION ALL {other}) GROUP BY ALL"
    traced = {
        "UNION ALL": f"{one} UNION ALL {other}",
        "UNION": both,
        "EXCEPT": f"SELECT {a}, {b}, flatten(list(p)) AS p FROM {one} AS o ANTI JOIN {other} AS r "
        f"ON o.{a} IS NOT DISTINCT FROM r.{a} AND o.{b} IS NOT DISTINCT FROM r.{b} GROUP BY ALL",
        "INTERSECT": f"SELECT w.* FROM ({both}) AS w "
        + " ".join(
            f"SEMI JOIN {side} AS r{n} ON w.{a} IS NOT DISTINCT FROM r{n}.{a} AND w.{b} IS NOT DISTINCT FROM r{n}.{b}"
            for n, side in enumerate((one, other))
        ),
    }[kind]
    return Relation(f"{left.sql} {kind} {right.sql}", traced, {a: "int", b: "int"})


@dataclass
class _Select:
    """A SELECT while it is put together; ``p`` says what its rows before grouping are made of."""

    sources: str
    traced_sources: str
    p: list[str]
    columns: dict[str, str]  # qualified name -> type
    where: list[str]


def selects(pick: Random, known: list[Relation], shape: tuple[str, ...] | None = None) -> Relation:
    made = sources(pick, known)
    for _ in range(pick.choice([0, 0, 1, 2])):
        condition, parts = conditions(pick, made, known)
        made.where.append(condition)
        made.p += parts
    kind = pick.choice(["plain", "plain", "group", "group", "window", "all", "distinct", "group window"])
    names = pick.sample(["a", "b", "c", "k", "v"], k=5)
    items, key_count = outputs(pick, made, kind, shape, known)
    shown = {name: kind_of for name, (_, kind_of, _) in zip(names, items, strict=False)}
    listed = ", ".join(f"{e} AS {n}" for n, (e, *_) in zip(names, items, strict=False))
    body = "".join(f" WHERE {' AND '.join(made.where)}" if made.where else "")
    p = "list_concat(" + ", ".join([*made.p, "CAST([] AS VARCHAR[])"]) + ")"
    inner = [part for _, _, parts in items for part in parts]
    keys = [e for e, *_ in items[:key_count]]
    if kind in ("plain", "distinct"):
        head = "SELECT DISTINCT" if kind == "distinct" else "SELECT"
        traced = f"SELECT {listed}, list_concat({', '.join([p, *inner])}) AS p FROM {made.traced_sources}{body}"
        if kind == "distinct":
            traced = f"SELECT {', '.join(shown)}, flatten(list(p)) AS p FROM ({traced}) GROUP BY ALL"
        return Relation(f"{head} {listed} FROM {made.sources}{body}", traced, shown)
    if kind == "window":
        return windowed(pick, made, listed, shown, body, p, items, key_count)
    group = pick.choice(["ALL", ", ".join(keys), ", ".join(str(n + 1) for n in range(key_count))])
    if kind == "group window" and group == "ALL":
        group = ", ".join(keys)
    tail = f" GROUP BY {group}" if key_count else ""
    if pick.random() < 0.5:
        tail += f" HAVING count(*) {pick.choice(['> 1', '< 3', '>= 1'])}"
    if kind == "group window":
        extra = next(n for n in names if n not in shown)
        over = "PARTITION BY count(*)" if not key_count or pick.random() < 0.5 else f"PARTITION BY {keys[0]}"
        listed += f", sum(count(*)) OVER ({over}) AS {extra}"
        shown = {**shown, extra: "int"}
        window = over.replace("PARTITION BY ", "") + " AS w"
        traced = f"SELECT {listed}, {window}, list_concat({', '.join([f'flatten(list({p}))', *inner])}) AS p"
        traced = f"SELECT {', '.join(shown)}, flatten(list(p) OVER (PARTITION BY w)) AS p FROM ({traced}"
        # a scalar subquery belongs to every row of the partition
        traced += f" FROM {made.traced_sources}{body}{tail})"
        return Relation(f"SELECT {listed} FROM {made.sources}{body}{tail}", traced, shown)
    traced = f"SELECT {listed}, list_concat({', '.join([f'flatten(list({p}))', *inner])}) AS p"
    return Relation(
        f"SELECT {listed} FROM {made.sources}{body}{tail}",
        f"{traced} FROM {made.traced_sources}{body}{tail}",
        shown,
    )


def windowed(
    pick: Random, made: _Select, listed: str, shown: dict[str, str], body: str, p: str, items: list[Any], keys: int
) -> Relation:
    ints = [c for c, t in made.columns.items() if t == "int"]
    partition = pick.choice([*ints, ""])
    by = f"PARTITION BY {partition}" if partition else ""
    function = pick.choice(["count(*)", f"sum({ints[0]})", f"max({ints[-1]})"])
    extra = next(n for n in ("w", "x") if n not in shown)
    named = pick.random() < 0.5
    over = "w_1" if named else f"({by})"
    clause = f" WINDOW w_1 AS ({by})" if named else ""
    order = f"{by} ORDER BY {', '.join(f'{c} NULLS FIRST' for c in ints)}"
    kept = f" QUALIFY rank() OVER ({order}) <= 2" if pick.random() < 0.5 else ""
    sql = f"SELECT {listed}, {function} OVER {over} AS {extra} FROM {made.sources}{body}{clause}{kept}"
    inner = [part for _, _, parts in items for part in parts]
    whole = f"list_concat({', '.join([p, *inner])})"
    traced = (
        f"SELECT {listed}, {function} OVER ({by}) AS {extra}, flatten(list({whole}) OVER ({by})) AS p "
        f"FROM {made.traced_sources}{body}{kept}"
    )
    return Relation(sql, traced, {**shown, extra: "int"})


def sources(pick: Random, known: list[Relation]) -> _Select:
    def relation() -> Relation:
        return pick.choice([r for r in known[::-1] if "int" in r.columns.values()])

    def columns(of: Relation, alias: str) -> dict[str, str]:
        return {f"{alias}.{c}": t for c, t in of.columns.items()}

    first = relation()
    made = _Select(f"{first.sql} AS q", f"{first.traced} AS q", ["q.p"], columns(first, "q"), [])
    for number in range(pick.choice([0, 0, 1, 1, 2])):
        other, alias = relation(), f"r{number}"
        mine = [c for c, t in columns(other, alias).items() if t == "int"]
        theirs = [c for c, t in made.columns.items() if t == "int"]
        if not mine or not theirs:
            continue
        compare = pick.choice(["=", "=", "=", ">"])
        on = f"{pick.choice(mine)} {compare} {pick.choice(theirs)}"
        join = pick.choice(["JOIN", "LEFT JOIN", "LEFT JOIN", "SEMI JOIN", "ANTI JOIN", "FULL JOIN", "RIGHT JOIN"])
        made.sources += f" {join} {other.sql} AS {alias} ON {on}"
        if join == "SEMI JOIN":
            made.traced_sources += f" SEMI JOIN {other.traced} AS {alias} ON {on}"
            made.p.append(f"coalesce((SELECT flatten(list({alias}.p)) FROM {other.traced} AS {alias} WHERE {on}), [])")
        else:
            made.traced_sources += f" {join} {other.traced} AS {alias} ON {on}"
        if join not in ("SEMI JOIN", "ANTI JOIN"):
            made.p = [f"coalesce({part}, [])" for part in made.p] + [f"coalesce({alias}.p, [])"]
            made.columns |= columns(other, alias)
    if "q.l" in made.columns and pick.randint(0, 2) == 0 and "RIGHT" not in made.sources and "FULL" not in made.sources:
        made.sources += ", unnest(q.l) AS u(item)"
        made.traced_sources += ", unnest(q.l) AS u(item)"
        made.columns |= {"item.x": "int", "item.y": "int"}
    return made


def conditions(pick: Random, made: _Select, known: list[Relation]) -> tuple[str, list[str]]:
    """A condition for WHERE, and what its subquery adds to a row's lineage."""
    ints = [c for c, t in made.columns.items() if t == "int"]
    column = pick.choice(ints)
    kind = pick.choice(["plain", "plain", "in", "not in", "exists", "not exists", "scalar", "or"])
    if kind == "plain":
        return f"{column} {pick.choice(['= 1', '> 0', 'IS NOT NULL', '<> 2'])}", []
    other = pick.choice(known)
    inner = [f"i.{c}" for c, t in other.columns.items() if t == "int"]
    if not inner:
        return f"{column} > 0", []
    y, z = pick.choice(inner), pick.choice(inner)
    extra = pick.choice(["", f" AND {z} > 0"])

    def p_of(condition: str) -> str:
        return f"coalesce((SELECT flatten(list(i.p)) FROM {other.traced} AS i WHERE {condition}), [])"

    source = f"{other.sql} AS i"
    if kind == "in":
        return f"{column} IN (SELECT {y} FROM {source} WHERE TRUE{extra})", [p_of(f"{y} = {column}{extra}")]
    if kind == "not in":
        return f"{column} NOT IN (SELECT {y} FROM {source} WHERE {y} IS NOT NULL{extra})", []
    if kind == "exists":
        return f"EXISTS (SELECT 1 FROM {source} WHERE {y} = {column}{extra})", [p_of(f"{y} = {column}{extra}")]
    if kind == "not exists":
        return f"NOT EXISTS (SELECT 1 FROM {source} WHERE {y} = {column}{extra})", []
    if kind == "or":
        return (
            f"({column} = 1 OR {column} IN (SELECT {y} FROM {source} WHERE TRUE{extra}))",
            [p_of(f"({y} = {column}) IS NOT FALSE{extra}")],
        )
    return f"{column} <= (SELECT max({y}) FROM {source} WHERE TRUE{extra})", [p_of(f"TRUE{extra}")]


def outputs(
    pick: Random, made: _Select, kind: str, shape: tuple[str, ...] | None, known: list[Relation]
) -> tuple[list[tuple[str, str, list[str]]], int]:
    """Items of the SELECT list with their types and what their subqueries add, and how many of them are group
    keys."""
    ints = [c for c, t in made.columns.items() if t == "int"]
    plain = [*((c, "int") for c in ints), *((c, "str") for c, t in made.columns.items() if t == "str")]
    plain += [(f"coalesce({ints[0]}, 0) + 1", "int"), (f"CASE WHEN {ints[-1]} > 0 THEN 1 ELSE 0 END", "int")]
    if shape:
        plain = [(e, t) for e, t in plain if t == "int"]

    def column() -> tuple[str, str, list[str]]:
        return (*pick.choice(plain), [])

    if kind in ("plain", "distinct", "window"):
        count = (2 if kind != "window" else 1) if shape else pick.randint(1, 3)
        items = [column() for _ in range(count)]
        if not shape and kind == "plain" and pick.randint(0, 3) == 0:
            items.append(scalars(pick, made, known, correlated=True))
        return items, len(items)
    keys = 0 if kind == "all" else (1 if shape or kind == "group window" else pick.randint(1, 2))
    values = [
        "count(*)", f"sum({ints[0]})", f"max({ints[-1]}) FILTER (WHERE {ints[0]} > 0)", f"count(DISTINCT {ints[-1]})",
        f"sum(CASE WHEN {ints[0]} = 1 THEN 1 ELSE 0 END)",
    ]  # fmt: skip
    items = [column() for _ in range(keys)]
    wanted = 2 - keys if shape else (0 if kind == "group window" and keys else pick.randint(1, 2))
    if kind == "group window" and shape:
        wanted = 0
    items += [(f"CAST({pick.choice(values)} AS INTEGER)", "int", []) for _ in range(wanted)]
    return items, keys


def scalars(pick: Random, made: _Select, known: list[Relation], correlated: bool) -> tuple[str, str, list[str]]:
    """A scalar subquery for the SELECT list."""
    other = pick.choice(known)
    inner = [f"i.{c}" for c, t in other.columns.items() if t == "int"] or ["1"]
    value = pick.choice(inner)
    ints = [c for c, t in made.columns.items() if t == "int"]
    condition = f"{pick.choice(inner)} = {pick.choice(ints)}" if correlated else "TRUE"
    p = f"coalesce((SELECT flatten(list(i.p)) FROM {other.traced} AS i WHERE {condition}), [])"
    return f"(SELECT count({value}) FROM {other.sql} AS i WHERE {condition})", "int", [p]
