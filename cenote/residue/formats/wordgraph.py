"""The words inside a finite-state transducer of the Rust library ``fst``, in which full-text indexes keep their tokens.

Belongs here: that one format (versions 1 to 3), read only. Such a graph shares beginnings and endings of words, so no
word stands in its bytes. A node is read backward from its address: a state byte, then sizes, input bytes and
distances to the nodes that follow.
"""

# The 62 inputs that a state byte can name by number, as the format fixes them.
_COMMON = b"te/oasripcnw.hlm-du012g=:bf3y5&_4v9678k%?xCDASFIBEjPTzRNM+LOqHG"
_INDEXED = 32  # a node with more inputs carries an index of 256 bytes


def words(graph: bytes) -> list[bytes]:
    """All words of a graph, sorted. Raises ``ValueError`` or ``IndexError`` where it is not one."""
    version = int.from_bytes(graph[:8], "little")
    if version not in (1, 2, 3):
        raise ValueError(f"unknown version {version}")
    end = len(graph) - (4 if version == 3 else 0)  # a checksum
    root = int.from_bytes(graph[end - 8 : end], "little")
    found: list[bytes] = []
    waiting = [(root, b"")]
    while waiting:
        address, word = waiting.pop()
        final, following = _node(graph, address, version)
        if final:
            found.append(word)
        waiting.extend((target, word + bytes([letter])) for letter, target in following)
    return sorted(found)


def _node(graph: bytes, address: int, version: int) -> tuple[bool, list[tuple[int, int]]]:
    """Whether a word ends at a node, and the inputs and addresses that lead on."""
    if address == 0:
        return True, []
    state = graph[address]
    if state >> 6 == 0b11:  # one way on, to the node just before this one
        letter, at = _letter(graph, state, address)
        return False, [(letter, at - 1)]
    if state >> 6 == 0b10:  # one way on
        letter, at = _letter(graph, state, address)
        step, out = graph[at - 1] >> 4, graph[at - 1] & 15
        at -= 1 + step
        return False, [(letter, _target(graph, at, step, at - out))]
    return _many(graph, address, version)


def _many(graph: bytes, address: int, version: int) -> tuple[bool, list[tuple[int, int]]]:
    state = graph[address]
    final, count, at = bool(state & 0x40), state & 0x3F, address
    if count == 0:
        at -= 1
        count = 256 if graph[at] == 1 else graph[at]
    at -= 1
    step, out = graph[at] >> 4, graph[at] & 15
    if version >= 2 and count > _INDEXED:
        at -= 256
    letters = at - 1
    distances = at - count
    end = distances - count * (step + out) - (out if final else 0)
    return final, [(graph[letters - n], _target(graph, distances - (n + 1) * step, step, end)) for n in range(count)]


def _letter(graph: bytes, state: int, address: int) -> tuple[int, int]:
    """The input of a node with one way on, and the address of its last byte read."""
    number = state & 0x3F
    return (_COMMON[number - 1], address) if number else (graph[address - 1], address - 1)


def _target(graph: bytes, at: int, step: int, end: int) -> int:
    distance = int.from_bytes(graph[at : at + step], "little")
    return end - distance if distance else 0
