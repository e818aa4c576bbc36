"""What a machine may do to a lake: full and read-only disks, damage, lost keys, two runs at once, clocks that go back.

Each gives a clear error or a wait, and running again, after the machine was mended, gives what an undisturbed lake has.
Kills are the harness's: ``python -m tests.crash``.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from cenote import bronze, catalog, gold, silver
from cenote.errors import DiskError, TableError, VaultError, of_the_disk
from cenote.verify import verify
from cenote.workspace import Workspace
from tests.crash.digests import digest
from tests.test_silver import MEMBERS, history

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MART = """/* ---
description: How many members each level has.
owner: members@shop.example
grain: [level]
--- */
SELECT level, count(*) AS members FROM silver.members GROUP BY level
"""
TABLES = ("bronze/members", "silver/members", "quarantine/members", "gold/levels", "meta/batches")


@pytest.fixture
def lake(make_space: Callable[..., Workspace], tmp_path: Path) -> Callable[..., Workspace]:
    """A function that makes a lake of members and a mart over them; ``home`` puts it elsewhere."""
    for folder, file, text in (("contracts", "members.yaml", MEMBERS), ("marts", "levels.sql", MART)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(text)

    def make(name: str = "lake", **settings: Any) -> Workspace:
        return make_space(name, contracts=tmp_path / "contracts", marts=tmp_path / "marts", **settings)

    return make


def drop(space: Workspace, seed: int, count: int = 60) -> Path:
    """Put some events of members into the landing zone, as old as the hills."""
    folder = space.settings.landing / "members"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in history(seed, count)]
    file = folder / f"{seed}.jsonl"
    file.write_bytes(b"\n".join(rows) + b"\n")
    os.utime(file, (0, 0))
    return file


def run(space: Workspace) -> None:
    """The stages, in their order, without Dagster."""
    bronze.land_new(space, "members")
    silver.build(space, "members")
    gold.build(space, "levels")
    catalog.refresh(space)


STAGES: dict[str, Callable[[Workspace], object]] = {
    "land": lambda space: bronze.land_new(space, "members"),
    "silver": lambda space: silver.build(space, "members"),
    "gold": lambda space: gold.build(space, "levels"),
    "catalog": catalog.refresh,
}


def content(space: Workspace) -> dict[str, str]:
    """Digests of what the tables hold, sealing and pseudonyms aside: another vault makes others."""
    aside = ("payload", "key_id", "prefix", "subject_id", "mentions", "member_id", "landed_at")
    found = {}
    for name in TABLES:
        frame = space.table(*name.split("/")).scan().collect()
        found[name] = digest(frame.drop(c for c in aside if c in frame.columns))
    return found


@pytest.fixture
def undisturbed(lake: Callable[..., Workspace]) -> Callable[..., dict[str, str]]:
    """What a lake holds that nothing happened to, after files with these seeds landed one by one."""

    def build(*seeds: int) -> dict[str, str]:
        space = lake("undisturbed")
        for seed in seeds:
            drop(space, seed)
        run(space)
        return content(space)

    return build


# disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to the last byte."""
    free = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(free.f_bavail * free.f_bsize))
    return ballast


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_is_told_and_running_again_mends(
    stage: str, lake: Callable[..., Workspace], small_disk: Path, undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake(home=small_disk / "data")
    drop(space, 1)
    for name, build in STAGES.items():
        if name == stage:
            ballast = fill(small_disk)
            with pytest.raises(DiskError, match=r"disk under .* is full"):
                build(space)
            ballast.unlink()
            break
        build(space)
    run(space)
    assert content(space) == undisturbed(1)
    assert not verify(space)


def test_a_read_only_disk_is_told_by_every_stage(lake: Callable[..., Workspace], small_disk: Path) -> None:
    space = lake(home=small_disk / "data")
    drop(space, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for build in STAGES.values():
        with pytest.raises(DiskError, match="read-only file system"):
            build(space)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    run(space)
    assert not verify(space)


def test_a_file_that_cannot_be_removed_has_landed_all_the_same(
    lake: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = lake()
    file = drop(space, 1)
    unlink = Path.unlink

    def refuses(path: Path, missing_ok: bool = False) -> None:
        if path == file:
            raise PermissionError(13, os.strerror(13), str(path))
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuses)
        report = bronze.land_new(space, "members")
    assert "has landed but cannot be removed: Permission denied" in report.details["problems"][0]
    assert bronze.land_new(space, "members").details["already_landed"] == 1
    assert not file.exists()


def test_a_file_in_the_place_of_a_folder_is_told(lake: Callable[..., Workspace]) -> None:
    space = lake()
    drop(space, 1)
    space.path("bronze").write_text("in the way")
    with pytest.raises(DiskError, match="in the place of a folder"):
        bronze.land_new(space, "members")
    space.path("bronze").unlink()
    run(space)
    assert not verify(space)


def test_errors_of_the_disk_are_told_in_whichever_words() -> None:
    assert "full" in str(of_the_disk(OSError(28, "?"), "/lake"))
    assert "full" in str(of_the_disk(RuntimeError("Generic error: No space left on device (os error 28)"), "/lake"))
    assert of_the_disk(ValueError("Anna Miller"), "/lake") is None


# damage


def last_log(space: Workspace, table: str) -> Path:
    return max((space.table(*table.split("/")).path / "_delta_log").glob("*.json"))


@contextmanager
def damaged(file: Path, content: bytes | None) -> Iterator[None]:
    """A file with other content for a while, or gone."""
    whole = file.read_bytes()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    yield
    file.write_bytes(whole)


@pytest.mark.parametrize("table", ["silver/members", "gold/levels"])
def test_a_torn_commit_is_told_and_the_runbook_mends_it(
    table: str, lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake()
    drop(space, 1)
    run(space)
    drop(space, 2)
    run(space)
    log = last_log(space, table)
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    drop(space, 3)
    with pytest.raises(TableError, match=f"table {table} cannot be read") as caught:
        run(space)
    assert len(str(caught.value).splitlines()) == 2  # no library's stack
    (problem,) = [p for p in verify(space) if p.check == "tables_readable"]
    assert (problem.where, "remove the table's folder" in problem.fix) == (table, True)
    shutil.rmtree(space.table(*table.split("/")).path)
    run(space)
    assert content(space) == undisturbed(1, 2, 3)
    assert not verify(space)


def test_a_commit_of_bronze_that_a_crashed_machine_emptied_lands_again(
    lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake()
    drop(space, 1)
    run(space)
    drop(space, 2)
    bronze.land_new(space, "members")
    last_log(space, "bronze/members").write_bytes(b"")  # Delta takes this for a commit that changed nothing
    assert [p.check for p in verify(space) if "batches" in p.check] == ["batches_complete"]
    drop(space, 2)
    run(space)
    assert content(space) == undisturbed(1, 2)
    assert not verify(space)


HARM: dict[str, Callable[[bytes], bytes | None]] = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "zeros": lambda whole: bytes(len(whole)),
    "flipped": lambda whole: whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :],
    "gone": lambda _: None,
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_of_silver_is_told_and_rebuilt(
    harm: str, lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake()
    drop(space, 1)
    run(space)
    file = Path(space.table("silver", "members").files()[0])
    with damaged(file, HARM[harm](file.read_bytes())):
        drop(space, 2)
        with pytest.raises(TableError, match="table silver/members is damaged: 1 of 1 files") as caught:
            run(space)
        assert "--rebuild --select silver/members" in caught.value.fix
        silver.build(space, "members", rebuild=True)
        run(space)
    assert content(space) == undisturbed(1, 2)


def test_a_missing_key_stops_what_needs_it_and_nothing_is_lost(
    lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake()
    file = drop(space, 1)
    key = space.settings.vault / "root.key"
    with damaged(key, None):
        with pytest.raises(VaultError, match="there is no root key"):
            bronze.land_new(Workspace(space.settings), "members")
        assert file.exists()
        assert not space.table("bronze", "members").exists
    key.chmod(0o600)
    run(space)
    assert content(space) == undisturbed(1)


# several at once

_STAGES_APART = """
import sys
from cenote.settings import Settings
from cenote.workspace import Workspace
from cenote import bronze, catalog, gold, silver
space = Workspace(Settings(home=sys.argv[1], vault=sys.argv[2], contracts=sys.argv[3], marts=sys.argv[4]))
print("ready", flush=True)
sys.stdin.readline()
bronze.land_new(space, "members")
silver.build(space, "members")
gold.build(space, "levels")
catalog.refresh(space)
"""


def test_two_runs_at_once_make_what_one_makes(
    lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    space = lake()
    seeds = range(4)
    for seed in seeds:
        drop(space, seed)
    made = space.settings
    arguments = [sys.executable, "-c", _STAGES_APART, *map(str, (made.home, made.vault, made.contracts, made.marts))]
    both = [
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout and one.stdout.readline() == "ready\n"
    told = [one.communicate("go\n", timeout=120)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    assert content(space) == undisturbed(*seeds)
    assert not verify(space)


_NOTEBOOK = """
import json, sys, threading
import duckdb
question = "SELECT count(*), count(DISTINCT lineage_id) FROM silver.members_records"
held = duckdb.connect(sys.argv[1], read_only=True)
first = held.sql(question).fetchall()[0]
closed = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
print("ready", flush=True)
told = []
while not closed.wait(0.02):
    with duckdb.connect(sys.argv[1], read_only=True) as fresh:
        told.append(fresh.sql(question).fetchall()[0])
print(json.dumps({"told": told, "held": [first, held.sql(question).fetchall()[0]]}))
"""


def test_a_notebook_reads_throughout(lake: Callable[..., Workspace]) -> None:
    """While runs commit and swap the catalog file: whole commits only, and who has the file open keeps their moment."""
    space = lake()
    drop(space, 0)
    run(space)
    rows = [space.table("silver", "members").count()]
    notebook = subprocess.Popen(
        [sys.executable, "-c", _NOTEBOOK, str(space.settings.catalog)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert notebook.stdout and notebook.stdout.readline() == "ready\n"
    for seed in range(1, 4):
        drop(space, seed)
        run(space)
        rows.append(space.table("silver", "members").count())
    answer = json.loads(notebook.communicate(timeout=60)[0])
    assert notebook.returncode == 0
    assert answer["held"] == [[rows[0], rows[0]]] * 2  # it keeps its moment
    counts = [total for total, distinct in answer["told"] if total == distinct]
    assert len(counts) == len(answer["told"]) > 0
    assert counts == sorted(counts)
    assert set(counts) <= set(rows)


def test_after_a_vacuum_a_notebook_is_told_or_opens_anew(lake: Callable[..., Workspace]) -> None:
    space = lake()
    for seed in range(2):
        drop(space, seed)
        run(space)
        if seed == 0:
            held = duckdb.connect(str(space.settings.catalog), read_only=True)
    space.table("silver", "members").vacuum()
    with held, pytest.raises(duckdb.IOException, match="No files found"):
        held.sql("FROM silver.members").fetchall()
    assert catalog.query(space, "FROM silver.members").height
    with duckdb.connect(str(space.settings.catalog), read_only=True) as fresh:
        assert fresh.sql("FROM silver.members").fetchall()


# clocks


def test_a_clock_that_goes_back_changes_nothing(
    lake: Callable[..., Workspace], undisturbed: Callable[..., dict[str, str]]
) -> None:
    """Events order themselves; between two tellings of one moment the later to land stays the later."""
    hours = iter([0, -1, -3, 2, -2, *[0] * 50])
    space = lake(clock=lambda: NOW + timedelta(hours=next(hours, 0)))
    for seed in range(4):
        drop(space, seed)
        run(space)
    landed = space.table("bronze", "members").scan().select("batch_id", "landed_at").unique().collect()
    order = [d for commit in space.table("bronze", "members").commits() for d in [commit.details["landed_at"]]]
    assert order == sorted(order, reverse=True)
    assert landed.height == 4
    before = content(space)
    silver.build(space, "members", rebuild=True)
    gold.build(space, "levels", rebuild=True)
    catalog.refresh(space)
    assert (
        content(space)
        == before
        == undisturbed(*range(4)) | {name: before[name] for name in ("silver/members", "gold/levels")}
    )
    assert not verify(space)


def test_a_clock_that_was_far_ahead_is_not_followed(lake: Callable[..., Workspace]) -> None:
    moments = iter([NOW + timedelta(days=3650), NOW])
    space = lake(clock=lambda: next(moments, NOW))
    for seed in range(2):
        drop(space, seed)
        bronze.land_new(space, "members")
    landed = space.table("bronze", "members").scan().select(pl.col("landed_at").unique()).collect()
    assert NOW in landed["landed_at"].to_list()
