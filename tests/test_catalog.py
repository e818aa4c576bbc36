"""The SQL door: one set of views for ``lake.sql``, the catalog file and notebooks, never in anybody's way."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from cenote import catalog, gold
from cenote.errors import TableError
from cenote.tables import Commit
from cenote.workspace import Workspace
from tests.scenario import ANA, LANDED, batch_id, lineage_id, shop_frames, silver_shop


@pytest.fixture
def shop(space: Workspace) -> Workspace:
    """A lake with bronze and quarantine of orders, all of silver, two marts and the batches."""
    silver_shop(space)
    record = pl.DataFrame(
        {
            "lineage_id": [lineage_id("orders", 7)],
            "batch_id": [batch_id("orders")],
            "row": [7],
            "landed_at": [LANDED],
            "subject_id": [ANA],
            "key_id": [ANA],
            "prefix": [b"\n"],
            "payload": [b"sealed"],
        }
    )
    space.table("bronze", "orders").append(record, Commit("bronze", inputs={"meta/batches": 0}, run_id="run-1"))
    broken = record.select("lineage_id", "batch_id", "subject_id", "landed_at").with_columns(
        rules=pl.lit([{"rule": "type", "path": "$.total"}, {"rule": "required", "path": "$.order_id"}])
    )
    space.table("quarantine", "orders").append(broken, Commit("silver"))
    batches = {"batch_id": [batch_id("orders")], "dataset": ["orders"], "records": [8], "trailer": [b""]}
    space.table("meta", "batches").append(pl.DataFrame(batches), Commit("bronze"))
    for mart in ("daily_cash", "consent_status"):
        gold.build(space, mart)
    return space


def ask(space: Workspace, sql: str, **params: object) -> pl.DataFrame:
    return catalog.query(space, sql, params)


# views of tables


def test_bronze_comes_without_payload(shop: Workspace) -> None:
    assert ask(shop, "from bronze.orders").columns == [
        "lineage_id", "batch_id", "row", "landed_at", "subject_id", "key_id"
    ]  # fmt: skip
    assert "trailer" not in ask(shop, "from meta.batches").columns


def test_silver_shows_current_rows_versions_or_everything(shop: Workspace) -> None:
    orders = ask(shop, "from silver.orders")
    assert orders.height == 6
    assert not {"valid_from", "valid_to", "is_current", "change_op"} & set(orders.columns)
    assert ask(shop, "from silver.orders_records").height == 7
    customers = ask(shop, "from silver.customers")
    assert (customers.height, customers["is_current"].sum()) == (6, 4)
    assert {"valid_from", "valid_to"} < set(customers.columns)
    assert "change_op" not in customers.columns
    assert ask(shop, "from silver.turns").height == ask(shop, "from silver.turns_records").height == 7


def test_types_survive_the_way_through_sql(shop: Workspace) -> None:
    before = shop_frames()["turns"]
    after = ask(shop, "from silver.turns order by lineage_id")
    assert after.schema == before.schema
    assert after.equals(before)


def test_columns_that_came_later_are_null_before(shop: Workspace) -> None:
    later = shop_frames()["consents"].head(1).with_columns(source=pl.lit("web"))
    shop.table("silver", "consents").append(later, Commit("silver"))
    assert ask(shop, "from silver.consents")["source"].to_list().count(None) == 5


def test_a_table_without_rows_keeps_its_columns(space: Workspace) -> None:
    frame = shop_frames()["orders"].clear()
    space.table("silver", "orders").append(frame, Commit("silver"))
    assert ask(space, "from silver.orders_records").schema == frame.schema
    assert ask(space, "select count(*) as n from silver.orders")["n"].item() == 0


# questions


def test_parameters_limit_and_the_lakes_moment(shop: Workspace) -> None:
    found = catalog.query(shop, "from silver.orders where customer_id = $who order by order_id", {"who": ANA}, limit=1)
    assert found["order_id"].to_list() == ["O1"]
    assert ask(shop, "select $as_of as now")["now"].item() == shop.as_of
    assert ask(shop, "select $as_of as now", as_of=datetime(2025, 1, 1, tzinfo=UTC))["now"].item().year == 2025


def test_times_are_utc_wherever_the_machine_is(shop: Workspace) -> None:
    assert ask(shop, "select current_setting('TimeZone') as zone")["zone"].item() == "UTC"


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("from gold.dayly_cash", "did you mean gold.daily_cash?"),
        ("from silver.order", "silver.orders"),
        ("select statsu from silver.orders", "statsu"),
        ("selec 1", "syntax error"),
        ("select cast(channel as integer) from silver.orders", "Could not convert string '...'"),
    ],
)
def test_errors_say_what_is_near_and_no_value(shop: Workspace, sql: str, complaint: str) -> None:
    with pytest.raises(TableError) as raised:
        ask(shop, sql)
    assert complaint in raised.value.what
    assert raised.value.fix
    assert "assistant" not in str(raised.value)


def test_questions_about_the_lake_itself(shop: Workspace) -> None:
    assert "orders_records" in ask(shop, "show all tables")["name"].to_list()
    assert ask(shop, "describe silver.orders")["column_name"][0] == "lineage_id"


def test_versions_can_be_pinned(shop: Workspace) -> None:
    shop.table("silver", "consents").append(shop_frames()["consents"], Commit("silver"))
    with catalog.connect(shop, ["silver/consents"], {"silver/consents": 0}) as connection:
        assert connection.sql("select count(*) from silver.consents").fetchall() == [(5,)]
    assert ask(shop, "from silver.consents").height == 10


def test_a_connection_keeps_its_moment_while_a_run_writes(shop: Workspace) -> None:
    with catalog.connect(shop) as connection:
        shop.table("silver", "consents").overwrite(shop_frames()["consents"].clear(), Commit("silver"))
        assert connection.sql("select count(*) from silver.consents").fetchall() == [(5,)]
    assert ask(shop, "from silver.consents").height == 0


# views about the lake


def test_assets_and_commits_know_every_table(shop: Workspace) -> None:
    assets = ask(shop, "from meta.assets")
    found = {f"{row['layer']}/{row['table']}": row for row in assets.to_dicts()}
    assert {"bronze/orders", "silver/turns", "quarantine/orders", "gold/daily_cash", "meta/batches"} <= set(found)
    cash = found["gold/daily_cash"]
    assert (cash["rows"], cash["version"], cash["files"], cash["owner"]) == (8, 0, 1, "finance@shop.example")
    assert (cash["stage"], cash["run_id"], cash["bytes"] > 0) == ("gold", "test", True)
    commits = ask(shop, "select * from meta.commits where layer = 'gold' and \"table\" = 'daily_cash'")
    assert commits["inputs"].to_list() == [{"silver/invoices": 0}]
    joined = ask(shop, 'select a.rows from meta.assets a join meta.commits c using (layer, "table", version)')
    assert joined.height == assets.height


def test_quarantine_has_a_row_per_record_and_rule(shop: Workspace) -> None:
    found = ask(shop, "from meta.quarantine order by rule").to_dicts()
    assert [(row["dataset"], row["rule"], row["path"]) for row in found] == [
        ("orders", "required", "$.order_id"), ("orders", "type", "$.total")
    ]  # fmt: skip
    assert {row["lineage_id"] for row in found} == {lineage_id("orders", 7)}


def test_contracts_and_columns_are_described(shop: Workspace) -> None:
    contracts = {row["dataset"]: row for row in ask(shop, "from meta.contracts").to_dicts()}
    assert set(contracts) == set(shop.contracts)
    assert (contracts["invoices"]["erasure"], contracts["customers"]["subject"]) == ("anonymize", "customer")
    assert "order_id" in contracts["orders"]["columns"]
    sql = 'from meta.columns where layer = $layer and "table" = $table and "column" = $column'
    email = ask(shop, sql, layer="silver", table="customers", column="email").to_dicts()[0]
    assert (email["classification"], email["mask"], email["type"]) == ("HIGH", "token", "VARCHAR")
    paid = ask(shop, sql, layer="gold", table="daily_cash", column="paid_eur").to_dicts()[0]
    assert (paid["type"], paid["description"]) == ("DECIMAL(18,2)", "Amount paid on the day.")


def test_an_empty_lake_answers_too(space: Workspace) -> None:
    for view in ("assets", "batches", "columns", "commits", "contracts", "quarantine"):
        assert ask(space, f"from meta.{view}").columns
    assert catalog.refresh(space).written > 0


# the catalog file


def notebook(space: Workspace) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(space.settings.catalog), read_only=True)


def test_the_file_holds_the_same_views_and_no_rows(shop: Workspace) -> None:
    report = catalog.refresh(shop)
    assert (report.table, report.fresh) == ("catalog/duckdb", False)
    with notebook(shop) as connection:
        kinds = connection.sql("select distinct table_type from information_schema.tables").fetchall()
        assert kinds == [("VIEW",)]
        assert connection.sql("select count(*) from silver.orders").fetchall() == [(6,)]
        about = dict(connection.sql("select view_name, comment from duckdb_views() where not internal").fetchall())
        assert about["orders"] == shop.contract("orders").description
        assert about["daily_cash"].startswith("Money by UTC day")
        columns = "select comment from duckdb_columns() where table_name = 'daily_cash' and column_name = 'paid_eur'"
        assert connection.sql(columns).fetchall() == [("Amount paid on the day.",)]


def test_the_file_can_be_attached_to_another_database(shop: Workspace) -> None:
    catalog.refresh(shop)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{shop.settings.catalog}' AS lake (READ_ONLY)")
        assert connection.sql("select count(*) from lake.gold.daily_cash").fetchall() == [(8,)]
        assert connection.sql("select count(*) from lake.meta.quarantine").fetchall() == [(2,)]


def test_refresh_does_nothing_twice_and_sees_every_change(shop: Workspace) -> None:
    assert catalog.is_stale(shop)
    catalog.refresh(shop)
    assert not catalog.is_stale(shop)
    assert catalog.refresh(shop).fresh
    gold.build(shop, "consent_status", rebuild=True)
    assert catalog.is_stale(shop)
    assert not catalog.refresh(shop).fresh
    shop.settings.catalog.unlink()
    assert not catalog.refresh(shop).fresh


def test_a_notebook_that_has_the_old_file_open_is_not_locked_out(shop: Workspace) -> None:
    catalog.refresh(shop)
    with duckdb.connect(str(shop.settings.catalog)) as writer:  # as notebooks do: not even read-only
        shop.table("silver", "consents").append(shop_frames()["consents"], Commit("silver"))
        assert not catalog.refresh(shop).fresh
        assert writer.sql("select count(*) from silver.consents").fetchall() == [(5,)]
    with notebook(shop) as fresh:
        assert fresh.sql("select count(*) from silver.consents").fetchall() == [(10,)]


def test_what_a_killed_refresh_left_is_cleared(shop: Workspace) -> None:
    torn = shop.settings.catalog.with_name(".cenote.duckdb.new")
    torn.write_bytes(b"half a file")
    torn.with_name(f"{torn.name}.wal").write_bytes(b"half a log")
    catalog.refresh(shop)
    assert not list(shop.settings.home.glob(".cenote.duckdb.new*"))


def test_a_lake_in_an_awkward_folder(make_space: Callable[..., Workspace]) -> None:
    space = make_space(name="o'neill's  lake/year=2026")
    silver_shop(space)
    gold.build(space, "daily_cash")
    catalog.refresh(space)
    with notebook(space) as connection:
        assert "year" not in connection.sql("from gold.daily_cash").columns
        layers = connection.sql("select distinct layer from meta.commits order by 1").fetchall()
        assert layers == [("gold",), ("silver",)]


def test_another_process_asks_while_this_one_writes(shop: Workspace) -> None:
    script = (
        "import sys; from cenote import catalog; from cenote.settings import Settings; "
        "from cenote.workspace import Workspace; "
        "space = Workspace(Settings(home=sys.argv[1], vault=sys.argv[2])); "
        "print(catalog.query(space, 'select count(*) as n from gold.daily_cash')['n'].item())"
    )
    settings = shop.settings
    with shop.lock("gold/daily_cash"), shop.lock("catalog"):
        asked = subprocess.run(
            [sys.executable, "-c", script, str(settings.home), str(settings.vault)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert asked.stdout.strip() == "8"


def test_a_moved_lake_is_found_again_after_a_refresh(shop: Workspace) -> None:
    catalog.refresh(shop)
    moved = shop.settings.home.with_name("moved")
    shutil.copytree(shop.settings.home, moved)
    space = Workspace(shop.settings.model_copy(update={"home": moved}), clock=shop.clock)
    assert catalog.is_stale(space)
    catalog.refresh(space)
    with notebook(space) as connection:
        assert str(moved) in str(connection.sql("select sql from duckdb_views() where view_name = 'orders'").fetchall())


def test_an_interval_comes_as_text(space):
    answer = catalog.query(space, "select interval 3 days as waited, 1 as n")
    assert answer.row(0) == ("3 days", 1)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select 1", []),
        ("from silver.orders", ["silver/orders"]),
        ("select * from orders", None),
        ("table silver.orders", ["silver/orders"]),
        ("describe silver.orders", None),
    ],
)
def test_a_question_opens_only_the_tables_that_it_can_be_about(sql, tables):
    assert catalog.named_tables(sql) == tables
