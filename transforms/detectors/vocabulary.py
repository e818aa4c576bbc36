"""Words looked up by numbers: each token of a chunk is hashed once, and every dictionary asks for its words by hash.

Belongs here: hashing and looking up. Must not: the words. Two words share a hash with a chance of 2^-64 per pair,
which is taken: the worst that can come of it is a wrong candidate.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from transforms.detectors.buffer import Positions

Hashes = npt.NDArray[np.uint64]
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(8)] + [(1 << 64) - 1], dtype=np.uint64)
_FIRST, _LAST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SLOT_BITS, _CODE_BITS = 17, 41
_MARK, _CODE = np.uint64((1 << 63 - _CODE_BITS) - 1), np.int64((1 << _CODE_BITS) - 1)
PADDING = b"\x00" * 16


def hash_ranges(padded: bytes, starts: Positions, ends: Positions) -> Hashes:
    """A 64-bit hash of each byte range (at least one byte), of its first and last eight bytes and, for a long one, its
    size.

    ``padded``: lower-case bytes followed by ``PADDING``. Words of more than 16 bytes may differ in the middle unseen.
    """
    eights: Hashes = np.ndarray((len(padded) - 8,), dtype="<u8", buffer=padded, strides=(1,))
    sizes = ends - starts
    long = np.flatnonzero(sizes > 8)
    hashes = eights[starts]
    hashes &= _MASKS[np.minimum(sizes, 8)]
    hashes *= _FIRST
    hashes[long] ^= (eights[ends[long] - 8] ^ sizes[long].astype(np.uint64)) * _LAST
    return hashes


class Vocabulary:
    """Words with a code each (below 2^41); several words may share one.

    Bytes are compared in ASCII lower case, so words with other letters are entered in small, capital and title case.
    A slot of a table holds a word's code and, above it, part of its hash.
    """

    def __init__(self, codes: Mapping[str, int]) -> None:
        forms: dict[bytes, int] = {}
        for word, code in codes.items():
            for form in (word, word.upper(), word.title()):
                forms.setdefault(form.encode().lower(), code)
        ends = np.cumsum([len(form) for form in forms])
        hashes = hash_ranges(b"".join(forms) + PADDING, ends - [len(form) for form in forms], ends)
        filled = (hashes & _MARK).view(np.int64) << _CODE_BITS | np.array([*forms.values()], dtype=np.int64)
        tables: list[npt.NDArray[np.int64]] = []
        while len(hashes):  # words whose slot is taken go to the next table
            slots = _slots(hashes, len(tables))
            first = np.unique(slots, return_index=True)[1]
            table = np.zeros(1 << _SLOT_BITS, dtype=np.int64)
            table[slots[first]] = filled[first]
            tables.append(table)
            hashes, filled = np.delete(hashes, first), np.delete(filled, first)
        self.tables = np.stack(tables)
        """What is looked up in (``sweep`` of compiled/sweep.py), a row for each table."""


def _slots(hashes: Hashes, place: int) -> npt.NDArray[np.int64]:
    """Where hashes stand in a table: other bits of them for each."""
    return (hashes >> np.uint64(64 - _SLOT_BITS - 7 * place)).view(np.int64) & ((1 << _SLOT_BITS) - 1)
