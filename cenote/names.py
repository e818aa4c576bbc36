"""The trained tier as a recognizer: names, places, organisations and addresses in texts.

Belongs here: texts in, spans out, each text read once; which contracts ask for it. Must not: vectors of words
(cenote/tagging.py), scores and spans (transforms/tagger), what is done with spans (transforms/detect.py).
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING

import polars as pl

from transforms.contract import Contract, Field, Mask
from transforms.tagger.features import features
from transforms.tagger.head import SHA256, Head, packaged_head
from transforms.tagger.reading import may_name, shortened
from transforms.tagger.spans import spans

if TYPE_CHECKING:
    from cenote.tagging import WordEncoder, Words

Found = tuple[tuple[int, int, str, float], ...]

IDENTITY = f"{SHA256[:12]}-2"
"""Which weights find names, and how texts are read; stands in the masks of contracts that ask for names, so that other
weights mask anew."""

OUTSIDE = 0.5
"""Taken from the label for no mark: a name that stays in clear costs more than a word too many masked."""

_REMEMBERED = 100_000  # texts whose spans are kept, by digest
_AT_ONCE = 2048  # texts whose vectors are held in memory
_WORDS = 400  # of texts that the head takes at once
_SCHEMA = {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "kind": pl.String, "score": pl.Float64}


class NameRecognizer:
    """Finds names by the trained tier; a ``Recognizer`` of transforms/detect.py. Safe with several threads.

    Remembers the spans of the last texts by digest, never a text.
    """

    def __init__(self, encoder: "WordEncoder | None" = None, head: Head | None = None) -> None:
        self._encoder, self._head = encoder, head
        self._known: OrderedDict[bytes, Found] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: pl.Series) -> pl.DataFrame:
        """Spans: ``row`` (position in the texts), ``start``, ``end`` (characters), ``kind``, ``score``."""
        digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        with self._lock:
            known = {digest: self._known[digest] for digest in digests if digest in self._known}
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        known |= self._find(new)
        rows = [(row, *span) for row, digest in enumerate(digests) for span in known[digest]]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def _find(self, texts: Mapping[bytes, str]) -> dict[bytes, Found]:
        def read(some: "Sequence[tuple[str, Words]]") -> list[Found]:
            seen = [features(text, words.offsets) for text, words in some]
            scores = head.together([words.vectors for _, words in some], seen, OUTSIDE)
            return [tuple(spans(s, text, words.offsets)) for s, (text, words) in zip(scores, some, strict=True)]

        short = {digest: shortened(text) for digest, text in texts.items() if may_name(text)}
        if short:
            encoder, head = self._loaded()
        told: dict[str, Found] = {}
        distinct = iter(dict.fromkeys(text.text for text in short.values()))
        while some := list(islice(distinct, _AT_ONCE)):
            blocks = _blocks(zip(some, encoder.words(some), strict=True))
            told.update(zip(some, chain.from_iterable(encoder.map(read, blocks)), strict=True))
        found: dict[bytes, Found] = dict.fromkeys(texts, ())
        for digest, text in short.items():
            found[digest] = tuple(
                (*text.original(start, end), kind, sure) for start, end, kind, sure in told[text.text]
            )
        with self._lock:
            self._known.update(found)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _loaded(self) -> "tuple[WordEncoder, Head]":
        if self._encoder is None or self._head is None:
            from cenote.tagging import word_encoder

            self._encoder, self._head = word_encoder(), packaged_head()
        return self._encoder, self._head


def _blocks(words: "Iterable[tuple[str, Words]]") -> "Iterator[list[tuple[str, Words]]]":
    """Texts that the head takes at once."""
    block: list[tuple[str, Words]] = []
    size = 0
    for text, some in words:
        size += len(some.offsets)
        if block and size > _WORDS:
            yield block
            block, size = [], len(some.offsets)
        block.append((text, some))
    if block:
        yield block


@cache
def names() -> NameRecognizer:
    """The recognizer of this process; the model is loaded when it first reads a text. Raises ``SearchError`` then."""
    return NameRecognizer()


def with_names(contract: Contract, *, on: bool) -> Contract:
    """The contract as it holds here: masks that ask for names say by which weights, or no longer ask where it is off.

    So the contract's digest changes with the weights and with the setting, and silver is made anew.
    """
    return replace(contract, fields=tuple(_settled(field, on) for field in contract.fields))


def _settled(field: Field, on: bool) -> Field:
    mask = field.mask
    if "names" in mask.options:
        options = {key: value for key, value in mask.options.items() if key != "names"}
        mask = Mask(mask.strategy, options | ({"names": IDENTITY} if on and mask.options["names"] else {}))
    items = _settled(field.items, on) if field.items else None
    return replace(field, mask=mask, items=items, properties=tuple(_settled(p, on) for p in field.properties))
