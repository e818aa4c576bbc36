"""Inverting SQL is right by definition: traced rows alone give the row again, and every one of them takes part."""

from collections.abc import Iterable, Iterator
from random import Random

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cenote.trace.follow import Follower
from cenote.trace.rerun import Rerun
from tests.query_cases import Case, Query, cases, literal
from transforms.inversion import Inversion, NotInvertible, check_invertible, invert, readings
from transforms.inversion.nodes import is_aggregate

CASES, QUERIES = 63, 8
# One draw for a whole case is fast; looking for new cases, each choice is a draw, so that a failure is made small.
REPEATABLE = settings.get_current_profile_name() == "repeatable"
PHASES = [Phase.generate] if REPEATABLE else list(Phase)
Made = dict[str, set[str]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("SET threads = 1")
        made.execute("PRAGMA disable_optimizer")  # over so few rows, planning is most of the work
        for schema in ("silver", "gold"):
            made.execute(f"CREATE SCHEMA {schema}")
        yield made


def test_random_queries(connection: duckdb.DuckDBPyConnection) -> None:
    """Trace and twin (:mod:`tests.query_cases`) name the same records, and traced rows alone give a row again."""
    queries, rows = 0, 0

    @settings(max_examples=CASES, database=None, phases=PHASES, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=REPEATABLE))
    def check(pick: Random) -> None:
        nonlocal queries, rows
        case = cases(pick, QUERIES)
        connection.execute(case.ddl)
        for query in case.queries:
            queries += 1
            rows += right(connection, query, case, queries)

    check()
    assert queries >= 500
    assert rows >= 500, "most queries give rows"


def test_a_subquery_that_is_written_twice_is_traced_twice(connection: duckdb.DuckDBPyConnection) -> None:
    case = cases(Random(247716), QUERIES)
    connection.execute(case.ddl)
    for number, query in enumerate(case.queries):
        right(connection, query, case, number)
        links = invert(query.sql, query.columns, case.columns).links
        assert all(link.to > link.stage for link in links if link.to is not None)


def right(connection: duckdb.DuckDBPyConnection, query: Query, case: Case, number: int) -> int:
    """Hold the tracing of a query against its twin: down from all rows and up from a record; turn by turn, also with
    all records at once, or with one row, which must come again from its traced rows alone.

    Returns how many rows the query gives.
    """
    expected = twin(connection, query)
    inversion = invert(query.sql, query.columns, case.columns)
    records = sorted((t, r[0]) for t, held in case.rows.items() for r in held)
    with Follower(connection) as follower:
        assert each(follower, inversion, query) == {row: made_of for row, made_of in expected.items() if made_of}
        up = records if number % 4 == 0 else [records[number % len(records)]]
        reached = {"/".join(record) for record in up}
        found = forward(follower, inversion, query, up)
        assert found == {row for row, made_of in expected.items() if made_of & reached}
        if number % 4 == 1:
            check_invertible(query.sql)
        elif expected and number % 2 == 0:
            row = sorted(expected)[number % len(expected)]
            wanted = f"SELECT {', '.join(query.columns)} FROM {named(query)} WHERE {name(query)} = {literal(row)}"
            traced = follower.backward(inversion, wanted)
            assert {f"{t}/{i}" for t, ids in traced.items() for i in ids} == expected[row]
            comes_again(connection, query, wanted, {t: ids.to_list() for t, ids in traced.items()})
    return len(expected)


def twin(connection: duckdb.DuckDBPyConnection, query: Query) -> Made:
    """By output row, as text, what the query that carries lineage along says it was made of."""
    sql = f"SELECT {name(query)}, flatten(list(p)) FROM ({query.traced}) AS o GROUP BY ALL"
    return {row: set(made_of) for row, made_of in connection.execute(sql).fetchall()}


def each(follower: Follower, inversion: Inversion, query: Query) -> Made:
    rows = f"SELECT {name(query)}, {', '.join(query.columns)} FROM {named(query)}"
    found: Made = {}
    for row, table, record in follower.each(inversion, rows).iter_rows():
        found.setdefault(row, set()).add(f"{table}/{record}")
    return found


def forward(follower: Follower, inversion: Inversion, query: Query, records: Iterable[tuple[str, str]]) -> set[str]:
    by_table: dict[str, list[str]] = {}
    for table, record in records:
        by_table.setdefault(table, []).append(record)
    keys = follower.forward(inversion, by_table)
    if not keys:
        return set()
    match = " AND ".join(f"o.{c} IS NOT DISTINCT FROM k.__k{n}" for n, c in enumerate(query.columns, 1))
    affected = " UNION ALL ".join(f"FROM {table}" for table in keys)
    sql = f"SELECT DISTINCT {name(query)} FROM {named(query)} SEMI JOIN ({affected}) AS k ON {match}"
    return {row for (row,) in follower.connection.execute(sql).fetchall()}


def comes_again(connection: duckdb.DuckDBPyConnection, query: Query, wanted: str, traced: dict[str, list[str]]) -> None:
    """The query over the traced rows gives the row; where it reads a table twice, perhaps with further rows."""
    rerun = Rerun(connection, query.sql, f"SELECT DISTINCT * FROM ({wanted})")
    if not rerun.gives(traced):
        assert max(readings(query.sql).values()) > 1, "only a table that is read twice can need more"
        assert rerun.completed(traced) is not None


def named(query: Query) -> str:
    return f"({query.sql}) AS o({', '.join(query.columns)})"


def name(query: Query) -> str:
    """An output row as text."""
    return f"CAST(row({', '.join(f'o.{c}' for c in query.columns)}) AS VARCHAR)"


REFUSED = {
    "a recursive CTE": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
    "LIMIT": "SELECT a FROM silver.t LIMIT 3",
    "OFFSET": "SELECT a FROM silver.t OFFSET 3",
    "DISTINCT ON": "SELECT DISTINCT ON (a) a, b FROM silver.t ORDER BY b",
    "ROLLUP": "SELECT a, count(*) FROM silver.t GROUP BY ROLLUP (a)",
    "GROUPING SETS": "SELECT a, b, count(*) FROM silver.t GROUP BY GROUPING SETS ((a), (b))",
    "PIVOT or UNPIVOT": "SELECT * FROM silver.t PIVOT (sum(v) FOR k IN ('a', 'b'))",
    "COLUMNS()": "SELECT COLUMNS('a.*') FROM silver.t",
    "a comparison with ANY or ALL of a subquery": "SELECT a FROM silver.t WHERE a > ALL (SELECT b FROM silver.u)",
    "a set operation BY NAME": "SELECT a FROM silver.t UNION ALL BY NAME SELECT a FROM silver.u",
    "a NATURAL JOIN": "SELECT a FROM silver.t NATURAL JOIN silver.u",
    "a POSITIONAL JOIN": "SELECT t.a FROM silver.t POSITIONAL JOIN silver.u",
    "a LATERAL subquery that reads a table":
        "SELECT a FROM silver.t, LATERAL (SELECT b FROM silver.u WHERE u.k = t.k) AS l",
    "a join in parentheses": "SELECT t.a FROM silver.t LEFT JOIN (silver.u JOIN silver.v ON u.k = v.k) ON t.k = u.k",
    "new names for the columns of a table": "SELECT x FROM silver.t AS t(x, y)",
    "a correlated subquery with HAVING, QUALIFY or windows, or looked at by value":
        "SELECT a FROM silver.t AS t WHERE EXISTS (SELECT u.k FROM silver.u AS u WHERE u.k = t.k GROUP BY u.k "
        "HAVING count(*) > 1)",
    "a correlated subquery beside a window":
        "SELECT t.a, (SELECT max(u.b) FROM silver.u AS u WHERE u.k = t.k), row_number() OVER (ORDER BY t.a) "
        "FROM silver.t AS t",
    "an aggregate looked for IN a subquery":
        "SELECT a FROM silver.t GROUP BY a HAVING count(*) IN (SELECT n FROM silver.u)",
    "two tables of one FROM with the same name": "SELECT 1 FROM silver.t JOIN gold.t ON true",
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_inverted_is_named_with_a_way_to_write_it(what: str) -> None:
    with pytest.raises(NotInvertible) as refused:
        check_invertible(REFUSED[what])
    assert refused.value.what == what
    assert len(refused.value.fix) > 10


def test_every_aggregate_of_duckdb_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    listed = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
    for (name,) in connection.execute(listed).fetchall():
        call = sqlglot.parse_one(f"{name}(a, b, c)", read="duckdb", error_level=sqlglot.ErrorLevel.IGNORE)
        assert any(map(is_aggregate, call.walk())), name


JOINED = "SELECT c.id, max(b.v) AS v FROM silver.c AS c LEFT JOIN silver.b AS b ON {} WHERE c.alive GROUP BY c.id"


@pytest.mark.parametrize(
    ("on", "spares"),
    [
        ("b.c_id = c.id", True),
        ("c.id = b.c_id + 1", True),
        ("b.c_id = c.id AND b.v = c.alive", False),  # whether that holds is not said by the key
        ("b.c_id > c.id", False),
    ],
)
def test_the_table_that_names_the_keys_is_not_read_for_what_is_joined_to_it(on: str, spares: bool) -> None:
    columns = {"silver.c": ("id", "alive", "lineage_id"), "silver.b": ("c_id", "v", "lineage_id")}
    links = {link.table: link for link in invert(JOINED.format(on), ["id"], columns).links}
    assert links["silver.b"].spared == spares
    assert ("silver.c" in links["silver.b"].sql) != spares
    assert not links["silver.c"].spared  # it proves that a row is there


def test_a_null_key_is_joined_to_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE silver.c AS FROM (VALUES (1, true, 'c1'), (NULL, true, 'c2')) t(id, alive, lineage_id)"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE silver.b AS FROM (VALUES (1, 5, 'b1'), (NULL, 6, 'b2')) t(c_id, v, lineage_id)"
    )
    columns = {"silver.c": ("id", "alive", "lineage_id"), "silver.b": ("c_id", "v", "lineage_id")}
    inversion = invert(JOINED.format("b.c_id = c.id"), ["id"], columns)
    with Follower(connection) as follower:
        found = [follower.backward(inversion, f"SELECT {key} AS id") for key in ("1", "CAST(NULL AS INTEGER)")]
    assert [{t: ids.to_list() for t, ids in f.items()} for f in found] == [
        {"silver.b": ["b1"], "silver.c": ["c1"]},
        {"silver.c": ["c2"]},
    ]
