"""How long a search takes among many passages: ``python -m benchmarks latency [--passages N]``.

Passages are made of four messages of BANKING77 each, their vectors of those messages' vectors and some noise, so
nothing but 2,000 messages is embedded. Questions are other messages, embedded before the clock starts: figures are what
a search takes beyond that, in a process that made nothing and has answered each once, as a service has. Recall@10 of
the vector index against exact search is measured as the check does.
"""

import argparse
import hashlib
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.search import DATA, MODES, banking77
from cenote import vectors
from cenote.embedding import embedder, lake_embedder
from cenote.settings import Settings
from cenote.vectors import recall
from cenote.vectors.store import Store
from cenote.workspace import Workspace
from transforms.passages import SCHEMA

SLICE = 20_000


def passages(messages: pl.Series, chosen: np.ndarray, first: int) -> pl.DataFrame:
    """Passages of four messages each, numbered from ``first``."""
    texts = [" ".join(messages[row.tolist()]) for row in chosen]
    ids = [f"{n:024x}-{n:010d}" for n in range(first, first + len(texts))]
    return pl.DataFrame(
        {
            "passage_id": [f"{one}#messages#0" for one in ids],
            "lineage_id": ids,
            "namespace": "messages",
            "dataset": "messages",
            "subject_id": None,
            "mentions": [[] for _ in ids],
            "chunk": 0,
            "title": None,
            "text": texts,
            "content_hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
            "at": None,
            "metadata": "{}",
        },
        schema=SCHEMA,
        strict=False,
    )


def fill(space: Workspace, messages: pl.Series, count: int) -> None:
    """Write ``count`` passages and their vectors."""
    model, random, store = embedder(), np.random.default_rng(7), Store(space)
    embedded = model.encode(messages.to_list())
    store.create(model.name, model.dimension)
    for first in range(0, count, SLICE):
        chosen = random.integers(0, len(messages), (min(SLICE, count - first), 4))
        mixed = embedded[chosen].sum(1) + random.normal(0, 0.03, (len(chosen), model.dimension))
        told = passages(messages, chosen, first)
        store.upsert(told, (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=100)
    args, _ = parser.parse_known_args()
    messages = banking77(DATA, messages=2_000 + args.questions).documents["text"]
    questions = messages[2_000:].to_list()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        space = lake_of(home)
        fill(space, messages[:2_000], args.passages)
        begun = time.perf_counter()
        how = vectors.ensure_indexes(space).details["vector_index"]
        print(f"{args.passages:,} passages ({how}), indexed in {time.perf_counter() - begun:.0f} s")
        print(f"  {recall.measure(space) or 'exact'}")
        os.sync()  # what was just written is not to be brought to the disk while questions are asked
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            for line in apart.submit(ask, home, questions).result():
                print(line)


def ask(home: Path, questions: list[str]) -> list[str]:
    """How long the questions take, by mode."""
    space = lake_of(home)
    for question in questions:
        lake_embedder(space.settings).query(question)
    for mode in MODES:
        for question in questions:
            vectors.search(space, question, mode=mode)
    told = []
    for mode in MODES:
        taken = []
        for question in questions:
            begun = time.perf_counter()
            vectors.search(space, question, mode=mode)
            taken.append(1000 * (time.perf_counter() - begun))
        p50, p90, p99 = np.percentile(taken, [50, 90, 99])
        told.append(f"  {mode:7} p50 {p50:6.1f} ms  p90 {p90:6.1f} ms  p99 {p99:6.1f} ms")
    return told


def lake_of(home: Path) -> Workspace:
    """The lake below a folder."""
    return Workspace(Settings(home=home / "data", vault=home / "vault"))  # type: ignore[call-arg]


if __name__ == "__main__":
    main()
