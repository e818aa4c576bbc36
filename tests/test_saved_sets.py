"""Training sets that are kept: found again by name, by Feast too, and without people who were erased."""

import polars as pl
import pytest

from cenote import features
from cenote.errors import FeatureError
from cenote.features.definitions import feast_quiet
from cenote.lake import Lake
from cenote.settings import Settings
from cenote.workspace import Workspace
from tests.conftest import NOW
from tests.test_features import Clock, shop

WANTED = ["customer_features:total_orders", "customer_recency:last_order_days_ago"]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One shop for all tests here; each saves under a name of its own."""
    clock, folder = Clock(), tmp_path_factory.mktemp("saved")
    made = shop(lambda: Workspace(Settings(home=folder / "data", vault=folder / "vault", as_of=NOW), clock=clock))
    features.sync_online(made)
    return made


def moments(space: Workspace) -> pl.DataFrame:
    people = space.table("features", "customer_features").scan().select("customer_id").unique().sort("customer_id")
    return people.with_columns(pl.lit(space.clock()).alias("event_timestamp")).collect()


def test_a_saved_set_is_found_again_by_name_and_by_feast(space: Workspace) -> None:
    lake = Lake(space)
    made = lake.training_set(
        moments(space),
        WANTED,
        save_as="churn",
        description="Who leaves.",
        owner="growth@shop.example",
        tags={"model": "7"},
    )
    assert lake.saved_training_set("churn").equals(made)
    listed = lake.training_sets().row(0, named=True)
    assert (listed["name"], listed["owner"], listed["features"]) == ("churn", "growth@shop.example", WANTED)
    assert (listed["description"], listed["until"]) == ("Who leaves.", space.clock())
    assert "model=7" in listed["tags"]
    assert f"version.customer_features={space.table('features', 'customer_features').version}" in listed["tags"]
    features.apply(space)
    with feast_quiet():
        found = features.feast_store(space).get_saved_dataset("churn").to_df()
    assert sorted(found["customer_id"]) == made["customer_id"].to_list()


def test_a_name_is_taken_once_unless_told(space: Workspace) -> None:
    lake = Lake(space)
    lake.training_set(moments(space), WANTED, save_as="taken")
    with pytest.raises(FeatureError, match="already"):
        lake.training_set(moments(space), WANTED, save_as="taken")
    less = moments(space).head(1)
    lake.training_set(less, WANTED, save_as="taken", overwrite=True)
    assert lake.saved_training_set("taken").height == 1
    assert len(list(space.path("training", "taken").iterdir())) == 1, "the older file is gone"
    with pytest.raises(FeatureError, match="cannot name"):
        lake.training_set(less, WANTED, save_as="../taken")
    with pytest.raises(FeatureError, match="did you mean taken"):
        lake.saved_training_set("takens")


def test_erased_people_leave_saved_sets(space: Workspace) -> None:
    lake = Lake(space)
    made = lake.training_set(moments(space), WANTED, save_as="erased")
    person = made["customer_id"][0]
    assert features.forget_saved(space, [person]) >= 1
    assert features.forget_saved(space, [person]) == 0
    assert lake.saved_training_set("erased")["customer_id"].to_list() == made["customer_id"].to_list()[1:]
    held = b"".join(file.read_bytes() for file in space.path("training").rglob("*") if file.is_file())
    assert person.encode() not in held
