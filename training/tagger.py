"""Train the tagger and write its weights: ``python -m training.tagger [--examples N] [--seed N] [--out FILE]``.

Belongs here: fitting the head on vectors of the frozen encoder, and judging it on the two development sets. Must not:
text (examples.py, prose.py), what runs in use (transforms/tagger). About three minutes of one core; the same seed on
the same kind of machine gives the same weights.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cenote.tagging import LAYERS, WordEncoder
from training.examples import Example, examples
from training.prose import prose
from transforms.tagger.features import LISTED, WIDTH, features
from transforms.tagger.head import WEIGHTS, Head
from transforms.tagger.spans import KINDS, LABELS, spans

PACKAGED = Path(__file__).resolve().parents[1] / "transforms" / "resources" / WEIGHTS
_GAP = 2  # rows of nothing between texts that lie in one batch


@dataclass(frozen=True)
class Set:
    """Texts with their words' vectors, features and labels, one text after the other; text n begins at ``at[n]``."""

    texts: list[Example]
    offsets: list[list[tuple[int, int]]]
    vectors: NDArray[np.float16]
    features: NDArray[np.uint8]
    labels: NDArray[np.int64]
    at: NDArray[np.int64]


class Net(nn.Module):
    """The head as it is trained; transforms/tagger/head.py is the same in use."""

    def __init__(self, vector: int, inner: int = 192, hidden: int = 256, drop: float = 0.2) -> None:
        super().__init__()
        self.mix = nn.Linear(vector, inner)
        self.near = nn.Conv1d(inner + WIDTH, hidden, 3, padding=1)
        self.wide = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.far = nn.Conv1d(hidden, hidden, 3, padding=2, dilation=2)
        self.out = nn.Linear(hidden, LABELS)
        self.drop = nn.Dropout(drop)

    def forward(self, vectors: Tensor, seen: Tensor, there: Tensor) -> Tensor:
        """Scores of labels of words that lie in one row; ``there`` is 0 in the gaps between texts."""
        x = functional.gelu(self.mix(self.drop(vectors)), approximate="tanh")
        x = torch.cat([x, seen], -1) * there[:, None]
        x = functional.gelu(self.near(x.T[None]), approximate="tanh")
        x = self.drop(x) * there
        x = functional.gelu(self.wide(x), approximate="tanh") * there
        x = x + functional.gelu(self.far(self.drop(x)), approximate="tanh")
        return self.out(self.drop(x)[0].T)


def read(texts: list[Example], encoder: WordEncoder) -> Set:
    """Vectors and features of texts."""
    words = [(w.offsets, w.vectors.astype(np.float16)) for w in encoder.words([e.text for e in texts])]
    offsets = [o for o, _ in words]
    return Set(
        texts, offsets, np.concatenate([v for _, v in words]),
        np.concatenate([features(e.text, o) for e, o in zip(texts, offsets, strict=True)]),
        np.concatenate([_labels(e, o) for e, o in zip(texts, offsets, strict=True)]),
        np.cumsum([0, *map(len, offsets)]),
    )  # fmt: skip


def _labels(example: Example, offsets: list[tuple[int, int]]) -> NDArray[np.int64]:
    found = np.zeros(len(offsets), np.int64)
    for start, end, kind in example.spans:
        inside = [n for n, (low, high) in enumerate(offsets) if low < end and high > start]
        found[inside] = 2 + 2 * KINDS.index(kind)
        found[inside[:1]] -= 1
    return found


def _batches(data: Set, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Rows of words of some texts with gaps (-1) between them, all texts once in random order."""
    order = rng.permutation(len(data.texts))
    for begin in range(0, len(order), size):
        gap = np.full(_GAP, -1)
        parts = [(np.arange(data.at[n], data.at[n + 1]), gap) for n in order[begin : begin + size]]
        yield np.concatenate([array for part in parts for array in part])


def fit(data: Set, *, seed: int, epochs: int, size: int = 24, rate: float = 2e-3) -> Net:
    """A head fitted to texts. Whole words are blanked and lists hidden now and then, names most often."""
    torch.set_num_threads(1)  # products this small gain nothing from threads, and wait long for them on busy cores
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net(data.vectors.shape[1])
    steps = epochs * -(-len(data.texts) // size)
    descent = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    pace = torch.optim.lr_scheduler.OneCycleLR(descent, rate, steps, pct_start=0.1)
    weights = torch.tensor([1.0] + [1.3] * (LABELS - 1))
    for _ in range(epochs):
        for rows in _batches(data, size, rng):
            there = rows >= 0
            marked = there & (data.labels[rows] > 0)
            vectors = data.vectors[rows].astype(np.float32)
            vectors[~there | (rng.random(len(rows)) < np.where(marked, 0.16, 0.08))] = 0
            seen = data.features[rows].astype(np.float32)
            seen[~there] = 0
            seen[rng.random(len(rows)) < 0.3, LISTED] = 0
            labels = torch.from_numpy(np.where(there, data.labels[rows], -100))
            scores = net(torch.from_numpy(vectors), torch.from_numpy(seen), torch.from_numpy(there.astype(np.float32)))
            loss = functional.cross_entropy(scores, labels, weights, ignore_index=-100, label_smoothing=0.02)
            descent.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            descent.step()
            pace.step()
    return net


def weights_of(net: Net) -> dict[str, NDArray[np.float16]]:
    """The weights as they are packaged."""
    return {name: value.detach().half().numpy() for name, value in net.state_dict().items()}


def judge(weights: dict[str, NDArray[np.float16]], data: Set, outside: float = 0.0) -> dict[str, float]:
    """Recall and precision of exact spans whatever their kind, and F2."""
    head = Head({name: value.astype(np.float32) for name, value in weights.items()})
    hits = found = marked = 0
    for n, example in enumerate(data.texts):
        rows = slice(data.at[n], data.at[n + 1])
        scores = head(data.vectors[rows].astype(np.float32), data.features[rows], outside)
        have = {span[:2] for span in spans(scores, example.text, data.offsets[n])}
        want = {span[:2] for span in example.spans}
        hits, found, marked = hits + len(have & want), found + len(have), marked + len(want)
    recall, precision = hits / marked, hits / max(found, 1)
    f2 = 5 * recall * precision / (4 * precision + recall) if hits else 0.0
    return {"recall": recall, "precision": precision, "f2": f2}


def main() -> None:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=16000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    options = parser.parse_args()
    encoder = WordEncoder()
    data = read(examples(options.examples, options.seed), encoder)
    weights = weights_of(fit(data, seed=options.seed, epochs=options.epochs))
    for name, texts in (("unseen skeletons", examples(1500, 2, dev=True)), ("prose by hand", prose())):
        told = {key: round(value, 4) for key, value in judge(weights, read(texts, encoder)).items()}
        print(json.dumps({"set": name, "texts": len(texts), **told}))
    from safetensors.numpy import save

    written = save(weights, {"layers": ",".join(map(str, LAYERS)), "kinds": ",".join(KINDS)})
    options.out.write_bytes(written)
    print(json.dumps({"file": options.out.name, "bytes": len(written), "sha256": hashlib.sha256(written).hexdigest()}))


if __name__ == "__main__":
    main()
