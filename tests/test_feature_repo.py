"""The feature repository.

An ordinary one to Feast, in step with the SQL files, placed in whichever lake is asked for.
"""

import ast
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from cenote import features
from cenote.errors import FeatureError
from cenote.workspace import Workspace
from tests.conftest import PROJECT
from tests.scenario import ANA
from tests.test_features import VIEWS, Clock, shop

REPO = PROJECT / "feature_repo"


def test_the_repository_imports_feast_and_the_standard_library_only() -> None:
    own = {file.stem for file in REPO.glob("*.py")}
    for file in REPO.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in (name.split(".")[0] for name in names):
                assert name in own or name == "feast" or name in sys.stdlib_module_names, (file.name, name)


def test_views_say_what_their_sql_files_say(make_space: Callable[..., Workspace]) -> None:
    space = shop(make_space)
    assert features.apply(space)
    assert not features.apply(space)
    files, store = features.views(space), features.feast_store(space)
    assert sorted(files) == VIEWS
    views = {view.name: view for view in store.list_batch_feature_views()}
    assert sorted(views) == VIEWS
    for name, file in files.items():
        view, schema = views[name], space.table("features", name).schema()
        assert (view.description, view.owner, view.entities) == (file.description, file.owner, [file.entity])
        assert {tag for tag, value in view.tags.items() if value == "yes"} == set(file.tags)
        assert view.tags["sql"] == f"transforms/features/{name}.sql"
        assert [column.name for column in view.entity_columns] == [file.join_key]
        given = ["lineage_id", file.join_key, "event_timestamp", "created_timestamp", *(f.name for f in view.features)]
        assert sorted(schema.names()) == sorted(given)
        types = {f.name: str(f.dtype) for f in view.features}
        wanted = {"Int64": pl.Int64, "Float64": pl.Float64, "UnixTimestamp": pl.Datetime("us", "UTC")}
        assert {n: schema[n] for n in types} == {n: wanted[t] for n, t in types.items()}
    assert {v.name: v.ttl for v in views.values() if v.ttl} == {"product_inventory": timedelta(hours=1)}


def test_services_have_owners_and_features(make_space: Callable[..., Workspace]) -> None:
    space = make_space()
    features.apply(space)
    services = features.feast_store(space).list_feature_services()
    assert {service.name for service in services} == {"customer_churn", "product_ranking", "shop_assistant"}
    assert all(service.owner and service.description and service.tags for service in services)


def test_what_is_no_longer_defined_goes(make_space: Callable[..., Workspace], tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(REPO, repo, ignore=shutil.ignore_patterns("__pycache__"))
    space = make_space(feature_repo=repo)
    features.apply(space)
    (repo / "services.py").unlink()
    assert features.apply(space)
    assert features.feast_store(space).list_feature_services() == []
    (repo / "entities.py").write_text("nonsense = (")
    with pytest.raises(FeatureError, match="cannot be loaded"):
        features.apply(space)
    (repo / "feature_store.yaml").unlink()
    with pytest.raises(FeatureError, match=r"no feature_store\.yaml"):
        features.apply(space)


def test_loading_the_repository_leaves_nothing_behind(make_space: Callable[..., Workspace]) -> None:
    before, path, home = set(sys.modules), list(sys.path), os.environ.get("CENOTE_HOME")
    features.apply(make_space())
    assert {"views", "entities", "services", "on_demand"}.isdisjoint(set(sys.modules) - before)
    assert (sys.path, os.environ.get("CENOTE_HOME")) == (path, home)


# The command `feast` twice, in one process, since importing it takes most of the time.
FEAST = """
from feast.cli.cli import cli
cli(["apply"], standalone_mode=False)
print("APPLIED")
cli(["feature-views", "list"], standalone_mode=False)
"""


@pytest.mark.slow
def test_feasts_own_commands_work_on_a_lake_elsewhere(make_space: Callable[..., Workspace]) -> None:
    space = shop(make_space)
    features.sync_online(space)
    environment = {**os.environ, "CENOTE_HOME": str(space.settings.home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FEAST], cwd=REPO, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert all(view in done.stdout.partition("APPLIED")[2] for view in [*VIEWS, "customer_recency"])
    assert not (REPO / "data").exists()
    assert features.parity(space)["equal"].all()


@pytest.fixture
def redis() -> Iterator[str]:
    """The address of a Redis server of this test's own."""
    pytest.importorskip("redis", reason="the package `redis` (extra `redis`) is not installed")
    server = shutil.which("redis-server")
    if not server:
        pytest.skip("redis-server (Debian's package) is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_redis_serves_the_same_values_and_no_expired_ones(make_space: Callable[..., Workspace], redis: str) -> None:
    clock = Clock()
    space = shop(make_space, clock=clock, online_store=redis)
    assert features.sync_online(space).written == 17
    assert not space.path("online", "features.db").exists()
    assert features.sync_online(space).fresh
    assert features.online(space, "customer_churn", {"customer_id": ANA})["total_orders"].to_list() == [2]
    assert (
        features.online(space, "product_inventory:inventory_level", {"product_id": "P1"})["inventory_level"][0] is None
    )
    assert features.parity(space)["equal"].all()
