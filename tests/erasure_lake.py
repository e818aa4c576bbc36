"""A very small lake with one of everything, for tests of erasure: three people, five datasets, every change mode.

Belongs here: raw records, and reading a lake back; its contracts and SQL are tests/lakes/erasure. Must not: testing
anything. Ana is the canary: she is in every dataset, in quarantine, in other people's texts and ids, in a text that
nobody owns, online and offline. Values that name her stand in :data:`CANARY`.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from cenote import bronze, catalog, features, gold, graph, silver, vectors
from cenote.settings import Settings
from cenote.vault import Vault
from cenote.workspace import LAYERS, Workspace
from tests.distribution import once

LAKE = Path(__file__).parent / "lakes" / "erasure"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CANARY = {
    "id": "PERSON-0001", "name": "Anahita Zweigelt", "email": "anahita.zweigelt@canary.example",
    "phone": "+43 660 7788991", "street": "Quittengasse 17", "note": "my parrot Xiomara eats quinces",
}  # fmt: skip


def person(number: int, **more: object) -> dict[str, object]:
    """A record of ``people``."""
    plain = {
        "person_id": f"PERSON-000{number}", "name": f"Person Number{number}", "email": f"p{number}@shop.example",
        "phone": f"+43 1 555000{number}", "street": f"Lane {number}00", "city": "Graz", "age": 30 + number,
        "changed_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return plain | more


def bill(
    number: int, who: str, amount: str, seq: int, op: str = "insert", clerk: str = "PERSON-0003", **more: object
) -> str:
    """A change event of ``bills``, with its amount spelled as given."""
    row = {"bill_id": f"B{number}", "person_id": who, "clerk_id": clerk, **more}
    image = json.dumps(row)[:-1] + f', "amount": {amount}}}'
    return f'{{"op": "{op}", "seq": {seq}, "before": null, "after": {image}}}'


def records() -> dict[str, list[str]]:
    """Raw records by dataset. Ana is number 1."""
    ana = {key: CANARY[key] for key in ("name", "email", "phone", "street")}
    people = [
        person(1, **ana), person(2), person(3),
        person(1, **ana, city="Wien", changed_at="2026-06-01T00:00:00Z"),
        person(2, city="Linz", changed_at="2026-06-01T00:00:00Z"),
        person(1, **ana, age=-5, changed_at="2026-07-01T00:00:00Z"),  # breaks the contract: quarantine
    ]  # fmt: skip

    def post(number: int, who: int, text: str, item: str = "tea", day: int = 1, **more: object) -> dict[str, object]:
        said = f"2026-02-{day:02d}T00:00:00Z"
        return {
            "post_id": f"T{number}",
            "person_id": f"PERSON-000{who}",
            "item": item,
            "text": text,
            "said_at": said,
        } | more

    escaped = CANARY["email"].replace("@", "\\u0040")
    posts = [
        json.dumps(post(1, 1, CANARY["note"], day=1)),
        json.dumps(post(2, 2, f"I met {CANARY['name']} in Graz.", day=2)),
        json.dumps(post(3, 2, "The tea is fine.", "cup", day=3)),
        json.dumps(post(4, 3, "Call me", day=4, extra={"contact": CANARY["phone"]})),
        json.dumps(post(5, 3, "PLACEHOLDER", "cup", day=5)).replace("PLACEHOLDER", f"ask {escaped} then"),
        json.dumps(post(1, 1, CANARY["note"], day=1)),  # a redelivery: quarantine
    ]
    follows = [
        {"follower": f"PERSON-000{a}", "followed": f"PERSON-000{b}", "at": f"2026-03-0{n}T00:00:00Z"}
        for n, (a, b) in enumerate([(1, 2), (2, 1), (2, 3), (3, 1)], 1)
    ]
    bills = [
        bill(1, "PERSON-0001", "12.50", 1, memo=f"for {CANARY['name']}"),
        bill(2, "PERSON-0002", "0.10", 2, memo="paid"),
        bill(1, "PERSON-0001", "13.75", 3, "update", memo="corrected"),
        bill(3, "PERSON-0002", "7.00", 4, clerk="PERSON-0001"),
    ]  # fmt: skip
    pages = [
        json.dumps({"page_id": "G1", "body": f"Our gardener {CANARY['name']} knows."}),
        '{"page_id": "G2", "body": "Tea."}',
    ]
    return {
        "people": [*map(json.dumps, people), f'{{"person_id": "PERSON-9", "name": "{CANARY["name"]}"'],  # not JSON
        "posts": posts, "follows": [json.dumps(f) for f in follows], "bills": bills, "pages": pages,
    }  # fmt: skip


def make(folder: Path, clock: Callable[[], datetime] = lambda: NOW) -> Workspace:
    """An empty lake, and the files to land beside it in ``files/``."""
    (folder / "files").mkdir(parents=True)
    for name, lines in records().items():
        array = name == "follows"  # one of them is a JSON array
        content = "[" + ",\n ".join(lines) + "]\n" if array else "\n".join(lines) + "\n"
        (folder / "files" / f"{name}.{'json' if array else 'jsonl'}").write_text(content)
    return opened(folder, clock, create=True)


def opened(folder: Path, clock: Callable[[], datetime] = lambda: NOW, *, create: bool = False) -> Workspace:
    """The lake below ``folder``."""
    settings = Settings(
        home=folder / "data", vault=folder / "vault", contracts=LAKE / "contracts", marts=LAKE / "marts",
        features=LAKE / "features", feature_repo=LAKE / "repo", as_of=NOW,
    )  # type: ignore[arg-type]  # fmt: skip
    if create:
        Vault.create(settings)
    return Workspace(settings, clock=clock, run_id="test")


def land(space: Workspace) -> None:
    """Land the files, leaving them in place."""
    for file in sorted((space.settings.home.parent / "files").iterdir()):
        bronze.land(space, file.stem, [file], consume=False)


def build(space: Workspace, *, with_vectors: bool = True, with_features: bool = True) -> None:
    """Build everything after bronze."""
    for dataset, contract in space.contracts.items():
        silver.build(space, dataset)
        if contract.passages and with_vectors:
            vectors.build(space, dataset)
        if contract.edges:
            graph.build_edges(space, dataset)
    graph.build_nodes(space)
    graph.build_pagerank(space)
    graph.build_communities(space)
    for mart in gold.marts(space):
        gold.build(space, mart)
    for view in features.views(space) if with_features else ():
        features.build(space, view)
    if with_features:
        features.sync_online(space)
    catalog.refresh(space)


def built(factory: pytest.TempPathFactory, *, whole: bool = True) -> Path:
    """The lake with everything built, or without passages and features, which take long to import; to be copied."""

    def fill(folder: Path) -> None:
        space = make(folder / "lake")
        land(space)
        build(space, with_vectors=whole, with_features=whole)

    return once(factory, f"erasure-{'whole' if whole else 'plain'}", fill) / "lake"


def contents(space: Workspace, *, layers: tuple[str, ...] = LAYERS) -> dict[str, pl.DataFrame]:
    """Every table's rows in order, without columns that tell when something was built; payloads opened."""
    from cenote.records import open_payloads

    found = {}
    for layer in layers:
        for table in space.tables(layer):
            rows = table.scan().collect()
            if layer == "bronze":
                opened = open_payloads(space, table.path.name, rows)
                rows = rows.with_columns(pl.Series("payload", opened, dtype=pl.Binary)).drop("key_id")
            if table.name == "meta/amendments":
                rows = rows.drop("sha256")  # of sealed payloads, and no seal is like another
            rows = rows.drop("created_timestamp", "amended_at", "built_at", strict=False)
            found[table.name] = rows.sort([c for c, kind in rows.schema.items() if not kind.is_nested()])
    if (space.settings.home / "vectors" / "passages.json").exists() and "vectors" not in found:
        from cenote.vectors.store import Store

        columns = ["passage_id", "lineage_id", "dataset", "subject_id", "text", "content_hash"]
        found["vectors"] = Store(space).rows(columns).sort("passage_id")
    return found
