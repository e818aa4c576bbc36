"""Mart and feature SQL files are read, and everything that would make them impure or untraceable is refused."""

from pathlib import Path

import pytest

from cenote.errors import SqlFileError
from cenote.settings import Settings
from cenote.sqlfiles import SqlFile, in_order, load_sqlfiles, parse_sqlfile

FRONT = "/* ---\ndescription: Orders by day.\nowner: finance@shop.example\ngrain: [day]\n--- */\n"


def read(sql: str, front: str = FRONT) -> SqlFile:
    return parse_sqlfile(front + sql, "by_day.sql")


def test_front_comment_and_sql_become_a_mart() -> None:
    mart = parse_sqlfile(
        "/* ---\nname: cash\ndescription: Money\n  by day.\nowner: a@b.example\n"
        "grain: [day, currency]\ntags: [finance]\ncolumns: {day: The day.}\n--- */\n"
        "SELECT day, currency FROM silver.orders WHERE at < $as_of;\n",
        "file.sql",
    )
    assert (mart.name, mart.description, mart.owner) == ("cash", "Money by day.", "a@b.example")
    assert (mart.grain, mart.tags, mart.columns) == (("day", "currency"), ("finance",), {"day": "The day."})
    assert mart.sql == "SELECT day, currency FROM silver.orders WHERE at < $as_of"
    assert mart.inputs == ("silver/orders",)
    assert mart.uses_as_of


def test_name_defaults_to_the_file_and_features_to_their_grain() -> None:
    assert read("SELECT day FROM silver.orders").name == "by_day"
    front = "/* ---\ndescription: d\nowner: o\nentity: customer\njoin_key: customer_id\n--- */\n"
    view = read("SELECT customer_id, event_timestamp, 1 AS x FROM silver.orders", front)
    assert (view.entity, view.join_key, view.grain) == ("customer", "customer_id", ("customer_id", "event_timestamp"))


@pytest.mark.parametrize(
    ("sql", "inputs"),
    [
        ("WITH orders AS (SELECT * FROM silver.invoices) SELECT day FROM orders", {"silver/invoices"}),
        ("SELECT day FROM silver.a UNION ALL SELECT day FROM gold.b", {"silver/a", "gold/b"}),
        ("SELECT day FROM silver.a WHERE x IN (SELECT x FROM silver.c)", {"silver/a", "silver/c"}),
        ("SELECT day, (SELECT max(x) FROM silver.d) m FROM silver.a", {"silver/a", "silver/d"}),
        ("SELECT day FROM silver.a a, unnest(a.lines) AS t(line)", {"silver/a"}),
        ("SELECT day FROM silver.a WHERE EXISTS (FROM silver.e)", {"silver/a", "silver/e"}),
        ("FROM silver.a SELECT day", {"silver/a"}),
        ('SELECT day FROM silver.a AS "silver"', {"silver/a"}),
    ],
)
def test_inputs_are_found_wherever_sql_can_name_a_table(sql: str, inputs: set[str]) -> None:
    assert set(read(sql).inputs) == inputs


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT day FROM bronze.orders", "bronze.orders"),
        ("SELECT day FROM orders", "orders"),
        ("SELECT day FROM 'orders.parquet'", "orders.parquet"),
        ("SELECT day FROM read_parquet('x')", "read_parquet"),
        ("SELECT day FROM silver.a, glob('*')", "glob"),
        ("SELECT day FROM lake.silver.orders", "lake.silver.orders"),
        ("SELECT day FROM silver.a; SELECT day FROM silver.b", "exactly one SELECT"),
        ("DELETE FROM silver.a", "exactly one SELECT"),
        ("SELECT day FROM", "cannot be parsed"),
        ("SELECT day FROM silver.a WHERE at < now()", "now"),
        ("SELECT day FROM silver.a WHERE at < current_date", "current_date"),
        ("SELECT day, random() AS r FROM silver.a", "each time"),
        ("SELECT day FROM silver.a USING SAMPLE 10%", "sample"),
        ("SELECT day FROM silver.a WHERE x = $today", "today"),
        ("SELECT day FROM silver.a WHERE x = ?", "parameter"),
        ("SELECT 1 AS day", "no table"),
        ("SELECT dya FROM silver.a", "dya"),
        ("SELECT day, x AS day FROM silver.a", "two of its columns"),
        ("SELECT day, 1 AS lineage_id FROM silver.a", "lineage_id"),
        ("SELECT day FROM gold.by_day", "reads itself"),
    ],
)
def test_what_could_not_be_traced_or_repeated_is_refused(sql: str, complaint: str) -> None:
    with pytest.raises(SqlFileError, match=r"by_day\.sql") as raised:
        read(sql)
    assert complaint in raised.value.what
    assert raised.value.fix


@pytest.mark.parametrize(
    ("front", "complaint"),
    [
        ("", "no front comment"),
        ("/* a comment */\n", "no front comment"),
        ("/* ---\nowner: o\ngrain: [day]\n--- */\n", "no description"),
        ("/* ---\ndescription: d\ngrain: [day]\n--- */\n", "no owner"),
        ("/* ---\ndescription: d\nowner: o\n--- */\n", "no grain"),
        ("/* ---\ndescription: d\nowner: o\ngrain: day\n--- */\n", "grain is not a list"),
        ("/* ---\ndescripton: d\n--- */\n", "did you mean description"),
        ("/* ---\n: [\n--- */\n", "not YAML"),
        ("/* ---\n- a\n--- */\n", "not a YAML mapping"),
        ("/* ---\nname: By Day\ndescription: d\nowner: o\ngrain: [day]\n--- */\n", "cannot name a table"),
        ("/* ---\ndescription: d\nowner: o\ngrain: [week]\n--- */\n", "'week'"),
    ],
)
def test_a_front_comment_that_says_too_little_or_too_much_is_refused(front: str, complaint: str) -> None:
    with pytest.raises(SqlFileError, match=r"by_day\.sql") as raised:
        read("SELECT day FROM silver.orders", front)
    assert complaint in raised.value.what


def test_digest_follows_the_rows_not_the_prose() -> None:
    sql = "SELECT day FROM silver.orders"
    first = read(sql)
    assert read(sql, FRONT.replace("Orders by day", "Daily orders")).digest == first.digest
    assert read(sql + " WHERE day IS NOT NULL").digest != first.digest


def test_marts_come_after_those_they_read() -> None:
    files = {
        "a": parse_sqlfile(FRONT + "SELECT day FROM gold.b", "a.sql"),
        "b": parse_sqlfile(FRONT + "SELECT day FROM gold.c JOIN silver.x USING (day)", "b.sql"),
        "c": parse_sqlfile(FRONT + "SELECT day FROM silver.x", "c.sql"),
    }
    assert list(in_order(files)) == ["c", "b", "a"]


def test_circles_and_unknown_marts_are_named() -> None:
    circle = {n: parse_sqlfile(FRONT + f"SELECT day FROM gold.{o}", f"{n}.sql") for n, o in (("a", "b"), ("b", "a"))}
    with pytest.raises(SqlFileError, match="circle"):
        in_order(circle)
    with pytest.raises(SqlFileError, match="did you mean daily_cash"):
        in_order({n: read("SELECT day FROM gold.dayly_cash") for n in ("daily_cash",)})


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.sql").write_text(
            FRONT.replace("---\n", "---\nname: same\n", 1) + "SELECT day FROM silver.x"
        )
    with pytest.raises(SqlFileError, match="two SQL files are named 'same'"):
        load_sqlfiles(tmp_path)


def test_the_projects_marts_are_described_down_to_their_names() -> None:
    marts = load_sqlfiles(Settings().marts)
    assert set(marts) == {
        "active_media", "consent_status", "conversation_quality", "customer_360", "customers_by_age", "daily_cash",
        "product_performance",
    }  # fmt: skip
    assert all(mart.tags and mart.owner.endswith("@shop.example") for mart in marts.values())


def test_features_may_read_the_graph_and_marts_may_not() -> None:
    sql = "SELECT customer_id, day FROM graph.pagerank"
    front = "/* ---\ndescription: d\nowner: o\ngrain: [customer_id]\nentity: customer\njoin_key: customer_id\n--- */\n"
    assert read(sql, front).inputs == ("graph/pagerank",)
    with pytest.raises(SqlFileError, match=r"graph\.pagerank"):
        read(sql)
