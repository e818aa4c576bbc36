"""The head: vectors and features of a text's words in, log probabilities of labels out.

Belongs here: its arithmetic, and reading the packaged weights. Must not: training (training/), spans
(spans.py). One projection of the vectors, three convolutions over neighbouring words, one layer
to the labels. Texts lie in one row of words with gaps of nothing between them, filled up to a set number of words, so
the arithmetic of a text does not depend on other texts.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from transforms.tagger.features import Features
from transforms.tagger.spans import LABELS

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]

_GAP = 2  # words of nothing between texts: as far as a convolution looks
_FILLED = (128, 512)  # words that are computed at once
WEIGHTS = "tagger.safetensors"
SHA256 = "4768f5af34b2903cd97621586eedbd86fd8b2d1b503bb84ce786b9655e5c8a9e"
"""Digest of the packaged weights; other weights are refused."""


class Head:
    """The head with some weights: ``mix``, ``near``, ``wide``, ``far``, ``out``, each with a weight and a bias.

    Runs on the calling thread's torch threads: one is best, since products this small lose by waiting for each other.
    """

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._mix = _layer(weights, "mix")
        self._near = _layer(weights, "near")
        self._wide = _layer(weights, "wide")
        self._far = _layer(weights, "far")
        self._out = _layer(weights, "out")

    def __call__(self, vectors: Floats, features: Features, outside: float = 0.0) -> Floats:
        """Log probabilities, words x labels. ``outside``: taken from the label for no mark, so that more is marked."""
        return self.together([vectors], [features], outside)[0]

    def together(self, vectors: Sequence[Floats], features: Sequence[Features], outside: float = 0.0) -> list[Floats]:
        """The same of several texts at once: they lie in one row of words, with gaps between them."""
        import torch
        from torch.nn import functional

        if not vectors:
            return []
        sizes = np.array([len(text) for text in vectors], np.int64)
        begins = np.cumsum(sizes + _GAP) - sizes - _GAP
        rows = (
            _FILLED[0]
            if begins[-1] + sizes[-1] <= _FILLED[0]
            else -int(-(begins[-1] + sizes[-1]) // _FILLED[1]) * _FILLED[1]
        )
        at = np.arange(sizes.sum()) + np.repeat(begins - np.cumsum(sizes) + sizes, sizes)
        wide, seen = (
            np.zeros((rows, vectors[0].shape[1]), np.float32),
            np.zeros((rows, features[0].shape[1]), np.float32),
        )
        wide[at], seen[at] = np.concatenate(vectors), np.concatenate(features)
        here = np.zeros((rows, 1), np.float32)
        here[at] = 1
        with torch.inference_mode():
            there = torch.from_numpy(here)
            x = functional.gelu(functional.linear(torch.from_numpy(wide), *self._mix), approximate="tanh")
            x = torch.cat([x, torch.from_numpy(seen)], 1) * there
            x = functional.gelu(functional.linear(_beside(x), *self._near), approximate="tanh") * there
            x = functional.gelu(functional.linear(_beside(x), *self._wide), approximate="tanh") * there
            x = x + functional.gelu(functional.linear(_beside(x, 2), *self._far), approximate="tanh")
            scores = functional.linear(x, *self._out)
            scores[:, 0] -= outside
            found: Floats = functional.log_softmax(scores, 1).numpy()
        return [found[begin : begin + size] for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True)]


def _layer(weights: dict[str, Floats], name: str) -> "tuple[Tensor, Tensor]":
    import torch

    weight = weights[f"{name}.weight"].astype(np.float32)
    if weight.ndim == 3:  # a convolution: out x in x 3, used on the word before, the word and the word after
        weight = weight.transpose(0, 2, 1).reshape(len(weight), -1)
    return torch.from_numpy(np.ascontiguousarray(weight)), torch.from_numpy(weights[f"{name}.bias"].astype(np.float32))


def _beside(x: "Tensor", step: int = 1) -> "Tensor":
    """Each word's numbers between those of the words so many steps before and after; zeros outside the text."""
    import torch
    from torch.nn import functional

    wider = functional.pad(x, (0, 0, step, step))
    return torch.cat([wider[: len(x)], x, wider[2 * step :]], 1)


@cache
def packaged_head() -> Head:
    """The head with the packaged weights. Raises ``ValueError`` where they are not those that were measured."""
    from safetensors.numpy import load

    data = (files("transforms.resources") / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"the packaged weights {WEIGHTS} are not those that were measured; reinstall the package")
    weights = load(data)
    if len(weights["out.bias"]) != LABELS:
        raise ValueError(f"the packaged weights {WEIGHTS} know other kinds than this version; reinstall the package")
    return Head(weights)
