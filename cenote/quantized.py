"""The packaged model in 8-bit integers, run by OpenVINO, for CPUs with units for them (VNNI, AMX).

Belongs here: how inputs and weights become 8-bit integers, the model written as OpenVINO's graph, and running it. Must
not: the model in floating point (cenote/encoder.py), whether this one is used (cenote/precision.py). Reasons and
figures: docs/decisions/0009-vectors.md.

OpenVINO joins product, GELU and rounding into one pass where scales are known beforehand. So each input of a layer has
a middle and a scale of its own, found on a few texts, and the weights take its inverse; each output of the weights has
a scale, as usual. The inputs that are far larger than all others are spread over several columns. The weights of the
last product of a block, whose roundings weigh most, are held in two bytes: a second product adds what the first lost.
"""

import heapq
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

from cenote.encoder import Encoder, Linear
from transforms.imports import without

if TYPE_CHECKING:
    from openvino import Model

Array = NDArray[np.float32]

_SPREAD_UP, _SPREAD_DOWN = 64, 128  # columns that are added for the largest inputs of a block's last two layers
_MARGIN = 1.25  # how far above what the few texts show an input may go before it is cut
_MARGIN_ATTENDED = 2.0  # the same for what attention gives: more, since it may fix on one token
_TO_WEIGHTS = 0.85  # how far the sizes of inputs are evened out at the weights' cost (1: wholly)
_LEAST_GELU = -0.17  # no smaller value leaves the activation
_HIDDEN = -1e9  # what keeps attention from padding


def openvino() -> Any:
    """OpenVINO, without the package that tells its maker over the net whenever it is imported."""
    if "openvino" not in sys.modules:
        with without("openvino_telemetry"):
            import openvino  # noqa: F401
    return sys.modules["openvino"]


class Rounding:
    """How a layer's inputs become bytes: ``columns`` of them, less ``low``, times ``factor``, cut to 0 .. 255.

    ``shares``: how often each column's input is among the columns; ``seen``: inputs on some texts (rows x in).
    """

    def __init__(self, columns: NDArray[np.int64], low: Array, factor: Array, shares: Array, seen: Array) -> None:
        self.columns, self.low, self.factor, self._shares = columns, low, factor, shares
        self._before, self._after = seen.mean(0), self(seen).mean(0)

    def __call__(self, values: Array) -> Array:
        """What whole numbers stand for inputs (rows x in): rows x columns."""
        scaled: Array = np.clip(np.rint((values[:, self.columns] - self.low) * self.factor), 0, 255)
        return scaled

    def fitted(self, weight: Array) -> Array:
        """The weight (out x in) for such numbers: out x columns."""
        return weight[:, self.columns] / (self.factor * self._shares)

    def lost(self, weight: Array, kept: Array) -> Array:
        """What the outputs' mean is short of, where ``kept`` is held of the fitted weight."""
        short: Array = self._before @ weight.T - self._after @ kept.T
        return short


def rounding(seen: Array, weight: Array, added: int = 0, margin: float = _MARGIN) -> Rounding:
    """How inputs, as seen on some texts (rows x in), are rounded for a weight (out x in)."""
    low, high = seen.min(0), seen.max(0)
    columns, shares = spread((high - low) / 2, added)
    sizes = ((high - low) / 2)[columns] / shares
    even = sizes**_TO_WEIGHTS / np.abs(weight).max(0)[columns] ** (1 - _TO_WEIGHTS)
    factor = 127.5 / (margin * (sizes / even).max()) / even / shares
    return Rounding(columns, ((low + high) / 2)[columns] - 127.5 / factor, factor, shares, seen)


def activated(seen: Array) -> Rounding:
    """How what leaves a GELU is rounded: with one scale, since which inputs are large hangs on the text."""
    peaks = seen.max(0) - _LEAST_GELU
    columns, shares = spread(peaks, _SPREAD_DOWN)
    factor = 255 / (_MARGIN * (peaks[columns] / shares).max()) / shares
    return Rounding(columns, np.full(len(columns), _LEAST_GELU, np.float32), factor, shares, seen)


def spread(peaks: Array, added: int) -> tuple[NDArray[np.int64], Array]:
    """Columns for inputs, ``added`` more than there are, so that the largest share is least.

    Also how many columns each column's input has.
    """
    shares = np.ones(len(peaks), np.int64)
    largest = [(-float(peak), n) for n, peak in enumerate(peaks)]
    heapq.heapify(largest)
    for _ in range(added):
        _, n = largest[0]
        shares[n] += 1
        heapq.heapreplace(largest, (-float(peaks[n]) / shares[n], n))
    columns = np.concatenate([np.arange(len(peaks)), np.repeat(np.arange(len(peaks)), shares - 1)])
    return columns, shares[columns].astype(np.float32)


class QuantizedEncoder:
    """The model of a folder in 8-bit integers, as ``Encoder`` is in floating point.

    ``texts`` are a few ordinary ones, as token ids; ``workers`` is how many threads call it at once.
    """

    precision = "int8"

    def __init__(self, folder: Path, exact: Encoder, texts: Sequence[Sequence[int]], workers: int) -> None:
        library = openvino()
        self.dimension = exact.dimension
        graph = Graph(load_file(folder / "model.safetensors"), exact.heads, exact.epsilon, seen(folder, texts))
        compiled = library.Core().compile_model(
            graph.model(),
            "CPU",
            {"NUM_STREAMS": workers, "INFERENCE_NUM_THREADS": workers, "INFERENCE_PRECISION_HINT": "f32"},
        )
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(workers):
            self._requests.put(compiled.create_infer_request())

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Sentence vectors (batch x dimension, length 1) of token ids (batch x longest, padded) and lengths."""
        kept = torch.arange(ids.shape[1]) < lengths[:, None]
        hidden = torch.zeros(kept.shape).masked_fill_(~kept, _HIDDEN)
        shares = kept / lengths[:, None]
        request = self._requests.get()
        try:
            request.infer([ids.int().numpy(), hidden[:, None, None].numpy(), shares[:, None].numpy()])
            found = torch.from_numpy(request.get_output_tensor(0).data.copy())
        finally:
            self._requests.put(request)
        return functional.normalize(found, dim=-1)


def seen(folder: Path, texts: Sequence[Sequence[int]]) -> list[Array]:
    """What goes into each linear layer in float32 on some texts: tokens x in, four layers to a block."""
    inputs: list[list[Array]] = []

    def watched(weight: Tensor, bias: Tensor) -> Linear:
        mine: list[Array] = []
        inputs.append(mine)

        def linear(x: Tensor) -> Tensor:
            mine.append(x.numpy().copy())
            return functional.linear(x, weight, bias)

        return linear

    watching = Encoder(folder, linear=watched)
    with torch.inference_mode():
        for ids in texts:
            watching(torch.tensor([ids]), torch.tensor([len(ids)]))
    return [np.concatenate(mine) for mine in inputs]


class Graph:
    """The model as OpenVINO's graph, its weights rounded; ``inputs`` is what ``seen`` gives."""

    def __init__(self, weights: dict[str, Array], heads: int, epsilon: float, inputs: list[Array]) -> None:
        self._op: Any = openvino().opset15
        self._weights, self._heads, self._epsilon, self._inputs = weights, heads, epsilon, inputs
        self._width = weights["embeddings.LayerNorm.weight"].size

    def model(self) -> "Model":
        """From token ids, what attention adds, and tokens' shares in the mean, to vectors."""
        op, library = self._op, openvino()
        ids = op.parameter([-1, -1], library.Type.i32)
        hidden = op.parameter([-1, 1, 1, -1], library.Type.f32)
        shares = op.parameter([-1, 1, -1], library.Type.f32)
        x = self._embedded(ids)
        for number in range(len(self._inputs) // 4):
            x = self._block(x, hidden, f"encoder.layer.{number}.", self._inputs[4 * number : 4 * number + 4])
        mean = op.squeeze(op.matmul(shares, x, False, False), self._whole(1))
        return library.Model([op.result(mean)], [ids, hidden, shares], "sentence")

    def _embedded(self, ids: Any) -> Any:
        op, first, second = self._op, self._whole(0), self._whole(1)
        places = self._weights["embeddings.position_embeddings.weight"]
        places = (places + self._weights["embeddings.token_type_embeddings.weight"][0])[None]
        words = op.gather(self._real(self._weights["embeddings.word_embeddings.weight"]), ids, op.constant(0))
        longest = op.gather(op.shape_of(ids), second, op.constant(0))
        here = op.slice(self._real(places), first, longest, second, second)
        return self._normalised(op.add(words, here), "embeddings.LayerNorm")

    def _block(self, x: Any, hidden: Any, name: str, inputs: Sequence[Array]) -> Any:
        op = self._op
        parts = [self._pair(f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        mixed = rounding(inputs[0], np.concatenate([weight for weight, _ in parts]))
        rounded = self._rounded(x, mixed)
        split = self._whole(0, 0, self._heads, self._width // self._heads), self._whole(0, 2, 1, 3)
        query, key, value = (
            op.transpose(op.reshape(self._product(rounded, mixed, *part), split[0], True), split[1]) for part in parts
        )
        attended = op.transpose(op.scaled_dot_product_attention(query, key, value, hidden), split[1])
        attended = op.reshape(attended, self._whole(0, 0, self._width), True)

        weight, bias = self._pair(f"{name}attention.output.dense")
        plain = rounding(inputs[1], weight, margin=_MARGIN_ATTENDED)
        out = self._product(self._rounded(attended, plain), plain, weight, bias)
        x = self._normalised(op.add(out, x), f"{name}attention.output.LayerNorm")

        # What is spread before the last product is made several times by the one before it.
        last = activated(inputs[3])
        weight, bias = (held[last.columns] for held in self._pair(f"{name}intermediate.dense"))
        wide = rounding(inputs[2], weight, _SPREAD_UP)
        rounded = self._rounded(op.gather(x, self._whole(*wide.columns), op.constant(2)), wide)
        up = self._rounded(op.gelu(self._product(rounded, wide, weight, bias), "erf"), last)
        down = self._product(up, last, *self._pair(f"{name}output.dense"), twice=True)
        return self._normalised(op.add(down, x), f"{name}output.LayerNorm")

    def _rounded(self, x: Any, how: Rounding) -> Any:
        op = self._op
        ends = self._real(0), self._real(255)
        moved = op.add(op.multiply(x, self._row(how.factor)), self._row(-how.low * how.factor))
        return op.fake_quantize(moved, *ends, *ends, 256)

    def _product(self, x: Any, how: Rounding, weight: Array, bias: Array, twice: bool = False) -> Any:
        """A layer on rounded inputs. The bias makes up for what rounding does to the outputs' mean."""
        op = self._op
        wanted = how.fitted(weight)
        scale = np.abs(wanted).max(1, keepdims=True) / 127
        kept = np.zeros_like(wanted)
        found = None
        for step in (scale, scale / 254)[: 1 + twice]:
            whole = np.rint((wanted - kept) / step)
            kept += whole * step
            known = op.multiply(op.convert(op.constant(whole.astype(np.int8)), "f32"), self._real(step))
            product = op.matmul(x, known, False, True)
            found = op.add(found, product) if found else product
        return op.add(found, self._row(bias + how.lost(weight, kept)))

    def _normalised(self, x: Any, name: str) -> Any:
        op = self._op
        weight, bias = map(self._row, self._pair(name))
        even = op.mvn(x, self._whole(-1), True, self._epsilon, "inside_sqrt")
        return op.add(op.multiply(even, weight), bias)

    def _pair(self, name: str) -> tuple[Array, Array]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _real(self, values: Any) -> Any:
        return self._op.constant(np.ascontiguousarray(values, np.float32))

    def _row(self, values: Array) -> Any:
        return self._real(values[None, None])

    def _whole(self, *values: int) -> Any:
        return self._op.constant(np.array(values, np.int64))
