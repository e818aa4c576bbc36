"""The lake is read as it was at a moment."""

import json
import time
from datetime import UTC, datetime

import pytest

from cenote import bronze, silver
from cenote.errors import TableError
from cenote.lake import Lake
from cenote.tables import Commit


def land(space, *ids: str) -> None:
    folder = space.settings.landing / "products"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "products.jsonl").write_text("".join(json.dumps({"product_id": i}) + "\n" for i in ids))
    bronze.land_new(space, "products")
    silver.build(space, "products")


@pytest.fixture
def grown(space):
    """A lake that grew twice, and the moment in between."""
    land(space, "P1", "P2")
    time.sleep(0.01)
    between = datetime.now(UTC)
    time.sleep(0.01)
    land(space, "P3")
    return Lake(space), between


COUNT = "select count(*) as n from bronze.products"


def test_a_moment_sees_what_was_there(grown):
    lake, between = grown
    assert lake.sql(COUNT)["n"].item() == 3
    assert lake.at(between).sql(COUNT)["n"].item() == 2
    assert lake.at(between.isoformat()).sql(COUNT)["n"].item() == 2
    assert lake.at(datetime.now(UTC)).sql(COUNT)["n"].item() == 3


def test_before_the_first_landing_there_is_no_table(grown):
    past = grown[0].at("2020-01-01")
    assert past.tables().is_empty()
    with pytest.raises(TableError):
        past.sql(COUNT)


def test_a_version_that_was_purged_is_said_to_be_gone(grown):
    lake, between = grown
    table = lake.space.table("bronze", "products")
    table.delete("row = 0", Commit("purge"))
    table.vacuum()
    with pytest.raises(TableError, match="is gone"):
        lake.at(between).sql(COUNT)


def test_a_moment_that_cannot_be_read(grown):
    with pytest.raises(TableError, match="ISO 8601"):
        grown[0].at("last Tuesday")


def test_search_has_no_past(grown):
    lake, between = grown
    with pytest.raises(TableError, match="tell of now"):
        lake.at(between).sql("from search('parcel', k => 3)")
