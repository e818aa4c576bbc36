"""The second development set: texts written by hand, in styles that no template has.

Belongs here: reading ``prose.txt``. Must not: training on it.
"""

import re
from pathlib import Path

from training.examples import Example

_MARK = re.compile(r"\[([A-Z]+) ([^\]]+)\]")


def prose() -> list[Example]:
    """The texts with their marks."""
    lines = (Path(__file__).parent / "prose.txt").read_text(encoding="utf-8").splitlines()
    return [_read(line.replace("\\n", "\n")) for line in lines if line and not line.startswith("#")]


def _read(line: str) -> Example:
    text, spans, at = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[at : mark.start()]
        spans.append((len(text), len(text) + len(mark[2]), mark[1]))
        text += mark[2]
        at = mark.end()
    return Example(text + line[at:], tuple(spans))
