"""Schedules and sensors fire by themselves: under Dagster's daemon, a dropped file makes silver grow."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cenote.settings import Settings
from cenote.workspace import Workspace
from tests.lake import SampleLake

PATIENCE = 240  # seconds; the daemon loads everything once more


@pytest.mark.slow
@pytest.mark.daemon
def test_a_dropped_file_makes_silver_grow(tmp_path: Path, sample_lake: SampleLake) -> None:
    home, vault = tmp_path / "data", tmp_path / "vault"
    shutil.copytree(sample_lake.settings.home, home, ignore=shutil.ignore_patterns("dagster"))
    shutil.copytree(sample_lake.settings.vault, vault)
    settings = sample_lake.settings.model_copy(update={"home": home, "vault": vault})
    dagster_home = home / "dagster"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text("telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    before = Workspace(settings).table("silver", "consents").count()

    with (tmp_path / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(
            [Path(sys.executable).parent / "dagster-daemon", "run", "--module-name", "pipelines.definitions"],
            env=os.environ | SampleLake(settings, sample_lake.outcome, {}, frozenset()).environment,
            stdout=log,
            stderr=log,
        )
        try:
            _drop(settings)
            grown = _wait_for(lambda: Workspace(settings).table("silver", "consents").count() > before, daemon)
        finally:
            daemon.terminate()
            daemon.wait(timeout=60)
    assert grown, (tmp_path / "daemon.log").read_text()[-4000:]
    assert [f for f in (settings.landing / "consents").iterdir() if f.is_file()] == []


def _drop(settings: Settings) -> None:
    """Put a file into the landing zone as another program would: written aside, then moved in."""
    consent = {
        "consent_id": "K-daemon", "customer_id": "C-daemon", "purpose": "marketing", "granted": True,
        "given_at": "2026-11-19T09:00:00Z",
    }  # fmt: skip
    folder = settings.landing / "consents"
    folder.mkdir(parents=True, exist_ok=True)
    aside = settings.home / "aside.jsonl"
    aside.write_text(json.dumps(consent) + "\n")
    aside.rename(folder / "dropped.jsonl")


def _wait_for(condition: Callable[[], bool], daemon: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and daemon.poll() is None:
        if condition():
            return True
        time.sleep(1)
    return False
