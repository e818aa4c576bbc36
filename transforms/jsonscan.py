"""Where each value stands in a JSON text: its path and its place, character by character.

Belongs here: walking one text, for the few records that are changed in place. Must not: columns of many texts
(json_columns.py), contracts. The text is valid JSON (jsontext.py); nothing is decoded.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from transforms.json_columns import EACH, Steps

_TOKEN = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')


class Scalar(NamedTuple):
    """A string, number, boolean or null: its path (``EACH`` for any position in an array) and its place."""

    path: Steps
    start: int
    end: int


def scalars(text: str) -> Iterator[Scalar]:
    """Every scalar of a JSON text, in order; names of members are none."""
    import json

    path: list[str | int] = []  # a step per open container; of an object, the member that is being read
    in_object: list[bool] = []
    name_next = False
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "{[":
            in_object.append(first == "{")
            path.append("" if in_object[-1] else EACH)
            name_next = in_object[-1]
        elif first in "}]":
            in_object.pop()
            path.pop()
            name_next = False
        elif first == ",":
            name_next = in_object[-1]
        elif first == ":":
            name_next = False
        elif name_next:
            path[-1] = json.loads(token[0])
        else:
            yield Scalar(tuple(path), token.start(), token.end())
