"""The vault: keys are made, kept, rotated and destroyed; whatever is unsafe is refused without telling anything."""

import json
import multiprocessing
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.errors import VaultError
from cenote.settings import Settings
from cenote.vault import LocalRootKey, Vault, sealing
from cenote.vault.root import derive
from transforms.pseudonyms import keyed_digests, subject_tokens


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "data", vault=tmp_path / "vault")


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.create(settings)


# making and opening


def test_create_makes_a_private_root_key_and_vault(settings: Settings) -> None:
    Vault.create(settings)
    for name in ("root.key", "vault.db"):
        assert stat.S_IMODE((settings.vault / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.vault.stat().st_mode) == 0o700
    assert len((settings.vault / "root.key").read_text().strip()) == 64


def test_create_again_opens_the_same_vault(settings: Settings) -> None:
    first, again = Vault.create(settings), Vault.create(settings)
    assert first.pseudonym_key == again.pseudonym_key == Vault.open(settings).pseudonym_key


def test_create_takes_a_root_key_that_is_given(tmp_path: Path) -> None:
    given = Settings(home=tmp_path / "data", vault=tmp_path / "vault", root_key="ab" * 32)
    Vault.create(given)
    assert not (tmp_path / "vault" / "root.key").exists()
    assert Vault.open(given)


def test_create_after_a_kill_goes_on(settings: Settings) -> None:
    settings.vault.mkdir()
    (settings.vault / ".vault.db.new").write_bytes(b"half a vault")
    key = settings.vault / "root.key"
    key.write_text("cd" * 32)
    key.chmod(0o600)
    Vault.create(settings)
    assert key.read_text() == "cd" * 32
    assert not (settings.vault / ".vault.db.new").exists()


def _create(settings: Settings) -> bytes:
    return Vault.create(settings).pseudonym_key


def test_processes_that_create_at_once_get_one_vault(settings: Settings) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert len(set(pool.map(_create, [settings] * 4))) == 1


def test_a_lake_whose_vault_is_gone_gets_no_new_one(settings: Settings) -> None:
    (settings.home / "bronze" / "orders" / "_delta_log").mkdir(parents=True)
    with pytest.raises(VaultError, match="not their vault"):
        Vault.create(settings)
    assert not (settings.vault / "vault.db").exists()


# failing closed


def _root(settings: Settings) -> Path:
    return settings.vault / "root.key"


BREAKS = {
    "missing vault": (lambda s: (s.vault / "vault.db").unlink(), "no vault"),
    "missing key": (lambda s: _root(s).unlink(), "no root key"),
    "short key": (lambda s: _root(s).write_text("ab" * 16), "32 characters instead of 64"),
    "empty key": (lambda s: _root(s).write_text(""), "0 characters"),
    "not hex": (lambda s: _root(s).write_text("zz" * 32), "not hex digits"),
    "group-readable key": (lambda s: _root(s).chmod(0o640), "can be read by others"),
    "world-readable key": (lambda s: _root(s).chmod(0o604), "can be read by others"),
    "a folder": (lambda s: (_root(s).unlink(), _root(s).mkdir()), "root key file"),
    "wrong key": (lambda s: _root(s).write_text("ab" * 32), "is not the one"),
    "no database": (lambda s: (s.vault / "vault.db").write_bytes(b"x" * 8192), "altered or is damaged"),
    "empty database": (lambda s: (s.vault / "vault.db").write_bytes(b""), "altered or is damaged"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_unsafe_is_refused(name: str, settings: Settings) -> None:
    Vault.create(settings)
    key = _root(settings).read_text().strip()
    break_it, message = BREAKS[name]
    break_it(settings)
    with pytest.raises(VaultError, match=message) as caught:
        Vault.open(settings)
    assert caught.value.fix
    assert key not in str(caught.value)
    assert "ab" * 16 not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_an_unsafe_key_file_is_refused_at_creation_too(mode: int, settings: Settings) -> None:
    settings.vault.mkdir()
    _root(settings).write_text("ab" * 32)
    _root(settings).chmod(mode)
    with pytest.raises(VaultError, match="by others"):
        Vault.create(settings)


def _alter(settings: Settings, statement: str, *values: object) -> None:
    with sqlite3.connect(settings.vault / "vault.db") as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vault_keys SET wrapped = zeroblob(60)",
        "UPDATE vault_keys SET wrapped = NULL",
        "UPDATE secrets SET wrapped = zeroblob(60)",
        "UPDATE secrets SET wrapped = 'text'",
        "UPDATE secrets SET vault_version = 7",
        "DELETE FROM secrets",
        "DELETE FROM vault_keys",
        "UPDATE vault SET format = 99",
        "DROP TABLE secrets",
    ],
)
def test_an_altered_vault_is_refused(statement: str, settings: Settings) -> None:
    Vault.create(settings)
    _alter(settings, statement)
    with pytest.raises(VaultError):
        Vault.open(settings)


def test_keys_of_two_subjects_cannot_be_swapped(vault: Vault, settings: Settings) -> None:
    keys = vault.keys_for(["person_a", "person_b"])
    _alter(
        settings,
        "UPDATE subject_keys SET wrapped = (SELECT wrapped FROM subject_keys WHERE subject_id = 'person_b') "
        "WHERE subject_id = 'person_a'",
    )
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(settings).seal([str(keys["person_a"])], [b"x"], [b""])


def test_a_vault_shows_and_pickles_nothing(vault: Vault) -> None:
    import pickle

    assert vault.pseudonym_key.hex() not in repr(vault) + str(vault)
    with pytest.raises(VaultError, match="pickled"):
        pickle.dumps(vault)


# sealing


@given(st.lists(st.tuples(st.binary(max_size=200), st.binary(max_size=50)), max_size=20))
def test_sealed_payloads_open_again(records: list[tuple[bytes, bytes]]) -> None:
    keys = [sealing.cipher(sealing.new_key()) for _ in records]
    payloads, aads = [p for p, _ in records], [a for _, a in records]
    sealed = sealing.seal(keys, payloads, aads)
    assert sealing.unseal(keys, sealed, aads) == payloads
    assert all(len(box) == len(p) + sealing.OVERHEAD for box, p in zip(sealed, payloads, strict=True))


def test_nonces_are_never_repeated(vault: Vault) -> None:
    key = str(vault.keys_for(["person_a"])["person_a"])
    sealed = vault.seal([key] * 1000, [b"same"] * 1000, [b"same"] * 1000)
    assert len({box[: sealing.NONCE_BYTES] for box in sealed}) == 1000


@pytest.mark.parametrize("change", ["payload", "nonce", "tag", "aad", "key", "cut", "empty"])
def test_what_was_altered_or_moved_does_not_open(change: str, vault: Vault) -> None:
    keys = vault.keys_for(["person_a", "person_b"])
    a, b = str(keys["person_a"]), str(keys["person_b"])
    (box,) = vault.seal([a], [b"my secret"], [b"orders\x1f1"])
    flip = {"nonce": 0, "payload": 14, "tag": len(box) - 1}
    altered = bytes(byte ^ (i == flip.get(change)) for i, byte in enumerate(box))
    altered = {"cut": box[:20], "empty": b""}.get(change, altered)
    with pytest.raises(VaultError, match="does not open") as caught:
        vault.unseal([b if change == "key" else a], [altered], [b"orders\x1f2" if change == "aad" else b"orders\x1f1"])
    assert "secret" not in str(caught.value)
    assert vault.unseal([a], [box], [b"orders\x1f1"]) == [b"my secret"]


def test_an_unknown_key_is_an_error_and_no_erasure(vault: Vault) -> None:
    with pytest.raises(VaultError, match="does not hold"):
        vault.unseal(["key_of_another_vault"], [b"x" * 40], [b""])


# subjects


def test_keys_for_gives_each_subject_one_key(vault: Vault, settings: Settings) -> None:
    subjects = [f"person_{n}" for n in range(500)]
    keys = vault.keys_for(subjects + subjects)
    assert len(set(keys.values())) == 500
    assert Vault.open(settings).keys_for(subjects, create=False) == keys
    assert vault.keys_for(["nobody"], create=False) == {}
    assert vault.status()["subject_keys"] == 500


def test_threads_that_ask_at_once_get_the_same_keys(vault: Vault, settings: Settings) -> None:
    subjects = [f"person_{n}" for n in range(200)]
    other = Vault.open(settings)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda v: v.keys_for(subjects), [vault, other] * 4))
    assert all(answer == answers[0] for answer in answers)


SHARED = [f"person_{n}" for n in range(200)]


def _work(settings: Settings, number: int) -> tuple[list[str], list[bytes]]:
    """What a run does, beside others: ask for keys, seal; one of them rotates the vault key in between."""
    vault = Vault.open(settings)
    keys = vault.keys_for(SHARED)
    key_ids = [str(keys[subject]) for subject in SHARED]
    if number == 0:
        vault.rotate_vault_key()
    sealed = vault.seal(key_ids, [subject.encode() for subject in SHARED], [b"x"] * len(SHARED))
    vault.shred([f"gone_{number}"])
    return key_ids, sealed


def test_processes_share_keys_while_one_rotates_and_all_shred(vault: Vault, settings: Settings) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        answers = pool.starmap(_work, [(settings, number) for number in range(4)])
    assert all(key_ids == answers[0][0] for key_ids, _ in answers)
    for key_ids, sealed in answers:
        assert vault.unseal(key_ids, sealed, [b"x"] * len(SHARED)) == [subject.encode() for subject in SHARED]
    counts = vault.status()
    assert (counts["subject_keys"], counts["shredded_subjects"], counts["vault_key_version"]) == (200, 4, 2)
    assert vault.audit.verify().whole


def test_subject_ids_are_pseudonyms_that_join(vault: Vault) -> None:
    ids = vault.subject_ids("customer", pl.Series("id", ["7", None, "7", "é"]))
    assert ids[0] == ids[2] != ids[3]
    assert ids[1] is None
    assert ids.name == "id"
    assert ids.drop_nulls().str.contains("^customer_[0-9a-f]{24}$").all()
    expected = keyed_digests(vault.pseudonym_key, [b"customer\x1f7"])[0].hex()[:24]
    assert ids[0] == f"customer_{expected}"
    assert subject_tokens("customer", pl.Series([7]), vault.pseudonym_key)[0] == ids[0]
    assert vault.subject_ids("patient", pl.Series(["7"]))[0].removeprefix("patient_") != expected


def test_shredding_is_final(vault: Vault, settings: Settings) -> None:
    other = Vault.open(settings)
    keys = vault.keys_for(["person_a", "person_b"])
    a, b = str(keys["person_a"]), str(keys["person_b"])
    sealed = vault.seal([a, b], [b"1", b"2"], [b"", b""])
    assert other.unseal([a, b], sealed, [b"", b""]) == [b"1", b"2"]
    assert vault.shred(["person_a", "person_never_seen"]) == 2
    for opened in (vault, other, Vault.open(settings)):
        assert opened.unseal([a, b], sealed, [b"", b""]) == [None, b"2"]
        assert opened.keys_for(["person_a", "person_b", "person_never_seen"]) == {
            "person_a": None,
            "person_b": b,
            "person_never_seen": None,
        }
        with pytest.raises(VaultError, match="shredded"):
            opened.seal([a], [b"more"], [b""])
    assert vault.shred(["person_a"]) == 0
    assert vault.status()["shredded_subjects"] == 2


def test_a_shredded_key_is_not_left_in_the_file(vault: Vault, settings: Settings) -> None:
    vault.keys_for([f"person_{n}" for n in range(300)])
    with sqlite3.connect(settings.vault / "vault.db") as connection:
        (wrapped,) = connection.execute("SELECT wrapped FROM subject_keys WHERE subject_id = 'person_42'").fetchone()
    connection.close()
    assert wrapped in (settings.vault / "vault.db").read_bytes()
    vault.shred(["person_42"])
    assert not any(wrapped in file.read_bytes() for file in settings.vault.iterdir())


# rotation and backup


def test_rotating_the_vault_key_keeps_everything_open(vault: Vault, settings: Settings) -> None:
    other = Vault.open(settings)
    key, dataset = str(vault.keys_for(["person_a"])["person_a"]), vault.dataset_key("orders")
    vault.shred(["person_b"])
    sealed = vault.seal([key, dataset], [b"1", b"2"], [b"", b""])
    before = vault.pseudonym_key
    assert vault.rotate_vault_key() == 2
    for opened in (vault, other, Vault.open(settings)):
        assert opened.unseal([key, dataset], sealed, [b"", b""]) == [b"1", b"2"]
        assert opened.keys_for(["person_new"])["person_new"]
        assert opened.pseudonym_key == before
    status = vault.status()
    assert (status["vault_key_version"], status["retired_vault_keys"], status["shredded_subjects"]) == (2, 1, 1)


def test_rotating_the_root_key_locks_the_old_one_out(vault: Vault, settings: Settings) -> None:
    key = str(vault.keys_for(["person_a"])["person_a"])
    sealed = vault.seal([key], [b"1"], [b""])
    new = os.urandom(32)
    vault.rotate_root_key(LocalRootKey(new))
    assert vault.unseal([key], sealed, [b""]) == [b"1"]
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(settings)
    _root(settings).write_text(new.hex())
    assert Vault.open(settings).unseal([key], sealed, [b""]) == [b"1"]


def test_a_backup_opens_with_the_same_root_key(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    key = str(vault.keys_for(["person_a"])["person_a"])
    sealed = vault.seal([key], [b"1"], [b""])
    (tmp_path / "safe").mkdir(mode=0o700)
    copy = vault.backup(tmp_path / "safe")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = Settings(home=settings.home, vault=tmp_path / "safe", root_key_file=_root(settings))
    assert Vault.open(restored).unseal([key], sealed, [b""]) == [b"1"]
    with pytest.raises(VaultError, match="exists already"):
        vault.backup(tmp_path / "safe")


# published vectors


def test_wycheproof_aes_gcm(shared_data: Path) -> None:
    groups = json.loads((shared_data / "crypto" / "aes_gcm_test.json").read_text())["testGroups"]
    tried = 0
    for group in groups:
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            key, nonce, aad, payload, text, tag = (
                bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            cipher = sealing.cipher(key)
            if case["result"] == "valid":
                assert sealing.seal([cipher], [payload], [aad], nonce) == [nonce + text + tag], case["tcId"]
                assert sealing.unseal([cipher], [nonce + text + tag], [aad]) == [payload], case["tcId"]
            else:
                with pytest.raises(VaultError):
                    sealing.unseal([cipher], [nonce + text + tag], [aad])
            tried += 1
    assert tried > 50
    with pytest.raises(VaultError, match="128 bits"):
        sealing.cipher(bytes(16))


def test_wycheproof_hmac_sha256(shared_data: Path) -> None:
    groups = json.loads((shared_data / "crypto" / "hmac_sha256_test.json").read_text())["testGroups"]
    tried = 0
    for group in groups:
        for case in group["tests"]:
            (digest,) = keyed_digests(bytes.fromhex(case["key"]), [bytes.fromhex(case["msg"])])
            same = digest[: group["tagSize"] // 8].hex() == case["tag"]
            assert same == (case["result"] == "valid"), case["tcId"]
            tried += 1
    assert tried > 100


def test_wycheproof_hkdf_sha256(shared_data: Path) -> None:
    groups = json.loads((shared_data / "crypto" / "hkdf_sha256_test.json").read_text())["testGroups"]
    tried = 0
    for case in (case for group in groups for case in group["tests"]):
        if case["salt"] or case["size"] > sealing.KEY_BYTES:  # ours has no salt, and gives 256 bits
            continue
        derived = derive(bytes.fromhex(case["ikm"]), bytes.fromhex(case["info"]))
        assert derived[: case["size"]].hex() == case["okm"] and case["result"] == "valid", case["tcId"]
        tried += 1
    assert tried > 5
