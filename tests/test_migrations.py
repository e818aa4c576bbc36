"""A lake of an older release goes on under this one: tests/lakes/older holds small ones as their releases left them.

``form-1.tar.gz``: four customers of the sample shop, 2026-11-20, without Dagster's state and the catalog file, which
each run makes anew.
"""

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cenote import migrations
from cenote.errors import TableError
from cenote.lake import Lake
from cenote.migrations import FORMAT, form, migrate
from cenote.settings import Settings
from cenote.verify import verify
from cenote.workspace import Workspace
from pipelines.run import run_pipeline

OLDER = Path(__file__).parent / "lakes" / "older"
NAMED = ("gold/daily_cash", "features/customer_features", "graph/nodes")


@pytest.fixture
def older(tmp_path: Path) -> Workspace:
    with tarfile.open(OLDER / "form-1.tar.gz") as stored:
        stored.extractall(tmp_path, filter="tar")
    made = Settings(home=tmp_path / "data", vault=tmp_path / "vault", as_of=datetime(2026, 11, 21, tzinfo=UTC))  # type: ignore[arg-type]
    return Workspace(made)


def rows(space: Workspace, name: str) -> list[tuple[object, ...]]:
    frame = space.table(*name.split("/")).scan().drop("lineage_id").collect()
    return sorted(frame.rows(), key=repr)


def test_rows_keep_all_but_their_ids(older: Workspace) -> None:
    assert form(older) == 1
    before = {name: rows(older, name) for name in NAMED}
    stages = {name: next(c.stage for c in older.table(*name.split("/")).commits()) for name in NAMED}
    assert set(NAMED) <= set(migrate(older))
    assert {name: rows(older, name) for name in NAMED} == before
    assert {name: next(c.stage for c in older.table(*name.split("/")).commits()) for name in NAMED} == stages
    assert form(older) == FORMAT
    assert migrate(older) == [], "once"


def test_an_older_lake_goes_on_and_is_whole(older: Workspace) -> None:
    first = run_pipeline(settings=older.settings, quiet=True)
    assert first.success, first.errors
    assert verify(older, thorough=True) == []
    assert run_pipeline(settings=older.settings, quiet=True).run_id == "", "and has nothing more to do"


def test_a_stopped_migration_is_taken_up(older: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = migrations._rename
    calls = iter(range(3))

    def stops(*args: object) -> bool:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return renamed(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(migrations, "_rename", stops)
        migrate(older)
    assert form(older) == 1
    rest = migrate(older)
    assert rest
    assert "gold/active_media" not in rest, "what was done before the stop is not done again"
    (older.path("meta") / "format.json").unlink()
    assert migrate(older) == [], "every row has its id"


def test_a_lake_of_a_newer_release_is_left_alone(older: Workspace) -> None:
    (older.path("meta") / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    for ask in (lambda: migrate(older), lambda: Lake.open(home=older.settings.home, vault=older.settings.vault)):
        with pytest.raises(TableError, match="update Cenote"):
            ask()


def test_a_new_lake_has_the_newest_form(space: Workspace) -> None:
    assert migrate(space) == []
    assert form(space) == FORMAT
    assert space.path("meta", "format.json").is_file()
