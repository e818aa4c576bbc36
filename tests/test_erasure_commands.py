"""The commands about people, and Dagster's job and sensor, as somebody meets them."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from cenote import catalog, erasure
from cenote.cli.subject import app
from cenote.erasure.listing import urgent
from cenote.erasure.people import people
from cenote.errors import ErasureError
from pipelines.erasure import erasure_job, erasure_sensor
from pipelines.resources import workspace_resource
from tests.erasure_lake import LAKE, NOW, built, opened


@pytest.fixture
def lake(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small lake, which the environment names."""
    space = opened(shutil.copytree(built(tmp_path_factory, whole=False), tmp_path / "lake"))
    places = {
        "HOME": space.settings.home, "VAULT": space.settings.vault, "CONTRACTS": LAKE / "contracts",
        "MARTS": LAKE / "marts", "FEATURES": LAKE / "features", "FEATURE_REPO": LAKE / "repo",
        "AS_OF": NOW.isoformat(),
    }  # fmt: skip
    for name, value in places.items():
        monkeypatch.setenv(f"CENOTE_{name}", str(value))
    return tmp_path / "lake"


def cenote(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_request_from_the_plan_to_the_end(lake: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("# closed accounts\nPERSON-0001  # Ana\n\n")
    told = cenote("plan", "--file", str(ids), "--format", "json")
    assert "PERSON-0001" not in told
    lines = json.loads(told[: told.rindex("]") + 1])
    assert {"store": "bronze/people", "rows": 3, "what": "removed", "why": ""} in lines

    assert "hidden from now on" in cenote("forget", "--file", str(ids), "--reason", "ticket 1", "--grace", "30d")
    (row,) = json.loads(cenote("status", "--format", "json"))
    assert (row["status"], row["people"], row["is_overdue"]) == ("suppressed", 1, False)
    assert "seen again" in cenote("restore", row["request_id"], "--reason", "a mistake")
    assert json.loads(cenote("status", "--format", "json")) == []

    told = cenote("forget", "person:PERSON-0001", "--reason", "ticket 2", "--no-proof")
    assert "1 person erased" in told
    assert "stay without the person (legal_obligation)" in told
    assert "PERSON-0001" not in told
    statuses = [r["status"] for r in json.loads(cenote("status", "--all", "--format", "json"))]
    assert sorted(statuses) == ["erased", "restored"]
    assert "0 requests carried out" in cenote("resume")
    assert "lifted" in cenote("lift", "person:PERSON-0001", "--reason", "is back")


def test_a_wrong_length_of_time_is_told(lake: Path) -> None:
    with pytest.raises(ErasureError, match="no length of time"):
        cenote("forget", "PERSON-0001", "--reason", "x", "--grace", "soon")


def test_deadlines_are_shown(lake: Path) -> None:
    space = opened(lake)
    request = erasure.request(space, people(space, ["PERSON-0001"]), "ticket", timedelta(days=40))
    assert [r["request_id"] for r in catalog.query(space, "from meta.erasures").to_dicts()] == [request.request_id]
    assert "has 30 days left" in urgent(space)[0]
    assert "OVERDUE" in urgent(opened(lake, lambda: NOW + timedelta(days=31)))[0]
    told = catalog.query(space, "from meta.erasures").write_json()
    assert not [subject for subject in request.subjects if subject in told]


def test_the_sensor_starts_the_job_and_the_job_erases(lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    space = opened(lake)
    sensor = erasure_sensor(space.settings)
    assert isinstance(sensor(dg.build_sensor_context()), dg.SkipReason)
    request = erasure.request(space, people(space, ["PERSON-0001"]), "ticket")
    asked = sensor(dg.build_sensor_context())
    assert isinstance(asked, dg.RunRequest)
    assert request.request_id in str(asked.run_key)
    result = erasure_job.execute_in_process(resources={"space": workspace_resource(space.settings)})
    assert result.success
    assert [r.status for r in erasure.requests(space)] == ["erased"]
    printed = "".join(capfd.readouterr())
    assert not [word for word in (*request.subjects, "PERSON-0001", "Anahita") if word in printed]
    assert isinstance(sensor(dg.build_sensor_context()), dg.SkipReason)
