"""Check digits, computed over whole columns of candidates.

Belongs here: the arithmetic (Luhn, ISO 7064 mod 97, Verhoeff, weighted sums). Must not: which number uses which
(national.py, money.py). Sources: ISO/IEC 7812-1 (Luhn), ISO 13616 (IBAN), J. Verhoeff 1969.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.patterns import TEXT, ask

Digits = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_VERHOEFF_TIMES = np.array(
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
     [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
     [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
     [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
)  # fmt: skip
_VERHOEFF_TURN = np.array(
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
     [8, 9, 1, 6, 0, 4, 3, 5, 2, 7], [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
     [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]]
)  # fmt: skip


def characters(texts: pl.Series, width: int) -> Digits:
    """The bytes of texts as rows of a matrix, right-aligned in ``width`` columns, 0 where there is none."""
    padded = ask(texts, TEXT.str.pad_start(width, "\x00"))
    return (
        np.frombuffer(padded.str.join("").item().encode("ascii", "replace"), dtype=np.uint8)
        .reshape(-1, width)
        .astype(np.int64)
    )


def digits(texts: pl.Series, width: int) -> Digits:
    """Texts of digits as rows of a matrix of 0 to 9, right-aligned with leading zeros."""
    return np.maximum(characters(texts, width) - 48, 0)


def luhn(texts: pl.Series) -> Flags:
    """Whether texts of digits end in their Luhn check digit."""
    if texts.is_empty():
        return np.zeros(0, bool)
    matrix = digits(texts, int(texts.str.len_bytes().max()))  # type: ignore[arg-type]
    matrix[:, -2::-2] *= 2
    matrix -= 9 * (matrix > 9)
    return matrix.sum(axis=1) % 10 == 0


def mod97(texts: pl.Series) -> Digits:
    """The remainder by 97 of texts of digits and capital letters (A is 10, Z is 35), as ISO 7064 reads them."""
    if texts.is_empty():
        return np.zeros(0, np.int64)
    matrix = characters(texts, int(texts.str.len_bytes().max()))  # type: ignore[arg-type]
    rest = np.zeros(len(matrix), dtype=np.int64)
    for column in matrix.T:
        letter = column >= 65
        value = np.where(letter, column - 55, np.maximum(column - 48, 0))
        rest = (rest * np.where(letter, 100, np.where(column == 0, 1, 10)) + value) % 97
    return rest


def verhoeff(texts: pl.Series) -> Flags:
    """Whether texts of digits of one length end in their Verhoeff check digit."""
    if texts.is_empty():
        return np.zeros(0, bool)
    matrix = digits(texts, int(texts.str.len_bytes().max()))[:, ::-1]  # type: ignore[arg-type]
    check = np.zeros(len(matrix), dtype=np.int64)
    for place, column in enumerate(matrix.T):
        check = _VERHOEFF_TIMES[check, _VERHOEFF_TURN[place % 8, column]]
    return check == 0


def weighted(texts: pl.Series, weights: Sequence[int]) -> Digits:
    """The sum of each text's first digits times ``weights``; texts have at least as many digits as weights."""
    width = int(texts.str.len_bytes().max() or len(weights))  # type: ignore[arg-type]
    return digits(texts, width)[:, : len(weights)] @ np.array(weights)
