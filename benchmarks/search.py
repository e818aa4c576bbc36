"""Retrieval on published questions: ``python -m benchmarks search [--documents N] [--messages N]``.

PubMedQA: each question should find its own abstract. BANKING77: each message should find messages of its intent.
Figures are nDCG@10 and recall@10 (of at most ten relevant ones), for text, vector and hybrid search.
"""

import argparse
import csv
import json
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cenote import vectors
from cenote.lineage import record_ids
from cenote.settings import Settings
from cenote.tables import Commit
from cenote.workspace import Workspace
from transforms.contract import Contract, Field, Passage

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "retrieval"
MODES = ("text", "vector", "hybrid")


@dataclass(frozen=True)
class Questions:
    """Documents (``id``, ``text``) and questions, each with the ids that answer it and its own id, if it is one."""

    name: str
    documents: pl.DataFrame
    asked: Sequence[tuple[str, set[str], str | None]]


def pubmedqa(folder: Path, documents: int = 1000) -> Questions:
    """Questions whose answer is their own abstract."""
    entries = list(json.loads((folder / "pubmedqa" / "ori_pqal.json").read_text()).items())[:documents]
    texts = pl.DataFrame({"id": [key for key, _ in entries], "text": [" ".join(e["CONTEXTS"]) for _, e in entries]})
    return Questions("pubmedqa", texts, [(e["QUESTION"], {key}, None) for key, e in entries])


def banking77(folder: Path, messages: int = 10_003, questions: int = 500, seed: int = 7) -> Questions:
    """Messages whose answers are the other messages of their intent."""
    with (folder / "banking77" / "train.csv").open(newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    rows = random.Random(seed).sample(rows, min(messages, len(rows)))
    intents: dict[str, set[str]] = {}
    for n, (_, intent) in enumerate(rows):
        intents.setdefault(intent, set()).add(f"m{n}")
    texts = pl.DataFrame({"id": [f"m{n}" for n in range(len(rows))], "text": [text for text, _ in rows]})
    asked = [(text, intents[i] - {f"m{n}"}, f"m{n}") for n, (text, i) in enumerate(rows[:questions])]
    return Questions("banking77", texts, [question for question in asked if question[1]])


def lake_of(space: Workspace, questions: Questions) -> Workspace:
    """Write the documents as silver of a dataset ``documents``, embed and index them."""
    fields = (Field("id", "$.id", "string", primary_key=True), Field("text", "$.text", "string"))
    told = (Passage("documents", "{text}", metadata=("id",)),)
    contract = Contract("documents", "1.0.0", "", "", fields, passages=told)
    space.__dict__["contracts"] = {"documents": contract}
    rows = questions.documents.select(
        record_ids("0" * 24, 0, questions.documents.height),
        pl.lit(None, pl.String).alias("subject_id"),
        pl.lit([], pl.List(pl.String)).alias("mentions"),
        "id",
        "text",
    )
    space.table("silver", "documents").append(rows, Commit("silver"))
    vectors.build(space, "documents")
    vectors.ensure_indexes(space)
    return space


def quality(space: Workspace, questions: Questions, mode: str, k: int = 10) -> tuple[float, float]:
    """Mean nDCG@k and recall@k (of at most k relevant documents) over all questions."""
    gains = [1 / math.log2(place + 2) for place in range(k)]
    ndcg = recall = 0.0
    for text, relevant, own in questions.asked:
        hits = vectors.search(space, text, k=3 * k, mode=mode)["metadata"]
        found = dict.fromkeys(json.loads(m)["id"] for m in hits)  # a document counts where its best passage stands
        found.pop(own, None)
        right = [document in relevant for document in list(found)[:k]]
        best = min(k, len(relevant))
        ndcg += sum(gain for gain, yes in zip(gains, right, strict=False) if yes) / sum(gains[:best])
        recall += sum(right) / best
    return ndcg / len(questions.asked), recall / len(questions.asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=10_003)
    args, _ = parser.parse_known_args()
    medical, banking = pubmedqa(DATA, args.documents), banking77(DATA, args.messages)
    for questions in (medical, banking):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            space = Workspace(Settings(home=home / "data", vault=home / "vault"))  # type: ignore[call-arg]
            begun = time.perf_counter()
            lake_of(space, questions)
            count = vectors.passages(space, "documents").height
            print(f"{questions.name}: {count} passages embedded and indexed in {time.perf_counter() - begun:.1f} s")
            for mode in MODES:
                begun = time.perf_counter()
                ndcg, recall = quality(space, questions, mode)
                each = 1000 * (time.perf_counter() - begun) / len(questions.asked)
                print(f"  {mode:7} nDCG@10 {ndcg:.3f}  recall@10 {recall:.3f}  {each:5.1f} ms a question")


if __name__ == "__main__":
    main()
