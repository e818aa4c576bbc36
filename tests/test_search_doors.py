"""Clear text opens for holders of the keys, on the record; a cross-encoder orders hits where one is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cenote import bronze, silver, vectors
from cenote.cli import app
from cenote.errors import SearchError, VaultError
from cenote.lake import Lake
from cenote.vectors.store import Store
from cenote.workspace import Workspace

CLEAR = "Please call Maria Keller at maria.keller@example.org about the broken lamp."
TURN = (
    '{"turn_id":"T1","conversation_id":"V1","customer_id":"C9000001","turn_index":0,"role":"customer",'
    f'"said_at":"2026-11-01T10:00:00Z","transcript":"{CLEAR}","stages":[],"product_id":null}}'
)


@pytest.fixture
def spoken(make_space: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    space = make_space(names=False)
    file = tmp_path / "turns.jsonl"
    file.write_text(TURN + "\n" + TURN.replace("T1", "T2").replace(CLEAR, "What are your opening hours?") + "\n")
    bronze.land(space, "turns", [file], consume=False)
    silver.build(space, "turns")
    vectors.build(space, "turns")
    return space


def reveals(space: Workspace) -> list[str]:
    return [entry.reason for entry in space.vault.audit.entries() if entry.what == "reveal"]


def test_clear_text_opens_for_a_reason_and_is_stored_nowhere_but_sealed(spoken: Workspace) -> None:
    masked = vectors.search(spoken, "broken lamp", k=1)
    assert "clear_text" not in masked.columns and "maria.keller@" not in masked["text"][0] and not reveals(spoken)
    opened = Lake(spoken).search("broken lamp", k=1, reveal="complaint 7")
    assert opened["clear_text"].to_list() == [CLEAR]
    assert opened.drop("clear_text").equals(masked)
    (entry,) = [e for e in spoken.vault.audit.entries() if e.what == "reveal"]
    assert entry.reason == "complaint 7" and set(entry.about) == {masked["lineage_id"][0], masked["subject_id"][0]}
    stored = b"".join(file.read_bytes() for file in spoken.path("vectors").rglob("*") if file.is_file())
    assert b"maria.keller@" not in stored
    assert "clear_text" not in Store(spoken).table.schema.names


def test_nothing_opens_without_a_reason_or_a_key(spoken: Workspace) -> None:
    with pytest.raises(VaultError, match="for a reason"):
        vectors.search(spoken, "lamp", reveal=" ")
    assert not reveals(spoken)
    (person,) = vectors.search(spoken, "lamp")["subject_id"].unique()
    spoken.vault.shred([person])
    found = vectors.search(spoken, "lamp", reveal="complaint 8")
    assert found.height == 2 and found["clear_text"].null_count() == 2


def test_a_shell_reveals_too(spoken: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENOTE_HOME", str(spoken.settings.home))
    monkeypatch.setenv("CENOTE_VAULT", str(spoken.settings.vault))
    asked = ["search", "broken lamp", "-k", "1", "--reveal", "complaint 9", "--format", "json"]
    found = CliRunner().invoke(app, asked)
    assert found.exit_code == 0 and CLEAR in found.output
    assert reveals(spoken) == ["complaint 9"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_cross_encoder_orders_the_hits_of_a_search(spoken: Workspace, tmp_path: Path) -> None:
    model = cross_encoder(tmp_path / "model")
    space = Workspace(spoken.settings.model_copy(update={"rerank_model": str(model)}), clock=spoken.clock)
    found = vectors.search(space, "broken lamp", k=2)
    pairs = [("broken lamp", text) for text in found["text"]]
    from sentence_transformers import CrossEncoder

    expected = CrossEncoder(str(model)).predict(pairs, show_progress_bar=False)
    assert found["score"].to_list() == pytest.approx(expected.tolist(), abs=1e-5)
    assert found["score"].is_sorted(descending=True) and found["rank"].to_list() == [1, 2]
    lost = Workspace(spoken.settings.model_copy(update={"rerank_model": str(tmp_path / "nothing")}))
    with pytest.raises(SearchError, match="CENOTE_RERANK_MODEL"):
        vectors.search(lost, "lamp")


def cross_encoder(folder: Path) -> Path:
    """A tiny cross-encoder with random weights, saved in a folder."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from cenote.embedding import packaged_folder

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(packaged_folder()))
    sizes: dict[str, Any] = {
        "num_labels": 1,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    config = BertConfig(vocab_size=tokenizer.vocab_size, **sizes)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
