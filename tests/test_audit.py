"""The audit log: every entry is there, in order, as written; whoever changes it without the keys is found out."""

import json
import multiprocessing
import os
import pwd
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cenote.audit import RETENTION, AuditLog
from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault import Vault


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "data", vault=tmp_path / "vault")


@pytest.fixture
def log(settings: Settings) -> AuditLog:
    """A log of six entries: the making of the vault and five more."""
    found = Vault.create(settings).audit
    for number in range(5):
        found.record("reveal", about=[f"record-{number}"], reason=f"case {number}")
    return found


def lines(log: AuditLog) -> list[str]:
    return log.file.read_text().splitlines(keepends=True)


def test_an_entry_says_who_did_what_when_and_why(log: AuditLog) -> None:
    first, *_, last = log.entries()
    assert (first.n, first.what) == (1, "vault created")
    assert (last.n, last.what, last.about, last.reason) == (6, "reveal", ("record-4",), "case 4")
    assert last.who == pwd.getpwuid(os.getuid()).pw_name
    assert datetime.now(UTC) - datetime.fromisoformat(last.at) < timedelta(minutes=1)
    assert stat.S_IMODE(log.file.stat().st_mode) == 0o600


def test_a_log_that_nobody_touched_is_whole(log: AuditLog, settings: Settings) -> None:
    verdict = log.verify()
    assert (verdict.whole, verdict.entries, verdict.first, verdict.beyond_anchor) == (True, 6, 1, 0)
    assert log.leads_to(verdict.head)
    assert Vault.open(settings).audit.verify() == verdict


def test_reasons_lose_what_they_quote(log: AuditLog) -> None:
    entry = log.record("reveal", reason="ticket 2026-117: jane.roe@example.org asks for her data, call +1 415 555 0132")
    assert entry.reason.startswith("ticket 2026-117")
    assert "jane.roe" not in log.file.read_text()
    assert "555 0132" not in log.file.read_text()


def changed(text: str) -> str:
    return text.replace("case 2", "case 9")


def rewritten_without_key(found: list[str]) -> list[str]:
    """As somebody would who knows how it is made, but has no key."""
    import hashlib
    import hmac

    out, before = [], "0" * 64
    for line in found:
        body = json.loads(line)
        body |= {"before": before, "reason": "nothing to see"}
        body.pop("mac")
        before = hmac.new(
            b"guessed", json.dumps(body, sort_keys=True, separators=(",", ":")).encode(), hashlib.sha256
        ).hexdigest()
        out.append(json.dumps(body | {"mac": before}, sort_keys=True, separators=(",", ":")) + "\n")
    return out


TAMPERING: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a reason changed": (lambda x: [changed(line) for line in x], "line 4 was altered"),
    "a number changed": (lambda x: [*x[:3], x[3].replace('"n":4', '"n":5'), *x[4:]], "line 4 was altered"),
    "one removed": (lambda x: x[:2] + x[3:], "entries 3 to 3 were removed"),
    "the first removed": (lambda x: x[1:], "entries 1 to 1 were removed"),
    "two swapped": (lambda x: [*x[:2], x[3], x[2], *x[4:]], "removed"),
    "one twice": (lambda x: [*x[:3], x[2], *x[3:]], "entry 3 stands behind entry 3"),
    "the last cut off": (lambda x: x[:-1], "the log ends at entry 5; entries up to 6 were removed"),
    "the end cut in a line": (lambda x: [*x[:-1], x[-1][:50]], "entries up to 6 were removed"),
    "all removed": (lambda x: [], "the log ends at entry 0; entries up to 6 were removed"),
    "one forged at the end": (lambda x: [*x, x[-1].replace('"n":6', '"n":7')], "line 7 was altered"),
    "garbage": (lambda x: [*x[:3], "\x00{]\n", *x[3:]], "line 4 was altered, or is no entry"),
    "no object": (lambda x: [*x[:3], "[1]\n", *x[3:]], "line 4 was altered, or is no entry"),
    "rewritten without the key": (rewritten_without_key, "line 1 was altered"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(name: str, log: AuditLog) -> None:
    tamper, told = TAMPERING[name]
    log.file.write_text("".join(tamper(lines(log))))
    verdict = log.verify()
    assert not verdict.whole
    assert any(told in problem for problem in verdict.problems), verdict.problems


@pytest.mark.parametrize("name", TAMPERING)
def test_going_on_does_not_heal_what_was_tampered_with(name: str, log: AuditLog) -> None:
    log.file.write_text("".join(TAMPERING[name][0](lines(log))))
    assert log.record("reveal", about=["later"]).n == 7
    assert not log.verify().whole


def test_a_log_that_was_deleted_is_missed(log: AuditLog) -> None:
    log.file.unlink()
    assert not log.verify().whole
    log.record("reveal")
    assert log.verify().problems == ("entries 1 to 6 were removed",)


@given(data=st.data())
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_is_found(log: AuditLog, data: st.DataObject) -> None:
    content = log.file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 2))
    flipped = content[place] ^ data.draw(st.integers(1, 255))
    log.file.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
    try:
        assert not log.verify().whole
    finally:
        log.file.write_bytes(content)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM secrets WHERE name = 'audit/anchor'", "DELETE FROM secrets WHERE name = 'audit'"]
)
def test_a_vault_that_lost_what_proves_the_log_is_refused(statement: str, log: AuditLog, settings: Settings) -> None:
    with sqlite3.connect(settings.vault / "vault.db") as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(VaultError, match="has lost its audit"):
        Vault.open(settings)


def test_the_anchor_of_before_cannot_be_put_back_in_another_place(log: AuditLog, settings: Settings) -> None:
    with sqlite3.connect(settings.vault / "vault.db") as connection:
        connection.execute(
            "UPDATE secrets SET wrapped = (SELECT wrapped FROM secrets WHERE name = 'audit') "
            "WHERE name = 'audit/anchor'"
        )
    connection.close()
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(settings)


def test_setting_back_log_and_vault_together_shows_against_a_head_kept_elsewhere(
    log: AuditLog, settings: Settings
) -> None:
    """The one thing that no file of ours can show by itself."""
    old = {f: f.read_bytes() for f in (log.file, settings.vault / "vault.db")}
    log.record("reveal", about=["the one to hide"])
    head = log.verify().head
    for file, content in old.items():
        file.write_bytes(content)
    again = Vault.open(settings).audit
    assert again.verify().whole
    assert not again.leads_to(head)


# kills and processes


def test_a_kill_between_log_and_anchor_loses_nothing(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(anchor: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(log, "_keep", killed)
        log.record("reveal", about=["killed"])
    verdict = log.verify()
    assert (verdict.whole, verdict.entries, verdict.beyond_anchor) == (True, 7, 1)
    assert log.record("reveal").n == 8
    assert (log.verify().whole, log.verify().beyond_anchor) == (True, 0)


def test_a_kill_within_a_line_loses_that_entry_only(log: AuditLog) -> None:
    with log.file.open("a") as torn:
        torn.write('{"about":["half')
    assert log.record("reveal").n == 7
    assert log.verify().whole


def _record(settings: Settings) -> None:
    log = Vault.open(settings).audit
    for _ in range(10):
        log.record("reveal")


def test_processes_that_write_at_once_make_one_chain(settings: Settings) -> None:
    Vault.create(settings)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_record, [settings] * 4)
    assert Vault.open(settings).audit.verify().entries == 41
    assert Vault.open(settings).audit.verify().whole


# keeping


def aged(settings: Settings, days: int) -> AuditLog:
    vault = Vault.create(settings)
    return AuditLog(vault.audit.file, vault, lambda: datetime.now(UTC) - timedelta(days=days))


def test_entries_are_kept_for_six_years(settings: Settings) -> None:
    old, young = aged(settings, RETENTION.days + 10), aged(settings, RETENTION.days - 10)
    log = Vault.open(settings).audit
    log.file.unlink()
    vault = Vault.open(settings)
    vault.set_anchor(b"")
    for _ in range(4):
        old.record("reveal")
    for _ in range(3):
        young.record("reveal")
    assert log.prune() == 4
    assert [e.what for e in log.entries()] == ["reveal"] * 3 + ["audit log pruned"]
    verdict = log.verify()
    assert (verdict.whole, verdict.first, verdict.entries) == (True, 5, 4)
    assert log.prune() == 0
    found = lines(log)
    log.file.write_text("".join(found[1:]))
    assert log.verify().problems == ("entries 5 to 5 were removed",)


def test_a_kill_while_pruning_harms_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    log = aged(settings, 0)
    vault = Vault.open(settings)
    log.file.unlink()
    vault.set_anchor(b"")
    old = aged(settings, RETENTION.days + 10)
    for _ in range(4):
        old.record("reveal")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(log, "_rewrite", lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))
        log.prune()
    assert log.verify().whole
    assert log.prune() == 4
    assert log.verify().whole


def test_rotating_keys_keeps_the_log_whole(settings: Settings, log: AuditLog) -> None:
    Vault.open(settings).rotate_vault_key("yearly")
    found = Vault.open(settings).audit
    assert found.verify().whole
    assert [e.what for e in found.entries()][-1] == "vault key rotated"
