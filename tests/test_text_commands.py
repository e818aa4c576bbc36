"""`cenote detect` and `cenote mask`: any text in, spans or a masked text out, line by line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cenote.cli.text as commands
from cenote.cli import app

TEXT = (
    "write to jane.roe@example.org\n\nnothing here\u2028still this line\nIBAN DE89370400440532013000, mail a@b.example"
)


def cenote(*arguments: str, given: str | bytes = "", code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments, input=given)
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "letters.txt"
    found.write_text(TEXT)
    return found


@pytest.mark.parametrize("batch", [1, 1 << 20])
def test_detect_gives_a_json_line_per_input_line(batch: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_BATCH_BYTES", batch)
    told = cenote("detect", str(file), "--format", "json").stdout
    spans = [json.loads(line)["spans"] for line in told.splitlines()]
    assert [[(s["start"], s["end"], s["kind"]) for s in line] for line in spans] == [
        [(9, 29, "EMAIL")], [], [], [(5, 27, "IBAN"), (34, 45, "EMAIL")],
    ]  # fmt: skip
    assert all(set(s) == {"start", "end", "kind", "score"} and 0 < s["score"] <= 1 for line in spans for s in line)
    assert "jane" not in told


def test_detect_reads_standard_input_and_prints_columns(file: Path) -> None:
    assert cenote("detect", "-", given=TEXT).stdout == cenote("detect", str(file)).stdout
    header, *rows = cenote("detect", "-", "-f", "csv", given=TEXT).stdout.splitlines()
    assert header == "line,start,end,kind,score"
    assert [row.split(",")[:2] for row in rows] == [["1", "9"], ["4", "5"], ["4", "34"]]


@pytest.mark.parametrize("batch", [1, 1 << 20])
def test_mask_keeps_lines(batch: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_BATCH_BYTES", batch)
    expected = "write to <EMAIL>\n\nnothing here\u2028still this line\nIBAN <IBAN>, mail <EMAIL>\n"
    assert cenote("mask", str(file)).stdout == expected
    assert cenote("mask", "-", given=expected).stdout == expected, "masking again changes nothing"


def test_kinds_can_be_chosen(file: Path) -> None:
    assert "<IBAN>" not in cenote("mask", str(file), "--kind", "email").stdout
    with pytest.raises(Exception, match="there is no kind 'EMIAL'"):
        cenote("detect", str(file), "--kind", "EMIAL")


def test_empty_and_broken_text_pass() -> None:
    assert cenote("mask", "-", given="").stdout == ""
    assert cenote("detect", "-", "-f", "json", given="").stdout == ""
    assert "<EMAIL>" in cenote("mask", "-", given=b"\xff\xfe jane.roe@example.org\n").stdout


def test_a_missing_file_is_told() -> None:
    with pytest.raises(Exception, match="cannot be read"):
        cenote("mask", "/nowhere/at/all.txt")
