"""The search for residue: a value is found in every format that a lake may be written in, and in any form."""

import bz2
import gzip
import json
import lzma
import os
import sqlite3
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import lancedb
import numpy as np
import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from lancedb.index import FTS

from cenote.residue import Examined, Needle, examine, scan, search
from cenote.residue.ahead import Ahead
from cenote.residue.formats import source
from cenote.residue.formats.wordgraph import words
from cenote.residue.forms import forms
from cenote.residue.grams import LEAST, Grams
from cenote.residue.meaning import Meaning
from cenote.residue.patterns import plain_runs
from cenote.residue.reader import Read

walking = import_module("cenote.residue.scan")

NEEDLE = "zqcanary1700"
ROWS = [f"{n} some filler text" for n in range(3_000)] + [NEEDLE]


def parquet(folder: Path, **nested: object) -> None:
    pl.DataFrame({"text": ROWS}).write_parquet(folder / "x", compression="zstd", statistics=False)


def nested_parquet(folder: Path) -> None:
    rows = [{"a": [{"b": text.encode()}]} for text in ROWS]
    pl.DataFrame({"x": rows}).write_parquet(folder / "x", compression="zstd", statistics=False)


def packed_cells(folder: Path) -> None:
    pl.DataFrame({"x": [gzip.compress(t.encode()) for t in ROWS[-3:]]}).write_parquet(folder / "x")


def arrow(folder: Path) -> None:
    pl.DataFrame({"text": ROWS}).write_ipc(folder / "x", compression="zstd")


def lance(folder: Path) -> None:
    table = lancedb.connect(folder).create_table("t", [{"text": text} for text in ROWS])
    table.create_index("text", config=FTS())


def lance_index_alone(folder: Path) -> None:
    """The words of a full-text index, without the data that they came from."""
    lance(folder)
    for file in folder.rglob("*"):
        if file.is_file() and not file.name.endswith("tokens.lance"):
            file.unlink()


def sqlite(folder: Path) -> None:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.execute("INSERT INTO t VALUES (1, ?)", ("x" * 4_050 + NEEDLE + "x" * 9_000,))  # over a page's end
    connection.close()


def sqlite_deleted(folder: Path) -> None:
    sqlite(folder)
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("INSERT INTO t VALUES (2, ?)", (NEEDLE,))
        connection.commit()
        connection.execute("DELETE FROM t")
    connection.close()


def sqlite_compressed(folder: Path) -> None:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("CREATE TABLE t (a BLOB)")
        connection.execute("INSERT INTO t VALUES (?)", (zlib.compress(NEEDLE.encode() * 3),))
    connection.close()


def sqlite_log(folder: Path) -> None:
    """A long value that is in the write-ahead log only."""
    aside = folder / "aside"
    aside.mkdir()
    connection = sqlite3.connect(aside / "x.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (a, b)")
    connection.commit()
    connection.execute("INSERT INTO t VALUES (1, ?)", (zlib.compress(("y" * 40 + NEEDLE).encode()),))
    connection.commit()
    for name in ("x.db", "x.db-wal"):
        (folder / name).write_bytes((aside / name).read_bytes())
    connection.close()
    for file in aside.iterdir():
        file.unlink()


def duck(folder: Path) -> None:
    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?) AS text", [ROWS * 30])


def archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("inner", "\n".join(ROWS))


def written(name: str, pack: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(pack("\n".join(ROWS).encode()))


FORMATS: dict[str, Callable[[Path], object]] = {
    "parquet": parquet, "nested parquet": nested_parquet, "compressed cells": packed_cells, "arrow": arrow,
    "lance": lance, "a lance index alone": lance_index_alone, "sqlite over pages": sqlite,
    "deleted in sqlite": sqlite_deleted, "compressed in sqlite": sqlite_compressed, "sqlite's log": sqlite_log,
    "duckdb": duck, "zip": archive,
    "gzip": written("x", gzip.compress), "zstd": written("x", zstandard.compress), "bzip2": written("x", bz2.compress),
    "xz": written("x", lzma.compress), "two gzip members": written("x", lambda b: gzip.compress(b"a") +
    gzip.compress(b)), "plain": written("x", bytes),
    "a file's name": lambda folder: (folder / f"{NEEDLE}.txt").write_text("nothing"),
    "a folder's name": lambda folder: ((folder / NEEDLE).mkdir(), (folder / NEEDLE / "x").write_text("nothing")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_value_is_found_in_every_format(name: str, tmp_path: Path) -> None:
    FORMATS[name](tmp_path)
    found = examine(tmp_path, ["never planted", NEEDLE])
    assert {h.needle for h in found.hits} == {1}
    assert not found.opaque or name == "duckdb"  # which has free blocks
    assert NEEDLE not in str([(h.file, h.where) for h in found.hits])


WAYS: dict[str, Callable[[str], bytes]] = {
    "json": lambda t: json.dumps({"a": t}).encode(),
    "json in json": lambda t: json.dumps({"a": json.dumps({"b": t})}).encode(),
    "utf-16": lambda t: t.encode("utf-16"),
    "upper case": lambda t: t.upper().encode(),
    "hex": lambda t: t.encode().hex().encode(),
    "url": lambda t: __import__("urllib.parse").parse.quote(t).encode(),
    "html": lambda t: __import__("html").escape(t).encode(),
}


def test_processes_find_what_threads_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    parquet(tmp_path)
    vectors = np.random.default_rng(1).normal(size=(50, 384)).astype(np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    needles = [Needle(NEEDLE, "identifier"), Needle("her own words", "text")]

    def looked() -> Examined:
        return examine(tmp_path, needles, meaning=Meaning(needles, lambda _: vectors[17:18]), threads=2)

    here = looked()
    monkeypatch.setattr(walking, "_PROCESSES_FROM", 0)
    monkeypatch.setattr(walking, "read", lambda *_: pytest.fail("this process read a file itself"))
    there = looked()
    assert {hit.needle for hit in here.hits} == {0, 1} and here.opaque
    assert (there.hits, there.opaque, there.reasons) == (here.hits, here.opaque, here.reasons)
    assert (there.files, there.bytes, there.searched) == (here.files, here.bytes, here.searched)


def test_a_process_that_dies_with_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text(NEEDLE)
    monkeypatch.setattr(walking, "_PROCESSES_FROM", 0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    found = examine(tmp_path, ["never planted"], threads=2)
    assert found.opaque == ["x"] and "died" in found.reasons["x"]


def test_what_was_read_early_counts_only_where_nobody_touched_it(tmp_path: Path) -> None:
    _, changed, swapped, gone, never = files = [tmp_path / name for name in ("a", "b", "c", "d", "e")]
    for file in files[:4]:
        file.write_text("one")
    read: list[str] = []

    def reading(file: Path) -> Read | None:
        read.append(file.name)
        return Read(opaque=file.read_text()) if file.exists() else None

    with Ahead(reading) as ahead:
        ahead.begin(files)
        while len(read) < 4:
            time.sleep(0.01)
        moments = changed.stat()
        changed.write_text("two")
        os.utime(changed, ns=(moments.st_atime_ns, moments.st_mtime_ns))  # as one does who hides it
        (tmp_path / "new").write_text("two")
        (tmp_path / "new").replace(swapped)
        gone.unlink()
        never.write_text("two")
        found = [ahead.read(file) for file in files]
    assert [one.opaque if one else None for one in found] == ["one", "two", "two", None, "two"]
    assert read == ["a", "b", "c", "d", "b", "c", "d", "e"]


def test_a_file_that_keeps_changing_is_read_when_the_search_is_due(tmp_path: Path) -> None:
    file, read = tmp_path / "log", []
    file.write_text("one")
    with Ahead(lambda file: read.append(file)) as ahead:
        ahead.begin([file])
        for _ in range(40):
            file.write_text("more")
            time.sleep(0.01)
        assert read == []
        ahead.read(file)
        assert read == [file]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("needle", ["Zoë O'Neil-17", 'say "hello"', "jane.roe+x@example.org", "plain words"])
def test_a_value_is_found_in_every_form(way: str, needle: str) -> None:
    if way == "upper case" and not needle.isascii():
        return  # only ASCII letters are folded
    assert {h.needle for h in search(b"before" + WAYS[way](needle) + b"after", [needle])} == {0}


@given(st.binary(max_size=9), st.text(min_size=10, max_size=30), st.binary(max_size=9))
def test_a_value_is_found_in_base64_wherever_it_stands(before: bytes, needle: str, after: bytes) -> None:
    from base64 import b64encode

    assert any(f.content in b64encode(before + needle.encode() + after) for f in forms(Needle(needle)))


def test_a_value_on_a_seam_of_chunks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK_BYTES", 100)
    for place in range(80, 110):
        (tmp_path / "x").write_bytes(b"." * place + NEEDLE.encode() + b"." * 300)
        assert scan(tmp_path, [NEEDLE])


@given(
    st.lists(st.binary(min_size=15, max_size=30), min_size=1, max_size=20, unique=True),
    st.lists(st.binary(max_size=40), max_size=6),
    st.data(),
)
def test_long_patterns_are_found_wherever_they_stand(patterns: list[bytes], filler: list[bytes], data: Any) -> None:
    planted = data.draw(st.lists(st.sampled_from(patterns), max_size=4))
    content = b"".join(part for pair in zip_longest(filler, planted, fillvalue=b"") for part in pair)
    found = Grams(patterns).find(content)
    assert {n for n, pattern in enumerate(patterns) if pattern in content} <= found
    assert all(patterns[n][:LEAST] in content or patterns[n][-LEAST:] in content for n in found)


def test_what_many_patterns_have_in_common_costs_little() -> None:
    patterns = [b"customer%024x" % (n * 7_919**5) for n in range(2_000)]
    content = b"customer_of_somebody_else " * 40_000 + patterns[77]
    begun = time.process_time()
    assert Grams(patterns).find(content) == {77}
    assert time.process_time() - begun < 2
    assert Grams([]).find(content) == set()
    assert Grams(patterns).find(b"short") == set()


def test_numbers_and_dates_are_found_as_text(tmp_path: Path) -> None:
    from datetime import date

    pl.DataFrame({"n": [4_916_203_377], "d": [date(1903, 7, 19)]}).write_parquet(tmp_path / "x")
    assert {h.needle for h in scan(tmp_path, ["4916203377", "1903-07-19"])} == {0, 1}


def test_a_clean_folder_gives_nothing_and_tells_what_it_read(tmp_path: Path) -> None:
    parquet(tmp_path)
    found = examine(tmp_path, ["never planted"])
    assert (found.hits, found.files, found.bytes) == ([], 1, (tmp_path / "x").stat().st_size)
    assert scan(tmp_path / "no such folder", ["never planted"]) == []


@pytest.mark.parametrize("head", [b"PAR1", b"SQLite format 3\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"])
def test_a_damaged_file_is_named_and_still_searched(head: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(head + b"garbage" * 9 + NEEDLE.encode())
    found = examine(tmp_path, [NEEDLE])
    assert found.opaque == ["broken"]
    assert [h.where for h in found.hits] == ["bytes"]


@pytest.mark.parametrize("written", ["C0001000", "C-0001000"])
def test_a_short_number_is_not_met_by_chance_in_digests(written: str) -> None:
    digest = b"7f3a9c0001000d41e5b2a6c8"
    assert not search(b"key_id " + digest, [written]) and not search(digest + b" and so on", [written])
    for told in (b"c0001000", b"id=C0001000;", b"C0001000C0001001C0001002", b"7f3a9 c0001000 d41e5b2a6c8"):
        assert search(told, [written]), told
        assert search(digest + b" " + told, [written]), told


def test_a_short_needle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needle 1 has fewer than 4"):
        scan(tmp_path, ["long enough", "abc"])


def test_all_words_of_an_index_are_read(tmp_path: Path) -> None:
    from lance.file import LanceFileReader

    alphabet = [chr(n) for n in [*range(48, 58), *range(65, 91), *range(97, 123), 0xE9, 0x6F22]]
    expected = {a + b + c for a in alphabet for b in alphabet[::3] for c in ("", "x", "Kq9")} | set(alphabet)
    rows = sorted(expected)
    table = lancedb.connect(tmp_path).create_table(
        "t", [{"text": " ".join(rows[n : n + 40])} for n in range(0, len(rows), 40)]
    )
    plain = {"stem": False, "lower_case": False, "ascii_folding": False, "remove_stop_words": False}
    table.create_index("text", config=FTS(base_tokenizer="whitespace", **plain), wait_timeout=timedelta(seconds=60))
    found = [
        word
        for file in tmp_path.rglob("*tokens.lance")
        for graph in LanceFileReader(str(file)).read_all().to_table()["_token_fst_bytes"].to_pylist()
        for word in words(graph)
    ]
    assert sorted(found) == sorted(word.encode() for word in expected)


@pytest.mark.parametrize(
    ("needle", "written"),
    [
        ("C0000017", b"C0000017"),
        ("C0000017", b"c-000 00.17"),
        ("C0000017", "C0000017".encode("utf-16-le")),
        ("Gr\u00fc\u00dfe17", "gr\u00fc\u00dfe17".encode()),
        ("ab12", b"\n        (ab12)        \n"),
    ],
)
@pytest.mark.parametrize("offset", range(4))
def test_a_needle_among_bytes_that_are_no_text_is_found_wherever_it_stands(
    needle: str, written: bytes, offset: int
) -> None:
    noise = np.random.default_rng(offset).integers(0, 256, 4_000 + offset, np.uint8).tobytes()
    for content in (noise + written + noise, noise + written):
        assert [hit.needle for hit in search(content, [needle, "never 4711 there"])] == [0]


@given(
    st.binary(max_size=40),
    st.text(st.characters(max_codepoint=127), min_size=7, max_size=30),
    st.binary(max_size=40),
)
def test_nothing_of_seven_plain_bytes_is_passed_over(before: bytes, written: str, after: bytes) -> None:
    assert written.encode() in plain_runs(before + written.encode() + after)


@pytest.mark.parametrize("root", [10, 99])
def test_a_graph_whose_ways_lead_out_of_it_is_refused(root: int) -> None:
    graph = (2).to_bytes(8, "little") + bytes([0xFF, 0x10, 0x81])  # a node at 10, with one way on, 255 bytes before
    with pytest.raises(ValueError, match=r"node before it|outside"):
        words(graph + root.to_bytes(8, "little"))


def test_vectors_far_from_zero_are_compared_as_others_are() -> None:
    own = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    meaning = Meaning([Needle("x" * 40, "text")] * 3, lambda _: own)
    rows = np.vstack([own[1] * 20 + 130, np.full((2, 64), np.nan, np.float32), own[2] + own[0]]).astype(np.float32)
    from cenote.residue.piece import Piece

    assert {hit.needle for hit in meaning.hits("", Piece("rows", b"", vectors=rows))} == {1}
    rounded = np.vstack([own[1] * 20 + 130, np.zeros((2, 64))]).astype(np.uint8)
    assert {hit.needle for hit in meaning.hits("", Piece("rows", b"", vectors=rounded))} == {1}
