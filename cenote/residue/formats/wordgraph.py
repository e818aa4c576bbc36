"""The words inside a finite-state transducer of the Rust library ``fst``, in which full-text indexes keep their tokens.

Belongs here: that one format (versions 1 to 3), read only. Such a graph shares beginnings and endings of words, so no
word stands in its bytes. A node is read backward from its address: a state byte, then sizes, input bytes and
distances to the nodes that follow. Many words are followed at once, a letter at a time.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The 62 inputs that a state byte can name by number, as the format fixes them; number 0 names none.
_COMMON = np.frombuffer(b"\0te/oasripcnw.hlm-du012g=:bf3y5&_4v9678k%?xCDASFIBEjPTzRNM+LOqHG", np.uint8)
_INDEXED = 32  # a node with more inputs carries an index of 256 bytes
_AT_ONCE = 65_536  # beginnings of words, so that memory stays bounded

Numbers = NDArray[np.int64]


class _Ways(NamedTuple):
    """Ways on from nodes: which of the nodes each begins at, its input, the address of the node that it leads to."""

    origin: Numbers
    letter: NDArray[np.uint8]
    target: Numbers


def words(graph: bytes) -> list[bytes]:
    """All words of a graph, sorted. Raises ``ValueError`` or ``IndexError`` where it is not one."""
    version = int.from_bytes(graph[:8], "little")
    if version not in (1, 2, 3):
        raise ValueError(f"unknown version {version}")
    end = len(graph) - (4 if version == 3 else 0)  # a checksum
    root = int.from_bytes(graph[end - 8 : end], "little")
    if root >= end:
        raise ValueError("the root lies outside of the graph")
    content = np.frombuffer(graph, np.uint8)
    found: list[bytes] = []
    waiting = [(np.array([root], np.int64), np.empty((1, 0), np.uint8))]
    while waiting:
        addresses, beginnings = waiting.pop()
        final, ways = _follow(content, addresses, version)
        found += _rows(beginnings[final])
        longer = np.column_stack([beginnings[ways.origin], ways.letter])
        some = (slice(begin, begin + _AT_ONCE) for begin in range(0, len(longer), _AT_ONCE))
        waiting += [(ways.target[part], longer[part]) for part in some]
    return sorted(found)


def _rows(letters: Any) -> list[bytes]:
    """The rows of an array of letters."""
    content, width = letters.tobytes(), letters.shape[1]
    begins = range(0, len(content), width or 1)
    return [content[begin : begin + width] for begin in begins] if width else [b""] * len(letters)


def _follow(graph: NDArray[np.uint8], addresses: Numbers, version: int) -> tuple[NDArray[np.bool_], _Ways]:
    """At which nodes a word ends, and the ways on from them."""
    kinds = np.where(addresses == 0, -1, graph[addresses] >> 6)
    final = (addresses == 0) | ((kinds < 2) & (graph[addresses] & 0x40 > 0))
    parts = [
        made(graph, addresses, np.flatnonzero(chosen), version)
        for made, chosen in ((_next, kinds == 0b11), (_one, kinds == 0b10), (_many, (kinds == 0) | (kinds == 1)))
        if chosen.any()
    ]
    if not parts:
        return final, _Ways(np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64))
    ways = _Ways(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    before = (ways.target >= 0) & (ways.target < addresses[ways.origin])
    if not before.all():  # a node is written after those that it leads to
        raise ValueError("a node leads on to no node before it")
    return final, ways


def _next(graph: NDArray[np.uint8], addresses: Numbers, nodes: Numbers, _: int) -> _Ways:
    """Nodes with one way on, to the node just before."""
    letter, at = _letter(graph, addresses[nodes])
    return _Ways(nodes, letter, at - 1)


def _one(graph: NDArray[np.uint8], addresses: Numbers, nodes: Numbers, _: int) -> _Ways:
    """Nodes with one way on."""
    letter, at = _letter(graph, addresses[nodes])
    step, out = _sizes(graph, at - 1)
    at = at - 1 - step
    return _Ways(nodes, letter, _target(graph, at, step, at - out))


def _many(graph: NDArray[np.uint8], addresses: Numbers, nodes: Numbers, version: int) -> _Ways:
    """Nodes with any number of ways on."""
    at = addresses[nodes]
    state = graph[at]
    final, count = (state & 0x40) > 0, (state & 0x3F).astype(np.int64)
    apart = count == 0
    at = at - apart
    count = np.where(apart, graph[at], count).astype(np.int64)
    count[apart & (count == 1)] = 256
    at = at - 1
    step, out = _sizes(graph, at)
    if version >= 2:
        at = at - np.where(count > _INDEXED, 256, 0)
    distances = at - count
    end = distances - count * (step + out) - np.where(final, out, 0)
    node = np.repeat(np.arange(len(nodes)), count)
    number = np.arange(len(node)) - np.repeat(np.cumsum(count) - count, count)
    letter = graph[at[node] - 1 - number]
    begin = distances[node] - (number + 1) * step[node]
    return _Ways(nodes[node], letter, _target(graph, begin, step[node], end[node]))


def _letter(graph: NDArray[np.uint8], addresses: Numbers) -> tuple[NDArray[np.uint8], Numbers]:
    """The inputs of nodes with one way on, and the addresses of their last bytes read."""
    number = graph[addresses] & 0x3F
    apart = number == 0
    return np.where(apart, graph[addresses - 1], _COMMON[number]), addresses - apart


def _sizes(graph: NDArray[np.uint8], at: Numbers) -> tuple[Numbers, Numbers]:
    """The bytes of a distance and those of an output, as one byte holds both."""
    both = graph[at].astype(np.int64)
    return both >> 4, both & 15


def _target(graph: NDArray[np.uint8], at: Numbers, step: Numbers, end: Numbers) -> Numbers:
    """Addresses that lie some distance before ``end``; a distance of 0 leads to address 0."""
    distance = np.zeros(len(at), np.int64)
    for byte in range(int(step.max(initial=0))):
        some = np.flatnonzero(step > byte)
        distance[some] |= graph[at[some] + byte].astype(np.int64) << (8 * byte)
    return np.where(distance > 0, end - distance, 0)
