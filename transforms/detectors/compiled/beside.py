"""Finding places among others, and cutting what stands at them.

Belongs here: loops over places in a chunk. Must not: passes over all bytes (sweep.py).
"""

import numpy as np

from transforms.detectors.compiled import BYTES, NUMBER, PLACES, Bytes, Places, compiled

_FEED = 10


@compiled(PLACES, PLACES)
def below(ordered: Places, asked: Places) -> Places:
    """How many of some ordered numbers are less than each of those asked for: fast where these are in order too, since
    each search goes on from the last one, in growing steps.
    """
    found = np.empty(len(asked), np.int64)
    size, low = len(ordered), 0
    for place in range(len(asked)):
        wanted = asked[place]
        if low > 0 and ordered[low - 1] >= wanted:
            low, high = 0, low - 1
        else:
            step = 1
            while low + step <= size and ordered[low + step - 1] < wanted:
                low += step
                step *= 2
            high = min(low + step - 1, size)
        while low < high:
            middle = (low + high) // 2
            if ordered[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        found[place] = low
    return found


@compiled(BYTES, PLACES, PLACES)
def gather(codes: Bytes, starts: Places, ends: Places) -> tuple[Places, Bytes]:
    """The bytes of some ranges, one behind the other, and where each begins; the end of the last."""
    bounds = np.empty(len(starts) + 1, np.int64)
    bounds[0] = 0
    for place in range(len(starts)):
        if starts[place] < 0 or ends[place] < starts[place] or ends[place] > len(codes):
            raise IndexError("a range outside of the text")
        bounds[place + 1] = bounds[place] + ends[place] - starts[place]
    data = np.empty(bounds[-1], np.uint8)
    for place in range(len(starts)):
        start, into = starts[place], bounds[place]
        for step in range(bounds[place + 1] - into):
            data[into + step] = codes[start + step]
    return bounds, data


@compiled(BYTES, PLACES, PLACES, PLACES, NUMBER, NUMBER, NUMBER)
def windows(
    searched: Bytes, begins: Places, floors: Places, roofs: Places, margin: int, size: int, lower: int
) -> Bytes:
    """``size`` bytes from each place on, one window behind the other; line feeds stand for what lies before the floor
    or behind the roof of each. ``searched`` has a margin of bytes before the first place; ``lower``: whether letters
    become small.
    """
    data = np.empty(len(begins) * size, np.uint8)
    smaller = np.uint8(32 if lower else 0)
    for place in range(len(begins)):
        begin, into = begins[place], place * size
        if begin + margin < 0 or begin + margin + size > len(searched):
            raise IndexError("a window outside of the margins")
        for step in range(size):
            byte = searched[begin + margin + step]
            data[into + step] = byte | (smaller if (byte >= 65) & (byte <= 90) else np.uint8(0))
        for step in range(min(floors[place] - begin, size)):
            data[into + step] = _FEED
        for step in range(max(roofs[place] - begin, 0), size):
            data[into + step] = _FEED
    return data
