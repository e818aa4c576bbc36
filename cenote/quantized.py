"""Linear layers whose products are taken in 8-bit integers, for CPUs with units for them (VNNI, AMX).

Belongs here: how weights and inputs become 8-bit integers, and their products. Must not: the model around them
(cenote/encoder.py), whether they are used (cenote/precision.py). Reasons and figures: docs/decisions/0009-vectors.md.

Weights have a scale per output, inputs one per token. A few inputs of a layer are far larger than all others, the same
ones in every text; each of these is spread over several columns, so that the scale need not make room for it.
"""

import heapq
from collections.abc import Sequence

import torch
from torch import Tensor

_SPREAD = 128  # columns that are added for the largest inputs
_BLOCK = 256  # inputs that share scales; a layer with more has several blocks
_ROWS = 64  # rows are filled up to a multiple of it: each number of rows costs the making of a kernel
_ROUND = float(2**23)  # a float32 from here on is a whole number, held in its low bits: adding it rounds
_LEAST_GELU = -0.17  # no smaller value leaves the activation
_MOST_GELU = -254 * _LEAST_GELU  # larger ones are cut: 43, where ordinary texts reach 25
_TINY = 1e-12


def available() -> bool:
    """Whether this CPU multiplies 8-bit integers faster than floats, and this torch has the products."""
    known = torch.cpu.get_capabilities()
    units = any(known.get(unit) for unit in ("avx512_vnni", "avx_vnni", "amx_int8"))
    return units and hasattr(torch.ops.onednn, "qlinear_pointwise") and hasattr(torch.ops.onednn, "qlinear_prepack")


class _Product:
    """8-bit weights (out x in), packed, with a scale per output. ``total``: what an input of one everywhere gives."""

    def __init__(self, weight: Tensor) -> None:
        self._scale = weight.abs().amax(1).clamp_min(_TINY) / 127
        whole = (weight / self._scale[:, None]).round().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(whole, None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.total = self._scale * whole.sum(1)

    def __call__(self, x: Tensor, offset: Tensor | None = None) -> Tensor:
        """Products of uint8 inputs (rows x in) with the weights, plus an offset per output: rows x out, float32."""
        found: Tensor = torch.ops.onednn.qlinear_pointwise(
            x, 1.0, 0, self._packed, self._scale, self._zeros, offset, 1.0, 0, torch.float32, "none", [], ""
        )
        return found


class SignedLinear:
    """A linear layer for inputs of either sign. ``peaks``: each input's largest size, where some stand out."""

    def __init__(self, weight: Tensor, bias: Tensor, peaks: Tensor | None = None) -> None:
        self._spread: tuple[Tensor, Tensor] | None = None
        if peaks is not None:
            shares = spread(peaks.tolist())
            added = torch.tensor([n for n, share in enumerate(shares) for _ in range(share - 1)])
            part = 1 / torch.tensor(shares)
            self._spread = added, torch.cat([part, part[added]])
            weight = torch.cat([weight, weight[:, added]], 1)
        self._product = _Product(weight)
        self._bias = bias
        self._offset = -128 * self._product.total  # bytes have no sign: 128 stands for 0
        self._zero = torch.full((weight.shape[1],), _ROUND + 128)

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (rows x out) of inputs (rows x in)."""
        if self._spread:
            added, part = self._spread
            x = torch.cat([x, x[:, added]], 1).mul_(part)
        scale = torch.maximum(x.amax(1, True), x.amin(1, True).neg_()).clamp_min_(_TINY).div_(127)
        whole = torch.addcmul(self._zero, x, scale.reciprocal())
        found = self._product(_bytes(whole), self._offset)[: len(x)]
        return torch.addcmul(self._bias, found, scale, out=found)


class GeluLinear:
    """A linear layer for inputs that come from a GELU, hence have hardly a sign; scales are per block of inputs."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._products = [_Product(block) for block in weight.split(_BLOCK, 1)]
        self._bias = bias + _LEAST_GELU * torch.stack([product.total for product in self._products]).sum(0)

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (rows x out) of inputs (rows x in)."""
        found = self._bias
        for block, product in zip(x.split(_BLOCK, 1), self._products, strict=True):
            step = (block.amax(1, True) - _LEAST_GELU).clamp_min_(_TINY).div_(255)
            # The least value is made a whole number of steps, so that it is the same for all rows once multiplied.
            zero = (-_LEAST_GELU / step).floor_()
            if zero.min() < 1:
                block, zero = block.clamp_max(_MOST_GELU), zero.clamp_min_(1)
            step = -_LEAST_GELU / zero
            whole = torch.addcmul(zero + _ROUND, block, step.reciprocal())
            part = product(_bytes(whole))[: len(x)]
            found = torch.addcmul(found, part, step, out=part)
        return found


def spread(peaks: Sequence[float], added: int = _SPREAD) -> list[int]:
    """Over how many columns each input is spread, ``added`` more in all, so that the largest share is least."""
    shares = [1] * len(peaks)
    largest = [(-peak, n) for n, peak in enumerate(peaks)]
    heapq.heapify(largest)
    for _ in range(added):
        _, n = largest[0]
        shares[n] += 1
        heapq.heapreplace(largest, (-peaks[n] / shares[n], n))
    return shares


def _bytes(whole: Tensor) -> Tensor:
    """Whole numbers from 0 to 255 above ``_ROUND`` as bytes, rows filled up with whatever."""
    rows = -(-len(whole) // _ROWS) * _ROWS
    found = torch.empty(rows, whole.shape[1], dtype=torch.uint8)
    found[: len(whole)].copy_(whole.view(torch.int32))
    return found
