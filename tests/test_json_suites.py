"""Published JSON test suites through landing: every file lands and comes back byte for byte, valid or not.

The suites: Nicolas Seriot's JSON parsing test suite, the Big List of Naughty Strings, RFC 8785 (JCS) samples.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze
from cenote.workspace import Workspace
from transforms.contract import Contract, Subject
from transforms.jsontext import is_json, valid_json


def file_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def space(make_space: Callable[..., Workspace]) -> Workspace:
    made = make_space()
    made.contracts = {
        "sealed": Contract("sealed", "1.0.0", "", "", (), subject=Subject("person", "$.id")),
        "public": Contract("public", "1.0.0", "", "", ()),
    }
    return made


def test_the_parsing_suite_is_judged_rightly(shared_data: Path) -> None:
    files = sorted((shared_data / "json" / "nst" / "test_parsing").glob("*.json"))
    contents = [file.read_bytes() for file in files]
    verdicts = valid_json(contents).to_list()
    assert verdicts == [is_json(content) for content in contents]
    wrong = [
        f.name for f, v in zip(files, verdicts, strict=True) if f.name[:2] in ("y_", "n_") and v != (f.name[0] == "y")
    ]
    assert not wrong
    assert len(files) > 300


def test_records_are_judged_together_as_they_are_alone() -> None:
    long = b'{"text": "%s"}' % (b"[" * 600)  # long, with many brackets, but not deep
    good = [b"1", b' {"a": []} ', long, b"[" * 256 + b"]" * 256]
    bad = [b"", b"[1", b"2]", b"1,2", b"\xff", b"NaN", b"[" * 257 + b"]" * 257]
    assert valid_json(good).all()
    assert valid_json(pl.Series(good, dtype=pl.Binary)).all()
    assert valid_json([]).is_empty()
    for record in bad:
        assert valid_json([*good, record]).to_list() == [True] * len(good) + [False]
    assert valid_json(pl.Series([b"1", None], dtype=pl.Binary)).to_list() == [True, False]


@pytest.mark.parametrize("dataset", ["sealed", "public"])
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_every_file_lands_and_comes_back(dataset: str, ending: str, space: Workspace, shared_data: Path) -> None:
    folder = space.settings.landing / dataset
    folder.mkdir(parents=True)
    contents = {}
    for file in sorted((shared_data / "json").glob("*/**/*")):
        if file.suffix in (".json", ".txt") and not file.name.startswith(("SOURCE", "README")):
            target = folder / (file.relative_to(shared_data).as_posix().replace("/", "-") + ending)
            shutil.copyfile(file, target)
            content = target.read_bytes()
            contents[file_digest(content)] = content
    report = bronze.land_new(space, dataset)
    assert not bronze.waiting(space, dataset)
    assert (report.details["refused"], report.details["batches"], report.version) == (0, len(contents), 0)
    landed = bronze.batches(space)
    assert set(landed["sha256"]) == set(contents)
    for batch in landed.sample(40, seed=1).iter_rows(named=True):
        out = io.BytesIO()
        bronze.replay(space, batch["batch_id"], out)
        assert out.getvalue() == contents[batch["sha256"]]


def test_invalid_files_give_malformed_records_and_valid_ones_none(space: Workspace, shared_data: Path) -> None:
    files = sorted((shared_data / "json" / "nst" / "test_parsing").glob("[ny]_*.json"))
    bronze.land(space, "public", files, consume=False)
    valid = {file_digest(file.read_bytes()): file.name.startswith("y_") for file in files}
    digests = dict(bronze.batches(space).select("batch_id", "sha256").iter_rows())
    records = pl.concat([*bronze.read(space, "public", None)])
    malformed = set(records.filter(~valid_json(records["payload"]))["batch_id"].unique())
    assert {digests[batch] for batch in malformed} == {digest for digest, good in valid.items() if not good}


def test_naughty_strings_are_records_of_their_own(space: Workspace, shared_data: Path) -> None:
    file = shared_data / "json" / "blns" / "blns.json"
    strings = json.loads(file.read_text(encoding="utf-8"))
    report = bronze.land(space, "sealed", [file], consume=False)
    assert (report.rows, report.details["malformed"]) == (len(strings), 0)
    payloads = [p for frame in bronze.read(space, "sealed", None) for p in frame["payload"]]
    assert [json.loads(p) for p in payloads] == strings
