"""The forward pass of all-MiniLM-L6-v2 on a CPU: token ids in, normalised sentence vectors out.

Belongs here: the arithmetic of a BERT encoder with mean pooling. Must not: choosing a precision, batching,
threads (cenote/embedding.py). It gives what sentence-transformers gives for the same model, without its seconds
of imports. In ``float32`` it is the model as published; in ``bfloat16`` the matrix products are taken in bfloat16
and everything else in float32, for CPUs with AMX or AVX512-BF16.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

Linear = Callable[[Tensor], Tensor]


def float32_linear(weight: Tensor, bias: Tensor) -> Linear:
    """A linear layer as it is."""
    weight = weight.contiguous()
    return lambda x: functional.linear(x, weight, bias)


def bfloat16_linear(weight: Tensor, bias: Tensor) -> Linear:
    """A linear layer whose product is taken in bfloat16."""
    short, short_bias = weight.bfloat16(), bias.bfloat16()
    return lambda x: functional.linear(x.bfloat16(), short, short_bias).float()


_LINEARS = {"float32": float32_linear, "bfloat16": bfloat16_linear}


class Encoder:
    """The model in one precision, from a folder with ``model.safetensors`` and ``config.json``.

    ``linear`` makes its linear layers of weight and bias instead: four to a block, in the order of their use.
    """

    def __init__(
        self,
        folder: Path,
        precision: str = "float32",
        weights: dict[str, Tensor] | None = None,
        linear: Callable[[Tensor, Tensor], Linear] | None = None,
    ) -> None:
        config = json.loads((folder / "config.json").read_text())
        w = weights if weights is not None else load_file(folder / "model.safetensors")
        self.precision = precision
        self.dimension: int = config["hidden_size"]
        self.heads: int = config["num_attention_heads"]
        self.epsilon: float = config["layer_norm_eps"]
        self._words = w["embeddings.word_embeddings.weight"]
        self._places = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
        self._norm = self._pair(w, "embeddings.LayerNorm")
        make = linear or _LINEARS[precision]
        self._layers = [self._layer(w, f"encoder.layer.{n}.", make) for n in range(config["num_hidden_layers"])]

    @staticmethod
    def _pair(w: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
        return w[f"{name}.weight"], w[f"{name}.bias"]

    def _layer(self, w: dict[str, Tensor], name: str, make: Callable[[Tensor, Tensor], Linear]) -> tuple[Any, ...]:
        parts = [self._pair(w, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        return (
            make(torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])),
            make(*self._pair(w, f"{name}attention.output.dense")),
            self._pair(w, f"{name}attention.output.LayerNorm"),
            make(*self._pair(w, f"{name}intermediate.dense")),
            make(*self._pair(w, f"{name}output.dense")),
            self._pair(w, f"{name}output.LayerNorm"),
        )

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Sentence vectors (batch x dimension, length 1) of token ids (batch x longest, padded) and lengths."""
        kept = (torch.arange(ids.shape[1]) < lengths[:, None])[:, :, None].float()
        total = (self.tokens(ids, lengths).view(*ids.shape, self.dimension) * kept).sum(1)
        return functional.normalize(total / lengths[:, None], dim=-1)

    def tokens(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Vectors of all tokens, padding included: (batch * longest) x dimension."""
        return self.layers(ids, lengths, (len(self._layers),))[0]

    def layers(self, ids: Tensor, lengths: Tensor, wanted: Sequence[int]) -> list[Tensor]:
        """Vectors of all tokens as ``tokens`` gives them, after each of the wanted layers (1 is the first)."""
        count, longest = ids.shape
        words = functional.embedding(ids, self._words) + self._places[:longest]
        x = self._normalised(words.flatten(0, 1), self._norm)
        hidden = (torch.arange(longest) >= lengths[:, None])[:, None, None]
        mask = torch.zeros(count, 1, 1, longest).masked_fill_(hidden, -1e9) if bool(hidden.any()) else None
        found = []
        for number, (mixed, out, norm, up, down, last_norm) in enumerate(self._layers[: max(wanted)], start=1):
            query, key, value = mixed(x).view(count, longest, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
            x = self._normalised(out(seen.transpose(1, 2).reshape(x.shape)).add_(x), norm)
            x = self._normalised(down(torch.ops.aten.gelu_(up(x))).add_(x), last_norm)
            if number in wanted:
                found.append(x)
        return found

    def _normalised(self, x: Tensor, pair: tuple[Tensor, Tensor]) -> Tensor:
        return functional.layer_norm(x, (self.dimension,), *pair, eps=self.epsilon)
