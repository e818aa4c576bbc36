"""Silver rows become edges as their contract says."""

from collections import Counter
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.contract import Contract, Edge
from transforms.edges import SCHEMA, EdgeError, edge_columns, edges

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LINE = pl.Struct({"product_id": pl.String, "quantity": pl.Int64})
BOUGHT = Edge("ordered", "customer", "customer_id", "product", "lines.product_id", "at", None, "lines.quantity")


def contract(*declared: Edge) -> Contract:
    return Contract("orders", "1.0.0", "", "", fields=(), edges=declared)


def orders(*lines: list[dict[str, object]] | None, **columns: object) -> pl.DataFrame:
    """An order per argument, with these lines."""
    return pl.DataFrame({"lines": lines}, schema={"lines": pl.List(LINE)}).select(
        ("b-" + pl.int_range(pl.len()).cast(pl.String)).alias("lineage_id"),
        pl.lit("customer_c").alias("subject_id"),
        pl.lit(["customer_m"]).alias("mentions"),
        pl.lit("customer_c").alias("customer_id"),
        pl.lit(NOON, pl.Datetime("us", "UTC")).alias("at"),
        "lines",
        **{name: pl.lit(value) for name, value in columns.items()},
    )


def test_an_array_makes_an_edge_per_element() -> None:
    rows = orders([{"product_id": "P1", "quantity": 2}, {"product_id": "P2", "quantity": 1}])
    found = edges(rows, contract(BOUGHT))
    assert found.schema == SCHEMA
    assert found.select("type", "source", "target", "source_entity", "target_entity", "weight").rows() == [
        ("ordered", "customer:customer_c", "product:P1", "customer", "product", 2.0),
        ("ordered", "customer:customer_c", "product:P2", "customer", "product", 1.0),
    ]
    assert found.select("dataset", "subject_id", "mentions", "valid_from", "valid_to").row(0) == (
        "orders", "customer_c", ["customer_m"], NOON, None,
    )  # fmt: skip


def test_the_same_edge_twice_in_a_row_is_one_whose_weights_add_up() -> None:
    line = {"product_id": "P1", "quantity": 2}
    found = edges(orders([line, line, {"product_id": "P1", "quantity": None}]), contract(BOUGHT))
    assert found["weight"].to_list() == [5.0]


def test_ends_that_are_missing_make_no_edge() -> None:
    found = edges(orders(None, [], [{"product_id": None, "quantity": 1}]), contract(BOUGHT))
    assert found.is_empty() and found.schema == SCHEMA


def test_an_array_of_scalars_makes_an_edge_per_element() -> None:
    rows = orders([]).with_columns(tags=pl.lit(["tea", "steel", "tea"]), order_id=pl.lit(7))
    found = edges(rows, contract(Edge("tagged", "order", "order_id", "tag", "tags")))
    assert found.select("source", "target", "weight").rows() == [
        ("order:7", "tag:steel", 1.0),
        ("order:7", "tag:tea", 2.0),
    ]


def test_arrays_inside_arrays_and_objects_are_reached() -> None:
    deep = [{"box": {"items": [{"id": "a"}, {"id": "b"}]}}, {"box": {"items": [{"id": "c"}]}}]
    rows = orders([]).with_columns(pl.Series("parcels", [deep]))
    found = edges(rows, contract(Edge("sent", "customer", "customer_id", "item", "parcels.box.items.id")))
    assert found["target"].to_list() == ["item:a", "item:b", "item:c"]


def test_two_arrays_make_every_pair() -> None:
    rows = orders([]).with_columns(who=pl.lit(["a", "b"]), what=pl.lit(["x", "y"]))
    found = edges(rows, contract(Edge("did", "who", "who", "what", "what")))
    assert found.height == 4


def test_dates_and_local_times_become_moments_in_utc() -> None:
    local = pl.lit(datetime(2026, 5, 2, 1)).dt.replace_time_zone("Europe/Madrid")
    rows = orders([]).with_columns(day=pl.lit(date(2026, 5, 1)), end=local, name=pl.lit("n"))
    found = edges(rows, contract(Edge("is", "customer", "customer_id", "name", "name", "day", "end")))
    assert found.select("valid_from", "valid_to").row(0) == (
        datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 23, tzinfo=UTC),
    )  # fmt: skip


def test_several_declarations_and_none() -> None:
    other = Edge("owns", "customer", "customer_id", "order", "lineage_id")
    rows = orders([{"product_id": "P1", "quantity": 1}])
    assert edges(rows, contract(BOUGHT, other))["type"].to_list() == ["ordered", "owns"]
    assert edges(rows, contract()).schema == SCHEMA
    assert edge_columns(contract(BOUGHT)) == ["at", "customer_id", "lines"]


@pytest.mark.parametrize(
    ("column", "named"), [("nothing", "'nothing'"), ("lines.nothing", "'lines.nothing'"), ("at.x", "'at.x'")]
)
def test_a_column_that_silver_lacks_is_named(column: str, named: str) -> None:
    with pytest.raises(EdgeError, match=named):
        edges(orders([]), contract(Edge("t", "a", "customer_id", "b", column)))


def test_an_edge_cannot_be_dated_by_a_number() -> None:
    with pytest.raises(EdgeError, match="neither a date nor a timestamp"):
        edges(orders([], n=1), contract(Edge("t", "a", "customer_id", "b", "n", at="n")))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["P1", "P2", "ü#:1", None]), st.integers(0, 5) | st.none()), max_size=6),
        min_size=1,
        max_size=5,
    )
)
def test_edges_agree_with_a_loop_over_rows(lines: list[list[tuple[str | None, int | None]]]) -> None:
    rows = orders(*[[{"product_id": p, "quantity": q} for p, q in row] for row in lines])
    expected: Counter[tuple[str, str]] = Counter()
    present = set()
    for number, row in enumerate(lines):
        for product, quantity in row:
            if product is not None:
                key = (f"b-{number}", f"product:{product}")
                present.add(key)
                expected[key] += 1 if quantity is None else quantity
    found = edges(rows, contract(BOUGHT))
    assert {
        (line, target): weight for line, target, weight in found.select("lineage_id", "target", "weight").iter_rows()
    } == {key: float(expected[key]) for key in present}
    assert found["edge_id"].is_unique().all()
    assert found.equals(edges(rows.reverse(), contract(BOUGHT)))
    assert found["edge_id"].str.contains("^b-[0-9]+#ordered#[0-9a-f]{16}$").all()
