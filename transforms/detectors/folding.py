"""Text as ASCII of the same length, so that patterns are small and fast: every byte keeps its place.

Belongs here: what each character becomes. Must not: patterns (patterns.py folds those), undoing encodings (hidden.py).
A Latin letter with a mark becomes its plain letter and ``MORE`` for each further byte (``é`` is ``e`` and one MORE);
a letter of another alphabet becomes MORE only; a currency sign ``$``, a typographic quote a plain one; all other signs
become ``OTHER``, which no pattern knows. Regular expressions over Unicode classes cost milliseconds to compile and make
large automata; over this text they are tables of a few states.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

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
def _single() -> bytes:
    """What each byte of a character beyond ASCII becomes by itself."""
    table = bytearray(range(256))
    table[0x80:] = OTHER.encode() * 128
    for low, high in _LETTERS:
        table[low : high + 1] = MORE.encode() * (high + 1 - low)
    return bytes(table)


@cache
def _pairs() -> npt.NDArray[np.uint8]:
    """What the Latin letters become, by the two bytes they have: first byte less 0xC2, second byte less 0x80."""
    table = np.zeros((8, 64, 2), dtype=np.uint8)
    for lead in range(8):
        for second in range(64):
            table[lead, second] = list(fold(bytes([0xC2 + lead, 0x80 + second]).decode()))
    return table


_SPECIAL = (b"\x02", b"\x03", MORE.encode())
_SPECIALS = bytes.maketrans(b"\x02\x03\x7f", b"  \x1f")
_THREE = {c.encode(): fold(c) for c in "‘’‚“”„€"}


def fold_all(plain: bytes) -> bytes | bytearray:
    """UTF-8 bytes folded."""
    if plain.isascii():
        return plain.translate(_SPECIALS) if any(mark in plain for mark in _SPECIAL) else plain
    if any(mark in plain for mark in _SPECIAL):
        plain = plain.translate(_SPECIALS)
    codes = np.frombuffer(plain, dtype=np.uint8)
    written = bytearray(plain)
    folded = np.frombuffer(written, dtype=np.uint8)
    wide = np.flatnonzero(codes >= 0x80)
    lead = codes[wide]
    folded[wide] = np.frombuffer(_single(), dtype=np.uint8)[lead]
    # a byte that continues a character is a letter where the byte before it became one
    second = wide[(lead & 0xC0) == 0x80]
    for _ in range(2):
        folded[second[folded[second - 1] == ord(MORE)]] = ord(MORE)
    latin = wide[(lead >= 0xC2) & (lead <= 0xC9)]
    pairs = _pairs()[codes[latin] - 0xC2, codes[latin + 1] & 0x3F]
    folded[latin], folded[latin + 1] = pairs[:, 0], pairs[:, 1]
    for marks, simple in _THREE.items():
        at = wide[lead == marks[0]]
        at = at[(codes[at + 1] == marks[1]) & (codes[at + 2] == marks[2])]
        for place in range(3):
            folded[at + place] = simple[place]
    at = wide[lead == _SYMBOLS[0][0]]
    at = at[codes[at + 1] == _SYMBOLS[0][1]]
    for place in range(3):
        folded[at + place] = ord(OTHER)
    return written
