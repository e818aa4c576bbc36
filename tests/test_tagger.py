"""The trained tier: features, decoding, determinism, what it finds, where it is asked for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.detection import presidio
from benchmarks.tagger import marked_texts, rates
from cenote.names import IDENTITY, NameRecognizer, names, with_names
from cenote.settings import load_settings
from cenote.tagging import BUCKETS, WordEncoder, word_encoder
from cenote.workspace import Workspace
from tests.test_mask import KEYS
from training.examples import examples
from training.prose import prose
from training.templates import templates
from transforms.contract import Contract, Field, Mask
from transforms.detect import find_spans, redact_text
from transforms.mask import mask_frame, mask_problems
from transforms.tagger.features import WIDTH, features
from transforms.tagger.head import Head
from transforms.tagger.reading import may_name, shortened
from transforms.tagger.spans import KINDS, LABELS, best_labels, spans


@pytest.fixture(scope="session")
def encoder() -> WordEncoder:
    return word_encoder()


@pytest.fixture(scope="session")
def texts() -> pl.Series:
    return pl.Series([e.text for e in examples(150, 77, dev=True)])


def scores(*labels: int) -> np.ndarray:
    found = np.full((len(labels), LABELS), -9.0)
    found[np.arange(len(labels)), labels] = -0.1
    return found


def test_a_mark_begins_before_it_goes_on() -> None:
    assert best_labels(scores(0, 1, 2, 2, 0)) == [0, 1, 2, 2, 0]
    assert 2 not in best_labels(scores(2))[:1]
    assert best_labels(scores(1, 4))[1] != 4, "a person does not go on as a place"
    assert best_labels(np.zeros((0, LABELS))) == []
    found = spans(scores(1, 2, 0, 1), "Ann Green, Bob", [(0, 3), (4, 9), (9, 10), (11, 14)])
    assert [f[:3] for f in found] == [(0, 9, KINDS[0]), (11, 14, KINDS[0])]
    assert all(0.5 < f[3] <= 1 for f in found)
    assert [f[:2] for f in spans(scores(1, 2, 2), "Ann Lee,", [(0, 3), (4, 7), (7, 8)])] == [(0, 7)], (
        "no comma at the end"
    )
    assert spans(scores(1), ",", [(0, 1)]) == []
    assert spans(scores(1, 2), "Ann\nGreen", [(0, 3), (4, 9)])[0][:2] == (0, 3), "names end with the line"
    assert spans(scores(5, 6), "1 Rose\nYork", [(0, 6), (7, 11)])[0][:2] == (0, 11), "addresses go on"
    assert spans(scores(5, 6), "1 Ro\n\nYork", [(0, 4), (6, 10)])[0][:2] == (0, 4), "but not over an empty line"


def test_the_best_sequence_is_the_best_of_all() -> None:
    """Against every sequence of four labels, with scores that often ask for what may not be."""
    from itertools import product

    rng = np.random.default_rng(3)
    for _ in range(20):
        small = np.full((4, LABELS), -50.0)
        small[:, :4] = rng.normal(size=(4, 4))
        lawful = [
            way
            for way in product(range(4), repeat=4)
            if all(label != 2 or before in (1, 2) for before, label in zip((0, *way), way, strict=False))
        ]
        assert best_labels(small) == list(
            max(lawful, key=lambda way: sum(small[n, label] for n, label in enumerate(way)))
        )


def test_features_tell_case_lists_and_layout() -> None:
    words = [(0, 5), (6, 11), (12, 13), (14, 16)]
    upper, title, lower = (
        features(text, words) for text in ("MARIA PARIS , 42", "Maria Paris , 42", "maria paris , 42")
    )
    assert upper.shape == (4, WIDTH) and upper.dtype == np.uint8
    assert (upper[0] != title[0]).any() and (title[0] != lower[0]).any()
    assert (features("Maria\nParis , 42", words)[1] != title[1]).any()
    assert features("", []).shape == (0, WIDTH)


def test_the_head_computes_what_was_trained() -> None:
    torch = pytest.importorskip("torch")
    from training.tagger import Net, weights_of

    torch.manual_seed(1)
    net = Net(384).eval()
    rng = np.random.default_rng(1)
    vectors, seen = rng.normal(size=(9, 384)).astype(np.float32), rng.integers(0, 2, (9, WIDTH)).astype(np.uint8)
    weights = {name: value.astype(np.float32) for name, value in weights_of(net).items()}
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.inference_mode():
        there = torch.ones(9)
        trained = torch.log_softmax(net(torch.from_numpy(vectors), torch.from_numpy(seen).float(), there), -1).numpy()
    assert np.allclose(Head(weights)(vectors, seen), trained, atol=1e-4)


def test_a_text_has_the_same_vectors_whatever_stands_beside_it(encoder: WordEncoder, texts: pl.Series) -> None:
    together = list(encoder.words(texts.to_list()))
    order = np.random.default_rng(0).permutation(len(texts)).tolist()
    shuffled = dict(zip(order, encoder.words([texts[n] for n in order]), strict=True))
    for n, words in enumerate(together):
        assert words.offsets == shuffled[n].offsets
        assert np.array_equal(words.vectors, shuffled[n].vectors), "rounding depends on the batch"
    alone = next(encoder.words([texts[0]]))
    assert np.array_equal(alone.vectors, together[0].vectors)


def test_texts_where_no_name_can_be_are_not_read() -> None:
    for text in (
        "No receipt needed, we have your order on file.",
        "Is this still here? The parcel came late.",
        "...",
        "",
    ):
        assert not may_name(text), text
    for text in (
        "we met jonas there", "This is for Xqzt.", "Bob came.", "In paris it rains.", "We saudis know.", "A boy of 12.",
        "He said no. OSLO.", "渡辺 花子", "The cat and Vrx",
    ):  # fmt: skip
        assert may_name(text), text


def test_long_numbers_and_addresses_are_cut_short_and_spans_come_back() -> None:
    text = "Mail ann@example.org or see https://example.org/a?b=c, Bob, +44 20 7946 0958, GB29NWBK60161331926819."
    short = shortened(text)
    assert short.text == "Mail x@y.org or see http://y.org, Bob, 5550100, 5550100."
    for word in ("Mail", "Bob", "see"):
        begin = short.text.index(word)
        start, end = short.original(begin, begin + len(word))
        assert text[start:end] == word
    begin = short.text.index("org or")
    assert text[slice(*short.original(begin, begin + 3))] == "ann@example.org", "what is cut is taken whole"
    for kept in ("Ulm 90210-1234 now", "on 2024-03-17 we", "12345678", "line\n+44 20 7946 0958"):
        assert shortened(kept).text == kept


def test_texts_that_differ_in_numbers_alone_are_read_once(
    encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    plain = WordEncoder.words
    monkeypatch.setattr(WordEncoder, "words", lambda self, some: (read.extend(some), plain(self, some))[1])
    found = NameRecognizer()(
        pl.Series(
            [
                "Ann Lee paid by card 4111 1111 1111 1111.",
                "Ann Lee paid by card 5500000000000004.",
                "No receipt needed.",
            ]
        )
    )
    assert len(read) == 1
    assert found.filter(pl.col("kind") == "PERSON").select("row", "start", "end").rows() == [(0, 0, 7), (1, 0, 7)]


def test_embedding_and_tagging_share_the_weights(encoder: WordEncoder) -> None:
    from cenote.embedding import PackagedModel

    assert PackagedModel("float32")._exact is encoder._encoder


def test_words_cover_the_text_in_order(encoder: WordEncoder) -> None:
    text = "Zoë O'Brien-Smith\tlives in Łódź,\n東京 or 'Àrea 5' 😀 " + "and so on " * 300
    words = next(encoder.words([text]))
    starts = [start for start, _ in words.offsets]
    assert starts == sorted(starts) and len(words.vectors) == len(words.offsets)
    assert not any(text[start:end].strip() != text[start:end] for start, end in words.offsets)
    assert [text[start:end] for start, end in words.offsets[:5]] == ["Zoë", "O", "'", "Brien", "-"]
    assert np.isfinite(words.vectors).all() and (np.abs(words.vectors).sum(1) > 0).all(), "a window left words out"
    assert list(encoder.words(["", "   "]))[1].offsets == []


def test_long_texts_are_read_to_the_end() -> None:
    filler = "Nothing was heard of it for a long time, and the rain went on. "
    text = filler * 60 + "Then Marguerite Lindqvist moved to Copenhagen."
    assert len(text.split()) > 3 * BUCKETS[-1]
    found = {text[s:e] for _, s, e, _, _ in names()(pl.Series([text])).iter_rows()}
    assert {"Marguerite Lindqvist", "Copenhagen"} <= found


def test_texts_are_read_once(encoder: WordEncoder, texts: pl.Series) -> None:
    read: list[int] = []

    class Counting:
        def words(self, some: list[str]) -> object:
            read.append(len(some))
            return encoder.words(some)

        map = encoder.map

    from transforms.tagger.head import packaged_head

    recognizer = NameRecognizer(Counting(), packaged_head())  # type: ignore[arg-type]
    first = recognizer(texts)
    again = recognizer(pl.concat([texts[::-1], pl.Series(["One more for Beatrix."])]))
    assert read[1:] == [1], "only the new text is read"
    assert again.height > 0 and first.filter(pl.col("row") == 0).drop("row").equals(
        again.filter(pl.col("row") == len(texts) - 1).drop("row")
    )


def test_finds_what_no_list_has(texts: pl.Series) -> None:
    text = pl.Series(["Yesterday Zorvane Quillmark of Brathwold Optics moved from Ulmstead to 14 Larkspur Lane."])
    masked = redact_text(text, recognizers=[names()]).item()
    for value in ("Zorvane", "Quillmark", "Brathwold", "Ulmstead", "Larkspur"):
        assert value not in masked, masked
    assert find_spans(pl.Series([""]), recognizers=[names()]).is_empty()


def test_as_good_as_published() -> None:
    """The development sets, both tiers; the figures stand in docs/names.md."""
    held, marked = marked_texts(examples(300, 2, dev=True))
    assert rates(find_spans(held, recognizers=[names()]), marked)["f2"] > 0.80
    texts, marked = marked_texts(prose())
    both = find_spans(texts, recognizers=[names()])
    assert rates(both, marked)["f2"] > 0.80
    assert rates(both, marked, 0.7)["recall"] > rates(find_spans(texts), marked, 0.7)["recall"] + 0.2


def test_training_and_development_share_no_skeleton() -> None:
    mine = {line for _, lines in templates(dev=False) for line in lines}
    theirs = {line for _, lines in templates(dev=True) for line in lines}
    assert len(mine) > 400 and len(theirs) > 60 and not mine & theirs
    assert examples(40, 5) == examples(40, 5), "the seed decides"
    for example in examples(300, 6):
        for start, end, kind in example.spans:
            assert kind in KINDS and example.text[start:end].strip()


FIELD = Field("note", "$.note", "string", mask=Mask("text", {"names": True}))


def test_a_contract_asks_for_names() -> None:
    assert mask_problems((FIELD,)) == []
    assert mask_problems((replace(FIELD, mask=Mask("text", {"names": 3})),))
    frame = pl.DataFrame({"note": ["Ask Zorvane Quillmark.", None, "Ask Zorvane Quillmark."], "subject_id": ["a"] * 3})
    out = mask_frame(frame, (FIELD,), KEYS, names=names())["note"].to_list()
    assert out[1] is None and out[0] == out[2] and "Quillmark" not in out[0]
    with pytest.raises(ValueError, match="recognizer of names"):
        mask_frame(frame, (FIELD,), KEYS)


def test_the_setting_and_the_weights_change_what_silver_is_made_by() -> None:
    nested = Field("o", "$.o", "object", properties=(FIELD,))
    listed = Field("l", "$.l", "array", items=FIELD)
    contract = Contract("d", "1", "", "", (FIELD, nested, listed))
    on, off = with_names(contract, on=True), with_names(contract, on=False)
    assert on.fields[0].mask.options == {"names": IDENTITY} == on.fields[1].properties[0].mask.options
    assert on.fields[2].items and on.fields[2].items.mask.options == {"names": IDENTITY}
    assert off.fields[0].mask == Mask("text") and len({c.digest for c in (contract, on, off)}) == 3
    assert with_names(off, on=True).digest == off.digest, "a contract that does not ask is the same either way"


def test_a_recognizer_tells_where_names_end_but_never_uncovers() -> None:
    """Names and addresses of the columnar tier give way where all their letters are covered; nothing is left bare."""
    text = "Name: Peter Schmidt Meyer, mail a@b.org"

    def finding(*spans: tuple[int, int]) -> object:
        rows = [(0, start, end, "PERSON", 0.9) for start, end in spans]
        return lambda texts: pl.DataFrame(rows, schema=["row", "start", "end", "kind", "score"], orient="row")

    def found(*spans: tuple[int, int]) -> list[str]:
        spans_ = find_spans(pl.Series([text]), recognizers=[finding(*spans)])  # type: ignore[list-item]
        return [text[start:end] for start, end in spans_.select("start", "end").iter_rows()]

    assert found() == ["Peter Schmidt Meyer", "a@b.org"]
    assert found((6, 11), (12, 19), (20, 25)) == ["Peter", "Schmidt", "Meyer", "a@b.org"]
    assert found((6, 11)) == ["Peter Schmidt Meyer", "a@b.org"]
    assert found((6, 25), (32, 33)) == ["Peter Schmidt Meyer", "a@b.org"], "other kinds never give way"


def test_training_follows_its_seed(encoder: WordEncoder) -> None:
    from training.tagger import fit, judge, read, weights_of

    data = read(examples(150, 4), encoder)
    first, again = (weights_of(fit(data, seed=4, epochs=1)) for _ in range(2))
    assert all((first[name] == again[name]).all() for name in first)
    assert set(judge(first, data)) == {"recall", "precision", "f2"}


def test_both_tiers_on_third_party_sentences(shared_data: Path) -> None:
    """What docs/names.md says, on a part of the sentences."""
    texts, marked = presidio(shared_data)
    some = marked.filter(pl.col("row") < 400)
    found = find_spans(texts[:400], recognizers=[names()])
    assert rates(found, some)["f2"] > 0.75
    assert rates(found, some, 0.7)["recall"] > 0.80


def test_commands_find_names(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cenote.cli import app

    file = tmp_path / "letters.txt"
    file.write_text("Zorvane Quillmark moved to Copenhagen.\nNothing here.\n")
    run = CliRunner()
    masked = run.invoke(app, ["mask", str(file), "--names"]).output
    assert "Quillmark" not in masked and "Copenhagen" not in masked and "Nothing here." in masked
    assert "LOCATION" in run.invoke(app, ["detect", str(file), "--names", "--kind", "location"]).output
    assert run.invoke(app, ["detect", str(file), "--kind", "location"]).exit_code != 0


def test_the_setting_turns_the_tier_off() -> None:
    for on, options in ((True, {"names": IDENTITY}), (False, {})):
        note = Workspace(load_settings(names=on)).contract("orders").column("note")
        assert note.mask == Mask("text", options)
