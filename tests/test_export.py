"""Access: a person gets all their data, raw and derived, and nothing of other people."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from cenote.cli import subject_export
from cenote.errors import CenoteError, TableError, VaultError
from cenote.export import Exported, collect, export
from cenote.export.others import OTHER, WITHHELD, Others
from cenote.records import open_records
from cenote.settings import Settings
from cenote.workspace import Workspace
from tests.lake import SampleLake
from transforms.contract import Change, Contract, Envelope, Field, Mask, Subject

ANA, BEN = "customer_" + "a" * 24, "customer_" + "b" * 24


@pytest.fixture(scope="module")
def space(sample_lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The sample lake with a vault of its own, since exports are audited."""
    vault = tmp_path_factory.mktemp("export") / "vault"
    shutil.copytree(sample_lake.settings.vault, vault)
    told = {"home": sample_lake.settings.home, "vault": vault, "as_of": sample_lake.settings.as_of}
    return Workspace(Settings(**told))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def subject(space: Workspace) -> str:
    """A person who follows somebody and is followed, with many records."""
    follows = space.table("silver", "follows").scan().collect()
    followed = set(follows["mentions"].explode().drop_nulls())
    turns = space.table("silver", "turns").scan().group_by("subject_id").len().sort("len", "subject_id").collect()
    chosen = [s for s in turns["subject_id"].drop_nulls() if s in followed and s in set(follows["subject_id"])]
    return str(chosen[-1])


@pytest.fixture(scope="module")
def written(space: Workspace, subject: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(space, [subject], tmp_path_factory.mktemp("zip") / "mine.zip", "request 117")


@pytest.fixture(scope="module")
def parts(written: Exported) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(written.file) as archive:
        yield {n.removesuffix(".json"): json.loads(archive.read(n)) for n in archive.namelist() if n.endswith(".json")}


def test_every_raw_record_is_there_as_it_came(space: Workspace, subject: str, parts: dict[str, Any]) -> None:
    told = 0
    for contract in space.contracts.values():
        table = space.table("bronze", contract.dataset)
        mine = table.scan().filter(pl.col("subject_id") == subject).select("lineage_id").collect()["lineage_id"]
        rows = {row["lineage_id"]: row for row in parts.get(f"raw/{contract.dataset}", [])}
        assert set(rows) == set(mine), contract.dataset
        for lineage_id, payload in open_records(space, contract.dataset, mine).select("lineage_id", "payload").rows():
            row = rows[lineage_id]
            if "text" in row:
                assert row["text"].encode() == payload
            elif not contract.mentions:
                assert row["record"] == json.loads(payload)
            told += 1
    assert told > 20


def test_every_derived_row_is_there(space: Workspace, subject: str, parts: dict[str, Any]) -> None:
    for layer in ("silver", "gold", "features"):
        for table in space.tables(layer):
            name = table.name.partition("/")[2]
            column = next((c for c in ("subject_id", "customer_id") if c in table.schema().names()), None)
            rows = table.scan().filter(pl.col(column) == subject).collect() if column else pl.DataFrame()
            told = {row["lineage_id"] for row in parts.get(f"derived/{layer}/{name}", [])}
            assert {*rows["lineage_id"]} <= told if rows.height else True, table.name
    assert parts["derived/gold/customer_360"]
    assert parts["derived/features/customer_features"]
    assert parts["derived/graph/edges"]
    passages = parts["derived/passages"]
    assert {len(p["vector"]) for p in passages} == {384}
    assert all(p["subject_id"] == subject for p in passages)
    assert parts["derived/figures_of_many/daily_cash"][0].keys() == {"lineage_id", "day"}


def test_nothing_of_other_people_is_there(space: Workspace, subject: str, written: Exported) -> None:
    others: set[str] = set()
    natural: set[str] = set()
    for contract in space.contracts.values():
        rows = space.table("silver", contract.dataset).scan().select("subject_id", "mentions").collect()
        others |= set(rows["subject_id"].drop_nulls()) | set(rows["mentions"].explode().drop_nulls())
    customers = space.table("bronze", "customers").scan().filter(pl.col("subject_id") != subject)
    opened = open_records(space, "customers", customers.select("lineage_id").collect()["lineage_id"])
    for payload in opened["payload"]:
        try:
            natural |= {json.loads(payload)["id"]}
        except (ValueError, KeyError, TypeError):
            continue
    assert len(others) > 30
    assert len(natural) > 30
    with zipfile.ZipFile(written.file) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert not [o for o in others - {subject} if o in text], name
            assert not [n for n in natural if str(n) in text], name


def test_records_of_others_tell_only_that_they_name_the_person(subject: str, parts: dict[str, Any]) -> None:
    (row, *_) = parts["mentions/follows"]
    assert (row["followed_id"], row["follower_id"]) == (subject, OTHER)
    assert row["since"]
    (mine, *_) = parts["raw/follows"]
    assert mine["record"]["followed"] == OTHER


def test_it_says_why_and_who_looked(space: Workspace, subject: str, parts: dict[str, Any]) -> None:
    processing = {p["dataset"]: p for p in parts["processing"]}
    assert processing["customers"]["lawful_basis"] == "contract"
    assert "marketing" in processing["customers"]["purposes"]
    assert processing["customers"]["kept_for_days"]["bronze"] == 3 * 365
    assert processing["invoices"]["after_erasure"] == "rows stay without the person"
    assert [(e["what"], e["reason"]) for e in parts["audit"]][-1] == ("subject exported", "request 117")
    assert (subject,) in {e.about for e in space.vault.audit.entries() if e.what == "subject exported"}


def test_a_reveal_is_told(space: Workspace, subject: str, parts: dict[str, Any], tmp_path: Path) -> None:
    from cenote.reveal import reveal

    reveal(space, parts["raw/orders"][0]["lineage_id"], "a call")
    file = export(space, [subject], tmp_path / "again.zip", "request 118").file
    with zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read("audit.json"))
    assert {("reveal", "a call")} <= {(e["what"], e["reason"]) for e in told}


def test_the_archive_is_whole_and_readable(written: Exported, parts: dict[str, Any]) -> None:
    assert written.file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(written.file) as archive:
        assert archive.testzip() is None
        page = archive.read("index.html").decode()
        for name, told in parts["manifest"]["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == told["sha256"]
            assert told["rows"] == written.rows[name.removesuffix(".json")]
            assert f'href="{name}"' in page
    assert "What you agreed to" in page
    assert "http" not in page.replace("https://", "").replace("http://", "") or "src=" not in page


def test_it_is_refused_where_it_must_be(space: Workspace, subject: str, tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="for a reason only"):
        export(space, [subject], tmp_path / "x.zip", "")
    (tmp_path / "there.zip").write_text("x")
    with pytest.raises(CenoteError, match="exists"):
        export(space, [subject], tmp_path / "there.zip", "r")
    with pytest.raises(CenoteError, match="may not lie in the lake"):
        export(space, [subject], space.settings.home / "x.zip", "r")
    with pytest.raises(CenoteError, match="no folder"):
        export(space, [subject], tmp_path / "none" / "x.zip", "r")
    with pytest.raises(TableError, match="nothing is known"):
        export(space, [ANA], tmp_path / "x.zip", "r")
    assert [p.name for p in tmp_path.iterdir()] == ["there.zip"]


def test_the_command(space: Workspace, subject: str, tmp_path: Path) -> None:
    app = typer.Typer()
    subject_export.register(app)
    app.command()(lambda: None)
    env = {"CENOTE_HOME": str(space.settings.home), "CENOTE_VAULT": str(space.settings.vault)}
    asked = ["export", subject, "--to", str(tmp_path / "x.zip"), "--reason", "request 9"]
    found = CliRunner().invoke(app, asked, env=env)
    assert found.exit_code == 0, found.output
    assert "raw/orders" in found.output


# leaving out others, in small


def contract(**more: Any) -> Contract:
    fields = (
        Field("id", "$.id", "string", primary_key=True),
        Field("note", "$.note", "string", mask=Mask("text"), classification="MEDIUM"),
        Field("who", "$.who", "string", mask=Mask("token", {"entity": "customer"}), classification="HIGH"),
    )
    return Contract("x", "1", "", "", fields, **more)


def pseudonym(entity: str, natural: str) -> str:
    return {"7": ANA, "8": BEN}.get(natural, "nobody")


def test_natural_ids_of_others_are_replaced_in_lists_and_envelopes() -> None:
    others = Others([ANA], ["customer"], pseudonym)
    mentions = (Subject("customer", "$.friends[*].id"), Subject("customer", "$.boss"))
    record = {"friends": [{"id": 7}, {"id": 8}, {}], "boss": "8", "id": 8}
    assert others.record(record, contract(mentions=mentions)) == {
        "friends": [{"id": 7}, {"id": OTHER}, {}], "boss": OTHER, "id": 8,
    }  # fmt: skip
    change = Change(envelope=Envelope("$.op", "$.before", "$.after", ("d",)))
    event = {"op": "u", "before": None, "after": {"boss": "8"}, "by": "8"}
    by = (Subject("customer", "$.boss"), Subject("customer", "$envelope.by"))
    assert others.record(event, contract(mentions=by, change=change)) == {
        "op": "u", "before": None, "after": {"boss": OTHER}, "by": OTHER,
    }  # fmt: skip


def test_pseudonyms_of_others_are_replaced_wherever_they_stand() -> None:
    others = Others([ANA], ["customer"], pseudonym)
    row = {"node": f"customer:{BEN}", "list": [ANA, BEN], "deep": {"a": BEN}, "n": 7, "t": f"about {ANA}"}
    assert others.row(row) == {
        "node": f"customer:{OTHER}", "list": [ANA, OTHER], "deep": {"a": OTHER}, "n": 7, "t": f"about {ANA}",
    }  # fmt: skip
    assert others.names_me(row)
    assert not others.names_me({"node": BEN, "list": [{"a": BEN}]})


def test_of_a_record_about_somebody_else_the_rest_is_withheld() -> None:
    others = Others([ANA], ["customer"], pseudonym)
    row = {"id": "1", "note": "she said", "who": ANA, "subject_id": BEN}
    assert others.mention(row, contract()) == {"id": "1", "note": WITHHELD, "who": ANA, "subject_id": WITHHELD}


def test_what_json_cannot_hold_becomes_text() -> None:
    from datetime import date
    from decimal import Decimal

    told = collect.plain({"d": date(2026, 1, 2), "m": Decimal("1.50"), "b": b"\xff", "l": pl.Series([1]), "o": object})
    assert json.dumps(told)
    assert (told["d"], told["m"], told["l"]) == ("2026-01-02", "1.50", [1])
