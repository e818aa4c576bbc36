"""Passages are what the contract declares: current rows, filled templates, chunks that leave nothing out."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.contracts import load_contracts
from cenote.settings import PROJECT
from tests.scenario import ANA, shop_frames
from transforms.contract import Contract, Field, Passage
from transforms.passages import SCHEMA, PassageError, chunks, passage_columns, passages


def contract(*told: Passage) -> Contract:
    return Contract("notes", "1.0.0", "", "", (Field("id", "$.id", "string", primary_key=True),), passages=told)


def rows(**columns: Sequence[object]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return pl.DataFrame(
        {
            "lineage_id": [f"{'a' * 24}-{n:010d}" for n in range(count)],
            "subject_id": [f"customer_{n}" for n in range(count)],
            "mentions": pl.Series([[] for _ in range(count)], dtype=pl.List(pl.String)),
            **columns,
        }
    )


def test_a_short_text_is_one_passage_with_its_title_time_and_metadata() -> None:
    frame = rows(title=["Hello"], body=["A body."], price=[Decimal("1.50")], at=[date(2026, 1, 2)], tags=[["a", "b"]])
    told = Passage("notes", "{title}\n\n{body} ({tags})", "title", ("price", "at", "tags"), at="at")
    (found,) = passages(frame, contract(told)).to_dicts()
    assert found["text"] == "Hello\n\nA body. (a, b)"
    assert found["passage_id"] == f"{found['lineage_id']}#notes#0"
    assert found["content_hash"] == hashlib.sha256(found["text"].encode()).hexdigest()
    assert found["at"] == datetime(2026, 1, 2, tzinfo=UTC)
    assert (found["title"], found["dataset"], found["subject_id"]) == ("Hello", "notes", "customer_0")
    assert json.loads(found["metadata"]) | {"price": None} == {"price": None, "at": "2026-01-02", "tags": ["a", "b"]}


def test_nulls_are_empty_and_blank_texts_have_no_passage() -> None:
    frame = rows(title=["T", None, None], body=[None, "  ", "b"])
    assert passages(frame, contract(Passage("n", "{title}\n{body}")))["text"].to_list() == ["T", "b"]


def test_where_and_is_current_choose_rows() -> None:
    frame = rows(body=["a", "b", "c"], status=["published", "draft", "published"], is_current=[True, True, False])
    told = contract(Passage("n", "{body}", where="status = 'published'"))
    assert passages(frame, told)["text"].to_list() == ["a"]
    assert passage_columns(told) == ["body", "status"]


def test_members_of_structs_are_named_with_dots() -> None:
    told = contract(Passage("n", "{place.city}", metadata=("place.city",)))
    found = passages(rows(place=[{"city": "Bonn"}]), told)
    assert (found["text"][0], found["metadata"][0]) == ("Bonn", '{"place.city":"Bonn"}')
    assert passage_columns(told) == ["place"]


def test_two_declarations_may_share_a_namespace() -> None:
    found = passages(rows(a=["x"], b=["y"]), contract(Passage("n", "{a}"), Passage("n", "{b}")))
    assert found["chunk"].to_list() == [0, 1]
    assert found["passage_id"].n_unique() == 2


def test_no_rows_and_no_declarations_give_an_empty_frame() -> None:
    assert passages(rows(a=["x"]).clear(), contract(Passage("n", "{a}"))).schema == SCHEMA
    assert passages(rows(a=["x"]), contract()).schema == SCHEMA


def test_a_long_text_is_cut_at_sentence_ends_in_the_order_of_the_rows() -> None:
    sentences = [f"Sentence number {n} says a little more than nothing." for n in range(60)]
    frame = rows(body=["first", " ".join(sentences), "last"])
    found = passages(frame, contract(Passage("n", "{body}")))
    assert found["text"][0] == "first" and found["text"][-1] == "last"
    middle = found.filter(pl.col("lineage_id") == frame["lineage_id"][1])
    assert middle["chunk"].to_list() == list(range(middle.height)) and middle.height > 2
    assert all(text.endswith(".") and text.startswith("Sentence") for text in middle["text"])
    assert all(one.rsplit(". ", 1)[1] in two for one, two in zip(middle["text"], middle["text"][1:], strict=False))


@pytest.mark.parametrize("bad", [Passage("n", "{nothing}"), Passage("n", "{a"), Passage("n", "{a}", where="a ==== (")])
def test_a_declaration_that_cannot_be_used_is_named(bad: Passage) -> None:
    with pytest.raises(PassageError):
        passages(rows(a=["x"]), contract(bad))


@given(
    st.text(st.sampled_from("ab .!\n\tü。"), max_size=400),
    st.integers(min_value=1, max_value=60),
    st.integers(min_value=0, max_value=60),
)
def test_chunks_fit_and_leave_out_nothing_but_white_space(text: str, size: int, overlap: int) -> None:
    found = chunks(text, size, overlap)
    assert all(0 < len(chunk) <= size for chunk in found)
    at = covered = 0
    for chunk in found:
        at = text.index(chunk, at) if not text[covered:].strip().startswith(chunk) else text.index(chunk, covered)
        assert not text[covered:at].strip()
        covered = max(covered, at + len(chunk))
    assert not text[covered:].strip()


def test_the_shop_has_passages_of_what_is_current() -> None:
    contracts, frames = load_contracts(PROJECT / "contracts"), shop_frames()
    told = {name: passages(frames[name], c) for name, c in contracts.items() if c.passages}
    assert set(told) == {"documents", "products", "reviews", "turns", "invoices"}
    assert all(found.height and found.schema == SCHEMA for found in told.values())
    current = frames["documents"].filter(pl.col("is_current") & (pl.col("status") == "published"))
    assert set(told["documents"]["lineage_id"]) == set(current["lineage_id"])
    assert ANA in set(told["reviews"]["subject_id"])
