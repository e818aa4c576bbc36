"""Passages per second and agreement, against sentence-transformers' defaults: ``python -m benchmarks embedding``.

The packaged model on texts of about 60, 300 and 875 characters (BANKING77, PubMedQA), each precision that this CPU is
offered and sentence-transformers' ``encode`` in turn on the same texts, best of some rounds. CPU seconds hold those of
all threads; sentence-transformers' wait for each other busily. Agreement is the least and the mean cosine to float32.
"""

import argparse
import math
import random
import time
from collections.abc import Callable, Sequence

from benchmarks.search import DATA, banking77, pubmedqa


def samples(each: int) -> dict[str, list[str]]:
    """Short, medium and long texts."""
    messages = banking77(DATA).documents["text"].to_list()
    documents = pubmedqa(DATA).documents["text"].to_list()
    return {
        "short": random.Random(7).sample(messages, min(4 * each, len(messages))),
        "medium": [text[:300] for text in documents[:each]],
        "long": [text[:875] for text in documents[: each // 2]],
    }


def measured(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Least wall and CPU seconds of each run, in turn."""
    best = dict.fromkeys(runs, (math.inf, math.inf))
    for _ in range(rounds):
        for name, run in runs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            best[name] = min(best[name][0], wall), min(best[name][1], cpu)
    return best


def report(kind: str, texts: Sequence[str], runs: dict[str, Callable[[], object]], rounds: int) -> None:
    """Print the speed of each run on some texts; the first is what the others are compared with."""
    best = measured(runs, rounds)
    print(f"{kind}: {len(texts)} texts of {sum(map(len, texts)) / len(texts):.0f} characters")
    first_wall, first_cpu = next(iter(best.values()))
    for name, (wall, cpu) in best.items():
        times = f"{first_wall / wall:4.2f} times by wall, {first_cpu / cpu:4.2f} by CPU"
        print(f"  {name:22} {len(texts) / wall:7.0f} passages/s  {1000 * cpu / len(texts):6.2f} CPU ms each  {times}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    args, _ = parser.parse_known_args()
    from sentence_transformers import SentenceTransformer

    from cenote.embedding import PackagedModel, packaged_folder
    from cenote.precision import candidates

    other = SentenceTransformer(str(packaged_folder()))
    models = {kind: PackagedModel(kind) for kind in candidates()}
    print(f"chosen by the probe: {PackagedModel().chosen.precision}")
    texts = samples(args.texts)
    for kind, some in texts.items():
        runs: dict[str, Callable[[], object]] = {
            "sentence-transformers": lambda some=some: other.encode(some, show_progress_bar=False)  # type: ignore[misc]
        }
        for precision, model in models.items():
            runs[f"cenote ({precision})"] = lambda model=model, some=some: model.encode(some)  # type: ignore[misc]
        report(kind, some, runs, args.rounds)
    every = [text for some in texts.values() for text in some]
    exact = models["float32"].encode(every)
    for precision, model in models.items():
        near = (exact * model.encode(every)).sum(1)
        print(f"{precision}: cosine to float32 {near.min():.5f} at least, {near.mean():.5f} in the mean of {near.size}")


if __name__ == "__main__":
    main()
