"""Rows on their way into a table: what a spool keeps alive, and rows that repeat a key across its parts."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from cenote import spool
from cenote.repeats import repeats
from cenote.spool import Spool


def test_few_rows_of_a_large_frame_do_not_keep_its_texts_alive(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    large = pa.table({"text": [f"{number:05d}" + "x" * 400 for number in range(20_000)]})
    size = pa.total_allocated_bytes() - before
    with Spool(tmp_path / "spool") as rows:
        rows.add(pl.DataFrame(large)[[7, 9]])
        del large
        assert pa.total_allocated_bytes() - before < size / 100
        assert pl.concat(rows.frames())["text"].str.head(5).to_list() == ["00007", "00009"]


@pytest.mark.parametrize("memory", [64 * 2**20, 1_000])
def test_a_repeated_key_is_told_whether_keys_are_in_memory_or_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", memory)
    stored = pl.LazyFrame({"key": ["k3", "k500"]})
    with Spool(tmp_path / "spool") as keys:
        for begin in range(0, 400, 100):
            numbers = range(begin, begin + 100)
            keys.add(pl.DataFrame({"lineage_id": [f"r{n}" for n in numbers], "key": [f"k{n % 250}" for n in numbers]}))
        again = set(repeats(keys, ["key"], None))
        assert again == {f"r{n}" for n in range(250, 400)}
    with Spool(tmp_path / "spool") as keys:
        keys.add(pl.DataFrame({"lineage_id": ["a", "b", "c"], "key": ["k3", "k4", "k4"]}))
        assert set(repeats(keys, ["key"], stored)) == {"a", "c"}
