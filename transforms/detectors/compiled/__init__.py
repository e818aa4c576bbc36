"""Loops over bytes and tokens, compiled to machine code by Numba: what numpy takes dozens of passes for.

Belongs here: loops over arrays of numbers, in the part of Python that Numba compiles. Must not: strings, objects, any
pattern. Importing Numba takes a third of a second, so whoever calls these loops imports them inside of a function. The
compiled code is kept beside these files, or in the user's cache where that folder cannot be written, or else for the
process alone.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
_Loop = TypeVar("_Loop", bound=Callable[..., Any])

# What loops take. Each is compiled for these types alone, since compiling it for other ones takes another second.
BYTES, PLACES, MASK, BYTE_ROWS, PLACE_ROWS, BYTE_CUBE = (
    numba.types.Array(kind, dimensions, "C", readonly=True)
    for kind, dimensions in (
        (numba.uint8, 1), (numba.int64, 1), (numba.boolean, 1), (numba.uint8, 2), (numba.int64, 2), (numba.uint8, 3),
    )
)  # fmt: skip
WRITTEN, WRITTEN_PLACES, WRITTEN_ROWS, WRITTEN_PLACE_ROWS = (
    numba.types.Array(kind, dimensions, "C")
    for kind, dimensions in ((numba.uint8, 1), (numba.int64, 1), (numba.uint8, 2), (numba.int64, 2))
)
NUMBER = numba.int64


def compiled(*types: numba.types.Type) -> Callable[[_Loop], _Loop]:
    """Compile a function for arguments of some types. It holds no lock while it runs, and no bounds are checked
    but those that it checks itself.
    """

    def compile_it(loop: _Loop) -> _Loop:
        try:
            done = numba.njit([types], nogil=True, cache=True, error_model="numpy")(loop)
        except RuntimeError:  # there is no folder to keep the code in
            done = numba.njit([types], nogil=True, error_model="numpy")(loop)
        return cast(_Loop, done)

    return compile_it
