"""Column lineage: what SQL and contracts make of columns, held against what the data itself says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from cenote import gold
from cenote.columns import column_lineage
from cenote.columns.ask import reached, sources
from cenote.columns.check import check_columns, exposures
from cenote.columns.lake import table_of, top_column
from cenote.errors import TableError
from cenote.lake import Lake
from cenote.settings import Settings
from cenote.workspace import Workspace
from tests.lake import SampleLake
from tests.query_cases import TYPES, Case, cases, literal
from transforms.columns import Flow, Relation, select_columns
from transforms.contract import Contract

LAKES = Path(__file__).parent / "lakes"
MADE_HERE = {"dataset", "namespace", "type", "source_entity", "target_entity"}  # columns of edges and passages


def relation(table: str, **columns: Flow) -> Relation:
    return Relation({"lineage_id": Flow(), **columns}).as_stored(table)


LINES = Flow.of_items(Flow.of_members({"sku": Flow(), "n": Flow(), "tags": Flow.of_items(Flow())}))
SHOP = {
    "silver.o": relation("silver/o", id=Flow(), who=Flow(), eur=Flow(), at=Flow(), lines=LINES),
    "silver.c": relation("silver/c", who=Flow(), name=Flow(), home=Flow.of_members({"city": Flow(), "zip": Flow()})),
}


def told(sql: str) -> dict[str, set[str]]:
    """Of each scalar, its links as ``table.column use``; a star marks what counts only. ``*``: which rows there are."""
    made = select_columns(sql, SHOP)
    lists = {**dict(made.leaves()), "*": made.whole}
    return {
        name: {f"{k.table[7:]}.{k.column} {k.use.lower()}{'*' if k.masking else ''}" for k in links}
        for name, links in lists.items()
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT eur FROM silver.o", {"eur": {"o.eur identity"}, "*": set()}),
        ("SELECT o.eur + 1 AS x, 5 AS five, $as_of AS now FROM silver.o AS o",
         {"x": {"o.eur transformation"}, "five": set(), "now": set()}),
        ("SELECT who, sum(eur) AS s FROM silver.o WHERE at > $as_of GROUP BY who HAVING count(*) > 1",
         {"s": {"o.eur aggregation"}, "*": {"o.who group_by", "o.at filter", "o.lineage_id filter"}}),
        ("SELECT count(*) AS n, count(DISTINCT who) AS people FROM silver.o",
         {"n": {"o.lineage_id aggregation*"}, "people": {"o.who aggregation*"}}),
        ("SELECT sum(1) FILTER (WHERE eur > 2) AS n FROM silver.o",
         {"n": {"o.lineage_id aggregation*", "o.eur filter"}}),
        ("SELECT CASE WHEN eur > 0 THEN id END AS x FROM silver.o",
         {"x": {"o.id transformation", "o.eur conditional"}}),
        ("SELECT at IS NULL AS x FROM silver.o", {"x": {"o.at transformation*"}}),
        ("SELECT home.city, c.home.zip AS z, home['zip'] AS y FROM silver.c AS c",
         {"city": {"c.home.city identity"}, "z": {"c.home.zip identity"}, "y": {"c.home.zip identity"}}),
        ("SELECT home FROM silver.c", {"home.city": {"c.home.city identity"}, "home.zip": {"c.home.zip identity"}}),
        ("WITH l AS (SELECT id, unnest(lines) AS line FROM silver.o) SELECT id, sum(line.n) AS n FROM l GROUP BY id",
         {"n": {"o.lines[].n aggregation"}, "*": {"o.id group_by"}}),
        ("SELECT u.item.sku AS sku FROM silver.o AS o, unnest(o.lines) AS u(item)",
         {"sku": {"o.lines[].sku identity"}}),
        ("SELECT list_transform(lines, lambda l: l.n * 2) AS n FROM silver.o", {"n": {"o.lines[].n transformation"}}),
        ("SELECT [l.sku for l in lines if l.n > 1] AS x FROM silver.o",
         {"x": {"o.lines[].sku identity", "o.lines[].n conditional"}}),
        ("SELECT list_filter(lines, lambda l: l.n > 1)[1].sku AS x FROM silver.o",
         {"x": {"o.lines[].sku identity", "o.lines[].n conditional"}}),
        ("SELECT list({'sku': id, 'n': eur} ORDER BY at) AS rows FROM silver.o",
         {"rows[].sku": {"o.id aggregation", "o.at sort"}, "rows[].n": {"o.eur aggregation", "o.at sort"}}),
        ("SELECT arg_max(eur, at) AS last FROM silver.o", {"last": {"o.eur aggregation", "o.at sort"}}),
        ("SELECT lag(eur) OVER w AS x FROM silver.o WINDOW w AS (PARTITION BY who ORDER BY at)",
         {"x": {"o.eur transformation", "o.who window", "o.at window"}}),
        ("SELECT id FROM silver.o QUALIFY row_number() OVER (PARTITION BY who ORDER BY at) = 1",
         {"id": {"o.id identity"}, "*": {"o.who window", "o.at window"}}),
        ("SELECT o.id, c.name FROM silver.o AS o JOIN silver.c AS c ON c.who = o.who",
         {"name": {"c.name identity"}, "*": {"c.who join", "o.who join"}}),
        ("SELECT o.id, c.name FROM silver.o AS o LEFT JOIN silver.c AS c ON c.who = o.who",
         {"id": {"o.id identity"}, "name": {"c.name identity", "c.who join", "o.who join"}, "*": set()}),
        ("SELECT sum(eur) AS s FROM silver.o AS o LEFT JOIN silver.c USING (who)",
         {"s": {"o.eur aggregation", "o.who join", "c.who join"}}),
        ("SELECT who FROM silver.o WHERE who IN (SELECT who FROM silver.c WHERE name = 'x')",
         {"who": {"o.who identity"}, "*": {"o.who filter", "c.who filter", "c.name filter"}}),
        ("SELECT (SELECT max(name) FROM silver.c AS c WHERE c.who = o.who) AS name FROM silver.o AS o",
         {"name": {"c.name aggregation", "c.who filter", "o.who filter"}}),
        ("SELECT id AS a FROM silver.o UNION ALL SELECT name FROM silver.c",
         {"a": {"o.id identity", "c.name identity"}, "*": set()}),
        ("SELECT id AS a FROM silver.o EXCEPT SELECT name FROM silver.c",
         {"a": {"o.id identity"}, "*": {"o.id filter", "c.name filter"}}),
        ("SELECT * EXCLUDE (lineage_id, lines) REPLACE (upper(id) AS id) FROM silver.o",
         {"id": {"o.id transformation"}, "eur": {"o.eur identity"}}),
        ("SELECT eur * 2 AS twice, twice + 1 AS more FROM silver.o", {"more": {"o.eur transformation"}}),
        ("FROM silver.o SELECT DISTINCT who", {"who": {"o.who identity"}, "*": {"o.who group_by"}}),
    ],
)  # fmt: skip
def test_what_sql_makes_of_columns(sql: str, expected: dict[str, set[str]]) -> None:
    found = told(sql)
    assert {name: found.get(name) for name in expected} == expected


# no column but those named matters


def test_nothing_depends_on_a_column_that_is_not_named() -> None:
    """Random queries over random tables: change the values of a column, and what does not name it stays the same."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; PRAGMA disable_optimizer; CREATE SCHEMA silver; CREATE SCHEMA gold")
        assert sum(unmoved(connection, Random(seed)) for seed in range(4)) > 150


def unmoved(connection: duckdb.DuckDBPyConnection, pick: Random) -> int:
    """Hold some queries against changes of every column in turn; returns how many changes there were."""
    case, changes = cases(pick, 6), 0
    tables = {table: relation(table, **shapes(columns)) for table, columns in case.schema.items()}
    connection.execute(case.ddl)
    for query in case.queries:
        made = select_columns(query.sql, tables)
        named = [{(k.table, k.column) for k in flow.links | made.whole} for flow in made.columns.values()]
        for table, column in [(t, c) for t, r in tables.items() for c, _ in r.leaves() if c != "lineage_id"]:
            free = [
                f"o.{name}" for name, links in zip(query.columns, named, strict=True) if (table, column) not in links
            ]
            if free:
                ask = f"SELECT DISTINCT {', '.join(free)} FROM ({query.sql}) AS o({', '.join(query.columns)})"
                before = set(map(repr, connection.execute(ask).fetchall()))
                connection.execute(refilled(case, table, changed(pick, case, table, column)))
                after = set(map(repr, connection.execute(ask).fetchall()))
                connection.execute(refilled(case, table, case.rows[table]))
                assert before == after, f"{query.sql} depends on {table}.{column}"
                changes += 1
    return changes


def shapes(columns: dict[str, str]) -> dict[str, Flow]:
    made = {"list": Flow.of_items(Flow.of_members({"x": Flow(), "y": Flow()}))}
    return {name: made.get(kind, Flow()) for name, kind in columns.items()}


def changed(pick: Random, case: Case, table: str, column: str) -> list[list[object]]:
    """The rows of a table with another value in every place of a column."""
    head, _, member = column.partition("[].")
    place = ["lineage_id", *case.schema[table]].index(head)
    pool = "abcz" if case.schema[table][head] == "str" else [0, 1, 2, 3, 7, None]

    def other(value: object) -> object:
        return pick.choice([v for v in pool if v != value])

    rows = [list(row) for row in case.rows[table]]
    for row in rows:
        row[place] = [{**d, member: other(d[member])} for d in row[place]] if member else other(row[place])
    return rows


def refilled(case: Case, table: str, rows: list[list[object]] | list[tuple[object, ...]]) -> str:
    typed = ", ".join(f"{name} {TYPES[kind]}" for name, kind in case.schema[table].items())
    held = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    return f"CREATE OR REPLACE TABLE {table} (lineage_id VARCHAR, {typed}); INSERT INTO {table} VALUES {held}"


# whole lakes


def space_of(lake: str, tmp_path: Path) -> Workspace:
    folders = {} if lake == "own" else {n: LAKES / lake / n for n in ("contracts", "marts", "features")}
    return Workspace(Settings(home=tmp_path / "data", vault=tmp_path / "vault", **folders))


def constants(space: Workspace, asset: str) -> set[str]:
    """The columns of a mart that its SQL writes without naming any other column; and the id, where the grain is one."""
    mart = gold.marts(space).get(asset.removeprefix("gold/"))
    if mart is None:
        return set()
    written = sqlglot.parse_one(mart.sql, read="duckdb").selects
    bare = {e.alias_or_name for e in written if isinstance(e.unalias(), exp.Literal)}
    return bare | ({"lineage_id"} if set(mart.grain) <= bare else set())


@pytest.mark.parametrize("lake", ["own", *sorted(p.name for p in LAKES.iterdir() if (p / "contracts").is_dir())])
def test_every_column_has_a_source_upstream(lake: str, tmp_path: Path) -> None:
    """Or is what a contract says, a constant, or the moment of a snapshot's build; and each source is a column."""
    space = space_of(lake, tmp_path)
    lineage = column_lineage(space)
    known = {table: {column for column, _ in r.leaves()} for table, r in lineage.tables.items()}
    for asset, made in lineage.assets.items():
        leaves = dict(made.leaves())
        bare = {column for column, links in leaves.items() if not links} - constants(space, asset)
        if asset.startswith("silver/"):
            bare -= {"subject_id", "mentions", "change_op"}  # nobody's, and never deleted
        elif asset.startswith(("edges/", "vectors/")):
            bare -= {
                *MADE_HERE,
                "weight",
                "valid_from",
                "valid_to",
                "title",
                "at",
                "metadata",
                "mentions",
                "subject_id",
            }
        elif asset == "features/customer_graph_features":
            bare -= {"event_timestamp", "created_timestamp"}
        assert not bare, f"{asset}: {bare} come from nowhere"
        for link in frozenset().union(made.whole, *leaves.values()):
            if not link.table.startswith("bronze/"):
                assert link.column in known[link.table], f"{asset} is said to read {link.table}.{link.column}"


def test_columns_are_those_of_the_tables(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    lineage = column_lineage(space)
    for layer in ("silver", "gold", "graph", "features"):
        for table in space.tables(layer):
            assert list(lineage.tables[table.name].columns) == table.schema().names(), table.name
    from cenote.vectors.store import Store

    held = set(Store(space).table.schema.names)
    assert held <= set(lineage.tables["vectors/reviews"].columns) | {"model"}


GOLDEN = {
    "gold.customer_360.revenue_eur": {("orders", "$.total_eur", "keep", "AGGREGATION")},
    "gold.customer_360.customer_id": {("customers", "$.id", "token", "TRANSFORMATION")},
    "gold.customer_360.country": {("customers", "$.address.country", "keep", "IDENTITY")},
    "gold.product_performance.margin_eur": {
        ("orders", "$.lines[].quantity", "keep", "AGGREGATION"),
        ("orders", "$.lines[].unit_price_eur", "keep", "AGGREGATION"),
        ("products", "$.pricing.cost_eur", "keep", "TRANSFORMATION"),
    },
    "gold.conversation_quality.cost_usd": {("turns", "$.stages[].cost_usd", "keep", "AGGREGATION")},
    "gold.daily_cash.paid_eur": {("invoices", "$.amount_eur", "keep", "AGGREGATION")},
    "features.customer_features.total_spent": {("orders", "$.total_eur", "keep", "AGGREGATION")},
    "vectors.reviews.vector": {("reviews", "$.body", "text", "TRANSFORMATION")},
}


@pytest.mark.parametrize("column", GOLDEN)
def test_raw_paths_behind_columns_of_the_sample(space: Workspace, column: str) -> None:
    rows = sources(space, column).rows(named=True)
    direct = {(r["dataset"], r["path"], r["mask"], *r["uses"]) for r in rows if r["kind"] == "DIRECT"}
    assert direct == GOLDEN[column]


def test_a_path_is_followed_to_everything_it_reaches(space: Workspace) -> None:
    found = {(r["table"], r["column"]): r for r in reached(space, "orders.$.lines[].quantity").rows(named=True)}
    assert {("silver.orders", "lines[].quantity"), ("gold.product_performance", "margin_eur"),
            ("graph.edges", "weight"), ("features.product_features", "sales_last_30d")} <= set(found)  # fmt: skip
    assert not found["graph.pagerank", "pagerank"]["is_readable"]
    deciding = reached(space, "orders.$.status").rows(named=True)
    assert {"INDIRECT"} == {r["kind"] for r in deciding if r["column"] == "revenue_eur"}
    both = [reached(space, what).filter(table="gold.customer_360", column="segment").height
            for what in ("silver.customers.segment", "customers.$.segment")]  # fmt: skip
    assert both == [1, 1]
    assert Lake(space).columns("orders.$.status").rows(named=True) == deciding


@pytest.mark.parametrize("what", ["gold.customer_36", "gold.customer_360.revenu", "orders.$.totl", "nothing"])
def test_unknown_names_are_told_with_near_ones(space: Workspace, what: str) -> None:
    with pytest.raises(TableError):
        (reached if "$" in what else sources)(space, what)


# classification


def wrong(contract: Contract, *path: str) -> Contract:
    """The contract with a field classed HIGH and kept in clear."""
    fields = tuple(
        replace(f, classification="HIGH", mask=type(f.mask)("keep")) if f.name in path else f for f in contract.fields
    )
    return replace(contract, fields=fields)


@pytest.fixture
def exposed(space: Workspace) -> Iterator[Workspace]:
    """A lake with a contract that is wrong on purpose: who ordered what is kept in clear."""
    space.contracts["orders"] = wrong(space.contracts["orders"], "total_eur", "customer_id", "order_id")
    yield space


def test_the_sample_shows_nothing_of_class_high(space: Workspace) -> None:
    lineage = column_lineage(space)
    assert {asset: exposures(lineage, asset) for asset in lineage.assets if exposures(lineage, asset)} == {}
    assert check_columns(space, "gold/customer_360").passed


def test_a_path_of_class_high_that_can_be_read_fails_the_check(exposed: Workspace) -> None:
    finding = check_columns(exposed, "gold/customer_360")
    assert (finding.passed, finding.essential) == (False, True)
    assert "orders $.total_eur -> revenue_eur" in finding.summary
    assert set(finding.counts) == {
        "columns", "orders $.total_eur -> revenue_eur", "orders $.total_eur -> avg_order_value_eur"
    }  # fmt: skip
    assert not check_columns(exposed, "features/customer_features").passed, "features are looked at too"
    assert "orders $.customer_id -> source" in check_columns(exposed, "edges/orders").summary
    assert check_columns(exposed, "gold/product_performance").passed, "counting buyers and orders shows none of them"


def test_names_of_columns_without_their_members() -> None:
    assert [top_column(c) for c in ("a", "lines[].sku", "home.city", "$.lines[].sku")] == [
        "a", "lines", "home", "$.lines[].sku"
    ]  # fmt: skip
    assert table_of("edges/orders") == "graph/edges"
