"""Which precision the packaged model is run in: the fastest on this CPU that agrees with float32.

Belongs here: what may be tried on a CPU, and the probe that chooses. Must not: the arithmetic (cenote/encoder.py),
batches and threads (cenote/embedding.py). Imported where a model is loaded: it needs torch.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cenote.encoder import Encoder

Vectors = NDArray[np.float32]
Tokens = Sequence[Sequence[int]]

AGREES = 0.999  # least cosine to float32
_GAIN = 1.15  # least gain in speed for which a precision other than float32 is chosen
_RUNS = 5


def encoder(folder: Path, exact: Encoder, ids: Callable[[str], list[int]], precision: str | None = None) -> Encoder:
    """The model of a folder in a precision, or in the fastest that agrees with ``exact``, the one in float32."""
    kinds = [precision] if precision else candidates()
    made = [exact if kind == exact.precision else Encoder(folder, kind) for kind in kinds]
    return made[0] if len(made) == 1 else fastest(made, [ids(text) for text in _PROBE])


def candidates() -> list[str]:
    """Precisions worth trying on this CPU, float32 first."""
    known = torch.cpu.get_capabilities()
    short = bool(known.get("amx_bf16") or known.get("avx512_bf16"))
    return ["float32", *["bfloat16"] * short]


def fastest(encoders: Sequence[Encoder], tokens: Tokens) -> Encoder:
    """The fastest of some encoders that agrees with the first (float32) on a probe; the first unless one gains."""
    exact = encoders[0]
    expected = run(exact, tokens)
    agreed = [e for e in encoders if (run(e, tokens) * expected).sum(1).min() >= AGREES]
    best = _seconds(agreed, tokens)
    quickest = min(agreed, key=lambda e: best[e.precision])
    return quickest if best[quickest.precision] * _GAIN < best[exact.precision] else exact


def run(encoder: Encoder, tokens: Tokens) -> Vectors:
    """Vectors of one batch of token ids."""
    longest = max(map(len, tokens))
    ids = torch.tensor([[*row, *(0,) * (longest - len(row))] for row in tokens])
    with torch.inference_mode():
        found: Vectors = encoder(ids, torch.tensor([len(row) for row in tokens])).numpy()
    return found


def _seconds(encoders: Sequence[Encoder], tokens: Tokens) -> dict[str, float]:
    """CPU seconds of this thread for one batch by precision, best of some, in turn: others do not disturb it."""
    best = {e.precision: float("inf") for e in encoders}
    for _ in range(_RUNS):
        for e in encoders:
            begun = time.thread_time()
            run(e, tokens)
            best[e.precision] = min(best[e.precision], time.thread_time() - begun)
    return best


_PROBE = (
    "The parcel came two days late, but the box was whole.",
    "Wireless headphones with thirty hours of battery and a soft case for the road",
    "How do I send back a pair of shoes that does not fit, and when do I get my money?",
    "Invoice for office chairs, delivered to the second floor; payable within thirty days without deduction.",
    "Great value for so little money!",
    "Customers may return unused goods within thirty days of delivery. The shop pays for the way back when the "
    "goods were faulty, and refunds the full price to the card that paid, within five working days of arrival.",
    "Not what I ordered.",
    "ORDER 4471-B / 2 pcs / 19.90 EUR / returned 2026-03-14",
    "My card was charged twice for the same train ticket, why?",
    "Livraison rapide, mais le carton était ouvert et il manque une vis.",
    "Patients with a low dose had fewer side effects (12 of 80, p = 0.03); nothing else differed between the groups.",
    "The reader warms the lamp for about two minutes before the first page, so do not open the lid in between.",
)
