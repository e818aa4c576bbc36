"""`cenote ask|graph|features|recommend|entity`: what the door answers, from a shell."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from cenote.cli import app
from cenote.errors import CenoteError
from tests.lake import SampleLake

Ask = Callable[..., Any]


@pytest.fixture
def cenote(sample_lake: SampleLake) -> Ask:
    """A function that runs a command: its JSON, or with ``plain`` its text. Raises what the command line would tell."""

    def run(*arguments: str, plain: bool = False) -> Any:
        form = () if plain else ("--format", "json")
        done = CliRunner().invoke(app, [*arguments, *form], env=sample_lake.environment)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout if plain else json.loads(done.stdout)

    return run


def test_the_graph(cenote: Ask) -> None:
    top, *_ = cenote("graph", "pagerank", "product", "--top", "2")
    near = cenote("graph", "neighbors", top["node"])
    assert near[0]["lineage_ids"]
    assert [step["step"] for step in cenote("graph", "path", top["node"], near[0]["node"])] == [0, 1]
    assert cenote("graph", "similar", top["node"], "--top", "1")[0]["similarity"] > 0
    assert cenote("graph", "communities")[0]["size"] > 1
    assert top["node"] in [row["node"] for row in cenote("graph", "communities", top["node"])]
    assert cenote("graph", "neighbors", top["node"], "--as-of", "2000-01-01") == []
    with pytest.raises(CenoteError, match="there is no node"):
        cenote("graph", "neighbors", "product:nope")


def test_features(cenote: Ask) -> None:
    listed = {row["name"]: row for row in cenote("features")}
    assert listed["product_ranking"]["keys"] == "product_id"
    both = cenote("features", "product_ranking", "-e", "product_id=P000001", "-e", "product_id=P000002")
    assert [row["product_id"] for row in both] == ["P000001", "P000002"]
    with pytest.raises(CenoteError, match="no entity is named"):
        cenote("features", "product_ranking")


def test_ask(cenote: Ask) -> None:
    asked = ("ask", "delivery was late", "-k", "2", "-F", "customer_features:total_orders")
    rows, told = cenote(*asked), cenote(*asked, plain=True)
    assert "[2]" in told
    for row in rows:
        assert row["lineage_id"] in told
        assert row["customer_features__total_orders"] is None or row["customer_features__lineage_id"] in told


def test_recommend_and_entity(cenote: Ask) -> None:
    best, *_ = cenote("recommend", "--product", "P000001", "-k", "2")
    assert best["lineage_ids"]
    found = cenote("entity", "product", best["id"])
    assert found["parts"]["silver.products"]
    assert found["lineage_ids"]
    assert "silver.products" in cenote("entity", "product", best["id"], plain=True)
    with pytest.raises(CenoteError, match="exactly one"):
        cenote("recommend")
