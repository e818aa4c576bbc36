"""The head: vectors and features of a text's words in, log probabilities of labels out.

Belongs here: its arithmetic in numpy, and reading the packaged weights. Must not: training (training/), spans
(spans.py). One projection of the vectors, two convolutions over neighbouring words, one layer to the labels. A text is
computed by itself, so its scores do not depend on other texts.
"""

import hashlib
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from transforms.tagger.features import Features
from transforms.tagger.spans import LABELS

Floats = NDArray[np.float32]

WEIGHTS = "tagger.safetensors"
SHA256 = "2a75129fe1ca0f8d0afbf65dba2ad53d73147bbda874f896f543c636fe0d7a9e"
"""Digest of the packaged weights; other weights are refused."""

_C = np.float32(0.7978845608)  # sqrt(2 / pi)


class Head:
    """The head with some weights: ``mix``, ``near``, ``wide``, ``out``, each with a weight and a bias."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._mix = _layer(weights, "mix")
        self._near = _layer(weights, "near")
        self._wide = _layer(weights, "wide")
        self._out = _layer(weights, "out")

    def __call__(self, vectors: Floats, features: Features, outside: float = 0.0) -> Floats:
        """Log probabilities, words x labels. ``outside``: taken from the label for no mark, so that more is marked."""
        x = np.concatenate([_gelu(_times(vectors, self._mix)), features.astype(np.float32)], axis=1)
        x = _gelu(_times(_beside(x), self._near))
        x = _gelu(_times(_beside(x), self._wide))
        scores = _times(x, self._out)
        scores[:, 0] -= np.float32(outside)
        scores -= scores.max(1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(1, keepdims=True, dtype=np.float32))


def _layer(weights: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    weight = weights[f"{name}.weight"].astype(np.float32)
    if weight.ndim == 3:  # a convolution: out x in x 3, used on the word before, the word and the word after
        weight = weight.transpose(0, 2, 1).reshape(len(weight), -1)
    return np.ascontiguousarray(weight.T), weights[f"{name}.bias"].astype(np.float32)


def _times(x: Floats, layer: tuple[Floats, Floats]) -> Floats:
    return x @ layer[0] + layer[1]


def _beside(x: Floats) -> Floats:
    """Each word's numbers between those of the word before and after; zeros outside the text."""
    edge = np.zeros_like(x[:1])
    return np.concatenate([np.concatenate([edge, x[:-1]]), x, np.concatenate([x[1:], edge])], axis=1)


def _gelu(x: Floats) -> Floats:
    """GELU in its tanh form."""
    return np.float32(0.5) * x * (1 + np.tanh(_C * (x + np.float32(0.044715) * x * x * x)))


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
