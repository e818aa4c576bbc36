"""Landing files: what waits, and splitting that gives every byte back."""

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cenote import landing, splitting
from cenote.errors import LandingError
from cenote.landing import Batch, LandingFile, Limits
from cenote.splitting import Splitter
from transforms.jsontext import is_json, valid_json

Land = Callable[..., tuple[Batch, list[tuple[bytes, bytes]]]]
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def land(tmp_path: Path) -> Land:
    """Write a file and read it as records: the batch, and prefix and payload of each record."""

    def read(
        name: str, content: bytes, pointer: str | None = None, **limits: int
    ) -> tuple[Batch, list[tuple[bytes, bytes]]]:
        (tmp_path / name).write_bytes(content)
        file = LandingFile(tmp_path / name, "orders", "orders: file 1 of 1", pointer, limits=Limits(**limits))
        batch = file.survey()
        records = [r for chunk in file.chunks() for r in zip(chunk.prefixes, chunk.payloads, strict=True)]
        assert len(records) == batch.records
        return batch, records

    return read


def joined(batch: Batch, records: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(part for record in records for part in record) + batch.trailer


# splitting

LINES = {
    "nothing": (b"", []),
    "only a byte order mark": (BOM, []),
    "only blank lines": (b"\n \r\n\t\n", []),
    "plain": (b'{"a":1}\n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
    "no line end at the end": (b'{"a":1}\n{"a":2}', [b'{"a":1}', b'{"a":2}']),
    "windows line ends": (b'{"a":1}\r\n{"a":2}\r\n', [b'{"a":1}', b'{"a":2}']),
    "mixed line ends": (b'{"a":1}\r\n{"a":2}\n{"a":3}\r\n\r\n', [b'{"a":1}', b'{"a":2}', b'{"a":3}']),
    "byte order mark": (BOM + b'{"a":1}\n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
    "blank lines between": (b'\n\n{"a":1}\n  \n{"a":2}\n\n', [b'{"a":1}', b'{"a":2}']),
    "spaces belong to the record": (b' {"a":1} \n', [b' {"a":1} ']),
    "malformed lines stay": (b'{"a":1}\n{"a":\nnope\n', [b'{"a":1}', b'{"a":', b"nope"]),
    "a NUL": (b'{"a":1}\n\0\n', [b'{"a":1}', b"\0"]),
}


@pytest.mark.parametrize("name", LINES)
def test_lines(name: str, land: Land) -> None:
    content, payloads = LINES[name]
    batch, records = land("a.jsonl", content)
    assert [payload for _, payload in records] == payloads
    assert joined(batch, records) == content
    assert batch.format == splitting.LINES


DOCUMENTS = {
    "an object": (b'{"a":\n1}\n', "document", [b'{"a":\n1}']),
    "a scalar": (b"7", "document", [b"7"]),
    "empty": (b"", "document", [b""]),
    "white space only": (b" \n\n", "document", [b""]),
    "only a byte order mark": (BOM, "document", [b""]),
    "byte order mark": (BOM + b' {"a":1}', "document", [b'{"a":1}']),
    "malformed": (b'{"a":1}}', "document", [b'{"a":1}}']),
    "malformed over lines": (b'["a",\n4\n,1,', "document", [b'["a",\n4\n,1,']),
    "an array": (b'[1, {"a" : [2]}\n,"x"]\n', "array", [b"1", b'{"a" : [2]}', b'"x"']),
    "an array after a byte order mark": (BOM + b"[1]", "array", [b"1"]),
    "an empty array": (b"[ ]\n", "array", []),
    "an array that is not closed": (b'[{"a":1},', "document", [b'[{"a":1},']),
    "lines in disguise": (b'{"a":1}\n{"a":2}\n', "lines", [b'{"a":1}', b'{"a":2}']),
    "lines, some malformed": (b'\n{"a":1}\nnope\n', "lines", [b'{"a":1}', b"nope"]),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "document", ['{"a":1}'.encode("utf-16")]),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str, land: Land) -> None:
    content, form, payloads = DOCUMENTS[name]
    batch, records = land("a.json", content)
    assert (batch.format, [payload for _, payload in records]) == (form, payloads)
    assert joined(batch, records) == content


def cut(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The content in blocks of these sizes, again and again."""
    position = 0
    while position < len(content):
        for size in sizes:
            if position < len(content):
                yield content[position : position + size]
            position += size


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
line_pieces = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b" ", b"\t", BOM, b'{"a":1}', b"[1,2]", b"nope", b",", b"\xff", b"\0"]
)
contents = st.lists(line_pieces | json_values.map(lambda v: json.dumps(v).encode()), max_size=15).map(b"".join)
sizes = st.lists(st.integers(1, 7), min_size=1, max_size=4)


@given(contents | st.binary(max_size=60), sizes, st.integers(1, 4), st.booleans())
def test_every_byte_comes_back(content: bytes, sizes: list[int], rows: int, by_document: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "CHUNK_ROWS", rows)
        patch.setattr(splitting, "WINDOW_BYTES", rows * 3)
        splitter = Splitter()
        chunks = list((splitter.document if by_document else splitter.lines)(cut(content, sizes)))
    whole = b"".join(part for c in chunks for r in zip(c.prefixes, c.payloads, strict=True) for part in r)
    assert whole + splitter.trailer == content
    assert all(0 < len(c.payloads) <= rows for c in chunks)


@given(st.lists(json_values, max_size=8), sizes, st.sampled_from([None, 1]))
def test_array_elements_are_the_records(values: list[object], sizes: list[int], indent: int | None) -> None:
    content = json.dumps(values, indent=indent).encode()
    splitter = Splitter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "WINDOW_BYTES", sizes[0])
        payloads = [p for c in splitter.document(cut(content, sizes)) for p in c.payloads]
    if splitter.format == splitting.ARRAY:
        assert [json.loads(p) for p in payloads] == values


@given(st.lists(json_values, max_size=8), sizes)
def test_lines_are_the_records(values: list[object], sizes: list[int]) -> None:
    content = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    assert [json.loads(p) for c in Splitter().lines(cut(content, sizes)) for p in c.payloads] == values


def test_the_batch_depends_on_content_and_dataset_alone(land: Land, tmp_path: Path) -> None:
    content = b'{"a":1}\n'
    one, two = land("a.jsonl", content)[0], land("b.ndjson", content)[0]
    packed, frames = land("c.jsonl.gz", gzip.compress(content))[0], land("d.jsonl.zst", zstandard.compress(content))[0]
    assert one == two == packed == frames
    assert one.size == len(content)
    assert LandingFile(tmp_path / "a.jsonl", "reviews", "").survey().batch_id != one.batch_id


# compressed files


def test_compression_is_told_by_content(land: Land) -> None:
    content = b"[1,2]"
    assert land("plain-name.json", gzip.compress(content))[1] == land("a.json", content)[1]
    assert land("several.json.gz", gzip.compress(b"[1,") + gzip.compress(b"2]"))[1] == land("a.json", content)[1]


PACKED = gzip.compress(b'{"a":1}\n' * 100)
REFUSED = {
    "cut gzip": ("a.jsonl.gz", PACKED[:-5], "not a whole gzip"),
    "cut zstd": ("a.jsonl.zst", zstandard.compress(b"{}")[:-2], "not a whole gzip or zstd"),
    "rubbish after gzip": ("a.jsonl.gz", PACKED + b"rubbish", "not a whole gzip"),
    "damaged gzip": ("a.jsonl.gz", PACKED[:20] + b"\xff\xff" + PACKED[22:], "not a whole gzip"),
    "no gzip": ("a.jsonl.gz", b'{"a":1}\n', "named like gzip"),
    "no zstd": ("a.json.zst", PACKED, "named like zstd"),
    "another ending": ("anna.miller.csv", b"a,b\n", "ending that Cenote does not read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_without_its_name(name: str, land: Land) -> None:
    file, content, message = REFUSED[name]
    with pytest.raises(LandingError, match=message) as caught:
        land(file, content)
    assert caught.value.what.startswith("orders: file 1 of 1")
    assert "anna" not in str(caught.value)


# pointers


def test_a_pointer_lands_the_value_exactly(land: Land) -> None:
    content = BOM + b'{"Customer": [1, {"x" : 2}], "a/b": {"~": [7, "y"]}}'
    assert [p for _, p in land("a.json", content, "/Customer")[1]] == [b"1", b'{"x" : 2}']
    assert [p for _, p in land("a.json", content, "/a~1b/~0/1")[1]] == [b'"y"']
    batch, records = land("a.json", content, "/Customer")
    assert joined(batch, records) == b'[1, {"x" : 2}]'
    assert batch == land("b.json", b'[1, {"x" : 2}]')[0]


@pytest.mark.parametrize("pointer", ["/nope", "/list/9", "/list/-1", "/list/x", "nope", "/text/a"])
def test_a_pointer_to_nothing_is_refused(pointer: str, land: Land) -> None:
    with pytest.raises(LandingError, match="no JSON value at"):
        land("a.json", b'{"list": [1], "text": "a"}', pointer)
    with pytest.raises(LandingError, match="made of lines"):
        land("a.jsonl", b"{}\n", pointer)


# what waits


def test_only_finished_regular_files_wait(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    (folder / "folder.json").mkdir(parents=True)
    for name in ("b.json", "a.jsonl", ".hidden.json", "c.json.tmp", "d.part", "e.json.crdownload"):
        (folder / name).write_text("{}")
    (folder / "link.json").symlink_to(folder / "b.json")
    os.mkfifo(folder / "pipe.json")
    assert [file.name for file in landing.waiting(folder)] == ["a.jsonl", "b.json"]
    (tmp_path / "linked").symlink_to(folder)
    assert landing.waiting(tmp_path / "linked") == []
    assert landing.waiting(tmp_path / "absent") == []


def test_a_link_is_not_followed_even_when_it_came_late(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(LandingError, match="cannot be read"):
        LandingFile(tmp_path / "link.json", "orders", "file").survey()
    assert LandingFile(tmp_path / "link.json", "orders", "file", follow_links=True).survey().records == 1


def test_a_file_being_written_is_left_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, growing = (tmp_path / name for name in ("old.json", "new.json", "growing.json"))
    for file in (old, new, growing):
        file.write_text("{}")
    os.utime(old, (0, 0))
    monkeypatch.setattr(time, "sleep", lambda seconds: growing.write_text("{...") and None)
    assert landing.settled([old, new, growing, tmp_path / "gone.json"]) == [old, new]


def test_a_file_that_changes_between_two_looks_is_refused(tmp_path: Path) -> None:
    file = LandingFile(tmp_path / "a.jsonl", "orders", "file")
    file.path.write_text("1\n2\n")
    file.survey()
    assert file.unchanged()
    file.path.write_text("1\n2\n3\n")
    assert not file.unchanged()
    with pytest.raises(LandingError, match="changed while it was landing"):
        list(file.chunks())


# what is JSON


@pytest.mark.parametrize(
    ("payload", "valid"),
    [
        (b'{"a":1}', True), (b" 1 ", True), (b"", False), (b"{}{}", False), (b'"\xff"', False), (b"NaN", False),
        (b'"\xed\xa0\x80"', False), (b'"\\ud800"', False), (b"\xef\xbb\xbf1", False), (b"1\0", False),
        (b"[" * 256 + b"]" * 256, True), (b"[" * 257 + b"]" * 257, False), (b"[" * 10**5 + b"]" * 10**5, False),
        (b'["' + b"[" * 900 + b'"]', True), (b"[" + b"[]," * 900 + b"[]]", True),
    ],
)  # fmt: skip
def test_is_json(payload: bytes, valid: bool) -> None:
    assert is_json(payload) is valid


@given(st.lists(contents | st.binary(max_size=20), max_size=6))
def test_valid_json_judges_each_payload_alone(payloads: list[bytes]) -> None:
    assert valid_json(payloads).to_list() == [is_json(p) for p in payloads]


@given(json_values, st.booleans())
def test_what_python_writes_is_json(value: object, ascii_only: bool) -> None:
    assert is_json(json.dumps(value, ensure_ascii=ascii_only).encode())
