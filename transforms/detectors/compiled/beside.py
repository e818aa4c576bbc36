"""Finding places among others, and cutting what stands at them.

Belongs here: loops over places in a chunk. Must not: passes over all bytes (sweep.py).
"""

import numpy as np
import numpy.typing as npt

from transforms.detectors.compiled import BYTE_ROWS, BYTES, NUMBER, PLACES, Bytes, Places, compiled

_FEED = 10
_ZERO, _ONE = np.uint64(0), np.uint64(1)  # places in inner loops are unsigned, as in sweep.py


@compiled(BYTES, PLACES, PLACES, BYTE_ROWS)
def free(codes: Bytes, starts: Places, ends: Places, sides: Bytes) -> npt.NDArray[np.bool_]:
    """Which ranges have nothing beside them that ``sides`` names: the first two bytes before one, or those behind it,
    share a bit in its rows (left: near, far; right: near, far).
    """
    found = np.empty(len(starts), np.bool_)
    for place in range(len(starts)):
        left, right = starts[place], ends[place]
        before = sides[0, codes[left - 1]] & sides[1, codes[left - 2]]
        behind = sides[2, codes[right]] & sides[3, codes[right + 1]]
        found[place] = (before | behind) == 0
    return found


@compiled(BYTES, PLACES, PLACES, BYTES, PLACES, BYTES, BYTE_ROWS, NUMBER)
def ending(
    codes: Bytes, starts: Places, ends: Places, sizes: Bytes, index: Places, sort: Bytes, last: Bytes, least: int
) -> Places:
    """The tokens of ``index`` that have ``least`` bytes, end in two bytes of ``last`` and stand beside a number: a
    space and a digit behind; or a space before, and what a house number ends in, maybe with a comma. ``sort``: bytes
    that are digits (1), that a house number may end in (2).
    """
    found = np.empty(len(index), np.int64)
    count = 0
    for place in range(len(index)):
        token = index[place]
        left, right = starts[token], ends[token]
        if sizes[token] < least or not last[codes[right - 2], codes[right - 1]]:
            continue
        number = codes[right] == 32 and sort[codes[right + 1]] & 1
        if not number and codes[left - 1] == 32:
            comma = codes[left - 2] == 44
            number = sort[codes[left - 2 - comma]] & 2
        found[count] = token
        count += number != 0
    return found[:count]


@compiled(BYTES, PLACES, PLACES, PLACES, PLACES, PLACES, PLACES, BYTE_ROWS)
def placed(
    codes: Bytes,
    runs: Places,
    bounds: Places,
    shapes: Places,
    offsets: Places,
    sizes: Places,
    digits: Places,
    sides: Bytes,
) -> tuple[Places, Places, Places]:
    """Where parts of shapes stand in the text: begin, end and digits of each part in each run of its shape, without
    those that have something of ``sides`` beside them (as ``free``). The runs of a shape: ``runs`` between its bounds.
    """
    most = 0
    for part in range(len(shapes)):
        most += bounds[shapes[part] + 1] - bounds[shapes[part]]
    begins, ends, numbers = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for part in range(len(shapes)):
        offset, size = offsets[part], sizes[part]
        for run in range(bounds[shapes[part]], bounds[shapes[part] + 1]):
            left = runs[run] + offset
            right = left + size
            before = sides[0, codes[left - 1]] & sides[1, codes[left - 2]]
            behind = sides[2, codes[right]] & sides[3, codes[right + 1]]
            begins[count], ends[count], numbers[count] = left, right, digits[part]
            count += (before | behind) == 0
    return begins[:count], ends[:count], numbers[:count]


@compiled(PLACES, PLACES, PLACES, PLACES, PLACES, NUMBER, NUMBER)
def said(
    cues: Places, starts: Places, ends: Places, rows: Places, asked: Places, cue: int, reach: int
) -> npt.NDArray[np.bool_]:
    """Whether the last token of a cue that ends before each place asked for begins within reach of it, in its row.
    ``cues``: which cues tokens have, and where they begin and end; ``rows``: where rows begin.
    """
    found = np.zeros(len(asked), np.bool_)
    last = 0
    for place in range(len(asked)):
        at = asked[place]
        if last > 0 and ends[last - 1] > at:
            last = 0
        step = 1
        while step > 0:  # growing steps ahead, then shrinking ones
            if last + step <= len(cues) and ends[last + step - 1] <= at:
                last += step
                step *= 2
            else:
                step //= 2
        back = last - 1
        while back >= 0 and at - starts[back] <= reach and cues[back] & cue == 0:
            back -= 1
        if back >= 0 and at - starts[back] <= reach:
            row = np.searchsorted(rows, at, side="right") - 1
            found[place] = starts[back] >= rows[row]
    return found


@compiled(PLACES, BYTES, BYTES, PLACES, NUMBER, NUMBER, NUMBER)
def age_like(
    numeric: Places, sizes: Bytes, bits: Bytes, meanings: Places, lettered: int, label: int, unit: int
) -> Places:
    """The tokens of ``numeric`` that are short and may be an age: at most three digits behind a word of ``label`` or
    before one of ``unit``, or at most five bytes with small letters in them (``lettered``: these classes of bytes).
    """
    found = np.empty(len(numeric), np.int64)
    count = 0
    for place in range(len(numeric)):
        token = numeric[place]
        mixed = bits[token] == lettered
        if sizes[token] > (5 if mixed else 3):
            continue
        labelled = token > 0 and meanings[token - 1] & label != 0
        united = token + 1 < len(meanings) and meanings[token + 1] & unit != 0
        found[count] = token
        count += mixed or labelled or united
    return found[:count]


@compiled(PLACES, PLACES)
def below(ordered: Places, asked: Places) -> Places:
    """How many of some ordered numbers are less than each of those asked for: fast where these are in order too, since
    each search goes on from the last one, in growing steps.
    """
    found = np.empty(len(asked), np.int64)
    size, low = np.uint64(len(ordered)), _ZERO
    for place in range(len(asked)):
        wanted = asked[place]
        if low > _ZERO and ordered[low - _ONE] >= wanted:
            low, high = _ZERO, low - _ONE
        else:
            step = _ONE
            while low + step <= size and ordered[low + step - _ONE] < wanted:
                low += step
                step += step
            high = min(low + step - _ONE, size)
        while low < high:
            middle = (low + high) >> _ONE
            if ordered[middle] < wanted:
                low = middle + _ONE
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
        start, into = np.uint64(starts[place]), np.uint64(bounds[place])
        for step in range(np.uint64(ends[place]) - start):
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
