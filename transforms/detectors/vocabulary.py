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
_SLOT_BITS = 20
PADDING = b"\x00" * 16


def hash_ranges(padded: bytes, starts: Positions, ends: Positions) -> Hashes:
    """A 64-bit hash of each byte range (at least one byte), of its first and last eight bytes and, for a long one, its
    size.

    ``padded``: lower-case bytes followed by ``PADDING``. Words of more than 16 bytes may differ in the middle unseen.
    """
    eights: Hashes = np.ndarray((len(padded) - 8,), dtype="<u8", buffer=padded, strides=(1,))
    sizes = ends - starts
    hashes = eights[starts] & _MASKS[np.minimum(sizes, 8)]
    hashes *= _FIRST
    long = np.flatnonzero(sizes > 8)
    hashes[long] ^= (eights[ends[long] - 8] ^ sizes[long].astype(np.uint64)) * _LAST
    return hashes


class Vocabulary:
    """Words with a code each; several words may share one. Looking up gives 0 for all others.

    Bytes are compared in ASCII lower case, so words with other letters are entered in small, capital and title case.
    """

    def __init__(self, codes: Mapping[str, int]) -> None:
        forms: dict[bytes, int] = {}
        for word, code in codes.items():
            for form in (word, word.upper(), word.title()):
                forms.setdefault(form.encode().lower(), code)
        data = b"".join(forms)
        ends = np.cumsum([len(form) for form in forms])
        hashes = hash_ranges(data + PADDING, ends - [len(form) for form in forms], ends)
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._codes = np.array(list(forms.values()), dtype=np.int16)[order]
        self._seen = np.zeros(1 << _SLOT_BITS, dtype=bool)
        self._seen[self._slot(hashes)] = True

    def _slot(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        return (hashes >> np.uint64(64 - _SLOT_BITS)).view(np.int64)

    def codes(self, hashes: Hashes) -> npt.NDArray[np.int16]:
        """The code of each hash, 0 where the vocabulary does not have it."""
        found = np.zeros(len(hashes), dtype=np.int16)
        maybe = np.flatnonzero(self._seen[self._slot(hashes)])
        at = np.minimum(np.searchsorted(self._hashes, hashes[maybe]), len(self._hashes) - 1)
        found[maybe] = np.where(self._hashes[at] == hashes[maybe], self._codes[at], 0)
        return found
