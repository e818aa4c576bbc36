"""Marts are built from silver, exactly once, and only when they can be trusted."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from cenote import gold
from cenote.errors import SqlFileError, TableError
from cenote.lineage import grain_id
from cenote.tables import Commit
from cenote.workspace import Workspace
from tests.scenario import ANA, BEN, CHEN, DORA, EVE, REVENUE, at, shop_frames, silver_shop

FRONT = "/* ---\ndescription: d\nowner: o\ngrain: [{grain}]\n--- */\n"


@pytest.fixture
def shop(space: Workspace) -> Workspace:
    silver_shop(space)
    return space


@pytest.fixture
def own(make_space: Callable[..., Workspace], tmp_path: Path) -> Callable[..., Workspace]:
    """A shop whose marts are the SQL texts given by name."""

    def make(grain: str = "order_id", **marts: str) -> Workspace:
        folder = tmp_path / "marts"
        folder.mkdir(exist_ok=True)
        for name, sql in marts.items():
            (folder / f"{name}.sql").write_text(FRONT.format(grain=grain) + sql)
        space = make_space(marts=folder)
        if not space.tables("silver"):
            silver_shop(space)
        return space

    return make


def rows(space: Workspace, mart: str) -> pl.DataFrame:
    gold.build(space, mart)
    return space.table("gold", mart).scan().collect()


# what the sample's marts say


def test_customer_360_sums_up_each_present_customer(shop: Workspace) -> None:
    found = {row["customer_id"]: row for row in rows(shop, "customer_360").to_dicts()}
    assert set(found) == {ANA, BEN, CHEN, EVE}, "dora has left"
    assert {who: row["revenue_eur"] for who, row in found.items()} == REVENUE
    ana = found[ANA]
    assert (ana["segment"], ana["country"], ana["is_marketing_opt_in"]) == ("small_business", "PT", True)
    assert (ana["order_count"], ana["sold_order_count"], ana["avg_order_value_eur"]) == (2, 2, Decimal("27.75"))
    assert (ana["last_order_at"], ana["open_invoice_eur"]) == (at("11-10 09:00"), Decimal(10))
    assert (ana["review_count"], ana["avg_rating"]) == (2, 4.0)
    assert (ana["conversation_count"], ana["resolved_conversation_count"]) == (2, 1)
    assert ana["granted_purposes"] == ["analytics"], "she took marketing back"
    eve = found[EVE]
    assert (eve["order_count"], eve["avg_order_value_eur"], eve["granted_purposes"]) == (0, None, [])


def test_daily_cash_tells_issue_from_payment(shop: Workspace) -> None:
    found = {row["day"]: row for row in rows(shop, "daily_cash").to_dicts()}
    first = found[date(2026, 11, 1)]
    assert (first["invoice_count"], first["invoiced_eur"], first["void_eur"]) == (1, 0, Decimal("25.50"))
    assert (first["payment_count"], first["paid_eur"]) == (1, Decimal("299.97"))
    assert found[date(2026, 11, 10)]["open_eur"] == Decimal(10)
    assert sum(row["invoiced_eur"] for row in found.values()) == Decimal("372.72")
    assert sum(row["paid_eur"] + row["open_eur"] for row in found.values()) == Decimal("372.72")


def test_product_performance_counts_what_was_really_sold(shop: Workspace) -> None:
    found = {row["product_id"]: row for row in rows(shop, "product_performance").to_dicts()}
    assert set(found) == {f"P{n}" for n in range(1, 7)}
    mug = found["P1"]
    assert (mug["sold_unit_count"], mug["revenue_eur"], mug["margin_eur"]) == (4, Decimal(40), Decimal(24))
    assert (mug["price_eur"], mug["buyer_count"], mug["avg_rating"], mug["conversation_count"]) == (10, 2, 4.5, 1)
    assert (found["P4"]["sold_unit_count"], found["P4"]["returned_unit_count"]) == (0, 1)
    assert (found["P5"]["revenue_eur"], found["P5"]["last_sold_at"]) == (0, None)


def test_conversation_quality_by_day_and_channel(shop: Workspace) -> None:
    found = {(row["day"].day, row["channel"]): row for row in rows(shop, "conversation_quality").to_dicts()}
    voice = found[10, "voice"]
    assert (voice["conversation_count"], voice["resolution_rate"], voice["avg_satisfaction"]) == (2, 0.5, 3.5)
    assert (voice["answer_count"], voice["p50_answer_ms"], voice["p95_answer_ms"]) == (2, 700.0, 880.0)
    assert voice["cost_usd"] == Decimal("0.034")
    still_open = found[19, "chat"]
    assert (still_open["resolution_rate"], still_open["p50_answer_ms"], still_open["cost_usd"]) == (None, None, 0)


def test_active_media_leaves_out_what_has_expired(shop: Workspace) -> None:
    found = {row["media_id"]: row for row in rows(shop, "active_media").to_dicts()}
    assert {name: row["is_expiring"] for name, row in found.items()} == {"M1": False, "M2": False, "M4": True}
    assert found["M2"]["product_name"] == "Quiet headphones"


def test_consent_status_keeps_the_latest_answer(shop: Workspace) -> None:
    found = {(row["customer_id"], row["purpose"]): row for row in rows(shop, "consent_status").to_dicts()}
    assert len(found) == 4
    assert not found[ANA, "marketing"]["is_granted"]
    assert found[ANA, "marketing"]["answer_count"] == 2
    assert found[BEN, "marketing"]["is_granted"]


def test_columns_keep_the_grammar_of_their_units(shop: Workspace) -> None:
    kinds = {"_at": pl.Datetime("us", "UTC"), "_count": pl.Int64, "_day": pl.Date, "_id": pl.String}
    for mart in gold.marts(shop):
        frame = rows(shop, mart)
        assert frame.columns[0] == "lineage_id"
        for name, dtype in frame.schema.items():
            ending = next((e for e in kinds if name.endswith(e)), None)
            assert ending is None or dtype == kinds[ending], f"{mart}.{name}"
            assert not name.endswith(("_eur", "_usd")) or isinstance(dtype, pl.Decimal), f"{mart}.{name}"
            assert not name.startswith("is_") or dtype == pl.Boolean, f"{mart}.{name}"


# how marts are built


def test_lineage_id_derives_from_the_grain(shop: Workspace) -> None:
    frame = rows(shop, "consent_status")
    expected = [grain_id("consent_status", c, p) for c, p in zip(frame["customer_id"], frame["purpose"], strict=True)]
    assert frame["lineage_id"].to_list() == expected


def test_commit_records_inputs_code_and_meaning(shop: Workspace) -> None:
    report = gold.build(shop, "product_performance")
    assert (report.table, report.rows, report.version, report.fresh) == ("gold/product_performance", 6, 0, False)
    commit = shop.table("gold", "product_performance").last_commit()
    assert commit is not None
    tables = ("silver/orders", "silver/products", "silver/reviews", "silver/turns")
    assert commit.inputs == dict.fromkeys(tables, 0)
    assert (commit.stage, commit.run_id) == ("gold", "test")
    assert commit.details["description"].startswith("How each product sells")


def test_a_second_build_does_nothing(shop: Workspace) -> None:
    for mart in gold.marts(shop):
        assert gold.is_stale(shop, mart)
        gold.build(shop, mart)
        assert not gold.is_stale(shop, mart)
        again = gold.build(shop, mart)
        assert again.fresh
        assert again.version == 0
        assert again.rows == shop.table("gold", mart).count()


def test_new_silver_makes_only_its_marts_stale(shop: Workspace) -> None:
    for mart in gold.marts(shop):
        gold.build(shop, mart)
    shop.table("silver", "consents").append(shop_frames()["consents"].clear(), Commit("silver"))
    assert {mart for mart in gold.marts(shop) if gold.is_stale(shop, mart)} == {"consent_status", "customer_360"}


def test_rebuild_gives_the_same_rows(shop: Workspace) -> None:
    before = rows(shop, "customer_360").sort("lineage_id")
    assert gold.build(shop, "customer_360", rebuild=True).version == 1
    assert shop.table("gold", "customer_360").scan().collect().sort("lineage_id").equals(before)


def test_another_day_rebuilds_only_marts_that_ask_for_it(make_space: Callable[..., Workspace]) -> None:
    today = make_space()
    silver_shop(today)
    for mart in gold.marts(today):
        gold.build(today, mart)
    settings = today.settings.model_copy(update={"as_of": datetime(2026, 11, 22, tzinfo=UTC)})
    tomorrow = Workspace(settings, clock=today.clock)
    assert [mart for mart in gold.marts(tomorrow) if gold.is_stale(tomorrow, mart)] == ["active_media"]
    assert rows(tomorrow, "active_media")["media_id"].sort().to_list() == ["M1", "M2"]


def test_a_lake_without_records_has_marts_without_rows(space: Workspace) -> None:
    for dataset, frame in shop_frames().items():
        space.table("silver", dataset).append(frame.clear(), Commit("silver"))
    for mart in gold.marts(space):
        report = gold.build(space, mart)
        assert (report.rows, report.version) == (0, 0)
        assert space.table("gold", mart).schema().names()[0] == "lineage_id"


def test_an_input_that_was_never_built_is_named(space: Workspace) -> None:
    assert gold.is_stale(space, "daily_cash")
    with pytest.raises(TableError, match="silver/invoices, which was never built"):
        gold.build(space, "daily_cash")


def test_a_mart_reads_another_at_its_own_version(own: Callable[..., Workspace]) -> None:
    space = own(
        sold="SELECT order_id, total_eur FROM silver.orders WHERE status <> 'cancelled'",
        dear="SELECT order_id FROM gold.sold WHERE total_eur > 40",
    )
    assert list(gold.marts(space)) == ["sold", "dear"]
    assert gold.is_stale(space, "dear")
    with pytest.raises(TableError, match="gold/sold"):
        gold.build(space, "dear")
    gold.build(space, "sold")
    assert rows(space, "dear")["order_id"].sort().to_list() == ["O1", "O3"]


def test_scd1_shows_current_rows_and_scd2_versions(own: Callable[..., Workspace]) -> None:
    space = own(
        grain="key",
        current="SELECT order_id AS key, status FROM silver.orders",
        versions="SELECT customer_id || valid_from AS key, customer_id FROM silver.customers",
    )
    assert rows(space, "current").sort("key")["status"].to_list() == [
        "delivered", "paid", "shipped", "cancelled", "returned", "delivered"
    ]  # fmt: skip
    assert sorted(rows(space, "versions")["customer_id"]) == sorted([ANA, ANA, BEN, CHEN, DORA, EVE])


@pytest.mark.parametrize(
    ("sql", "grain", "complaint"),
    [
        ("SELECT customer_id, order_id FROM silver.orders", "customer_id", "names 4 rows where there are 6"),
        ("SELECT note, order_id FROM silver.orders WHERE order_id = 'O1'", "note", "is null"),
        ("SELECT * FROM silver.orders", "ordr_id", "did you mean order_id"),
        ("SELECT order_id, statsu FROM silver.orders", "order_id", "statsu"),
        ("SELECT order_id, CAST(channel AS INTEGER) AS n FROM silver.orders", "order_id", "'...'"),
    ],
)
def test_a_mart_that_cannot_be_trusted_commits_nothing(
    own: Callable[..., Workspace], sql: str, grain: str, complaint: str
) -> None:
    space = own(grain=grain, bad=sql)
    with pytest.raises(SqlFileError, match="bad") as raised:
        gold.build(space, "bad")
    assert complaint in raised.value.what
    assert "web" not in str(raised.value), "no value of a row"
    assert not space.table("gold", "bad").exists


def test_wide_integers_become_bigint(own: Callable[..., Workspace]) -> None:
    space = own(sums="SELECT order_id, sum(len(lines)) AS n, CAST(1 AS UBIGINT) AS u FROM silver.orders GROUP BY ALL")
    assert rows(space, "sums").schema["n"] == pl.Int64
    assert rows(space, "sums").schema["u"] == pl.Int64


def test_unknown_names_bring_near_ones(shop: Workspace, own: Callable[..., Workspace]) -> None:
    with pytest.raises(SqlFileError, match="did you mean daily_cash"):
        gold.build(shop, "dayly_cash")
    with pytest.raises(SqlFileError, match="did you mean orders"):
        gold.marts(own(bad="SELECT order_id FROM silver.ordrs"))


def test_a_killed_build_leaves_nothing_that_the_next_does_not_clear(shop: Workspace) -> None:
    left = shop.path(".tmp", "duckdb-999999999-dead")
    left.mkdir(parents=True)
    (left / "spill.tmp").write_bytes(b"x")
    gold.build(shop, "daily_cash")
    assert not list(shop.path(".tmp").iterdir())
