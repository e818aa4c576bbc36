"""Dropping a table's past: stopped at any moment, it goes on."""

from pathlib import Path

import polars as pl
import pytest

from cenote.rewrite import drop_history
from cenote.tables import Commit, Table


@pytest.mark.parametrize("noted_before", [False, True])
def test_a_checkpoint_that_was_not_noted_before_a_kill_is_noted_now(tmp_path: Path, noted_before: bool) -> None:
    table, log = Table(tmp_path / "kept", "silver/kept"), tmp_path / "kept" / "_delta_log"
    for number in range(3):
        table.append(pl.DataFrame({"lineage_id": [str(number)]}), Commit("silver"))
        if number == 1 and noted_before:
            table.delta().create_checkpoint()
    noted = log / "_last_checkpoint"
    before = noted.read_bytes() if noted_before else None
    table.delta().create_checkpoint()
    noted.unlink()
    if before:
        noted.write_bytes(before)
    drop_history(table)
    assert sorted(file.name for file in log.iterdir() if file.name.endswith(".json")) == ["00000000000000000002.json"]
    assert Table(table.path, table.name).scan().collect()["lineage_id"].sort().to_list() == ["0", "1", "2"]
    assert drop_history(table) == 0
