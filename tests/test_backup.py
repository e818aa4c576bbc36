"""A lake is copied while it is in use and restored elsewhere, whole."""

import json
import threading
from pathlib import Path

import pytest

from cenote import backup, bronze, catalog, records, silver
from cenote.backup import MANIFEST, back_up, restore
from cenote.errors import BackupError
from cenote.lake import Lake
from cenote.settings import Settings
from cenote.verify import verify
from cenote.workspace import Workspace


def elsewhere(space: Workspace, home: Path) -> Workspace:
    """A workspace on another folder with the same vault, contracts and moment."""
    kept = space.settings.model_dump() | {"home": home}
    return Workspace(Settings(**kept), clock=space.clock, run_id="restored")


@pytest.fixture(scope="module")
def made(sample_lake, tmp_path_factory):
    return back_up(sample_lake.space, tmp_path_factory.mktemp("backups"))


@pytest.fixture(scope="module")
def restored(sample_lake, made, tmp_path_factory) -> Workspace:
    space = elsewhere(sample_lake.space, tmp_path_factory.mktemp("elsewhere") / "lake")
    restore(space, made.folder)
    catalog.refresh(space)
    return space


def test_a_restored_lake_verifies_to_the_last_byte(restored):
    assert verify(restored, thorough=True) == []


def test_a_restored_lake_has_the_same_tables(sample_lake, restored):
    asked = 'select layer, "table", rows, version from meta.assets order by all'
    assert Lake(restored).sql(asked).equals(Lake(sample_lake.space).sql(asked))


def test_a_restored_lake_answers_from_its_own_files(sample_lake, restored):
    views = restored.settings.catalog.read_bytes()
    assert str(sample_lake.settings.home).encode() not in views
    question = "a parcel that never came"
    ids = Lake(restored).search(question, k=3)["lineage_id"]
    assert ids.equals(Lake(sample_lake.space).search(question, k=3)["lineage_id"])


def test_a_backup_holds_no_names_of_landed_files_and_nothing_that_waits(sample_lake, made):
    tops = {path.name for path in made.folder.iterdir()}
    assert "landing" not in tops
    assert "bronze" in tops


def test_a_second_backup_shares_what_did_not_change(sample_lake, made):
    again = back_up(sample_lake.space, made.folder.parent / "more")
    assert again.shared == 0
    third = back_up(sample_lake.space, made.folder.parent / "more")
    assert third.shared > 0.6 * third.bytes  # logs and databases are copied each time


def test_an_altered_backup_is_refused_and_nothing_is_changed(space, tmp_path):
    land(space, [{"customer_id": "C1", "name": "A"}])
    folder = back_up(space, tmp_path / "backups").folder
    victim = next(folder.glob("bronze/**/*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    other = elsewhere(space, tmp_path / "other")
    with pytest.raises(BackupError, match="altered"):
        restore(other, folder)
    assert not other.path("bronze").exists()


def test_a_manifest_cannot_point_outside(space, tmp_path):
    folder = tmp_path / "evil"
    folder.mkdir()
    content = {"cenote": "0", "at": "2026-11-20T00:00:00+00:00", "tables": {}, "files": {"../../out": [1, "0"]}}
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(BackupError, match="outside"):
        restore(elsewhere(space, tmp_path / "other"), folder)


def test_a_lake_is_not_overwritten(space, tmp_path):
    land(space, [{"customer_id": "C1"}])
    made = back_up(space, tmp_path / "backups")
    with pytest.raises(BackupError, match="move it aside"):
        restore(space, made.folder)


def test_a_backup_does_not_lie_in_the_lake(space):
    with pytest.raises(BackupError, match="inside the lake"):
        back_up(space, space.path("backups"))


def test_an_unfinished_backup_is_no_backup(space, tmp_path, monkeypatch):
    land(space, [{"customer_id": "C1"}])

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_copied", full)
    with pytest.raises(BackupError, match="No space left"):
        back_up(space, tmp_path / "backups")
    (partial,) = (tmp_path / "backups").iterdir()
    with pytest.raises(BackupError, match="not a finished backup"):
        restore(elsewhere(space, tmp_path / "other"), partial)
    assert not list(space.path(".tmp").glob("backup-*"))


def test_backups_during_a_run_are_each_a_lake_of_one_moment(space, tmp_path):
    """Four backups while batches land and conform: each verifies, and silver never knows more than bronze."""
    land(space, [{"customer_id": "C0"}])
    stop = threading.Event()

    def run() -> None:
        number = 1
        while not stop.is_set():
            land(Workspace(space.settings, clock=space.clock, run_id="test"), [{"customer_id": f"C{number}"}])
            number += 1

    writer = threading.Thread(target=run)
    writer.start()
    try:
        taken = [back_up(space, tmp_path / "backups" / str(n)) for n in range(4)]
    finally:
        stop.set()
        writer.join()
    for number, made in enumerate(taken):
        other = elsewhere(space, tmp_path / f"restored-{number}")
        restore(other, made.folder)
        catalog.refresh(other)
        found = [problem for problem in verify(other) if problem.check != "lineage_resolves"]
        assert found == []
        assert len(records.batches(other)) >= 1


def land(space: Workspace, customers: list[dict[str, str]]) -> None:
    folder = space.settings.landing / "customers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "customers.jsonl").write_text("".join(json.dumps(c) + "\n" for c in customers))
    bronze.land_new(space, "customers")
    silver.build(space, "customers")
