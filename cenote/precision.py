"""Which precision the packaged model is run in: the fastest on this CPU that agrees with float32.

Belongs here: what may be tried on a CPU, and the probe that chooses. Must not: the arithmetic (cenote/encoder.py,
cenote/quantized.py), batches and threads (cenote/embedding.py). Imported where a model is loaded: it needs torch.
"""

import logging
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cenote.encoder import Encoder
from cenote.ordinary import ORDINARY

Vectors = NDArray[np.float32]
Tokens = Sequence[Sequence[int]]

_LOG = logging.getLogger("cenote")

AGREES = 0.999  # mean cosine to float32
_LEAST = 0.998  # of any text of the probe
_GAIN = 1.15  # least gain in speed for which a precision other than float32 is chosen
_RUNS = 5


class Forward(Protocol):
    """The model in some precision."""

    precision: str
    dimension: int

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Sentence vectors (batch x dimension, length 1) of token ids (batch x longest, padded) and lengths."""


def forward(
    folder: Path, exact: Encoder, ids: Callable[[str], list[int]], workers: int, precision: str | None = None
) -> Forward:
    """The model of a folder in a precision, or in the fastest that agrees with ``exact``, the one in float32.

    ``ids`` gives a text's token ids; ``workers`` is how many threads call the model at once.
    """

    def made(kind: str) -> Forward:
        if kind == "int8":
            from cenote.quantized import QuantizedEncoder

            return QuantizedEncoder(folder, exact, [ids(text) for text in ORDINARY], workers)
        return exact if kind == exact.precision else Encoder(folder, kind)

    if precision:
        return made(precision)
    found: list[Forward] = [exact]
    for kind in candidates()[1:]:
        try:
            found.append(made(kind))
        except (ImportError, RuntimeError) as error:  # of OpenVINO, on a machine that it cannot use
            _LOG.warning("embedding in %s is not possible here (%s): float32 is used", kind, type(error).__name__)
    return exact if len(found) == 1 else fastest(found, [ids(text) for text in _PROBE])


def candidates() -> list[str]:
    """Precisions worth trying on this CPU, float32 first."""
    known = torch.cpu.get_capabilities()
    short = bool(known.get("amx_bf16") or known.get("avx512_bf16"))
    whole = any(known.get(unit) for unit in ("avx512_vnni", "avx_vnni", "amx_int8"))
    return ["float32", *["bfloat16"] * short, *["int8"] * (whole and find_spec("openvino") is not None)]


def fastest(encoders: Sequence[Forward], tokens: Tokens) -> Forward:
    """The fastest of some encoders that agrees with the first (float32) on a probe; the first unless one gains."""
    exact = encoders[0]
    expected = run(exact, tokens)
    agreed = [e for e in encoders if _agrees((run(e, tokens) * expected).sum(1))]
    best = _seconds(agreed, tokens)
    quickest = min(agreed, key=lambda e: best[e.precision])
    return quickest if best[quickest.precision] * _GAIN < best[exact.precision] else exact


def _agrees(cosines: Vectors) -> bool:
    return bool(cosines.mean() >= AGREES and cosines.min() >= _LEAST)


def run(encoder: Forward, tokens: Tokens) -> Vectors:
    """Vectors of one batch of token ids."""
    longest = max(map(len, tokens))
    ids = torch.tensor([[*row, *(0,) * (longest - len(row))] for row in tokens])
    with torch.inference_mode():
        found: Vectors = encoder(ids, torch.tensor([len(row) for row in tokens])).numpy()
    return found


def _seconds(encoders: Sequence[Forward], tokens: Tokens) -> dict[str, float]:
    """CPU seconds for one batch by precision, best of some, in turn: other processes do not disturb it."""
    best = {e.precision: float("inf") for e in encoders}
    for _ in range(_RUNS):
        for e in encoders:
            begun = time.process_time()
            run(e, tokens)
            best[e.precision] = min(best[e.precision], time.process_time() - begun)
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
