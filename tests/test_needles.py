"""Needles made of a person's records: they name that person, they name nobody else, and they find what is left."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from cenote.cli import app
from cenote.errors import CenoteError, VaultError
from cenote.residue import Needle, examine, needlefile
from cenote.residue.gather import gather, tells
from cenote.residue.meaning import Meaning
from cenote.residue.piece import Piece
from cenote.residue.probe import meaning, probe
from cenote.settings import Settings
from cenote.whose import pseudonyms
from cenote.workspace import Workspace
from tests.lake import SampleLake


@pytest.fixture(scope="module")
def space(sample_lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The sample lake with a vault of its own, since making needles is audited."""
    vault = tmp_path_factory.mktemp("needles") / "vault"
    shutil.copytree(sample_lake.settings.vault, vault)
    told = {"home": sample_lake.settings.home, "vault": vault, "as_of": sample_lake.settings.as_of}
    return Workspace(Settings(**told))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def subject(space: Workspace) -> str:
    """A person with many passages."""
    turns = space.table("silver", "turns").scan().group_by("subject_id").len().sort("len", "subject_id").collect()
    return str(turns["subject_id"].drop_nulls()[-1])


@pytest.fixture(scope="module")
def needles(space: Workspace, subject: str) -> list[Needle]:
    return gather(space, [subject], "a test")


def test_needles_are_what_names_the_person(space: Workspace, subject: str, needles: list[Needle]) -> None:
    kinds = {kind: [n.value for n in needles if n.kind == kind] for kind in ("pseudonym", "identifier", "text")}
    assert subject in kinds["pseudonym"]
    assert any(value.startswith("email_") for value in kinds["pseudonym"])
    assert any("@" in value for value in kinds["identifier"])
    assert any(value.startswith("C0") for value in kinds["identifier"])
    assert kinds["text"]
    assert not [value for value in kinds["identifier"] if value[:5].isdigit() and "-" in value], "no dates"
    assert not any("@" in repr(needle) for needle in needles)
    entry = list(space.vault.audit.entries())[-1]
    assert (entry.what, entry.about, entry.reason) == ("needles made", (subject,), "a test")


def test_needles_find_the_person_and_nobody_else(
    space: Workspace, subject: str, needles: list[Needle], tmp_path: Path
) -> None:
    """The lake without the person's rows holds none of the person's needles; with them it holds most."""
    for name in ("mine", "others"):
        (tmp_path / name).mkdir()
    for contract in space.contracts.values():
        rows = space.table("silver", contract.dataset).scan().collect()
        mine = (rows["subject_id"] == subject).fill_null(False)
        named = rows["mentions"].list.contains(subject).fill_null(False)
        columns = [c for c in rows.columns if c not in ("subject_id", "customer_id")]
        kept = ~(mine | named) | (mine if contract.erasure == "anonymize" else mine & ~mine)
        rows.filter(kept).select(columns).write_parquet(tmp_path / "others" / contract.dataset)
        rows.filter(mine).write_parquet(tmp_path / "mine" / contract.dataset)
    assert [needles[h.needle].kind for h in examine(tmp_path / "others", needles).hits] == []
    texts = {n for n, needle in enumerate(needles) if needle.kind in ("text", "phrase", "pseudonym")}
    assert len({h.needle for h in examine(tmp_path / "mine", needles).hits} & texts) > 0.5 * len(texts)


def test_search_and_embeddings_give_the_person_away(space: Workspace, needles: list[Needle]) -> None:
    hits, asked = probe(space, needles)
    assert asked > 30
    assert {"owner", "embedding", "plain"} <= {h.form for h in hits}
    assert {h.file for h in hits} == {"search"}
    texts = [n for n in needles if n.kind == "text"]
    found = examine(space.path("vectors"), texts, meaning=meaning(space, texts))
    assert {h.needle for h in found.hits if h.form == "embedding"} == set(range(len(texts)))


def test_search_gives_nothing_away_of_somebody_unknown(space: Workspace) -> None:
    hits, asked = probe(space, [Needle("The zorbulating kestrel of Upper Frimley wants its quetzal back", "text")])
    assert (hits, asked) == ([], 3)
    assert probe(Workspace(Settings(home=space.path("none"), vault=space.settings.vault)), ["abcdef"]) == ([], 0)  # type: ignore[arg-type]


def test_no_reason_no_needles(space: Workspace, subject: str) -> None:
    with pytest.raises(VaultError, match="for a reason only"):
        gather(space, [subject], " ")


def test_a_person_is_found_by_natural_id_and_never_quoted(
    space: Workspace, needles: list[Needle], subject: str
) -> None:
    natural = next(n.value for n in needles if n.value.startswith("C0"))
    assert (
        pseudonyms(space, natural)
        == pseudonyms(space, f"customer:{natural}")
        == [subject]
        == pseudonyms(space, subject)
    )
    with pytest.raises(CenoteError, match="nobody is known") as error:
        pseudonyms(space, "C9999999")
    assert "C9999999" not in str(error.value)


@pytest.mark.parametrize(
    "value", ["1984-03-12", "12.03.1984", "Bo Li", "90210", "2026-01-01T00:00:00Z", "1234567", "<ERASED>"]
)
def test_what_is_too_common_is_no_needle(value: str) -> None:
    assert not tells(value)


# vectors


def _encode(texts: list[str]) -> np.ndarray:
    rows = [np.random.default_rng(len(text)).normal(size=64) for text in texts]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32)


def _parquet(folder: Path, rows: np.ndarray) -> None:
    pl.DataFrame({"v": rows.tolist()}).write_parquet(folder / "x")


def _halves(folder: Path, rows: np.ndarray) -> None:
    np.save(folder / "x.npy", rows.astype(np.float16))


def _blobs(folder: Path, rows: np.ndarray) -> None:
    pl.DataFrame({"v": [row.tobytes() for row in rows]}).write_parquet(folder / "x")


def _lance(folder: Path, rows: np.ndarray, index: bool = False) -> None:
    import lancedb
    import pyarrow as pa
    from lancedb.index import HnswSq

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    table = lancedb.connect(folder).create_table("t", pa.table({"id": range(len(rows)), "vector": vectors}))
    if index:
        table.create_index("vector", config=HnswSq(distance_type="cosine"))
        shutil.rmtree(folder / "t.lance" / "data")
    else:
        table.delete("id >= 300")


def _duckdb(folder: Path, rows: np.ndarray) -> None:
    import duckdb

    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?)::FLOAT[64] AS v", [rows.tolist()])


VECTORS = {
    "Parquet": _parquet, "NumPy, in halves": _halves, "blobs": _blobs, "deleted in Lance": _lance, "DuckDB": _duckdb,
    "a vector index of Lance, quantised": lambda folder, rows: _lance(folder, rows, index=True),
}  # fmt: skip


@pytest.mark.parametrize("store", VECTORS)
def test_an_embedding_is_found_in_every_store(store: str, tmp_path: Path) -> None:
    texts = ["a" * n for n in range(40, 60)]
    others = np.random.default_rng(1).normal(size=(300, 64)).astype(np.float32)
    planted, missing = texts[:10], texts[10:]
    rows = np.concatenate([others / np.linalg.norm(others, axis=1, keepdims=True), _encode(planted)])
    VECTORS[store](tmp_path, rows)
    needles = [Needle(text, "text") for text in (*planted, *missing)]
    found = examine(tmp_path, ["no such thing"], meaning=Meaning(needles, _encode))
    assert {h.needle for h in found.hits} == set(range(10))
    assert {h.form for h in found.hits} == {"embedding"}


def test_vectors_of_another_length_are_not_compared() -> None:
    told = Meaning([Needle("a" * 50, "text")], _encode)
    assert told.hits("x", Piece("x", b"", vectors=np.ones((3, 32), np.float32))) == set()
    assert told.hits("x", Piece("x", b"", vectors=np.full((3, 64), np.nan, np.float32))) == set()


# files and commands


def test_needles_go_to_a_file_and_come_back() -> None:
    told = [Needle('say "hello"'), Needle("customer_" + "a" * 24, "pseudonym"), Needle("öffentlich", "word")]
    out = io.StringIO()
    needlefile.write(told, out)
    assert needlefile.read(io.StringIO(out.getvalue() + "\nplain value\n")) == [*told, Needle("plain value")]


@pytest.mark.parametrize("line", ["abc", '{"value": 7}', '{"kind": "odd", "value": "long enough"}', "{broken"])
def test_a_bad_line_is_named_and_not_quoted(line: str) -> None:
    with pytest.raises(CenoteError, match="line 2 of the needles") as error:
        needlefile.read(io.StringIO(f"a good one\n{line}\n"))
    assert "odd" not in str(error.value).replace("identifier|", "")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "leaky").mkdir()
    (tmp_path / "leaky" / "zqcanary1700.log").write_text("here is ZQ-CANARY 1700, in clear")
    yield tmp_path / "leaky"


def test_the_command_tells_places_and_never_the_needle(folder: Path) -> None:
    found = CliRunner().invoke(app, ["residue", "--folder", str(folder)], input="zqcanary1700\n")
    assert found.exit_code == 1
    assert "withheld: inode" in found.stdout
    assert "bytes" in found.stdout
    assert "zqcanary1700" not in (found.stdout + found.stderr).lower()
    assert "MB/s" in found.stderr


def test_the_command_exits_with_what_it_found(folder: Path, tmp_path: Path) -> None:
    needles = tmp_path / "needles"
    needles.write_text("something else\n")
    asked = ["residue", "--folder", str(folder), "--needles", str(needles)]
    clean = CliRunner().invoke(app, [*asked, "--format", "json"])
    assert clean.exit_code == 0
    told = json.loads(clean.stdout)
    assert (told["clean"], told["files"], told["hits"]) == (True, 1, [])
    (folder / "odd").write_bytes(b"PAR1 and no more")
    assert CliRunner().invoke(app, asked).exit_code == 3
    assert CliRunner().invoke(app, [*asked[:3], "--needles", str(tmp_path / "none")]).exit_code == 1
    nowhere = CliRunner().invoke(app, ["residue", "--folder", str(tmp_path / "none")], input="something\n")
    assert nowhere.exit_code == 1, "finding nothing in nothing proves nothing"
