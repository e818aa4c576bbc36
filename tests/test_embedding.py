"""The packaged model is the published one, and our way of running it gives what sentence-transformers gives."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from cenote import embedding, precision
from cenote.embedding import Embedder, OtherModel, PackagedModel, batched, embedder, lake_embedder
from cenote.encoder import Encoder
from cenote.errors import SearchError
from cenote.quantized import rounding
from cenote.settings import Settings

needs_int8 = pytest.mark.skipif(
    "int8" not in precision.candidates(), reason="no units for 8-bit integers, or no OpenVINO"
)

TEXTS = [
    "ok",
    "",
    "The parcel came two days late, but the box was whole.",
    "Größe M fällt klein aus; 日本語 naïve \U0001f600",
    "How do I send back a pair of shoes that does not fit? " * 3,
    "A very long text that does not end within what the model reads. " * 40,
]


@pytest.fixture(scope="module")
def model() -> Embedder:
    return embedder()


def test_vectors_have_length_one_and_say_what_they_are(model: Embedder) -> None:
    vectors = model.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert model.name.startswith("all-MiniLM-L6-v2@53aa5117")
    assert model.encode([]).shape == (0, 384)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_they_are_those_of_sentence_transformers(model: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(embedding.packaged_folder()), device="cpu")
    expected = reference.encode(TEXTS, show_progress_bar=False)
    assert (PackagedModel("float32").encode(TEXTS) * expected).sum(1).min() > 0.99999
    assert (model.encode(TEXTS) * expected).sum(1).min() > 0.999  # whichever precision was chosen here


ODD = [
    "The parcel came two days late, but the box was whole.",
    "Größe M fällt klein aus; 日本語 naïve \U0001f600, bitte umtauschen",
    "9.81 m/s^2 = 32.174 ft/s^2 (n=3, p<0.05) ++ --- ///",
    "SELECT a.id FROM b JOIN a USING (id) WHERE b.x IS NOT NULL;",
    "Is it ok for a friend to send me money?",  # attention that fixes on one token
    "the the the the the the the the the the the the the the the",
    "A very long text that does not end within what the model reads. " * 40,
]


@needs_int8
def test_int8_agrees_with_float32_on_texts_of_any_kind_and_size(exact: PackagedModel, quick: PackagedModel) -> None:
    near = (exact.encode(ODD) * quick.encode(ODD)).sum(1)
    assert near.min() > 0.998 and near.mean() > 0.999


@needs_int8
def test_in_int8_too_company_does_not_matter(quick: PackagedModel) -> None:
    together = quick.encode(ODD)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(ODD, together, strict=True):
        assert vector @ quick.encode([text])[0] > 0.9999


@needs_int8
def test_few_words_are_never_rounded(exact: PackagedModel, quick: PackagedModel) -> None:
    few = ["ok", "", "late again", *ODD]
    assert np.allclose(exact.encode(few)[:3], quick.encode(few)[:3], atol=1e-5)


def test_questions_and_few_texts_need_no_probe(monkeypatch: pytest.MonkeyPatch, exact: PackagedModel) -> None:
    monkeypatch.setattr(precision, "forward", lambda *_: pytest.fail("it was probed"))
    model = PackagedModel(workers=1)
    assert np.allclose(model.encode(TEXTS[2:5]), exact.encode(TEXTS[2:5]), atol=1e-5)


def test_many_texts_are_run_by_what_is_chosen_once(monkeypatch: pytest.MonkeyPatch, exact: PackagedModel) -> None:
    chosen: list[object] = []

    def forward(*asked: object) -> Encoder:
        chosen.append(asked)
        return exact._exact

    monkeypatch.setattr(embedding, "_MANY", 3)
    monkeypatch.setattr(precision, "forward", forward)
    model = PackagedModel(workers=1)
    for _ in range(2):
        model.encode(TEXTS[2:5])
    assert len(chosen) == 1


def test_without_openvino_or_units_for_it_int8_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_vnni": True})
    monkeypatch.setattr(precision, "find_spec", lambda _: object())
    assert precision.candidates() == ["float32", "int8"]
    monkeypatch.setattr(precision, "find_spec", lambda _: None)
    assert precision.candidates() == ["float32"]
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": True})
    assert precision.candidates() == ["float32", "bfloat16"]


def test_what_cannot_be_made_here_is_not_chosen(
    exact: PackagedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such device")

    monkeypatch.setattr("cenote.quantized.QuantizedEncoder", broken)
    monkeypatch.setattr(precision, "candidates", lambda: ["float32", "int8"])
    assert PackagedModel(workers=1).chosen is exact._exact
    assert "int8 is not possible here (RuntimeError)" in caplog.text


@given(st.integers(min_value=1, max_value=60), st.integers(min_value=0, max_value=9))
@settings(max_examples=20, deadline=None)
def test_rounding_keeps_a_product_whose_inputs_differ_in_size(added: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    sizes = np.where(np.arange(48) < 3, 30, 1).astype(np.float32)
    values = (random.normal(size=(200, 48)) * sizes + 2 * sizes).astype(np.float32)
    weight = random.normal(size=(16, 48)).astype(np.float32)
    how = rounding(values, weight, added)
    numbers, fitted = how(values), how.fitted(weight)
    assert numbers.min() >= 0 and numbers.max() <= 255 and numbers.shape == (200, 48 + added)
    found, expected = numbers @ fitted.T, values @ weight.T
    off = found + how.lost(weight, fitted) - expected
    assert np.linalg.norm(off) < 0.03 * np.linalg.norm(expected - expected.mean(0))


def test_bfloat16_agrees_with_float32(exact: PackagedModel) -> None:
    short = PackagedModel("bfloat16", workers=1)
    assert (exact.encode(TEXTS[:5]) * short.encode(TEXTS[:5])).sum(1).min() > 0.999


@pytest.fixture(scope="module")
def exact() -> PackagedModel:
    return PackagedModel("float32", workers=1)


@pytest.fixture(scope="module")
def quick() -> PackagedModel:
    return PackagedModel("int8", workers=1)


def test_a_precision_that_does_not_agree_or_gain_is_not_chosen(
    exact: PackagedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [exact._tokenizer.encode(text).ids for text in TEXTS[:3]]
    weights = load_file(embedding.packaged_folder() / "model.safetensors")

    blurred = {name: held + 0.05 * held.std() if held.is_floating_point() else held for name, held in weights.items()}
    other = Encoder(embedding.packaged_folder(), "float32", blurred)
    other.precision = "other"
    monkeypatch.setattr(precision, "_seconds", lambda some, _: {e.precision: 1.0 + len(e.precision) for e in some})
    assert precision.fastest([exact._exact, other], tokens) is exact._exact, "it is wrong"
    same = Encoder(embedding.packaged_folder(), "float32", weights)
    for seconds, chosen in ((0.9, exact._exact), (0.8, same)):
        same.precision = "same"
        monkeypatch.setattr(precision, "_seconds", lambda _, __, s=seconds: {"float32": 1.0, "same": s})
        assert precision.fastest([exact._exact, same], tokens) is chosen


def test_meaning_is_nearer_than_words(model: Embedder) -> None:
    late, delay, kettle = model.encode(["my parcel is late", "the delivery was delayed", "a kettle for tea"])
    assert late @ delay > 0.5 > late @ kettle


def test_the_order_of_texts_and_their_company_do_not_matter(exact: PackagedModel) -> None:
    together = exact.encode(TEXTS)
    assert np.allclose(together[::-1], exact.encode(TEXTS[::-1]), atol=1e-5)
    assert np.allclose(together[2], exact.encode([TEXTS[2]])[0], atol=1e-5)


def test_progress_is_told_and_ends_at_the_total(model: Embedder) -> None:
    heard: list[tuple[int, int]] = []
    model.encode(["some words"] * 300, lambda done, total: heard.append((done, total)))
    assert heard[-1] == (300, 300) and heard == sorted(heard) and len(heard) > 1


def test_a_query_is_embedded_once(model: Embedder) -> None:
    assert model.query("refund") is model.query("refund")
    assert not model.query("refund").flags.writeable


@given(st.lists(st.integers(min_value=1, max_value=256), max_size=300))
def test_batches_hold_every_text_once_and_fit(lengths: list[int]) -> None:
    batches = batched([[0] * n for n in lengths])
    assert sorted(n for batch in batches for n in batch) == list(range(len(lengths)))
    assert all(max(lengths[n] for n in batch) * len(batch) <= 512 for batch in batches)


def test_tampered_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding.packaged_folder.cache_clear()
    monkeypatch.setattr(embedding, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(SearchError, match="not the one that was published"):
        embedding.packaged_folder()
    embedding.packaged_folder.cache_clear()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_model_that_is_not_there_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="CENOTE_EMBEDDING_MODEL"):
        embedder(str(tmp_path / "nothing"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_another_model_is_run_by_sentence_transformers(model: Embedder) -> None:
    other = embedder(str(embedding.packaged_folder()))
    assert other.dimension == 384
    assert (other.encode(TEXTS) * model.encode(TEXTS)).sum(1).min() > 0.999


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_backend_and_device_of_another_model_are_settings(tmp_path: Path) -> None:
    folder = str(embedding.packaged_folder())
    home = {"home": tmp_path / "data", "vault": tmp_path / "vault", "embedding_model": folder}
    found = lake_embedder(Settings(**home, embedding_device="cpu"))  # type: ignore[arg-type]
    assert isinstance(found._model, OtherModel) and str(found._model._model.device) == "cpu"
    with pytest.raises(SearchError, match="CENOTE_EMBEDDING_DEVICE"):
        lake_embedder(Settings(**home, embedding_device="nowhere"))  # type: ignore[arg-type]
    if importlib.util.find_spec("optimum") is None:
        with pytest.raises(SearchError, match=r"pip install 'sentence-transformers\[onnx\]'"):
            lake_embedder(Settings(**home, embedding_backend="onnx"))  # type: ignore[arg-type]


def test_importing_embedding_loads_no_torch() -> None:
    code = "import sys, cenote.vectors; assert not {'torch', 'lancedb', 'sentence_transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO has no wheel for this machine")
def test_openvino_tells_nobody_that_it_is_used() -> None:
    code = "import sys; from cenote.quantized import openvino; openvino(); print('openvino_telemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
