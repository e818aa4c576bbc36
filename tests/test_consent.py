"""Withdrawn consent takes a person out of the products that declare the purpose, until it is given again."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, catalog, features, graph, silver, vectors
from cenote.erasure import consent
from cenote.erasure.people import people
from cenote.workspace import Workspace
from tests.erasure_lake import NOW, land, make
from transforms.consent import allowed, withdrawn
from transforms.contract import Consents

_ANSWERS = """
apiVersion: v3.2.0
kind: DataContract
id: urn:test:answers
name: answers
version: 1.0.0
status: active
schema:
  - name: answers
    logicalType: object
    properties:
      - {name: answer_id, logicalType: string, primaryKey: true}
      - name: person_id
        logicalType: string
        required: true
        classification: HIGH
        customProperties: [{property: mask, value: {strategy: token, entity: person}}]
      - {name: purpose, logicalType: string, required: true}
      - {name: granted, logicalType: boolean, required: true}
      - {name: at, logicalType: timestamp, required: true}
    customProperties:
      - {property: subject, value: {entity: person, path: $.person_id}}
      - {property: changeMode, value: append}
      - {property: consents, value: {purpose: purpose, granted: granted, at: at}}
"""


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The small lake with a dataset of answers; posts are passages for ``search``, person_posts is for ``ranking``."""
    import shutil

    from tests import erasure_lake

    copy = shutil.copytree(erasure_lake.LAKE, tmp_path / "definitions")
    (copy / "contracts" / "answers.yaml").write_text(_ANSWERS)
    for name, old, new in (
        ("contracts/posts.yaml", "value: [{namespace: posts,", "value: [{purpose: [search], namespace: posts,"),
        ("features/person_posts.sql", "join_key:", "purpose: [ranking]\njoin_key:"),
    ):
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new))
    monkeypatch.setattr(erasure_lake, "LAKE", copy)
    space = make(tmp_path / "lake")
    (tmp_path / "lake" / "files" / "answers.jsonl").write_text("")
    land(space)
    return space


def test_withdrawn_consent_takes_a_person_out_until_it_is_given_again(lake: Workspace, tmp_path: Path) -> None:
    (ben,) = people(lake, ["person:PERSON-0002"]).pseudonyms
    answer = _answering(lake, tmp_path)
    answer({"search": True, "ranking": True, "social": True}, 1)
    everything = _products(lake, ben)
    assert everything == {"passages": 2, "edges": 5, "features": 2, "online": 2}

    answer({"search": False}, 2)
    assert _products(lake, ben) == everything | {"passages": 0}
    answer({"ranking": False, "social": False}, 3)
    # he wrote on items all the same, which declares no purpose; that he follows, and is followed, rests on consent
    assert _products(lake, ben) == {"passages": 0, "edges": 2, "features": 0, "online": None}
    others = lake.table("features", "person_posts").scan().collect()
    assert others.height == 3

    answer({"search": True, "ranking": True, "social": True}, 4)
    assert _products(lake, ben) == everything


def test_nothing_is_stale_for_another_purpose(lake: Workspace, tmp_path: Path) -> None:
    answer = _answering(lake, tmp_path)
    answer({"search": True}, 1)
    answer({"newsletter": False}, 2)
    assert not vectors.is_stale(lake, "posts")
    assert not graph.edges_stale(lake, "follows")
    assert not features.is_stale(lake, "person_posts")


def test_the_newest_answer_counts() -> None:
    answers = pl.DataFrame(
        [("a", "x", True, 1), ("a", "x", False, 2), ("b", "x", False, 1), ("b", "x", True, 2), ("c", "y", None, 1)],
        schema=["subject_id", "for", "yes", "at"],
        orient="row",
    ).with_columns(landed_at=pl.lit(NOW), lineage_id=pl.lit("l"))
    found = withdrawn(answers, Consents("for", "yes", "at"))
    assert found == {"x": {"a"}, "y": {"c"}}
    rows = pl.DataFrame({"subject_id": ["a", "b", None, "b"], "mentions": [[], ["c"], [], ["a"]]})
    assert rows.select(allowed(["x"], found)).to_series().to_list() == [False, True, True, False]
    assert rows.filter(allowed(["z"], found)).height == 4


def _answering(space: Workspace, folder: Path) -> Callable[[dict[str, bool], int], None]:
    """A function that lands Ben's answers and builds what follows."""

    def answer(given: dict[str, bool], day: int) -> None:
        lines = [
            json.dumps({"answer_id": f"{day}-{n}", "person_id": "PERSON-0002", "purpose": purpose, "granted": granted,
                        "at": f"2026-05-0{day}T00:00:00Z"})
            for n, (purpose, granted) in enumerate(given.items())
        ]  # fmt: skip
        file = folder / f"answers-{day}.jsonl"
        file.write_text("\n".join(lines) + "\n")
        bronze.land(space, "answers", [file], consume=False)
        silver.build(space, "answers")
        for dataset, contract in space.contracts.items():
            silver.build(space, dataset)
            if contract.edges:
                graph.build_edges(space, dataset)
        vectors.build(space, "posts")
        for view in features.views(space):
            features.build(space, view)
        features.sync_online(space)
        catalog.refresh(space)

    return answer


def _products(space: Workspace, person: str) -> dict[str, int | None]:
    """What of a person is in products: rows, and the value served online."""
    edges = space.table("graph", "edges").scan().collect()
    hers = (pl.col("subject_id") == person) | pl.col("mentions").list.contains(person)
    view = space.table("features", "person_posts").scan().filter(pl.col("person_id") == person).collect()
    assert consent.answers(space) is not None
    return {
        "passages": vectors.passages(space, "posts").filter(pl.col("subject_id") == person).height,
        "edges": edges.filter(hers).height,
        "features": view.height,
        "online": features.online(space, ["person_posts:posts"], {"person_id": person})["posts"][0],
    }
