"""Templates: sentences, letters and forms with slots, written by hand in ``training/templates``.

Belongs here: reading and expanding templates. Must not: values (slots.py), changes of layout and case (examples.py). A
template is a line; ``(a|b)`` is a choice, ``{slot}`` a value, ``\\n`` and ``\\t`` breaks. All expansions of a template
fall on the same side of the split into training and development.
"""

import random
import re
from functools import cache
from pathlib import Path

from training.slots import PLAIN, Slots
from training.values import held_out

Span = tuple[int, int, str]

_FOLDER = Path(__file__).parent / "templates"
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_PARTS = re.compile(r"\{([a-z_]+[0-9]?)\}")


@cache
def templates(dev: bool) -> list[tuple[str, list[str]]]:
    """Templates of one side, by domain (the name of their file)."""
    found = []
    for file in sorted(_FOLDER.glob("*.txt")):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        found.append((file.stem, [line for line in lines if held_out(line) == dev]))
    return found


def expand(template: str, rng: random.Random) -> str:
    """One of the template's choices everywhere, slots left as they are."""
    while match := _CHOICE.search(template):
        template = template[: match.start()] + rng.choice(match[1].split("|")) + template[match.end() :]
    return template.replace("\\n", "\n").replace("\\t", "\t")


def fill(template: str, slots: Slots) -> tuple[str, list[Span]]:
    """A template's text with values in its slots, and the marked spans."""
    text, spans = "", []
    for n, part in enumerate(_PARTS.split(expand(template, slots.rng))):
        pieces = slots.fill(part) if n % 2 else [(part, PLAIN)]
        for piece, kind in pieces:
            if kind:
                spans.append((len(text), len(text) + len(piece), kind))
            text += piece
    return text, _whole_names(text, spans)


def _whole_names(text: str, spans: list[Span]) -> list[Span]:
    """A given name and a surname in a row are one mark."""
    found: list[Span] = []
    for start, end, kind in spans:
        if found and kind == found[-1][2] == "PERSON" and text[found[-1][1] : start] == " ":
            found[-1] = (found[-1][0], end, kind)
        else:
            found.append((start, end, kind))
    return found
