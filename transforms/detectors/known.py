"""Terms that the caller knows, such as the names of known subjects.

Belongs here: finding given terms. Must not: where they come from. Aho-Corasick, so their number hardly matters.
"""

from collections.abc import Sequence

import numpy as np

from transforms.detectors.scene import Scene
from transforms.detectors.spans import Spans
from transforms.detectors.tokens import DIGIT


def terms_in(scene: Scene, kind: str, terms: Sequence[str]) -> Spans:
    """Where terms stand as whole words, whatever the case of ASCII letters; of two that begin together, the longer
    one.
    """
    ordered = sorted(terms, key=len, reverse=True)
    at = scene.texts.str.find_many(ordered, ascii_case_insensitive=True, leftmost=True)
    words = scene.texts.str.extract_many(ordered, ascii_case_insensitive=True, leftmost=True).list.explode(
        empty_as_null=False
    )
    rows = np.repeat(np.arange(len(at)), at.list.len().to_numpy())
    starts = scene.buffer.starts[rows] + at.list.explode(empty_as_null=False).to_numpy().astype(np.int64)
    ends = starts + words.str.len_bytes().to_numpy().astype(np.int64)
    inside = np.concatenate([[False], scene.classes >= DIGIT, [False]])
    whole = ~(inside[starts] & inside[starts + 1]) & ~(inside[ends] & inside[ends + 1])
    return Spans(kind, starts[whole], ends[whole], 0.99)
