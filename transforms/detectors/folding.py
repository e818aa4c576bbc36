"""Text as ASCII of the same length, so that patterns are small and fast: every byte keeps its place.

Belongs here: what each character becomes. Must not: patterns (patterns.py folds those), undoing encodings (hidden.py).
A Latin letter with a mark becomes its plain letter and ``MORE`` for each further byte (``é`` is ``e`` and one MORE);
a letter of another alphabet becomes MORE only; a currency sign ``$``, a typographic quote a plain one; all other signs
become ``OTHER``, which no pattern knows. Regular expressions over Unicode classes cost milliseconds to compile and make
large automata; over this text they are tables of a few states.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
MORE, OTHER = "\x7f", "\x1f"
_LETTERS = ((0xC6, 0xDF), (0xE0, 0xE1), (0xE3, 0xED))  # first bytes of letters of other alphabets, and combining marks
_SYMBOLS = (b"\xe3\x80",)  # Chinese and Japanese punctuation, below a first byte of letters
_CURRENCIES, _DOUBLE, _SINGLE = "$€£¥", "“”«»„", "‘’‚"


def fold(character: str) -> bytes:
    """What one character becomes: as many bytes as it has in UTF-8."""
    raw = character.encode()
    if len(raw) == 1:
        return {b"\x7f": OTHER.encode(), b"\x02": b" ", b"\x03": b" "}.get(raw, raw)
    if character in _CURRENCIES:
        return b"$" * len(raw)
    if character in _DOUBLE or character in _SINGLE:
        return (b'"' if character in _DOUBLE else b"'").ljust(len(raw))
    plain = _plain_letter(character)
    if plain:
        return plain.encode() + MORE.encode() * (len(raw) - 1)
    letter = any(low <= raw[0] <= high for low, high in _LETTERS) and not raw.startswith(_SYMBOLS)
    return (MORE if letter else OTHER).encode() * len(raw)


def _plain_letter(character: str) -> str:
    """The ASCII letter that a Latin letter with a mark is drawn from; empty for what is none."""
    if not "\xa0" < character < "\u0250":
        return ""
    if character in "ªº°":
        return "a" if character == "ª" else "o"
    name = unicodedata.name(character, "").split(" ")
    if name[:1] != ["LATIN"] or len(name) < 4 or name[2] != "LETTER":
        return ""
    letter = (
        name[3]
        if name[3].isascii() and len(name[3]) == 1
        else {"SHARP": "s", "ETH": "d", "THORN": "t"}.get(name[3], name[3][0])
    )
    return letter.upper() if name[1] == "CAPITAL" else letter.lower()


@cache
def _single() -> Bytes:
    """What each byte becomes where neither of the other tables has its character."""
    table = np.arange(256, dtype=np.uint8)
    table[0x80:] = ord(OTHER)
    for low, high in _LETTERS:
        table[low : high + 1] = ord(MORE)
    for code in (2, 3, 0x7F):
        table[code] = fold(chr(code))[0]
    return table


@cache
def _pairs() -> Bytes:
    """What the Latin letters become, by the two bytes they have: first byte less 0xC2, second byte less 0x80."""
    table = np.zeros((8, 64, 2), dtype=np.uint8)
    for lead in range(8):
        for second in range(64):
            table[lead, second] = list(fold(bytes([0xC2 + lead, 0x80 + second]).decode()))
    return table


@cache
def _signs() -> Bytes:
    """Characters of three bytes that become something of their own: the bytes (0: any) and what they become."""
    some = [[*sign.encode(), *fold(sign)] for sign in "‘’‚“”„€"]
    return np.array([*some, *([*lead, 0, *OTHER.encode() * 3] for lead in _SYMBOLS)], dtype=np.uint8)


class Folded(NamedTuple):
    """Folded bytes between margins, and in the bytes as they came the positions of those beyond ASCII: the first ones
    of characters, and those that continue one.
    """

    searched: Bytes
    wide: npt.NDArray[np.int64]
    inner: npt.NDArray[np.int64]


def fold_all(plain: Bytes, margin: int = 0) -> Folded:
    """UTF-8 folded, with ``margin`` line feeds on either side."""
    from transforms.detectors.compiled.sweep import fold as fold_bytes

    searched = np.empty(len(plain) + 2 * margin, dtype=np.uint8)
    searched[:margin] = searched[len(searched) - margin :] = ord("\n")
    folded = searched[margin : margin + len(plain)]
    return Folded(searched, *fold_bytes(plain, folded, _single(), _pairs(), _signs()))
