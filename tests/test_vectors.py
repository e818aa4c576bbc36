"""Passages follow silver: only what is new is embedded, what is gone goes, and a rerun does nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cenote import quality, vectors
from cenote.embedding import embedder
from cenote.errors import SearchError, TableError
from cenote.tables import Commit
from cenote.vectors import recall
from cenote.vectors.current import State
from cenote.vectors.rankings import distinct, fused
from cenote.vectors.stage import _Build
from cenote.vectors.store import Store
from cenote.workspace import Workspace
from tests.scenario import BEN, lineage_id, shop_frames, silver_shop
from transforms.passages import SCHEMA

TOLD = ("documents", "products", "reviews", "turns", "invoices")


@pytest.fixture
def shop(space: Workspace) -> Workspace:
    silver_shop(space)
    return space


@pytest.fixture
def told(shop: Workspace) -> Workspace:
    for dataset in TOLD:
        vectors.build(shop, dataset)
    vectors.ensure_indexes(shop)
    return shop


def more_reviews(space: Workspace, *bodies: str) -> None:
    first = shop_frames()["reviews"]
    rows = [
        first[0].with_columns(lineage_id=pl.lit(lineage_id("reviews", 100 + n)), body=pl.lit(body))
        for n, body in enumerate(bodies)
    ]
    space.table("silver", "reviews").append(pl.concat(rows), Commit("silver"))


def stored(space: Workspace) -> pl.DataFrame:
    return Store(space).rows([*SCHEMA.names(), "vector"]).sort("passage_id")


def test_every_current_row_with_text_has_passages_that_carry_its_lineage(told: Workspace) -> None:
    for dataset in TOLD:
        found = vectors.passages(told, dataset)
        assert found.schema == SCHEMA and found.height
        silver = told.table("silver", dataset).scan().select("lineage_id", "subject_id").collect()
        assert not found.join(silver, on=["lineage_id", "subject_id"], how="anti", nulls_equal=True).height


def test_a_second_build_does_nothing(told: Workspace) -> None:
    before = Store(told).version
    for dataset in TOLD:
        assert not vectors.is_stale(told, dataset)
        report = vectors.build(told, dataset)
        assert report.fresh and report.written == 0 and report.rows == vectors.passages(told, dataset).height
    assert vectors.ensure_indexes(told).fresh
    assert Store(told).version == before


def test_only_new_texts_are_embedded_and_identical_ones_once(told: Workspace) -> None:
    known = vectors.passages(told, "products")["text"][0]
    more_reviews(told, "A brand new remark.", "A brand new remark.", known)
    assert vectors.is_stale(told, "reviews")
    heard: list[tuple[int, int]] = []
    report = vectors.build(told, "reviews", progress=lambda done, total: heard.append((done, total)))
    assert report.written == 3 and report.details == {"embedded": 1, "reused": 2, "deleted": 0}
    assert heard == [(1, 1)]
    same = stored(told).filter(pl.col("text") == known)
    assert same["dataset"].unique().sort().to_list() == ["products", "reviews"]
    assert same["vector"].n_unique() == 1


def test_stored_vectors_are_those_of_their_texts(told: Workspace) -> None:
    rows = stored(told)
    expected = embedder().encode(rows["text"].to_list())
    assert abs((rows["vector"].to_numpy() * expected).sum(1) - 1).max() < 1e-4


def test_a_new_version_of_a_row_replaces_its_passages(told: Workspace) -> None:
    silver = told.table("silver", "products")
    old = silver.scan().filter("is_current").collect()[0]
    ended = old.with_columns(is_current=pl.lit(False), valid_to=pl.col("valid_from") + timedelta(days=1))
    new = old.with_columns(lineage_id=pl.lit(lineage_id("products", 900)), description=pl.lit("Now in green."))
    silver.merge(pl.concat([ended, new]), "lineage_id", Commit("silver"))
    report = vectors.build(told, "products")
    assert report.details == {"embedded": 1, "reused": 0, "deleted": 1}
    found = vectors.passages(told, "products")
    assert old["lineage_id"][0] not in found["lineage_id"]
    assert found.filter(pl.col("lineage_id") == new["lineage_id"][0])["text"][0].endswith("Now in green.")


@pytest.mark.parametrize("how", ["overwritten", "purged"])
def test_rows_that_silver_no_longer_has_lose_their_passages(told: Workspace, how: str) -> None:
    silver = told.table("silver", "reviews")
    kept = silver.scan().filter(pl.col("subject_id") != BEN).collect()
    gone = silver.count() - kept.height
    assert gone
    if how == "overwritten":
        silver.overwrite(kept, Commit("silver"))
    else:
        commit = Commit("purge").properties()
        silver.delta().delete(f"subject_id = '{BEN}'", commit_properties=commit)
    report = vectors.build(told, "reviews")
    assert report.details["deleted"] == gone and report.details["embedded"] == 0
    assert BEN not in vectors.passages(told, "reviews")["subject_id"]


def test_a_changed_contract_rewrites_passages_without_embedding(told: Workspace) -> None:
    contract = told.contract("reviews")
    passage = replace(contract.passages[0], metadata=("rating",))
    told.contracts["reviews"] = replace(contract, passages=(passage,))
    assert vectors.is_stale(told, "reviews") and not vectors.is_stale(told, "turns")
    report = vectors.build(told, "reviews")
    assert report.details["embedded"] == 0 and report.written == report.rows
    assert set(vectors.passages(told, "reviews")["metadata"]) <= {f'{{"rating":{n}}}' for n in range(1, 6)}


def test_rebuild_gives_the_same_passages(told: Workspace) -> None:
    before = stored(told)
    report = vectors.build(told, "reviews", rebuild=True)
    assert report.written == report.rows and report.details["embedded"] > 0
    after = stored(told)
    assert after.drop("vector").equals(before.drop("vector"))
    assert abs(after["vector"].to_numpy() - before["vector"].to_numpy()).max() < 1e-4


def test_a_lost_table_makes_everything_stale_again(told: Workspace) -> None:
    (told.path("vectors") / "passages.json").unlink()
    assert all(vectors.is_stale(told, dataset) for dataset in TOLD)
    assert vectors.build(told, "turns").rows == 7
    assert vectors.is_stale(told, "reviews")
    assert vectors.passages(told, "reviews").is_empty()


def test_another_model_makes_the_table_anew(told: Workspace) -> None:
    store = Store(told)
    store.create("some-other-model", 384)
    assert all(vectors.is_stale(told, dataset) for dataset in TOLD)
    vectors.build(told, "reviews")
    assert not vectors.is_stale(told, "reviews") and vectors.is_stale(told, "turns")


def test_a_dataset_without_silver_or_passages_has_nothing_to_do(space: Workspace) -> None:
    for dataset in ("reviews", "orders"):
        assert not vectors.is_stale(space, dataset)
        assert vectors.build(space, dataset).fresh
    assert vectors.passages(space, "reviews").is_empty()
    assert vectors.ensure_indexes(space).fresh


def test_a_build_that_dies_before_it_commits_is_finished_by_the_next(
    shop: Workspace, make_space: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: _Build) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_Build, "_remember", die)
        with pytest.raises(KeyboardInterrupt):
            vectors.build(shop, "reviews")
    assert vectors.is_stale(shop, "reviews")
    assert vectors.build(shop, "reviews").details["embedded"] == 0
    undisturbed = make_space("other")
    silver_shop(undisturbed)
    vectors.build(undisturbed, "reviews")
    assert stored(shop).drop("vector").equals(stored(undisturbed).drop("vector"))


# search


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    from cenote.settings import Settings
    from cenote.vault import Vault

    folder = tmp_path_factory.mktemp("search")
    settings = Settings(home=folder / "data", vault=folder / "vault")  # type: ignore[call-arg]
    Vault.create(settings)
    space = Workspace(settings)
    silver_shop(space)
    for dataset in TOLD:
        vectors.build(space, dataset)
    vectors.ensure_indexes(space)
    yield space


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_the_best_hit_is_about_the_question(lake: Workspace, mode: str) -> None:
    found = vectors.search(lake, "how can I return a lamp", k=3, mode=mode)
    assert found["rank"].to_list() == list(range(1, found.height + 1))
    assert found["score"].is_sorted(descending=True)
    assert "return" in found["text"][0].lower()
    assert {"passage_id", "lineage_id", "dataset", "namespace", "title", "text", "at"} <= set(found.columns)


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_filters_are_applied_before_ranking(lake: Workspace, mode: str) -> None:
    total = vectors.passages(lake, "reviews").height
    everything = vectors.search(lake, "return", k=50, mode="vector", namespace="reviews")
    assert everything.height == total
    found = vectors.search(lake, "lamp", k=2, mode=mode, namespace=["reviews", "turns"], where="chunk = 0")
    assert found.height and set(found["namespace"]) <= {"reviews", "turns"}
    one = vectors.passages(lake, "turns")["lineage_id"][3]
    only = vectors.search(lake, "lamp", k=5, mode="vector", where=f"lineage_id = '{one}'")
    assert only["lineage_id"].to_list() == [one]


@pytest.mark.parametrize("query", ["", "   ", "AND (", '"unclosed', "a:b^2~ *?[]{}\\/", "+-!", "'; drop", "🙂", "the"])
@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_no_query_breaks_a_search(lake: Workspace, query: str, mode: str) -> None:
    assert vectors.search(lake, query, k=2, mode=mode).height <= 2


def test_a_quote_in_a_namespace_is_a_name_like_any_other(lake: Workspace) -> None:
    assert vectors.search(lake, "lamp", namespace="o'brien' OR 'a' = 'a").is_empty()


def test_searches_that_cannot_be_answered_say_why(lake: Workspace, space: Workspace) -> None:
    with pytest.raises(SearchError, match="hybrid"):
        vectors.search(lake, "lamp", mode="hybird")
    with pytest.raises(SearchError, match="where"):
        vectors.search(lake, "lamp", where="nothing = 1")
    with pytest.raises(SearchError, match="at least one"):
        vectors.search(lake, "lamp", k=0)
    with pytest.raises(SearchError, match="no passages yet"):
        vectors.search(space, "lamp")


def test_a_torn_table_says_how_to_mend_it(told: Workspace) -> None:
    for file in (told.path("vectors") / "passages.lance" / "_versions").iterdir():
        file.unlink()
    with pytest.raises(TableError, match="cenote run"):
        vectors.search(told, "lamp")


def test_a_vector_index_finds_what_exact_search_finds(told: Workspace) -> None:
    exact = vectors.search(told, "a quiet place to work", k=5, mode="vector")
    report = vectors.ensure_indexes(told, vector_index_from=10)
    assert report.details["vector_index"] == "hnsw"
    assert vectors.search(told, "a quiet place to work", k=5, mode="vector")["passage_id"].equals(exact["passage_id"])
    rows = Store(told).count()
    assert vectors.search(told, "a quiet place", k=100, mode="vector").height == min(rows, 100)  # deeper than its ef
    assert vectors.search(told, "a quiet place", k=5)["text"][0] in exact["text"]
    more_reviews(told, "A quiet place to work in.")
    vectors.build(told, "reviews")
    assert vectors.search(told, "a quiet place to work", k=1, mode="vector")["text"][0] == "A quiet place to work in."
    assert vectors.ensure_indexes(told, vector_index_from=10).written >= 1
    assert vectors.ensure_indexes(told, vector_index_from=10).fresh


def test_fusion_adds_reciprocal_ranks() -> None:
    one = pl.DataFrame({"passage_id": ["a", "b"], "score": [9.0, 1.0]})
    two = pl.DataFrame({"passage_id": ["b", "c"], "score": [0.5, 0.4]})
    found = fused([one, two], [1, 1], constant=60)
    assert found["passage_id"].to_list() == ["b", "a", "c"]
    assert found["score"].to_list() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert fused([one, two], [0, 1])["passage_id"].to_list() == ["b", "c"]
    assert fused([one, two], [0.9, 0.1], constant=60)["passage_id"].to_list() == ["b", "a", "c"]


def test_what_words_alone_find_does_not_displace_the_ten_nearest(lake: Workspace) -> None:
    names = [f"v{n:02d}" for n in range(20)]
    meant = pl.DataFrame({"passage_id": names, "score": 0.0})
    worded = pl.DataFrame({"passage_id": [f"w{n:02d}" for n in range(20)], "score": 0.0})
    weight = lake.settings.vector_weight
    assert fused([meant, worded], [weight, 1 - weight])["passage_id"].to_list()[:10] == names[:10]


def test_near_duplicates_of_a_better_hit_are_left_out(told: Workspace) -> None:
    more_reviews(
        told, *["The kettle leaks at the lid."] * 3, "The kettle is leaking at the lid!", "The kettle whistles."
    )
    vectors.build(told, "reviews")
    query = "a kettle that leaks"
    everything = vectors.search(told, query, k=5, mode="vector")["text"]
    assert everything.n_unique() < 5, "without asking, every row that says it is shown"
    same = vectors.search(told, query, k=3, mode="vector", distinct_below=1)["text"].to_list()
    assert len(set(same)) == 3 and {"The kettle leaks at the lid.", "The kettle is leaking at the lid!"} < set(same)
    near = vectors.search(told, query, k=3, distinct_below=0.9)["text"].to_list()
    assert len(near) == 3 and sum("leak" in text for text in near) == 1


def test_a_hit_is_compared_with_those_that_were_kept() -> None:
    turned = np.array([[np.cos(angle), np.sin(angle)] for angle in (0.0, 0.4, 0.8)], np.float32)  # each near the next
    hits = pl.DataFrame({"passage_id": ["a", "b", "c"], "content_hash": ["x", "y", "z"]})
    assert distinct(hits, (hits["content_hash"], turned), 0.9)["passage_id"].to_list() == ["a", "c"]


@pytest.mark.parametrize("indexed_from", [10, 1_000_000])
def test_hidden_people_are_left_out_as_if_they_were_never_there(
    told: Workspace, indexed_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("cenote.vectors.search")
    vectors.ensure_indexes(told, vector_index_from=indexed_from)

    hit = stored(told).filter(pl.col("subject_id").is_not_null()).row(0, named=True)

    def found() -> list[tuple[list[str], list[float]]]:
        asked = [vectors.search(told, hit["text"], k=4, mode=mode) for mode in ("vector", "text")]
        return [(hits["subject_id"].to_list(), hits["score"].round(5).to_list()) for hits in asked]

    assert all(hit["subject_id"] in people for people, _ in found())
    monkeypatch.setattr(module, "hidden", lambda _: (hit["subject_id"],))
    dropped = found()
    monkeypatch.setattr(module, "_LEFT_OUT", 0)  # from here on their rows are not searched
    assert [scores for _, scores in dropped] == [scores for _, scores in found()]
    assert all(len(people) == 4 and hit["subject_id"] not in people for people, _ in dropped)


def test_recall_of_the_vector_index_is_measured_against_exact_search(
    told: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recall.measure(told) is None
    (exact,) = quality.check_index(told)
    assert exact.passed and exact.essential and "exactly" in exact.summary
    vectors.ensure_indexes(told, vector_index_from=10)
    found = recall.measure(told, questions=20)
    assert found is not None and found.asked == 20 and found.recall >= recall.LEAST
    (good,) = quality.check_index(told)
    assert good.passed and good.counts["recall"] >= recall.LEAST
    farthest = pl.DataFrame({"score": [-1.0], "_rowid": [0]})
    monkeypatch.setattr(State, "nearest", lambda *_: farthest)  # an index that finds it
    (bad,) = quality.check_index(told)
    assert not bad.passed and bad.essential and bad.counts["recall"] == 0


def test_nothing_but_the_table_lies_in_the_folder(told: Workspace) -> None:
    assert {p.name for p in Path(told.path("vectors")).iterdir()} == {"passages.lance", "passages.json"}
