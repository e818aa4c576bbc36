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
_INSIDE = np.arange(2, LABELS, 2)
_IN_ONE_LINE = _INSIDE[[kind != "ADDRESS" for kind in KINDS]]


def _allowed() -> NDArray[np.float64]:
    table = np.zeros((LABELS, LABELS))
    table[:, _INSIDE] = _FORBIDDEN
    table[_INSIDE - 1, _INSIDE] = table[_INSIDE, _INSIDE] = 0
    return table


_ALLOWED = _allowed()


def best_labels(scores: NDArray[np.floating], breaks: Sequence[int] = ()) -> list[int]:
    """The labels of a text's words with the highest sum of log probabilities; scores: words x ``LABELS``.

    ``breaks``: how many lines end before each word. No mark goes on over an empty line, and only addresses go on in
    the next line.
    """
    if not len(scores):
        return []
    scores = scores.astype(np.float64)
    for word, lines in enumerate(breaks):
        if lines:
            scores[word, _INSIDE if lines > 1 else _IN_ONE_LINE] = _FORBIDDEN
    best = scores[0]
    best[_INSIDE] = _FORBIDDEN
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


def spans(
    scores: NDArray[np.floating], text: str, offsets: Sequence[tuple[int, int]]
) -> list[tuple[int, int, str, float]]:
    """A text's spans: start, end (characters), kind, and how sure: from 0.5 (just likelier than none) to 1,
    by the least probability among its words.

    A span neither begins nor ends with a mark such as a comma or a dash; a stop may end it, as in Inc.
    """
    ends = [0, *(end for _, end in offsets)]
    breaks = [text.count("\n", end, start) for end, (start, _) in zip(ends, offsets, strict=False)]
    runs: list[tuple[str, list[int]]] = []
    for word, label in enumerate(best_labels(scores, breaks)):
        if label % 2:
            runs.append((KINDS[(label - 1) // 2], [word]))
        elif label:
            runs[-1][1].append(word)
    sure = np.exp(scores.max(1)) if len(scores) else scores
    found = []
    for kind, words in runs:
        while words and not _may_begin(text[slice(*offsets[words[0]])]):
            words.pop(0)
        while words and not _may_end(text[slice(*offsets[words[-1]])]):
            words.pop()
        if words:
            found.append((offsets[words[0]][0], offsets[words[-1]][1], kind, 0.5 + 0.5 * float(sure[words].min())))
    return found


def _may_begin(word: str) -> bool:
    return word[0].isalnum() or word == "#"


def _may_end(word: str) -> bool:
    return word[-1].isalnum() or word in ".)"
