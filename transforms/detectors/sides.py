"""What must not stand beside a candidate: the two bytes before it and the two behind it.

Belongs here: writing such rules as tables, which compiled loops (compiled/beside.py) look up. Must not: any rule; each
detector has its own.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from transforms.detectors.folding import Bytes
from transforms.detectors.spans import Mask
from transforms.detectors.tokens import CLASSES

Some = int | str | Mask
"""Bytes: classes of tokens.py, marks, or which of all bytes."""
ANYTHING: Bytes = np.zeros((4, 256), dtype=np.uint8)
"""No rule: anything may stand beside."""


def none_of(left: Sequence[Some | tuple[Some, Some]] = (), right: Sequence[Some | tuple[Some, Some]] = ()) -> Bytes:
    """Tables of what must not stand left and right: some bytes at once, or (a pair) some next to the candidate and
    others beyond these. At most eight rules a side.
    """
    tables = ANYTHING.copy()
    for rules, near, far in ((left, 0, 1), (right, 2, 3)):
        for place, rule in enumerate(rules):
            first, second = rule if isinstance(rule, tuple) else (rule, None)
            tables[near] |= _bytes(first).astype(np.uint8) << place
            tables[far] |= (_bytes(second).astype(np.uint8) if second is not None else np.uint8(1)) << place
    return tables


def other_than(marks: str) -> Mask:
    """All bytes but some marks."""
    return ~marked(marks)


def _bytes(some: Some) -> Mask:
    if isinstance(some, np.ndarray):
        return some
    return marked(some) if isinstance(some, str) else (CLASSES & some) > 0


@cache
def marked(marks: str) -> Mask:
    """Which bytes are one of some marks."""
    table = np.zeros(256, dtype=bool)
    table[[*marks.encode()]] = True
    return table
