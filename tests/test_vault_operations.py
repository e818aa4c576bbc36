"""Looking after the vault: rotation stopped anywhere, backups that open nothing alone, a root key in KMS."""

import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cenote.cli import app
from cenote.errors import VaultError
from cenote.residue import scan
from cenote.settings import Settings
from cenote.vault import Vault, root, rotation
from cenote.vault.rotation import rotate_root_key
from cenote.vault.sealing import new_key


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "data", vault=tmp_path / "vault")


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.create(settings)


def sealed(vault: Vault) -> Callable[[Vault], bool]:
    """Seal something; the answer tells whether a vault still opens it."""
    key = str(vault.keys_for(["person_a"])["person_a"])
    boxes = vault.seal([key], [b"mine"], [b""])
    return lambda other: other.unseal([key], boxes, [b""]) == [b"mine"]


# rotating the root key


def test_a_new_root_key_takes_the_old_ones_place(vault: Vault, settings: Settings) -> None:
    opens, file = sealed(vault), settings.vault / "root.key"
    old_text, old_id = file.read_text(), vault.root_id
    assert rotate_root_key(vault, settings, reason="yearly") == ""
    assert file.read_text() != old_text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(p.name for p in settings.vault.iterdir()) == [
        ".audit.lock",
        ".lock",
        "audit.jsonl",
        "root.key",
        "vault.db",
    ]
    again = Vault.open(settings)
    assert again.root_id == vault.root_id != old_id
    assert opens(again)
    assert opens(vault)
    file.write_text(old_text)
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(settings)


STEPS = {
    "before the new key is written": (rotation, "create_root_key_file"),
    "before the vault goes under it": (Vault, "rotate_root_key"),
    "before it takes the old one's place": (Path, "rename"),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_rotation_stopped_anywhere_leaves_a_vault_that_opens(
    name: str, vault: Vault, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    opens = sealed(vault)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*STEPS[name], killed)
        rotate_root_key(vault, settings)
    assert opens(Vault.open(settings))
    assert not (settings.vault / "root.key.next").exists(), "whoever opens next finishes"
    rotate_root_key(Vault.open(settings), settings)
    assert opens(Vault.open(settings))


def test_a_torn_new_key_is_thrown_away(vault: Vault, settings: Settings) -> None:
    (settings.vault / "root.key.next").write_text("ab" * 10)
    (settings.vault / "root.key.next").chmod(0o600)
    assert Vault.open(settings)
    assert not (settings.vault / "root.key.next").exists()


def test_an_opened_vault_follows_a_rotation_by_another_process(vault: Vault, settings: Settings) -> None:
    opens = sealed(vault)
    rotate_root_key(Vault.open(settings), settings)
    assert opens(vault)
    assert vault.keys_for(["person_new"])["person_new"]
    rotate_root_key(vault, settings)
    assert opens(Vault.open(settings))


def test_the_root_key_moves_to_another_file(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    opens, target = sealed(vault), tmp_path / "elsewhere" / "root.key"
    assert rotate_root_key(vault, settings, str(target)) == f"CENOTE_ROOT_KEY_FILE={target}"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert opens(Vault.open(settings.model_copy(update={"root_key_file": target})))
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(settings)


def test_a_readable_key_is_not_taken_as_the_new_one(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "root.key"
    target.write_text(new_key().hex())
    target.chmod(0o644)
    with pytest.raises(VaultError, match="can be read by others"):
        rotate_root_key(vault, settings, str(target))
    assert Vault.open(settings)


def test_a_key_from_the_environment_is_not_rotated_in_place(tmp_path: Path) -> None:
    given = Settings(home=tmp_path / "data", vault=tmp_path / "vault", root_key="ab" * 32)
    vault = Vault.create(given)
    with pytest.raises(VaultError, match="cannot change"):
        rotate_root_key(vault, given)
    told = rotate_root_key(vault, given, str(tmp_path / "new.key"))
    moved = Settings(home=given.home, vault=given.vault, root_key_file=Path(told.split("=")[1]))
    assert Vault.open(moved).root_id == vault.root_id


# versions, backups, restoring


def test_versions_show_what_was_retired(vault: Vault) -> None:
    vault.rotate_vault_key()
    first, second = vault.versions()
    assert (first.version, second.version, second.retired_at) == (1, 2, None)
    assert first.retired_at
    assert second.root_id == vault.root_id


def test_a_backup_is_useless_without_the_root_key(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    opens = sealed(vault)
    copy = vault.backup(tmp_path / "copy.db")
    key = (settings.vault / "root.key").read_text().strip()
    assert scan(copy.parent / "nothing", [key]) == []
    assert [h for h in scan(tmp_path, [key, vault.pseudonym_key.hex()]) if "copy" in h.file] == []
    folder = tmp_path / "restored"
    folder.mkdir(mode=0o700)
    copy.rename(folder / "vault.db")
    with pytest.raises(VaultError, match="no root key"):
        Vault.open(Settings(home=settings.home, vault=folder))
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(Settings(home=settings.home, vault=folder, root_key="ab" * 32))
    assert opens(Vault.open(Settings(home=settings.home, vault=folder, root_key=key)))


def test_a_rotated_root_key_makes_older_backups_useless(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    """How a person who was erased leaves the backups as well."""
    copy = vault.backup(tmp_path / "copy.db")
    rotate_root_key(vault, settings)
    (settings.vault / "vault.db").write_bytes(copy.read_bytes())
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(settings)


def test_restoring_an_older_vault_does_not_bring_an_erased_person_back(
    vault: Vault, settings: Settings, tmp_path: Path
) -> None:
    opens = sealed(vault)
    copy = vault.backup(tmp_path / "copy.db")
    vault.shred(["person_a", "person_unseen"], "request 9")
    assert vault.unshredded() == []
    (settings.vault / "vault.db").write_bytes(copy.read_bytes())
    restored = Vault.open(settings)
    assert opens(restored)
    assert restored.unshredded() == ["person_a", "person_unseen"]
    assert restored.audit.verify().beyond_anchor > 0
    restored.shred(restored.unshredded(), "restored")
    assert not opens(restored)
    assert restored.unshredded() == []
    assert restored.audit.verify().whole


def test_key_operations_are_on_record(vault: Vault, settings: Settings, tmp_path: Path) -> None:
    vault.keys_for(["person_a", "person_b"])
    vault.keys_for(["person_a"])
    vault.dataset_key("orders")
    vault.dataset_key("orders")
    vault.shred(["person_a"], "request 9")
    vault.rotate_vault_key()
    rotate_root_key(vault, settings)
    vault.backup(tmp_path / "copy.db")
    found = list(vault.audit.entries())
    assert [e.what for e in found] == [
        "vault created", "subject keys created", "dataset key created", "keys shredded", "vault key rotated",
        "root key rotated", "vault backed up",
    ]  # fmt: skip
    assert found[1].details == {"keys": 2}
    assert (found[3].about, found[3].reason) == (("person_a",), "request 9")


# failing closed


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o444])
def test_a_root_key_that_others_can_read_stops_everything(mode: int, vault: Vault, settings: Settings) -> None:
    (settings.vault / "root.key").chmod(mode)
    with pytest.raises(VaultError, match="by others"):
        Vault.open(settings)
    with pytest.raises(VaultError, match="by others"):
        Vault.create(settings)


def test_an_older_vault_key_cannot_be_slipped_in(vault: Vault, settings: Settings) -> None:
    vault.rotate_vault_key()
    with sqlite3.connect(settings.vault / "vault.db") as connection:
        connection.execute("UPDATE vault_keys SET version = 3 WHERE version = 2")
    connection.close()
    with pytest.raises(VaultError, match=r"does not open|vault key that is gone"):
        Vault.open(settings)


@pytest.mark.parametrize("both", ["root_key", "root_key_file"])
def test_two_root_keys_at_once_are_refused(both: str, vault: Vault, settings: Settings, tmp_path: Path) -> None:
    value = "ab" * 32 if both == "root_key" else tmp_path / "x"
    with pytest.raises(VaultError, match="a local root key too"):
        Vault.open(Settings(home=settings.home, vault=settings.vault, root_key_kms="alias/cenote", **{both: value}))


# AWS KMS, as moto's server plays it


@pytest.fixture(scope="module")
def kms_server() -> Iterator[str]:
    pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(kms_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    for name, value in {
        "AWS_ENDPOINT_URL_KMS": kms_server, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import boto3

    client = boto3.client("kms")
    yield client
    client.close()


def kms_key(kms: object) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])  # type: ignore[attr-defined]


def test_a_root_key_in_kms_opens_the_vault_and_leaves_no_file(kms: object, tmp_path: Path) -> None:
    arn = kms_key(kms)
    given = Settings(home=tmp_path / "data", vault=tmp_path / "vault", root_key_kms=arn)
    vault = Vault.create(given)
    opens = sealed(vault)
    assert not (given.vault / "root.key").exists()
    assert vault.root_id.startswith("kms:")
    kms.create_alias(AliasName="alias/cenote", TargetKeyId=arn.split("/")[1])  # type: ignore[attr-defined]
    assert opens(Vault.open(given.model_copy(update={"root_key_kms": "alias/cenote"}))), "an alias is the same key"
    assert rotate_root_key(vault, given) == ""
    assert opens(Vault.open(given))


def test_a_vault_moves_from_a_file_to_kms_and_to_another_key(kms: object, vault: Vault, settings: Settings) -> None:
    opens, first, second = sealed(vault), kms_key(kms), kms_key(kms)
    assert rotate_root_key(vault, settings, first) == f"CENOTE_ROOT_KEY_KMS={first}"
    moved = settings.model_copy(update={"root_key_kms": first})
    assert opens(Vault.open(moved))
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(settings)
    rotate_root_key(Vault.open(moved), moved, f"kms:{second}")
    with pytest.raises(VaultError, match="is not the one"):
        Vault.open(moved)
    assert opens(Vault.open(settings.model_copy(update={"root_key_kms": second})))


def test_kms_errors_are_told_by_their_code(kms: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(home=tmp_path / "data", vault=tmp_path / "vault", root_key_kms="alias/nobody")
    with pytest.raises(VaultError, match="NotFoundException"):
        Vault.create(given)
    assert not (given.vault / "vault.db").exists()
    arn = kms_key(kms)
    good = given.model_copy(update={"root_key_kms": arn})
    Vault.create(good)
    kms.disable_key(KeyId=arn.split("/")[1])  # type: ignore[attr-defined]
    with pytest.raises(VaultError, match="disabled"):
        Vault.open(good)
    kms.enable_key(KeyId=arn.split("/")[1])  # type: ignore[attr-defined]
    with sqlite3.connect(given.vault / "vault.db") as connection:
        connection.execute("UPDATE vault_keys SET wrapped = zeroblob(120)")
    connection.close()
    with pytest.raises(VaultError):
        Vault.open(good)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(VaultError, match="cannot be reached"):
        Vault.open(good)


# the commands


def test_the_commands_rotate_back_up_and_show(
    vault: Vault, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CENOTE_HOME", str(settings.home))
    monkeypatch.setenv("CENOTE_VAULT", str(settings.vault))
    opens, key = sealed(vault), (settings.vault / "root.key").read_text().strip()

    def cenote(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, done.output
        return str(done.output)

    told = [cenote("vault", "backup", str(tmp_path / "copy.db")), cenote("vault", "rotate", "--reason", "yearly")]
    told.append(cenote("vault", "rotate", "--root"))
    told.append(cenote("vault", "status"))
    assert "vault key 1" in told[-1]
    assert "in use" in told[-1]
    assert "make a new backup" in told[2]
    new = (settings.vault / "root.key").read_text().strip()
    assert not any(k in text for text in told for k in (key, new))
    assert opens(Vault.open(settings))
    cenote("vault", "rotate", "--to", "x", code=1)
    fresh = Vault.open(settings)
    copy = fresh.backup(tmp_path / "second.db")
    fresh.shred(["person_a"])
    copy.replace(settings.vault / "vault.db")
    assert "cenote vault reshred" in cenote("vault", "status", code=1)
    assert "shredded 1 keys again" in cenote("vault", "reshred")
    cenote("vault", "status")


def test_every_root_key_provider_is_one(kms: object) -> None:
    providers = [root.LocalRootKey(new_key()), root.kms_root_key(kms_key(kms))]
    for provider in providers:
        assert provider.unwrap(provider.wrap(b"k" * 32, "cenote/vault/1"), "cenote/vault/1") == b"k" * 32
        with pytest.raises(VaultError, match="does not open"):
            provider.unwrap(provider.wrap(b"k" * 32, "cenote/vault/1"), "cenote/vault/2")
