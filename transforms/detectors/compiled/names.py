"""Runs of words that may be names, and how sure each is by the words that it is made of.

Belongs here: the loops of names.py (one folder up). Must not: the word lists, the words around.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.detectors.compiled import BYTES, MASK, NUMBER, PLACES, Bytes, Places, compiled

_SPACE, _HYPHEN, _QUOTE, _DOT = 32, 45, 39, 46


@compiled(BYTES, PLACES, PLACES, BYTES, PLACES, MASK, NUMBER, NUMBER, NUMBER, NUMBER)
def name_words(
    codes: Bytes,
    starts: Places,
    meanings: Places,
    sizes: Bytes,
    capitals: Places,
    idle: npt.NDArray[np.bool_],
    shift: int,
    particle: int,
    initial: int,
    wide: int,
) -> tuple[Places, Places, Places]:
    """The tokens of ``capitals`` that may say something of a name, their roles (the one after ``initial``: unknown),
    and which of them begin with the byte ``wide``.
    """
    index, role = np.empty(len(capitals), np.int64), np.empty(len(capitals), np.int64)
    other = np.empty(len(capitals), np.int64)
    count, others = 0, 0
    for place in range(len(capitals)):
        token = capitals[place]
        meaning = meanings[token]
        mine = meaning >> shift & 15
        if idle[mine] and not meaning & particle:
            continue
        index[count] = token
        role[count] = mine if mine else initial if sizes[token] <= 2 else initial + 1
        other[others] = count
        others += codes[starts[token]] == wide
        count += 1
    return index[:count], role[:count], other[:others]


class Runs(NamedTuple):
    """Runs of adjacent words: the tokens that each begins and ends with, how sure it is a name by itself, whether it
    holds a name of the lists, and whether words before it may tell.
    """

    head: Places
    tail: Places
    score: npt.NDArray[np.float64]
    known: npt.NDArray[np.bool_]
    open: npt.NDArray[np.bool_]


@compiled(BYTES, PLACES, PLACES, PLACES, PLACES, PLACES, MASK, MASK, PLACES, NUMBER, NUMBER, NUMBER)
def name_runs(
    codes: Bytes,
    starts: Places,
    ends: Places,
    meanings: Places,
    index: Places,
    role: Places,
    nameable: npt.NDArray[np.bool_],
    things: npt.NDArray[np.bool_],
    counted: Places,
    initial: int,
    title: int,
    particle: int,
) -> Runs:
    """Runs of words that may stand in a name. ``index``: the tokens looked at, ``role``: of each; ``things``: roles
    that behind a run say it is none; ``counted``: which count a role goes to (given names, surnames, either, words
    that are names too), -1 for none.

    Two words are joined by a space, a hyphen, an apostrophe, a dot after an initial or title, or one or two particles.
    """
    words = len(index)
    head, tail, size = np.empty(words, np.int64), np.empty(words, np.int64), np.empty(words, np.int64)
    before, after = np.zeros(words, np.int64), np.zeros(words, np.int64)
    counts = np.zeros((4, words), np.int64)
    runs, joined = 0, False
    for word in range(words):
        was_joined, mine = joined, role[word]
        joined = False
        if word + 1 < words:
            left, right = index[word], index[word + 1]
            end = ends[left]
            gap, first = starts[right] - end, codes[end]
            short = mine in (initial, title)
            if right - left == 1:
                joined = gap == 1 and (first in (_SPACE, _HYPHEN, _QUOTE) or (first == _DOT and short))
                dotted = gap == 2 and first == _DOT and codes[end + 1] == _SPACE
                joined |= short and (dotted or (gap == 3 and first == _QUOTE))
            elif right - left <= 3 and gap <= 12 and first == _SPACE:
                middle, other = left + 1, right - 1
                between = ends[middle] - starts[middle] + 2
                if other > middle:
                    between += ends[other] - starts[other] + 1
                joined = gap == between and (meanings[middle] & meanings[other] & particle) != 0
        if not nameable[mine]:
            continue
        if not (was_joined and nameable[role[word - 1]]):
            head[runs], size[runs] = index[word], 0
            before[runs] = role[word - 1] if was_joined else 0
            runs += 1
        tail[runs - 1] = index[word]
        size[runs - 1] += 1
        after[runs - 1] = role[word + 1] if joined else 0
        if counted[mine] >= 0:
            counts[counted[mine], runs - 1] += 1
    score, known, opened = np.empty(runs), np.empty(runs, np.bool_), np.empty(runs, np.bool_)
    for run in range(runs):
        many, thing = size[run] > 1, things[after[run]]
        given, surname, either, wordlike = counts[0, run], counts[1, run], counts[2, run], counts[3, run]
        known[run], opened[run] = given + surname + either + wordlike > 0, not thing and size[run] <= 5
        if before[run] == title and size[run] <= 5:
            score[run] = 0.9
        elif size[run] > 6 or thing:
            score[run] = 0.2
        elif many and given + either > 0:
            score[run] = 0.8
        elif many and surname > 0:
            score[run] = 0.65
        elif many and wordlike > 0:
            score[run] = 0.45
        elif given > 0:
            score[run] = 0.6
        elif either > 0:
            score[run] = 0.5
        elif surname > 0:
            score[run] = 0.4
        else:
            score[run] = 0.25 if wordlike > 0 else 0.15
    return Runs(head[:runs], tail[:runs], score, known, opened)
