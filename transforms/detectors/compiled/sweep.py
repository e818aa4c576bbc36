"""The passes over all bytes of a chunk: folding, tokens with what they mean, runs of numbers.

Belongs here: what each byte and token is looked at for. Must not: the tables (folding.py, tokens.py, vocabulary.py),
which are handed in.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.detectors.compiled import (
    BYTE_CUBE,
    BYTE_ROWS,
    BYTES,
    MASK,
    NUMBER,
    PLACE_ROWS,
    PLACES,
    WRITTEN,
    WRITTEN_PLACE_ROWS,
    WRITTEN_PLACES,
    WRITTEN_ROWS,
    Bytes,
    Places,
    compiled,
)

_BLOCK = 64
_SPACE, _MARK, _DIGIT, _UPPER, _UNDER, _WIDE = 0, 2, 8, 16, 64, 128  # as in tokens.py
_FIRST, _LAST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)  # as in vocabulary.py
_CODE_BITS, _SLOT_BITS = 41, 17
_CHECK, _SLOT = np.uint64((1 << 63 - _CODE_BITS) - 1), np.uint64((1 << _SLOT_BITS) - 1)
_BYTE = np.uint64(8)
_ZERO, _ONE = np.uint64(0), np.uint64(1)  # places in a loop are unsigned: signed ones are asked whether they count back


@compiled(BYTES, WRITTEN)
def copy(plain: Bytes, into: Bytes) -> tuple[Places, int]:
    """Copy bytes; the blocks with anything to fold (a processor is through most blocks in a few steps), the last one
    always, and how many bytes are beyond ASCII.
    """
    size = len(plain)
    blocks = np.empty(size // _BLOCK + 1, np.int64)
    count, beyond = 0, 0
    for block in range(size // _BLOCK):
        odd = False
        for place in range(block * _BLOCK, (block + 1) * _BLOCK):
            byte = plain[place]
            into[place] = byte
            odd |= (byte >= 0x7F) | ((byte & 0xFE) == 2)
        blocks[count] = block
        count += odd
    for place in range(size):
        beyond += plain[place] >> 7
    blocks[count] = size // _BLOCK
    return blocks[: count + 1], beyond


@compiled(BYTES, WRITTEN, BYTES, BYTE_CUBE, BYTE_ROWS)
def fold(plain: Bytes, into: Bytes, single: Bytes, pairs: Bytes, signs: Bytes) -> tuple[Places, Places]:
    """Write the folded bytes, by the tables of folding.py; the places of the bytes beyond ASCII that begin a
    character, and of those that continue one.
    """
    size = len(plain)
    blocks, count = copy(plain, into)
    begins, continues = np.empty(count, np.int64), np.empty(count, np.int64)
    begun, continued, at = 0, 0, 0
    for block in blocks:
        at, finish = max(at, block * _BLOCK), min((block + 1) * _BLOCK, size)
        while at < finish:
            lead = plain[at]
            if lead < 0x80:
                into[at] = single[lead]
                at += 1
                continue
            begins[begun] = at
            begun += 1
            full, width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4, 1
            while width < full and at + width < size and (plain[at + width] & 0xC0) == 0x80:
                continues[continued] = at + width
                continued += 1
                width += 1
            for step in range(width):
                into[at + step] = single[lead]
            if width == 2 and 0xC2 <= lead <= 0xC9:
                into[at] = pairs[lead - 0xC2, plain[at + 1] & 0x3F, 0]
                into[at + 1] = pairs[lead - 0xC2, plain[at + 1] & 0x3F, 1]
            elif width == 3:
                for row in range(len(signs)):
                    sign = signs[row]
                    if lead == sign[0] and plain[at + 1] == sign[1] and (sign[2] == 0 or plain[at + 2] == sign[2]):
                        for step in range(3):
                            into[at + step] = sign[3 + step]
            at += width
    return begins[:begun], continues[:continued]


@compiled(PLACE_ROWS, NUMBER, WRITTEN_PLACES, WRITTEN_PLACES)
def look_up(tables: Places, rare: int, words: Places, cued: Places) -> int:
    """Write over hashes of words what they mean; into ``cued`` the indexes of those with a rare cue, whose count is
    given back. Apart from the bytes, so that the processor fetches what it looks up for several words at once.
    """
    cues = 0
    for token in range(len(words)):
        word = np.uint64(words[token])
        meaning = 0
        for table in range(len(tables)):
            found = tables[table, (word >> np.uint64(64 - _SLOT_BITS - 7 * table)) & _SLOT]
            if found == 0:
                break
            if np.uint64(found >> _CODE_BITS) == word & _CHECK:
                meaning = found & ((1 << _CODE_BITS) - 1)
                break
        words[token] = meaning
        cued[cues] = token
        cues += (meaning & rare) != 0
    return cues


class Swept(NamedTuple):
    """Tokens of a chunk: where they begin and end, what they mean, which classes of bytes and how many bytes (255: or
    more) they have; indexes of those with digits, of letters with a capital first, of eight bytes and more, with a rare
    cue. Places of white space (with one before and one behind the text), of marks, of full stops between letters or
    digits.
    """

    starts: Places
    ends: Places
    meanings: Places
    bits: Bytes
    sizes: Bytes
    numeric: Places
    capitals: Places
    long: Places
    cued: Places
    spaces: Places
    marks: Places
    dots: Places


@compiled(BYTES, BYTES, BYTES, PLACE_ROWS, NUMBER, WRITTEN_PLACE_ROWS, WRITTEN_PLACE_ROWS, WRITTEN_ROWS)
def sweep(
    codes: Bytes,
    plain: Bytes,
    kinds: Bytes,
    tables: Places,
    rare: int,
    of_tokens: Places,
    of_bytes: Places,
    traits: Bytes,
) -> Swept:
    """Look at each byte once. ``codes``: the folded bytes, with a space behind them; ``kinds``: the class of each
    byte; ``tables``: of a vocabulary; ``rare``: the cues looked for. The others are what is written to, since numpy
    gets memory in larger pages: rows for as many tokens, and as many bytes, as there may be.
    """
    size = np.uint64(len(plain))
    starts, ends, meanings, numeric = of_tokens[0], of_tokens[1], of_tokens[2], of_tokens[3]
    capitals, long, cued, dots = of_tokens[4], of_tokens[5], of_tokens[6], of_tokens[7]
    (spaces, marks), (bits, sizes) = (of_bytes[0], of_bytes[1]), (traits[0], traits[1])
    tokens, numbers, firsts, longs, marked, dotted, at = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    spaces[0], spaced = -1, _ONE
    while at < size:
        kind = kinds[codes[at]]
        if kind < _DIGIT:
            spaces[spaced] = at
            spaced += np.uint64(kind == _SPACE)
            if kind == _MARK:
                marks[marked] = at
                marked += _ONE
                if (
                    codes[at] == 46
                    and at > 0
                    and kinds[codes[at - _ONE]] >= _DIGIT
                    and kinds[codes[at + _ONE]] >= _DIGIT
                ):
                    dots[dotted] = at
                    dotted += _ONE
            at += _ONE
            continue
        start, head, classes = at, kind, kind
        eight = first = np.uint64(0)  # the last eight bytes in lower case, and the first eight
        while kind >= _DIGIT:
            classes |= kind
            byte = plain[at]
            byte |= ((byte >= 65) & (byte <= 90)) << 5
            eight = (eight >> _BYTE) | (np.uint64(byte) << np.uint64(56))
            at += _ONE
            if at - start == _BYTE:
                first = eight
            kind = kinds[codes[at]]
        width = np.int64(at - start)
        word = (eight >> np.uint64(64 - 8 * width)) if width <= 8 else first
        word *= _FIRST
        if width > 8:  # as hash_ranges of vocabulary.py
            word ^= (eight ^ np.uint64(width)) * _LAST
        starts[tokens], ends[tokens], meanings[tokens] = start, at, np.int64(word)
        bits[tokens], sizes[tokens] = classes, min(width, 255)
        numeric[numbers] = tokens
        numbers += np.uint64((classes & (_DIGIT | _UNDER | _WIDE)) == _DIGIT)
        capitals[firsts] = tokens
        firsts += np.uint64(((classes & (_DIGIT | _UNDER)) == 0) & ((head & (_UPPER | _WIDE)) != 0))
        long[longs] = tokens
        longs += np.uint64(width >= 8)
        tokens += _ONE
    spaces[spaced] = size
    cues = look_up(tables, rare, meanings[:tokens], cued)
    return Swept(
        starts[:tokens], ends[:tokens], meanings[:tokens], bits[:tokens], sizes[:tokens], numeric[:numbers],
        capitals[:firsts], long[:longs], cued[:cues], spaces[: spaced + _ONE], marks[:marked], dots[:dotted],
    )  # fmt: skip


@compiled(BYTES, PLACES, PLACES, BYTES, PLACES, MASK, NUMBER)
def runs(
    codes: Bytes, starts: Places, ends: Places, bits: Bytes, numeric: Places, glue: npt.NDArray[np.bool_], gap: int
) -> tuple[Places, Places]:
    """Runs of numbers: tokens with digits, and capitals of two letters at most up to two tokens beside them, joined
    over at most ``gap`` bytes of ``glue``; with up to two of ``(`` and ``+`` before.
    """
    begin, finish = np.empty(3 * len(numeric) + 1, np.int64), np.empty(3 * len(numeric) + 1, np.int64)
    count, seen, last, digits = 0, -1, -2, False
    for place in range(len(numeric)):
        number = numeric[place]
        after = numeric[place + 1] if place + 1 < len(numeric) else len(starts)
        upto = min(number + 2, after - 1)
        for token in range(max(seen + 1, number - 2), upto + 1):
            if token != number and (bits[token] != _UPPER or ends[token] - starts[token] > 2):
                continue
            joins = last == token - 1 and starts[token] - ends[last] <= gap
            if joins:
                for at in range(ends[last], starts[token]):
                    joins &= glue[codes[at]]
            if not joins:
                count += digits
                digits = False
                begin[count] = starts[token]
            finish[count] = ends[token]
            digits |= (bits[token] & _DIGIT) != 0
            last = token
        seen = upto
    count += digits
    for run in range(count):
        for _ in range(2):
            before = codes[begin[run] - 1] if begin[run] > 0 else np.uint8(10)
            if before == 40 or before == 43:
                begin[run] -= 1
    return begin[:count], finish[:count]
