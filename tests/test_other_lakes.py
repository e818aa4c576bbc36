"""Somebody else's data, through contracts and marts alone: what comes out equals what its own files say.

Nothing of Chinook, Northwind or the jaffle shop is known to Cenote's code; their lakes are the YAML and SQL files below
tests/lakes.
"""

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from cenote import catalog, gold, silver
from cenote.workspace import Workspace
from tests.other_lakes import BUSINESS, built

Csv = Callable[[str], list[dict[str, str]]]
CENT = Decimal("0.01")

pytestmark = pytest.mark.skipif(
    not BUSINESS.is_dir(), reason="third-party test data (../shared/data) is not beside this checkout"
)


def ask(space: Workspace, sql: str) -> list[dict[str, Any]]:
    return catalog.query(space, sql).to_dicts()


def values(space: Workspace, *names: str) -> str:
    """Every value of all marts and of the silver tables named, as text."""
    tables = [*space.tables("gold"), *(space.table("silver", name) for name in names)]
    return "\n".join(table.scan().collect().write_json() for table in tables)


# Chinook: one JSON document with an array per table, and the same data as a SQLite file


@pytest.fixture(scope="module")
def chinook(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return built(tmp_path_factory, "chinook")


@pytest.fixture(scope="module")
def chinook_sqlite() -> Iterator[sqlite3.Connection]:
    file = BUSINESS / "chinook" / "Chinook_Sqlite.sqlite"
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    yield connection
    connection.close()


def test_chinook_lands_whole(chinook: Workspace) -> None:
    rows = {t.path.name: t.count() for t in chinook.tables("silver")}
    assert rows == {
        "albums": 347, "artists": 275, "customers": 59, "employees": 8, "genres": 25, "invoice_lines": 2240,
        "invoices": 412, "tracks": 3503,
    }  # fmt: skip
    assert ask(chinook, "from meta.quarantine") == []


def test_chinook_revenue_by_country_is_the_sqlite_files(chinook: Workspace, chinook_sqlite: sqlite3.Connection) -> None:
    sql = "SELECT BillingCountry, count(*), count(DISTINCT CustomerId), sum(Total) FROM Invoice GROUP BY 1"
    expected = {
        country: (invoices, customers, Decimal(str(total)).quantize(CENT))
        for country, invoices, customers, total in chinook_sqlite.execute(sql)
    }
    found = {
        row["country"]: (row["invoice_count"], row["customer_count"], row["revenue_usd"])
        for row in ask(chinook, "from gold.revenue_by_country")
    }
    assert found == expected
    assert sum(total for *_, total in found.values()) == Decimal("2328.60")


def test_chinook_invoices_balance_and_years_add_up(chinook: Workspace, chinook_sqlite: sqlite3.Connection) -> None:
    assert ask(chinook, "select count(*) as n, bool_and(is_balanced) as ok from gold.invoice_totals") == [
        {"n": 412, "ok": True}
    ]
    sql = "SELECT CAST(strftime('%Y', InvoiceDate) AS INTEGER), sum(Total) FROM Invoice GROUP BY 1"
    expected = {year: Decimal(str(total)).quantize(CENT) for year, total in chinook_sqlite.execute(sql)}
    years = ask(chinook, "from gold.revenue_by_year order by year")
    assert {row["year"]: row["revenue_usd"] for row in years} == expected
    assert sum((row["growth_usd"] or 0) for row in years) == years[-1]["revenue_usd"] - years[0]["revenue_usd"]


def test_chinook_artists_and_support_sales(chinook: Workspace, chinook_sqlite: sqlite3.Connection) -> None:
    sql = """
        SELECT ar.ArtistId, t.GenreId, sum(l.Quantity) FROM InvoiceLine l JOIN Track t USING (TrackId)
        JOIN Album al USING (AlbumId) JOIN Artist ar USING (ArtistId) GROUP BY 1, 2
    """
    found = ask(chinook, "select artist_id, genre_id, sold_count from gold.artist_sales")
    assert {tuple(row.values()) for row in found} == set(chinook_sqlite.execute(sql))
    sql = """
        SELECT Title, count(DISTINCT c.CustomerId), round(coalesce(sum(Total), 0), 2) FROM Employee e
        LEFT JOIN Customer c ON c.SupportRepId = e.EmployeeId LEFT JOIN Invoice i USING (CustomerId) GROUP BY EmployeeId
    """
    found = ask(chinook, "select title, customer_count, revenue_usd from gold.support_sales")
    assert sorted((r["title"], r["customer_count"], float(r["revenue_usd"])) for r in found) == sorted(
        chinook_sqlite.execute(sql)
    )


def test_chinook_people_are_masked_and_still_join(chinook: Workspace, chinook_sqlite: sqlite3.Connection) -> None:
    told = values(chinook, *chinook.contracts)
    people = "SELECT Email, Phone, Fax, Address FROM Customer UNION ALL SELECT Email, Phone, Fax, Address FROM Employee"
    for row in chinook_sqlite.execute(people):
        for value in filter(None, row):
            assert value not in told
    assert ask(chinook, "select count(*) as n from silver.invoices join silver.customers using (customer_id)") == [
        {"n": 412}
    ]


# Northwind: JSON arrays with nested lines and addresses, and the same data as flat CSV


@pytest.fixture(scope="module")
def northwind(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return built(tmp_path_factory, "northwind")


@pytest.fixture(scope="module")
def northwind_csv() -> Csv:
    def read(name: str) -> list[dict[str, str]]:
        with (BUSINESS / "northwind" / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return read


def test_northwind_lands_whole(northwind: Workspace) -> None:
    rows = {t.path.name: t.count() for t in northwind.tables("silver")}
    assert rows == {
        "categories": 8, "customers": 91, "employees": 9, "orders": 830, "products": 77, "regions": 4, "shippers": 3,
        "suppliers": 29,
    }  # fmt: skip
    assert ask(northwind, "from meta.quarantine") == []


def test_northwind_revenue_per_product_is_the_csvs(northwind: Workspace, northwind_csv: Csv) -> None:
    revenue: dict[int, Decimal] = defaultdict(Decimal)
    units: dict[int, int] = defaultdict(int)
    for line in northwind_csv("order_details"):
        product, quantity = int(line["productID"]), int(line["quantity"])
        revenue[product] += Decimal(line["unitPrice"]) * quantity * (1 - Decimal(line["discount"]))
        units[product] += quantity
    found = ask(northwind, "from gold.revenue_by_product")
    assert len(found) == 77
    for row in found:
        assert row["unit_count"] == units[row["product_id"]]
        assert abs(row["revenue_usd"] - revenue[row["product_id"]]) <= CENT / 2
    shares = ask(northwind, "select sum(share) as whole, count(*) as n from gold.revenue_by_category")[0]
    assert (shares["whole"], shares["n"]) == (pytest.approx(1), 8)


def test_northwind_null_words_are_nulls(northwind: Workspace, northwind_csv: Csv) -> None:
    waiting = sum(row["shippedDate"] == "NULL" for row in northwind_csv("orders"))
    late = sum(
        row["shippedDate"] > row["requiredDate"] for row in northwind_csv("orders") if row["shippedDate"] != "NULL"
    )
    found = ask(
        northwind, "select sum(order_count) o, sum(waiting_count) w, sum(late_count) l from gold.orders_by_customer"
    )
    assert {name: int(n) for name, n in found[0].items()} == {"o": 830, "w": waiting, "l": late}
    boss = ask(northwind, "select count(*) filter (reports_to_id is null) as n, count(*) as all from silver.employees")
    assert boss == [{"n": 1, "all": 9}]


def test_northwind_people_are_masked(northwind: Workspace, northwind_csv: Csv) -> None:
    told = values(northwind, "customers", "employees", "orders", "suppliers")
    assert "notes" not in northwind.table("silver", "employees").schema()
    for row in (*northwind_csv("customers"), *northwind_csv("suppliers")):
        assert row["contactName"] not in told
        assert row["phone"] not in told
    for row in northwind_csv("employees"):
        assert row["notes"][:40] not in told
        assert row["address"] not in told


# The jaffle shop: CSV, made JSON lines first


@pytest.fixture(scope="module")
def jaffle_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return built(tmp_path_factory, "jaffle_shop")


def test_jaffle_shop_has_the_customers_of_the_dbt_project(jaffle_shop: Workspace) -> None:
    seeds = BUSINESS / "jaffle_shop" / "seeds"
    payments = pl.read_csv(seeds / "raw_payments.csv").group_by("order_id").agg(pl.col("amount").sum())
    orders = pl.read_csv(seeds / "raw_orders.csv", try_parse_dates=True)
    expected = (
        orders.join(payments, left_on="id", right_on="order_id", how="left")
        .group_by("user_id")
        .agg(pl.col("order_date").min().alias("first"), pl.len().cast(pl.Int64).alias("n"), pl.col("amount").sum())
    )
    found = catalog.query(jaffle_shop, "from gold.customer_orders")
    assert found.height == 100
    bought = found.drop_nulls("order_count")
    assert sorted(
        zip(
            bought["first_order_date"],
            bought["order_count"],
            (int(v * 100) for v in bought["lifetime_value_usd"]),
            strict=True,
        )
    ) == sorted(expected.select("first", "n", "amount").rows())
    assert ask(jaffle_shop, "select sum(amount_usd) as usd from gold.order_payments")[0]["usd"] == Decimal("1672.00")


# what holds for all of them


@pytest.mark.parametrize("name", ["chinook", "northwind", "jaffle_shop"])
def test_a_second_run_does_nothing(name: str, request: pytest.FixtureRequest) -> None:
    space: Workspace = request.getfixturevalue(name)
    assert not any(silver.is_stale(space, dataset) for dataset in space.contracts)
    assert not any(gold.is_stale(space, mart) for mart in gold.marts(space))
    assert catalog.refresh(space).fresh
