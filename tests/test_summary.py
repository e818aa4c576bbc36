"""What a person is told of files that no run can take."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cenote import bronze
from cenote.cli import app
from cenote.workspace import Workspace
from pipelines.run import AssetOutcome, RunOutcome
from pipelines.summary import print_summary


@pytest.fixture
def refused(space: Workspace) -> Workspace:
    """A landing zone with a file that is not what its name says, and a folder of no dataset."""
    for file, content in {"orders/a.jsonl.gz": b"\x1f\x8bno", "oders/a.jsonl": b"{}\n"}.items():
        path = Path(space.settings.landing, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return space


def test_the_summary_tells_what_was_not_landed(refused: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    report = bronze.land_new(refused, "orders")
    asset = AssetOutcome(report.table, report.rows, report.written, 0.1, report.version, dict(report.details))
    print_summary(RunOutcome(True, 1.0, "abcdefgh", [asset], 0, []), refused)
    told = " ".join(capsys.readouterr().out.split())
    assert "not landed: landing/orders: file 1 of 1" in told
    assert "not landed: files wait in landing/oders" in told and "did you mean orders" in told


def test_nothing_new_still_tells_of_unknown_folders(refused: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(RunOutcome(True, 1.0, "abcdefgh", [], 60, []), refused)
    assert "landing/oders" in capsys.readouterr().out


def test_status_tells_of_unknown_folders(refused: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENOTE_HOME", str(refused.settings.home))
    monkeypatch.setenv("CENOTE_VAULT", str(refused.settings.vault))
    told = CliRunner().invoke(app, ["status"], catch_exceptions=False)
    assert "landing/oders" in told.stderr and "orders: 1" in told.stdout
