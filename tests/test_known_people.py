"""People whom the lake knows from a register are found in other people's texts: masked, and told as mentions."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, erasure, known, silver, spool
from cenote.erasure.people import People
from cenote.workspace import Workspace
from transforms.detect import redact_text
from transforms.detectors.people import Digester, digested
from transforms.known_people import KNOWN, KnownPeople

_HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: urn:cenote:test:{name}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    logicalType: object
    properties:
"""
CLIENTS = (
    _HEAD.format(name="clients")
    + """
      - name: client_id
        physicalName: $.id
        logicalType: string
        primaryKey: true
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: client}}]
      - name: full_name
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: redact}]
      - name: email
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: email}}]
      - name: phones
        logicalType: array
        classification: HIGH
        items: {logicalType: string, classification: HIGH}
        customProperties: [{property: mask, value: redact}]
    customProperties:
      - {property: subject, value: {entity: client, path: $.id}}
"""
)
TICKETS = (
    _HEAD.format(name="tickets")
    + """
      - {name: ticket, logicalType: string, required: true}
      - name: body
        logicalType: string
        classification: HIGH
        customProperties: [{property: mask, value: text}]
    customProperties:
      - {property: subject, value: {entity: client, path: $.client}}
"""
)
RARE = "Xyloquent Brombasz"


@pytest.fixture
def lake(make_space: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "clients.yaml").write_text(CLIENTS)
    (folder / "tickets.yaml").write_text(TICKETS)
    (tmp_path / "none").mkdir()
    return make_space(contracts=folder, marts=tmp_path / "none", features=tmp_path / "none")


def land(space: Workspace, dataset: str, *records: dict[str, object]) -> None:
    file = space.settings.home.parent / "incoming.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in records))
    bronze.land(space, dataset, [file], consume=False)


def client(number: int, name: str, **more: object) -> dict[str, object]:
    return {"id": f"c{number}", "full_name": name, **more}


def ticket(number: int, owner: int, body: str) -> dict[str, object]:
    return {"ticket": f"t{number}", "client": f"c{owner}", "body": body}


def pseudonym(space: Workspace, number: int) -> str:
    return str(space.vault.subject_ids("client", pl.Series([f"c{number}"]))[0])


def tickets(space: Workspace, *, rebuild: bool = False) -> dict[str, tuple[str, list[str]]]:
    """Body and mentions of each ticket in silver."""
    silver.build(space, "tickets", rebuild=rebuild)
    rows = space.table("silver", "tickets").scan().select("ticket", "body", "mentions").collect()
    return {name: (body, mentions) for name, body, mentions in rows.iter_rows()}


def test_a_name_that_no_list_has_is_masked_and_mentioned_in_anothers_text(lake: Workspace) -> None:
    text = "spoke with xyloquent brombasz about it"
    assert redact_text(pl.Series([text])).item() == text, "the name is found without being known"
    land(lake, "tickets", ticket(1, 2, text), ticket(2, 1, text), ticket(3, 2, "nobody here"))
    land(lake, "clients", client(1, RARE), client(2, "Ann Lee"))
    assert tickets(lake) == {
        "t1": ("spoke with <PERSON> about it", [pseudonym(lake, 1)]),
        "t2": ("spoke with <PERSON> about it", []),
        "t3": ("nobody here", []),
    }


def test_addresses_and_numbers_tell_who_is_meant_however_they_are_written(lake: Workspace) -> None:
    land(lake, "clients", client(1, RARE, email="Zed.Q@rare.example", phones=["+49 171 555-0187"]))
    land(lake, "tickets", ticket(1, 2, "mail ZED.q@rare.example"), ticket(2, 2, "ring 0171/5550187 now"))
    land(lake, "tickets", ticket(3, 2, "BROMBASZ, Xyloquent and the brombasz case"))
    him = [pseudonym(lake, 1)]
    assert tickets(lake) == {
        "t1": ("mail <EMAIL>", him),
        "t2": ("ring <PHONE> now", him),
        "t3": ("<PERSON> and the brombasz case", him),  # a last word alone may be any word
    }


def test_a_name_that_many_have_is_masked_and_mentions_nobody(lake: Workspace) -> None:
    land(lake, "clients", *(client(number, RARE) for number in range(4)))
    land(lake, "tickets", ticket(1, 9, f"for {RARE}"))
    assert tickets(lake) == {"t1": ("for <PERSON>", [])}


def test_what_is_new_is_added_and_nothing_new_changes_nothing(lake: Workspace) -> None:
    land(lake, "clients", client(1, RARE))
    assert known.refresh(lake) > 0
    version = lake.table("meta", known.TABLE).version
    assert known.refresh(lake) == 0 and lake.table("meta", known.TABLE).version == version
    land(lake, "clients", client(1, RARE), client(2, "Qwertzuil Vandrosky"))
    known.refresh(lake)
    rows = lake.table("meta", known.TABLE).scan().collect()
    assert set(rows["subject_id"]) == {pseudonym(lake, 1), pseudonym(lake, 2)}
    assert rows.select("subject_id", "digest").is_unique().all()


def test_a_text_that_came_before_a_person_was_known_is_masked_when_built_anew(lake: Workspace) -> None:
    land(lake, "tickets", ticket(1, 2, "for xyloquent brombasz"))
    early = tickets(lake)
    land(lake, "clients", client(1, RARE))
    assert tickets(lake) == early, "nothing new in tickets, so nothing is done"
    assert tickets(lake, rebuild=True) == {"t1": ("for <PERSON>", [pseudonym(lake, 1)])}
    assert tickets(lake, rebuild=True) == tickets(lake), "a replay gives the same"


def test_more_terms_than_memory_holds_are_the_same(lake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    land(lake, "clients", *(client(n, f"Xylo{'abcdefgh'[n]}quent Brombasz") for n in range(8)))
    known.refresh(lake)
    table = lake.table("meta", known.TABLE)
    expected = table.scan().sort("subject_id", "digest").collect()
    shutil.rmtree(table.path)
    monkeypatch.setattr(spool, "MEMORY_BYTES", 1_000)
    assert known.refresh(lake) == expected.height
    table = lake.table("meta", known.TABLE)
    assert table.scan().sort("subject_id", "digest").collect().equals(expected)
    assert not lake.path(".spool", "meta", known.TABLE).exists()


def test_no_clear_text_is_kept_and_another_key_finds_nothing(lake: Workspace) -> None:
    land(lake, "clients", client(1, RARE, email="zed.q@rare.example", phones=["+49 171 555-0187"]))
    known.refresh(lake)
    table = lake.table("meta", known.TABLE)
    held = b"".join(file.read_bytes() for file in table.path.rglob("*") if file.is_file())
    shown = str(table.scan().collect().to_dicts()).encode()
    for word in (b"xyloquent", b"brombasz", b"zed.q", b"1715550187", b"5550187"):
        assert word not in held.lower() and word not in shown.lower()
    rows = table.scan().select(KNOWN.names()).collect()
    stranger = KnownPeople(rows, Digester(bytes(32)))
    assert stranger.find(pl.Series([f"{RARE} zed.q@rare.example"])).is_empty()


def test_forgetting_takes_a_person_out_of_files_and_past(lake: Workspace) -> None:
    land(lake, "clients", client(1, RARE), client(2, "Qwertzuil Vandrosky"))
    known.refresh(lake)
    table, her = lake.table("meta", known.TABLE), pseudonym(lake, 1)
    assert known.forget(lake, [her]) > 0
    assert set(table.scan().collect()["subject_id"]) == {pseudonym(lake, 2)}
    held = [pl.read_parquet(file) for file in table.path.rglob("*.parquet") if "_delta_log" not in file.parts]
    assert all(her not in frame["subject_id"].to_list() for frame in held), "an older file still holds her"
    assert known.forget(lake, [her]) == 0
    assert known.refresh(lake) == 0, "bronze is as far read as before"
    land(lake, "tickets", ticket(1, 2, "for xyloquent brombasz and qwertzuil vandrosky"))
    assert tickets(lake)["t1"][0] == "for xyloquent brombasz and <PERSON>"


def test_an_erased_person_is_neither_known_nor_mentioned_any_more(lake: Workspace) -> None:
    land(lake, "clients", client(1, RARE), client(2, "Qwertzuil Vandrosky"))
    land(lake, "tickets", ticket(1, 2, "for xyloquent brombasz"), ticket(2, 2, "thanks"))
    silver.build(lake, "clients")
    her = pseudonym(lake, 1)
    assert tickets(lake)["t1"] == ("for <PERSON>", [her])
    erasure.run(lake, erasure.request(lake, People.of([her]), "request 1"), certified=False)
    body, mentions = tickets(lake)["t1"]
    assert "brombasz" not in body and mentions == []
    assert her not in lake.table("meta", known.TABLE).scan().collect()["subject_id"]
    assert tickets(lake, rebuild=True)["t1"] == (body, []), "a replay brings nobody back"


def test_names_are_digested_by_their_words() -> None:
    digester = Digester(b"k" * 32)
    names = ["José María Ñandúvar", "JOSÉ  MARÍA ÑANDÚVAR", "Ñandúvar, José María", "Москва Петровнач", "smith"]
    values = pl.DataFrame({"row": range(5), "kind": ["PERSON"] * 5, "value": names}).cast({"row": pl.UInt32})
    digests = dict(digested(values, digester).group_by("row").agg(pl.col("digest")).iter_rows())
    assert set(digests[0]) & set(digests[1]) and set(digests[0]) & set(digests[2])
    assert digests[3] and 4 not in digests, "a common word alone is no term"
    assert not set(digests[0]) & set(digests[3])
    assert "k" * 32 not in repr(digester)
