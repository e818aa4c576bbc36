"""Certificates: they say what was done, name nobody, and cannot be altered or forged."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from typer.testing import CliRunner

from cenote import certificate
from cenote.certificate.signing import canonical, public_key, read_public_key
from cenote.cli import app
from cenote.errors import CertificateError, VaultError
from cenote.residue import Examined, Hit, search
from cenote.workspace import Workspace

ANA, BEN = "customer_" + "a" * 24, "customer_" + "b" * 24
ASKED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
OUTCOME: dict[str, Any] = {
    "request_id": "2026-117",
    "requested_at": ASKED,
    "finished_at": ASKED + timedelta(days=2),
    "subjects": [ANA, BEN],
    "stores": {"bronze": {"removed": 12, "rewritten": 3, "seconds": 0.5}, "vectors": {"removed": 1204, "seconds": 2}},
    "tables": {"silver/orders": [4, 7], "gold/daily_cash": [None, 1]},
    "holds": [{"dataset": "invoices", "reason": "legal obligation, see jane.roe@example.org", "rows": 4}],
    "tombstones": 2,
}
CLEAN = Examined(files=250, bytes=7_574_115, searched=13_000_000, needles=36, asked=102, seconds=1.25)


@pytest.fixture
def file(space: Workspace) -> Path:
    return certificate.issue(space, OUTCOME, CLEAN)


def test_it_says_what_was_done(space: Workspace, file: Path) -> None:
    told = json.loads(file.read_text())["certificate"]
    assert (told["verdict"], told["request_id"]) == ("erased", "2026-117")
    assert told["subjects"]["count"] == 2
    assert {s["store"]: (s["removed"], s["milliseconds"]) for s in told["stores"]} == {
        "bronze": (12, 500),
        "vectors": (1204, 2000),
    }
    assert told["tables"] == [
        {"table": "gold/daily_cash", "before": None, "after": 1},
        {"table": "silver/orders", "before": 4, "after": 7},
    ]
    assert told["times"]["within_deadline"] is True
    assert (told["scan"]["files"], told["scan"]["hits"], told["scan"]["questions"]) == (250, 0, 102)
    assert space.vault.audit.leads_to(told["audit"])
    entry = list(space.vault.audit.entries())[-1]
    assert (entry.what, entry.about) == ("certificate issued", (ANA, BEN))


def test_it_names_nobody(space: Workspace, file: Path) -> None:
    for kept in (file, file.with_suffix(".html")):
        assert search(kept.read_bytes(), [ANA, BEN, "jane.roe@example.org"]) == []
    references = json.loads(file.read_text())["certificate"]["subjects"]["references"]
    assert sorted(references) == sorted(certificate.reference(space, subject) for subject in (ANA, BEN))
    with pytest.raises(CertificateError, match="would name the person"):
        certificate.issue(space, OUTCOME | {"request_id": "jane-roe-1"}, CLEAN, ["Jane Roe 1"])


@pytest.mark.parametrize("suffix", [".json", ".html"])
def test_a_genuine_one_is_verified_elsewhere_with_the_public_key_alone(
    space: Workspace, file: Path, suffix: str, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_text(certificate.public_key_pem(space.vault))
    (tmp_path / "mine").write_bytes(file.with_suffix(suffix).read_bytes())
    asked = ["certificate", "verify", str(tmp_path / "mine"), "--key", str(tmp_path / "key.pem")]
    found = CliRunner().invoke(app, asked, env={"CENOTE_VAULT": str(tmp_path / "none")})
    assert found.exit_code == 0, found.output
    assert "genuine" in found.output


def test_its_signature_holds_without_any_of_our_code(space: Workspace, file: Path) -> None:
    """As docs/proof.md tells it."""
    import base64

    signed = json.loads(file.read_text())
    text = json.dumps(signed["certificate"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = load_pem_public_key(certificate.public_key_pem(space.vault).encode())
    key.verify(base64.b64decode(signed["signature"]["value"]), text)  # type: ignore[union-attr,call-arg]


def _alter(signed: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    copy = json.loads(json.dumps(signed))
    change(copy)
    return copy


def _forge(signed: dict[str, Any]) -> None:
    """Signed by somebody else, with that key beside it."""
    import base64

    from cenote.certificate.signing import fingerprint

    key = Ed25519PrivateKey.generate()
    signed["signature"]["value"] = base64.b64encode(key.sign(canonical(signed["certificate"]))).decode()
    signed["signature"]["key"] = fingerprint(key.public_key())


ALTERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a count": lambda s: s["certificate"]["stores"][0].update(removed=99),
    "the verdict": lambda s: s["certificate"].update(verdict="residue found"),
    "a person": lambda s: s["certificate"]["subjects"].update(references=["0" * 16, "1" * 16]),
    "a member more": lambda s: s["certificate"].update(more=1),
    "the algorithm": lambda s: s["signature"].update(algorithm="none"),
    "the signature": lambda s: s["signature"].update(value="AAAA"),
    "the signature, no base64": lambda s: s["signature"].update(value="%%%"),
    "another key": _forge,
    "a certificate that is none": lambda s: s.update(certificate=[]),
}


@pytest.mark.parametrize("change", ALTERED)
def test_an_altered_one_is_refused(space: Workspace, file: Path, change: str) -> None:
    file.write_text(json.dumps(_alter(json.loads(file.read_text()), ALTERED[change])))
    checked = certificate.verify(file, public_key(space.vault))
    assert not checked.genuine
    assert checked.problems


def test_every_bit_of_the_signed_text_counts(space: Workspace, file: Path) -> None:
    signed = json.loads(file.read_text())
    text = canonical(signed["certificate"])
    public = public_key(space.vault)
    import base64

    value = base64.b64decode(signed["signature"]["value"])
    for place in range(0, len(text), 97):
        altered = bytearray(text)
        altered[place] ^= 1
        with pytest.raises(InvalidSignature):
            public.verify(value, bytes(altered))


@pytest.mark.parametrize(
    ("scan", "verdict"),
    [
        (Examined(hits=[Hit("silver/x", "bytes", 0)]), "residue found"),
        (Examined(needles=1, files=1, opaque=["x"], reasons={"x": "damaged"}), "not fully decoded"),
        (Examined(needles=0, files=9), "not scanned"),
        (Examined(needles=9, files=0), "not scanned"),
    ],
)
def test_it_never_says_erased_where_the_scan_does_not(space: Workspace, scan: Examined, verdict: str) -> None:
    file = certificate.issue(space, OUTCOME, scan)
    checked = certificate.verify(file, public_key(space.vault))
    assert checked.genuine
    assert checked.certificate is not None
    assert checked.certificate.verdict == verdict
    assert "erased" not in file.with_suffix(".html").read_text().split("</p>")[1]


WRONG: dict[str, dict[str, Any]] = {
    "no subjects": {"subjects": []},
    "a natural id": {"subjects": ["C0000001"]},
    "a naive time": {"requested_at": datetime(2026, 11, 1)},
    "finished before": {"finished_at": ASKED - timedelta(days=1)},
    "a negative count": {"stores": {"bronze": {"removed": -1}}},
    "an unknown member": {"notes": "jane"},
    "a request id with a path": {"request_id": "../../etc"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_outcome_that_cannot_be_is_refused_and_not_quoted(space: Workspace, wrong: str) -> None:
    with pytest.raises(CertificateError, match="cannot be certified") as error:
        certificate.issue(space, OUTCOME | WRONG[wrong], CLEAN)
    assert "C0000001" not in str(error.value)
    assert "jane" not in str(error.value)


def test_subjects_may_come_with_their_count(space: Workspace) -> None:
    file = certificate.issue(space, OUTCOME | {"subjects": {"count": 1, "pseudonyms": [ANA]}}, CLEAN)
    assert json.loads(file.read_text())["certificate"]["subjects"]["count"] == 1


def test_late_is_said(space: Workspace) -> None:
    file = certificate.issue(space, OUTCOME | {"finished_at": ASKED + timedelta(days=31)}, CLEAN)
    assert json.loads(file.read_text())["certificate"]["times"]["within_deadline"] is False


def test_the_key_outlives_rotation_and_nothing_is_signed_without_the_vault(space: Workspace, file: Path) -> None:
    before = certificate.public_key_pem(space.vault)
    space.vault.rotate_vault_key()
    assert certificate.public_key_pem(Workspace(space.settings).vault) == before
    assert certificate.verify(file, public_key(space.vault)).genuine
    (space.settings.vault / "root.key").unlink()
    with pytest.raises(VaultError):
        certificate.issue(Workspace(space.settings), OUTCOME, CLEAN)


def test_the_private_key_is_nowhere_in_clear(space: Workspace, file: Path) -> None:
    secret = space.vault.secret("certificate")
    assert len(secret) == 32
    kept = b"".join(p.read_bytes() for p in space.settings.vault.rglob("*") if p.is_file())
    assert secret not in kept
    assert secret.hex().encode() not in kept


@pytest.mark.parametrize("text", ["-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----", "abc", "%%"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(CertificateError, match="no public key"):
        read_public_key(text)


def test_commands(space: Workspace, file: Path, tmp_path: Path) -> None:
    env = {"CENOTE_HOME": str(space.settings.home), "CENOTE_VAULT": str(space.settings.vault)}

    def run(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(app, ["certificate", *arguments], env=env)
        return found.exit_code, found.output

    assert "2026-117" in run("list")[1]
    assert "bronze" in run("show", "2026-117")[1]
    assert run("show", "2026-117", "--page")[1].strip() == str(file.with_suffix(".html"))
    assert run("verify", str(file), "--subject", ANA)[0] == 0
    assert run("verify", str(file), "--subject", "customer_" + "c" * 24)[0] == 1
    assert "BEGIN PUBLIC KEY" in run("key")[1]
    (tmp_path / "odd").write_text("{}")
    assert run("verify", str(tmp_path / "odd"))[0] == 1
    file.write_text(file.read_text().replace("erased", "residue found"))
    assert run("verify", str(file))[0] == 1


def test_a_page_shows_signs_as_text(space: Workspace) -> None:
    holds = [{"dataset": "invoices", "reason": "<script>alert(1)</script> & 'more'", "rows": 1}]
    file = certificate.issue(space, OUTCOME | {"holds": holds}, CLEAN)
    page = file.with_suffix(".html").read_text()
    assert "<script>alert" not in page
    assert certificate.verify(file.with_suffix(".html"), public_key(space.vault)).genuine
    assert "http" not in page.replace("application/json", ""), "it needs nothing from elsewhere"


def test_help_answers_at_once() -> None:
    code = "import sys, cenote.cli; print([m for m in ('pydantic_core', 'polars', 'cryptography') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "polars" not in found.stdout
