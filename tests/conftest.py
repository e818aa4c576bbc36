"""Fixtures that all tests share: a vaulted workspace in a temporary folder, and third-party data where present."""

import gc
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from cenote.settings import Settings
from cenote.workspace import Workspace
from tests import distribution
from tests.lake import SampleLake, build_sample_lake

# The same examples in every run, so that a change is what breaks a test; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

os.environ.pop("DAGSTER_HOME", None)  # every lake of a test keeps its own Dagster state

# The processes that tests start are to compile the project once, not each for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

distribution.begin_in_memory()

PROJECT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    distribution.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return distribution.scheduler(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_finish() -> None:
    gc.freeze()  # all that is imported by now stays: no need to look through it again and again


def pytest_unconfigure() -> None:
    gc.unfreeze()


@pytest.fixture
def shared_data() -> Path:
    """The folder of third-party test data beside the project; the test is skipped where it is absent."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("third-party test data (../shared/data) is not beside this checkout")
    return folder


@pytest.fixture
def make_space(tmp_path: Path) -> Callable[..., Workspace]:
    """A function that makes a workspace below ``tmp_path`` with a fresh vault and a fixed clock.

    ``make_space(contracts=..., marts=..., name=...)``: folders default to the project's own.
    """

    def make(name: str = "lake", clock: Callable[[], datetime] = lambda: NOW, **settings: object) -> Workspace:
        from cenote.vault import Vault

        chosen = Settings(
            **{  # type: ignore[arg-type]
                "home": tmp_path / name / "data",
                "vault": tmp_path / name / "vault",
                "as_of": NOW,
                **settings,
            }
        )
        Vault.create(chosen)
        return Workspace(chosen, clock=clock, run_id="test")

    return make


@pytest.fixture
def space(make_space: Callable[..., Workspace]) -> Workspace:
    """A workspace with the project's own contracts and marts."""
    return make_space()


@pytest.fixture(scope="session")
def sample_lake(tmp_path_factory: pytest.TempPathFactory) -> SampleLake:
    """A small sample lake, built by a whole run, for tests that only read it."""
    return build_sample_lake(tmp_path_factory.mktemp("sample"))
