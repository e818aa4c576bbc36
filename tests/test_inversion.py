"""Inverting SQL is right by definition: traced rows alone give the row again, and every one of them takes part."""

from collections.abc import Iterable, Iterator
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cenote.trace.follow import Follower
from cenote.trace.rerun import Rerun
from tests.query_cases import Case, Query, cases, literal
from transforms.inversion import Inversion, NotInvertible, check_invertible, invert, readings

CASES, QUERIES = 64, 8
# One draw for a whole case is fast; looking for new cases, each choice is a draw, so that a failure is made small.
REPEATABLE = settings.get_current_profile_name() == "repeatable"
PHASES = [Phase.generate] if REPEATABLE else list(Phase)
Made = dict[tuple[object, ...], set[str]]


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


def right(connection: duckdb.DuckDBPyConnection, query: Query, case: Case, number: int) -> int:
    """Hold the tracing of a query against its twin: for some rows or all, for some records or all, turn by turn.

    Returns how many rows the query gives.
    """
    expected = twin(connection, query)
    if number % 4 == 0:
        check_invertible(query.sql)
    inversion = invert(query.sql, query.columns, case.columns)
    rows = sorted(expected, key=repr)
    one = rows[number % len(rows)] if rows else None
    with Follower(connection) as follower:
        records = sorted((t, r[0]) for t, held in case.rows.items() for r in held)
        if number % 3 == 0:
            everything = set().union(*expected.values())
            assert backward(follower, inversion, f"SELECT * FROM {named(query)}") == everything
            assert forward(follower, inversion, query, records) == {row for row in expected if expected[row]}
        else:
            record = records[number % len(records)]
            found = forward(follower, inversion, query, [record])
            assert found == {row for row in expected if "/".join(record) in expected[row]}
            if one is not None:
                wanted = f"SELECT * FROM {named(query)} WHERE {same(query.columns, one)}"
                traced = backward(follower, inversion, wanted)
                assert traced == expected[one]
                comes_again(connection, query, wanted, traced)
    return len(rows)


def twin(connection: duckdb.DuckDBPyConnection, query: Query) -> Made:
    """By output row, what the query that carries lineage along says it was made of."""
    columns = ", ".join(query.columns)
    sql = f"SELECT {columns}, flatten(list(p)) FROM ({query.traced}) GROUP BY ALL"
    return {row[:-1]: set(row[-1]) for row in connection.execute(sql).fetchall()}


def backward(follower: Follower, inversion: Inversion, wanted: str) -> set[str]:
    return {f"{t}/{i}" for t, ids in follower.backward(inversion, wanted).items() for i in ids}


def forward(
    follower: Follower, inversion: Inversion, query: Query, records: Iterable[tuple[str, str]]
) -> set[tuple[object, ...]]:
    by_table: dict[str, list[str]] = {}
    for table, record in records:
        by_table.setdefault(table, []).append(record)
    keys = follower.forward(inversion, by_table)
    if not keys:
        return set()
    columns = ", ".join(f"o.{c}" for c in query.columns)
    match = " AND ".join(f"o.{c} IS NOT DISTINCT FROM k.__k{n}" for n, c in enumerate(query.columns, 1))
    affected = " UNION ALL ".join(f"FROM {table}" for table in keys)
    sql = f"SELECT DISTINCT {columns} FROM {named(query)} SEMI JOIN ({affected}) AS k ON {match}"
    return set(follower.connection.execute(sql).fetchall())


def comes_again(connection: duckdb.DuckDBPyConnection, query: Query, wanted: str, traced: Iterable[str]) -> None:
    """The query over the traced rows gives the row; where it reads a table twice, perhaps with further rows."""
    held: dict[str, list[str]] = {}
    for record in traced:
        table, _, lineage_id = record.partition("/")
        held.setdefault(table, []).append(lineage_id)
    rerun = Rerun(connection, query.sql, f"SELECT DISTINCT * FROM ({wanted})")
    if not rerun.gives(held):
        assert max(readings(query.sql).values()) > 1, "only a table that is read twice can need more"
        assert rerun.completed(held) is not None


def named(query: Query) -> str:
    return f"({query.sql}) AS o({', '.join(query.columns)})"


def same(columns: Iterable[str], row: tuple[object, ...]) -> str:
    return " AND ".join(f"{c} IS NOT DISTINCT FROM {literal(v)}" for c, v in zip(columns, row, strict=True))


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
