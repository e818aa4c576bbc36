"""The point-in-time join against Feast's published cases, a brute-force oracle, and Feast's own duckdb store."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cenote.features import apply, feast_store, training_set
from cenote.features.definitions import feast_quiet
from cenote.features.training import point_in_time
from cenote.tables import Commit
from cenote.workspace import Workspace

MOMENT = pl.Datetime("us", "UTC")
START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = {"k": pl.String, "event_timestamp": MOMENT, "created_timestamp": MOMENT, "v": pl.Int64}
SPINE = {"k": pl.String, "event_timestamp": MOMENT}
Row = tuple[str, datetime, datetime | None, int]


def oracle(
    spine: list[tuple[str, datetime]], rows: list[Row], ttl: timedelta | None, bitemporal: bool
) -> list[int | None]:
    """The rule, row by row, as the module states it."""
    answer: list[int | None] = []
    for key, moment in spine:
        usable = [
            (event, created or datetime.min.replace(tzinfo=UTC), value)
            for k, event, created, value in rows
            if k == key
            and event <= moment
            and (not bitemporal or (created is not None and created <= moment))
            and (not ttl or event + ttl >= moment)
        ]
        answer.append(max(usable)[2] if usable else None)
    return answer


hours = st.integers(0, 8).map(lambda n: START + timedelta(hours=n))
keys = st.sampled_from(["a", "b", "c"])


@given(
    spine=st.lists(st.tuples(keys, hours), max_size=12),
    rows=st.lists(st.tuples(keys, hours, st.none() | hours), max_size=14, unique=True).map(
        lambda found: [(*row, n) for n, row in enumerate(found)]
    ),
    ttl=st.sampled_from([None, timedelta(0), timedelta(hours=1), timedelta(hours=3)]),
    bitemporal=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_join_agrees_with_a_brute_force_bitemporal_oracle(
    spine: list[tuple[str, datetime]], rows: list[Row], ttl: timedelta | None, bitemporal: bool
) -> None:
    frame = pl.DataFrame(spine, schema=SPINE, orient="row")
    joined = point_in_time(frame, pl.DataFrame(rows, schema=ROWS, orient="row"), ["k"], ttl=ttl, bitemporal=bitemporal)
    assert joined.columns == ["k", "event_timestamp", "v"]
    assert joined.select(frame.columns).equals(frame)
    assert joined["v"].to_list() == oracle(spine, rows, ttl, bitemporal)


def test_join_on_several_keys_keeps_rows_without_a_match_and_null_keys() -> None:
    rows = pl.DataFrame(
        {
            "a": ["x", "x"],
            "b": [1, 2],
            "event_timestamp": [START, START],
            "created_timestamp": [START, START],
            "v": [10, 20],
        },
        schema_overrides={"event_timestamp": MOMENT, "created_timestamp": MOMENT},
    )
    spine = pl.DataFrame(
        {"a": ["x", "x", None, "y"], "b": [2, 1, 1, 1], "event_timestamp": [START] * 4},
        schema_overrides={"event_timestamp": MOMENT},
    )
    assert point_in_time(spine, rows, ["a", "b"])["v"].to_list() == [20, 10, None, None]


def test_published_cases_of_feast(shared_data: Path) -> None:
    for case in json.loads((shared_data / "features" / "pit_cases.json").read_text()):
        rows = _frame(case["features"], ("event_timestamp", "created_ts"))
        spine = _frame(case["entity"], ("event_timestamp",))
        joined = point_in_time(
            spine,
            rows,
            ["driver_id"],
            ttl=timedelta(days=case["ttl_days"]),
            bitemporal=case["filter_by_created"],
            created="created_ts",
        )
        assert joined["conv_rate"].to_list() == case["expected"], case["name"]


def _frame(rows: list[dict[str, Any]], moments: tuple[str, ...]) -> pl.DataFrame:
    frame = pl.DataFrame(rows)
    return frame.with_columns(pl.col(moments).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC").cast(MOMENT))


REPO = """
import os
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Int64, String

k = Entity(name="k", join_keys=["k"], value_type=ValueType.STRING)

def view(name, ttl):
    source = FileSource(
        name=f"source_{name}", path=f"{os.environ['CENOTE_HOME']}/features/{name}/*.parquet",
        file_format=ParquetFormat(), timestamp_field="event_timestamp", created_timestamp_column="created_timestamp",
    )
    fields = [Field(name="k", dtype=String), Field(name=f"v_{name}", dtype=Int64)]
    return FeatureView(name=name, entities=[k], schema=fields, source=source, ttl=ttl)

short = view("short", timedelta(hours=2))
endless = view("endless", timedelta(0))
"""


@pytest.fixture
def feast_lake(make_space: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    """A lake of somebody else: a feature repository of its own, and two views written directly."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text("project: other\n")
    (repo / "definitions.py").write_text(REPO)
    space = make_space(feature_repo=repo, features=tmp_path / "none")
    chance = random.Random(7)
    for view in ("short", "endless"):
        rows = {
            (chance.choice("abcdef"), _moment(chance), _moment(chance) if chance.random() < 0.9 else None)
            for _ in range(600)
        }
        columns = {"k": pl.String, "event_timestamp": MOMENT, "created_timestamp": MOMENT, f"v_{view}": pl.Int64}
        frame = pl.DataFrame([(*row, n) for n, row in enumerate(sorted(rows, key=str))], schema=columns, orient="row")
        space.table("features", view).append(frame[:300], Commit("features"))
        space.table("features", view).append(frame[300:], Commit("features"))
    apply(space)
    return space


def _moment(chance: random.Random) -> datetime:
    return START + timedelta(minutes=10 * chance.randrange(200))


@pytest.mark.parametrize("bitemporal", [True, False])
def test_training_set_is_what_feasts_duckdb_store_gives(feast_lake: Workspace, bitemporal: bool) -> None:
    chance = random.Random(8)
    spine = pl.DataFrame(
        {"k": [chance.choice("abcdefg") for _ in range(300)], "event_timestamp": [_moment(chance) for _ in range(300)]},
        schema_overrides={"event_timestamp": MOMENT},
    ).unique(maintain_order=True)
    features = ["short:v_short", "endless:v_endless"]
    ours = training_set(feast_lake, spine, features, bitemporal=bitemporal)
    with feast_quiet():
        job = feast_store(feast_lake).get_historical_features(
            spine.to_pandas(), features, filter_by_created_timestamp=bitemporal
        )
        theirs = pl.DataFrame(pl.from_arrow(job.to_arrow()))
    theirs = theirs.with_columns(pl.col("event_timestamp").cast(MOMENT))
    both = spine.join(theirs, on=["k", "event_timestamp"], how="left", maintain_order="left")
    assert ours.rows() == both.select(ours.columns).rows()
    assert ours["v_short"].null_count() > 0
    assert ours["v_endless"].null_count() < ours.height
