"""A piece of decoded content.

Belongs here: the value that formats give and searches take. Must not: either of them.
"""

from dataclasses import dataclass, field
from typing import Any


class Opaque(Exception):
    """A file says what it is, and cannot be read as that: cut short, damaged, locked, or of an unknown kind."""


@dataclass(frozen=True)
class Piece:
    """Some content of a file and where it stands in it.

    ``tokens``: it is the token dictionary of a full-text index, a word per line. ``vectors``: rows of numbers (a
    two-dimensional array) that may be embeddings, instead of text; ``content`` is empty then.
    """

    where: str
    content: bytes = field(repr=False)
    tokens: bool = False
    vectors: Any = field(default=None, repr=False, compare=False)
