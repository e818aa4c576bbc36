"""History: whatever the order in which events arrive, each version ends in the same place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.history import place

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {
    "key": pl.String,
    "part": pl.Int64,
    "at": pl.Int64,
    "seq": pl.Int64,
    "landed_at": pl.Datetime("us", "UTC"),
    "lineage_id": pl.String,
    "change_op": pl.String,
}
KEY, SEQUENCE = ("key", "part"), ("at", "seq")


def events(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Rows of (key, at, op), landed one after the other."""
    full = [(key, 0, at, 0, START + timedelta(hours=n), f"r{n}", op) for n, (key, at, op) in enumerate(rows)]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def placed(frame: pl.DataFrame) -> dict[str, tuple[Any, Any, bool]]:
    rows = place(frame, KEY, SEQUENCE).select("lineage_id", "valid_from", "valid_to", "is_current").rows()
    return {name: (start, end, now) for name, start, end, now in rows}


def test_versions_follow_each_other() -> None:
    assert placed(events(("a", 1, "upsert"), ("b", 5, "upsert"), ("a", 3, "upsert"))) == {
        "r0": (1, 3, False),
        "r2": (3, None, True),
        "r1": (5, None, True),
    }


def test_late_events_take_their_place_in_the_past() -> None:
    assert placed(events(("a", 3, "upsert"), ("a", 1, "upsert"), ("a", 2, "upsert"))) == {
        "r1": (1, 2, False),
        "r2": (2, 3, False),
        "r0": (3, None, True),
    }


def test_of_two_events_of_one_moment_the_later_landed_wins() -> None:
    assert placed(events(("a", 1, "upsert"), ("a", 1, "upsert"))) == {"r0": (1, 1, False), "r1": (1, None, True)}


def test_a_deleted_row_is_not_current_until_it_comes_back() -> None:
    gone = events(("a", 1, "upsert"), ("a", 2, "delete"))
    assert placed(gone) == {"r0": (1, 2, False), "r1": (2, None, False)}
    back = events(("a", 1, "upsert"), ("a", 2, "delete"), ("a", 3, "upsert"))
    assert placed(back)["r2"] == (3, None, True)
    late = events(("a", 1, "upsert"), ("a", 4, "delete"), ("a", 3, "upsert"))
    assert not any(now for *_, now in placed(late).values())


def test_no_events_give_no_rows() -> None:
    frame = place(events(), KEY, SEQUENCE)
    assert frame.is_empty() and frame.schema["valid_to"] == pl.Int64


def test_placed_rows_can_be_placed_again() -> None:
    once = place(events(("a", 1, "upsert"), ("a", 2, "upsert")), KEY, SEQUENCE)
    assert place(once, KEY, SEQUENCE).equals(once)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    count = draw(st.integers(0, 24))
    few = st.integers(0, 3)
    return [
        (
            draw(st.sampled_from("ab")),
            draw(st.integers(0, 1)),
            draw(few),
            draw(few),
            START + timedelta(hours=draw(few)),
            f"r{number}",
            draw(st.sampled_from(["upsert", "upsert", "delete"])),
        )
        for number in range(count)
    ]


def expected(rows: list[tuple[Any, ...]]) -> dict[str, tuple[Any, Any, bool]]:
    """The rules once more, one key after the other, in plain Python."""
    found: dict[str, tuple[Any, Any, bool]] = {}
    for key in {row[:2] for row in rows}:
        versions = sorted((r for r in rows if r[:2] == key), key=lambda r: r[2:6])
        for version, after in zip(versions, [*versions[1:], None], strict=True):
            now = after is None and version[6] == "upsert"
            found[version[5]] = (version[2], after[2] if after else None, now)
    return found


@settings(max_examples=80, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_split_and_any_order_of_batches_give_the_same_table(
    rows: list[tuple[Any, ...]], random: Any, batches: int
) -> None:
    shuffled = random.sample(rows, len(rows))
    table = place(pl.DataFrame([], schema=SCHEMA), KEY, SEQUENCE)
    for number in range(batches):
        batch = pl.DataFrame(shuffled[number::batches], schema=SCHEMA, orient="row")
        untouched = table.join(batch, on=KEY, how="anti")
        touched = table.join(batch.select(KEY).unique(), on=KEY, how="semi").select(batch.columns)
        table = pl.concat([untouched, place(pl.concat([touched, batch]), KEY, SEQUENCE)])
    result = {
        row[0]: tuple(row[1:]) for row in table.select("lineage_id", "valid_from", "valid_to", "is_current").rows()
    }
    assert result == expected(rows)
    assert table.filter("is_current").select(KEY).is_unique().all()
