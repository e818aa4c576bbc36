"""From scores of labels to spans: the best sequence that makes sense.

Belongs here: labels, and Viterbi under the rule that a mark begins before it goes on. Must not: where scores come from
(head.py).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KINDS = ("PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "TITLE", "AGE")
"""What is told apart. NRP: nationalities, religious and political groups. TITLE: Mr., Dr. and the like."""

LABELS = 1 + 2 * len(KINDS)
"""0: outside; 1 + 2k: a mark of kind k begins; 2 + 2k: it goes on."""

_FORBIDDEN = -1e9


def _allowed() -> NDArray[np.float64]:
    table = np.zeros((LABELS, LABELS))
    inside = np.arange(2, LABELS, 2)
    table[:, inside] = _FORBIDDEN
    table[inside - 1, inside] = table[inside, inside] = 0
    return table


_ALLOWED = _allowed()


def best_labels(scores: NDArray[np.floating]) -> list[int]:
    """The labels of a text's words with the highest sum of log probabilities; scores: words x ``LABELS``."""
    if not len(scores):
        return []
    best = scores[0].astype(np.float64)
    best[2::2] = _FORBIDDEN
    back = []
    for row in scores[1:]:
        ways = best[:, None] + _ALLOWED
        come = ways.argmax(0)
        back.append(come)
        best = ways[come, np.arange(LABELS)] + row
    labels = [int(best.argmax())]
    for come in reversed(back):
        labels.append(int(come[labels[-1]]))
    return labels[::-1]


def spans(scores: NDArray[np.floating], offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int, str, float]]:
    """A text's spans: start, end (characters), kind, and how sure: the least probability among its words."""
    found: list[tuple[int, int, str, float]] = []
    for word, label in enumerate(best_labels(scores)):
        if label == 0:
            continue
        start, end = offsets[word]
        sure = float(np.exp(scores[word, label]))
        if label % 2:
            found.append((start, end, KINDS[(label - 1) // 2], sure))
        else:
            first, _, kind, least = found[-1]
            found[-1] = (first, end, kind, min(least, sure))
    return found
