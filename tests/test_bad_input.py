"""Bad input: whatever lies in the landing zone, no run stops, no byte is lost, and reasons are precise."""

import gzip
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, landing, silver
from cenote.accounting import account
from cenote.errors import LandingError
from cenote.landing import LandingFile, Limits
from cenote.splitting import Splitter
from cenote.workspace import Workspace
from transforms.contract import Contract, Field, Subject

BOM = b"\xef\xbb\xbf"
BOMB = gzip.compress(bytes(99_999))


@pytest.fixture
def space(make_space: Callable[..., Workspace]) -> Workspace:
    return things(make_space())


def things(space: Workspace) -> Workspace:
    """Give a lake one sealed dataset whose records have an id and a size."""
    fields = (Field("id", "$.id", "string"), Field("size", "$.size", "number"))
    space.contracts = {"things": Contract("things", "1.0.0", "", "", fields, subject=Subject("person", "$.id"))}
    return space


def drop(space: Workspace, name: str | bytes, content: bytes) -> Path:
    folder = space.settings.landing / "things"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / os.fsdecode(name)
    file.write_bytes(content)
    os.utime(file, (0, 0))
    return file


# records

RECORDS: dict[str, tuple[bytes, str | None]] = {
    "nested as deep as allowed": (b'{"x":' + b"[" * 255 + b"]" * 255 + b"}", None),
    "nested too deep": (b'{"x":' + b"[" * 256 + b"]" * 256 + b"}", "too_deep"),
    "nested absurdly deep": (b"[" * 200_000 + b"]" * 200_000, "too_deep"),
    "a long string": (b'{"id":"' + b"x" * 2_000_000 + b'"}', None),
    "many digits": (b'{"id":' + b"9" * 10_000 + b"}", None),
    "a number beyond a double": (b'{"size":1e999}', "out_of_range"),
    "many digits after the point": (b'{"size":0.' + b"3" * 5_000 + b"}", None),
    "a key twice": (b'{"id":"a","id":"b"}', None),
    "NaN": (b'{"size":NaN}', "not_a_number"),
    "minus Infinity": (b'{"size":-Infinity}', "not_a_number"),
    "half a surrogate pair": (b'{"id":"\\ud800"}', "lone_surrogate"),
    "a surrogate in UTF-8": (b'{"id":"\xed\xa0\x80"}', "not_utf8"),
    "UTF-16": ('{"id":"é"}'.encode("utf-16"), "not_utf8"),
    "UTF-16 without mark": ('{"id":"a"}'.encode("utf-16-be"), "not_utf8"),
    "UTF-32": ('{"id":"a"}'.encode("utf-32"), "not_utf8"),
    "UTF-32 without mark": ('{"id":"a"}'.encode("utf-32-le"), "not_utf8"),
    "Latin-1": ('{"id":"é"}'.encode("latin-1"), "not_utf8"),
    "UTF-8 with mark": (BOM + b'{"id":"a"}', None),
    "a NUL in a string": (b'{"id":"a\0b"}', "malformed_json"),
    "a NUL, escaped": (b'{"id":"a\\u0000b"}', None),
    "only NULs": (b"\0" * 9, "malformed_json"),
    "a carriage return inside": (b'{"id":\r"a"}', None),
    "line separators inside": ('{"id":"a\u2028b\u2029c\x85"}'.encode(), None),
    "cut off": (b'{"id":"a', "malformed_json"),
}


def test_reasons_are_precise_and_nothing_is_lost(space: Workspace) -> None:
    for number, (content, _) in enumerate(RECORDS.values()):
        drop(space, f"{number:03}.json", content)
    report = bronze.land_new(space, "things")
    assert (report.details["refused"], report.rows) == (0, len(RECORDS))
    assert not bronze.waiting(space, "things")
    silver.build(space, "things")
    assert account(space, "things").balanced
    landed = dict(zip(_landed(space), _contents(space), strict=True))
    assert sorted(landed.values()) == sorted(content for content, _ in RECORDS.values())
    rejected = space.table("quarantine", "things").scan().collect()
    told = {landed[row["batch_id"]]: [rule["rule"] for rule in row["rules"]] for row in rejected.iter_rows(named=True)}
    assert told == {content: [rule] for content, rule in RECORDS.values() if rule}


def _landed(space: Workspace) -> list[str]:
    return bronze.batches(space)["batch_id"].to_list()


def _contents(space: Workspace) -> list[bytes]:
    outs = []
    for batch in _landed(space):
        out = io.BytesIO()
        bronze.replay(space, batch, out)
        outs.append(out.getvalue())
    return outs


def test_of_a_key_given_twice_the_owner_is_the_one_that_silver_shows(space: Workspace) -> None:
    drop(space, "a.json", b'{"id":"a","id":"b"}')
    bronze.land_new(space, "things")
    silver.build(space, "things")
    row = space.table("silver", "things").scan().collect().row(0, named=True)
    assert row["subject_id"] == space.vault.subject_ids("person", pl.Series(["a"]))[0]


# limits


def test_a_line_as_long_as_a_gigabyte_is_refused_in_bounded_memory(space: Workspace) -> None:
    """A sparse file of 1 GB without any line end: reading stops at the limit."""
    file = drop(space, "long.jsonl", b'"')
    os.truncate(file, 2**30)
    script = (
        "import resource, sys; from pathlib import Path; from cenote.landing import LandingFile, Limits\n"
        "from cenote.errors import LandingError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: LandingFile(Path(sys.argv[1]), 'things', 'it', limits=Limits(record_bytes=2**25)).survey()\n"
        "except LandingError as error: print(error.what)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    asked = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    told, grown = asked.stdout.splitlines()
    assert told == "it holds a line above 33,554,432 bytes"
    assert int(grown) < 150 * 1024
    assert file.exists()


LIMITS: dict[str, tuple[str, bytes, Limits, str, str]] = {
    "a line": ("a.jsonl", b'"' + b"x" * 200 + b'"', Limits(record_bytes=100), "a line above", "MAX_RECORD_BYTES"),
    "a document": ("a.json", b'"' + b"x" * 200 + b'"', Limits(document_bytes=100), "a document", "MAX_DOCUMENT_BYTES"),
    "an element": ("a.json", b'[1,"' + b"x" * 200 + b'"]', Limits(record_bytes=100), "a record", "MAX_RECORD_BYTES"),
    "blank lines": ("a.jsonl", b"\n" * 200, Limits(record_bytes=100), "white space", "MAX_RECORD_BYTES"),
    "a bomb, by size": ("a.json.gz", BOMB, Limits(unpacked_bytes=1000), "1,000 bytes", "MAX_UNPACKED_BYTES"),
    "a bomb, by ratio": ("a.json.gz", BOMB, Limits(expansion=5), "5 times its size", "MAX_EXPANSION"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_beyond_a_limit_a_file_is_refused_and_told_which(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "FREE_EXPANSION_BYTES", 1000)
    monkeypatch.setattr(landing, "BLOCK_BYTES", 500)
    file, content, limits, what, setting = LIMITS[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(LandingError, match=what) as caught:
        LandingFile(tmp_path / file, "things", "it", limits=limits).survey()
    assert setting in caught.value.fix


def test_limits_are_settings_and_a_refused_file_stays(make_space: Callable[..., Workspace]) -> None:
    space = things(make_space(max_record_bytes=50))
    long = drop(space, "long.jsonl", b'{"id":"' + b"x" * 50 + b'"}\n')
    drop(space, "short.jsonl", b'{"id":"a"}\n')
    report = bronze.land_new(space, "things")
    assert (report.rows, report.details["refused"]) == (1, 1)
    assert long.exists()
    raised = things(Workspace(space.settings.model_copy(update={"max_record_bytes": 100})))
    assert bronze.land_new(raised, "things").rows == 2


def test_an_array_of_millions_takes_memory_like_its_bytes() -> None:
    content = b"[" + b"1," * 1_000_000 + b"1]"
    records = sum(len(chunk.payloads) for chunk in Splitter().document(iter([content])))
    assert records == 1_000_001


# the landing zone

NAMES = [
    b"a\nb.json", b"-rf.json", b"--help.jsonl", "🕳️.json".encode(), b"\xff\xfe.json", b"x" * 250 + b".json",
    b"$(rm -r).json", b"a'b\"c.json", b"%2e%2e%2f.json", b"a\\..\\b.json", b" .json", b"\x1b[31m.json", b"*.json",
    "\u202egnp.json".encode(), b"a.json.gz.json",
]  # fmt: skip


def test_names_play_no_tricks(space: Workspace) -> None:
    for number, name in enumerate(NAMES):
        drop(space, name, json.dumps({"id": str(number)}).encode())
    assert bronze.waiting_digest({"things": bronze.waiting(space, "things")})
    report = bronze.land_new(space, "things")
    assert (report.rows, report.details["refused"]) == (len(NAMES), 0)
    assert not list((space.settings.landing / "things").iterdir())


def test_a_folder_with_a_nasty_name_is_told_printably(space: Workspace) -> None:
    folder = space.settings.landing / os.fsdecode(b"x\xff\n\x1b[31m")
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("{}")
    (problem,) = bronze.unknown_folders(space)
    assert all(line.isprintable() for line in str(problem).splitlines())
    assert str(problem).encode()


def test_only_regular_files_are_touched(space: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"id":"secret"}')
    folder = drop(space, "a.json", b'{"id":"a"}').parent
    (folder / "link.json").symlink_to(secret)
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "fifo.json")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may be short only
        server.bind("socket.json")
        os.chdir(here)
    (space.settings.landing / "linked").symlink_to(tmp_path)
    report = bronze.land_new(space, "things")
    assert (report.rows, report.details["refused"]) == (1, 0)
    assert not bronze.unknown_folders(space)
    assert secret.exists()
    for name in ("fifo.json", "folder.json", "socket.json"):
        with pytest.raises(LandingError):
            bronze.land(space, "things", [folder / name], consume=False)


def test_a_file_that_somebody_has_open_for_writing_waits(space: Workspace) -> None:
    """However long the writer pauses: what it writes after the file was landed and removed would be lost."""
    file = drop(space, "slow.jsonl", b'{"id":"a"}\n')
    with file.open("ab") as writer:
        os.utime(file, (0, 0))
        assert bronze.land_new(space, "things").rows == 0
        assert file.exists()
        writer.write(b'{"id":"b"}\n')
    with file.open("rb"):  # a reader is no reason to wait
        os.utime(file, (0, 0))
        assert bronze.land_new(space, "things").rows == 2
