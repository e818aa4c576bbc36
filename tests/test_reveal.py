"""Revealing one record: for a reason, on the record, and never where it cannot be proved to be the one that landed."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from cenote import bronze
from cenote.cli import app
from cenote.errors import CenoteError, TableError, VaultError
from cenote.lake import Lake
from cenote.reveal import reveal
from cenote.workspace import Workspace

RECORD = (
    b'{"consent_id":"K1",  "customer_id":"C9000001","purpose":"analytics","granted":true,'
    b'"given_at":"2026-01-01T00:00:00Z"}'
)
OTHER = RECORD.replace(b"K1", b"K2").replace(b"C9000001", b"C9000002")


@pytest.fixture
def landed(space: Workspace, tmp_path: Path) -> Workspace:
    file = tmp_path / "consents.jsonl"
    file.write_bytes(RECORD + b"\n" + OTHER + b"\nno json at all\n")
    bronze.land(space, "consents", [file], consume=False)
    return space


def ids(space: Workspace) -> list[str]:
    return space.table("bronze", "consents").scan().sort("row").collect()["lineage_id"].to_list()


def reveals(space: Workspace) -> list[tuple[tuple[str, ...], str]]:
    return [(e.about, e.reason) for e in space.vault.audit.entries() if e.what == "reveal"]


def test_a_record_is_given_back_as_it_came(landed: Workspace) -> None:
    found = reveal(landed, ids(landed)[0], "access request 17")
    assert (found.payload, found.dataset) == (RECORD, "consents")
    assert found.subject_id
    assert reveals(landed) == [((found.lineage_id, found.subject_id), "access request 17")]
    assert b"C9000001".decode() not in repr(found)


def test_a_notebook_reveals_through_the_lake(landed: Workspace) -> None:
    found = Lake(landed).reveal(ids(landed)[1], "access request 18")
    assert found.payload == OTHER and reveals(landed)[-1][1] == "access request 18"


def test_an_ownerless_record_is_revealed_too(landed: Workspace) -> None:
    found = reveal(landed, ids(landed)[2], "why was it rejected")
    assert (found.payload, found.subject_id) == (b"no json at all", None)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_without_a_reason_nothing_is_opened(reason: str, landed: Workspace) -> None:
    with pytest.raises(VaultError, match="reason"):
        reveal(landed, ids(landed)[0], reason)
    assert reveals(landed) == []


@pytest.mark.parametrize(
    ("lineage_id", "error", "message"),
    [
        ("f" * 24 + "-0000000000", TableError, "no batch"),
        ("daily_cash-0123456789abcdef01234567", CenoteError, "not the lineage id of a record"),
        ("", CenoteError, "not the lineage id of a record"),
    ],
)
def test_what_is_not_there_is_told(lineage_id: str, error: type[Exception], message: str, landed: Workspace) -> None:
    with pytest.raises(error, match=message):
        reveal(landed, lineage_id, "case 1")


def test_a_row_beyond_its_batch_is_told(landed: Workspace) -> None:
    with pytest.raises(TableError, match="bronze holds no record"):
        reveal(landed, ids(landed)[0][:-1] + "9", "case 1")


def test_an_empty_lake_says_so(space: Workspace) -> None:
    with pytest.raises(TableError, match="no batch"):
        reveal(space, "f" * 24 + "-0000000000", "case 1")


def test_an_erased_person_stays_erased_and_the_attempt_is_on_record(landed: Workspace) -> None:
    subject = landed.table("bronze", "consents").scan().sort("row").collect()["subject_id"][0]
    landed.vault.shred([subject], "erasure request 3")
    with pytest.raises(VaultError, match="was shredded"):
        reveal(landed, ids(landed)[0], "curious")
    assert [reason for _, reason in reveals(landed)] == ["curious"]
    assert reveal(landed, ids(landed)[1], "case 2").payload == OTHER


def test_nothing_is_opened_when_the_log_cannot_be_written(landed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr("cenote.reveal.open_payloads", lambda *a: opened.append(a))
    landed.vault.audit.file.unlink()
    landed.vault.audit.file.mkdir()
    with pytest.raises(OSError):
        reveal(landed, ids(landed)[0], "case 1")
    assert opened == []


# failing closed: a payload that is not the one that landed there


def rewritten(space: Workspace, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Workspace:
    table = space.table("bronze", "consents")
    frame = change(table.scan().sort("row").collect())
    write_deltalake(str(table.path), frame, mode="overwrite")
    return Workspace(space.settings)


def swapped(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(c, [frame[c][1], frame[c][0], frame[c][2]], dtype=frame.schema[c]) for c in columns
    )


MOVED: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "a bit flipped": lambda f: f.with_columns(
        pl.Series("payload", [bytes([p[0] ^ 1]) + p[1:] for p in f["payload"].to_list()], dtype=pl.Binary)
    ),
    "cut short": lambda f: f.with_columns(pl.col("payload").bin.slice(0, 20)),
    "payloads of two people swapped": lambda f: swapped(f, "payload"),
    "moved with its key to another record": lambda f: swapped(f, "payload", "key_id", "subject_id"),
    "under another person's key": lambda f: swapped(f, "key_id"),
}


@pytest.mark.parametrize("name", MOVED)
def test_a_payload_that_was_altered_or_moved_does_not_open(name: str, landed: Workspace) -> None:
    space = rewritten(landed, MOVED[name])
    with pytest.raises(VaultError, match="does not open") as caught:
        reveal(space, ids(space)[0], "case 1")
    assert "C9" not in str(caught.value)
    assert "K1" not in str(caught.value)


def test_a_payload_from_another_dataset_does_not_open(landed: Workspace, tmp_path: Path) -> None:
    """The same bytes under the same lineage id in a table of another name: the seal names the dataset."""
    from cenote.records import open_payloads

    rows = landed.table("bronze", "consents").scan().collect()
    with pytest.raises(VaultError, match="does not open"):
        open_payloads(landed, "reviews", rows)


def test_another_lakes_vault_opens_nothing(landed: Workspace, make_space: Callable[..., Workspace]) -> None:
    other = make_space("other")
    mixed = Workspace(landed.settings.model_copy(update={"vault": other.settings.vault}))
    with pytest.raises(VaultError, match="does not hold"):
        reveal(mixed, ids(landed)[0], "case 1")


# the commands


@pytest.fixture
def cenote(landed: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    monkeypatch.setenv("CENOTE_HOME", str(landed.settings.home))
    monkeypatch.setenv("CENOTE_VAULT", str(landed.settings.vault))
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_the_commands_reveal_and_show_and_verify(cenote, landed: Workspace) -> None:  # type: ignore[no-untyped-def]
    lineage_id = ids(landed)[0]
    told = cenote("reveal", lineage_id, "--reason", "case 5")
    assert told.exit_code == 0
    assert told.stdout_bytes == RECORD + b"\n"
    (entry,) = json.loads(cenote("audit", "show", "--what", "reveal", "--format", "json").stdout)
    assert (entry["reason"], lineage_id in entry["about"]) == ("case 5", True)
    assert json.loads(cenote("audit", "show", "--about", "nobody", "--format", "json").stdout) == []
    whole = cenote("audit", "verify")
    assert (whole.exit_code, "is whole" in whole.stdout) == (0, True)
    head = whole.stdout.split("head: ")[1].strip()
    assert cenote("audit", "verify", "--head", head).exit_code == 0
    assert cenote("audit", "verify", "--head", f"9{head}").exit_code == 1
    assert "removed 0" in cenote("audit", "prune").stdout
    log = landed.vault.audit.file
    log.write_text(log.read_text().replace("case 5", "case 6"))
    broken = cenote("audit", "verify")
    assert (broken.exit_code, "was altered" in broken.stderr) == (1, True)


def test_reveal_needs_a_reason_on_the_command_line(cenote, landed: Workspace) -> None:  # type: ignore[no-untyped-def]
    assert cenote("reveal", ids(landed)[0]).exit_code == 2
