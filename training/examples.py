"""Examples to learn from: filled templates in many layouts, cases and combinations.

Belongs here: putting texts together and roughing them up.
Must not: fitting (tagger.py). Everything follows from the seed.
"""

import random
from dataclasses import dataclass

from training.slots import Slots
from training.templates import Span, fill, templates


@dataclass(frozen=True)
class Example:
    """A text and its marked spans: start, end (characters) and kind, in order."""

    text: str
    spans: tuple[Span, ...]


def examples(count: int, seed: int, *, dev: bool = False) -> list[Example]:
    """So many examples, of the skeletons and values of training or of development."""
    rng = random.Random(seed)
    slots = Slots(rng, dev)
    domains = templates(dev)
    sizes = [len(lines) for _, lines in domains]
    found: list[Example] = []
    while len(found) < count:
        lines = rng.choices(domains, sizes)[0][1]
        text, spans = fill(rng.choice(lines), slots)
        while rng.random() < 0.22 and len(text) < 220:
            text, spans = _joined((text, spans), fill(rng.choice(lines), slots), rng)
        text, spans = _laid_out(text, spans, rng)
        text, spans = _garbled(text, spans, rng)
        found.append(_cased(_mistyped(text, spans, rng), spans, rng))
    return found


def _joined(left: tuple[str, list[Span]], right: tuple[str, list[Span]], rng: random.Random) -> tuple[str, list[Span]]:
    glue = rng.choice((" ", " ", "\n", ". ", "\n\n", " - "))
    shift = len(left[0]) + len(glue)
    return left[0] + glue + right[0], [*left[1], *((s + shift, e + shift, kind) for s, e, kind in right[1])]


def _laid_out(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """Line breaks made commas, wider, indented or quoted; now and then the last stop is left out."""
    draw = rng.random()
    brk = ("\n", "\n", "\n", "\n", "\n ", "\n\n", "\n  ", ", ", "\n\t", "\n> ", "\n>", "\r\n", " ", " / ")[
        int(draw * 14)
    ]
    if ">" in brk and any("\n" in text[start:end] for start, end, _ in spans):
        brk = "\n "
    if "\n" in text and brk != "\n" and not (brk in (", ", " ", " / ") and text.count("\n") > 4):
        wider = rng.random() < 0.5  # the whole text, or each line break by itself
        text, spans = _replaced(text, spans, brk if wider else None, rng)
    if text.endswith(".") and rng.random() < 0.3 and not any(end == len(text) for _, end, _ in spans):
        text = text[:-1]
    return text, spans


def _replaced(text: str, spans: list[Span], brk: str | None, rng: random.Random) -> tuple[str, list[Span]]:
    inside = [False] * len(text)
    for start, end, _ in spans:
        inside[start:end] = [True] * (end - start)
    at, out = [], ""
    for n, char in enumerate(text):
        at.append(len(out))
        if char == "\n" and (not inside[n] or (brk or "")[:1] == "\n"):
            char = brk or rng.choice(("\n", "\n ", "\n\n"))
        out += char
    at.append(len(out))
    return out, [(at[start], at[end - 1] + 1, kind) for start, end, kind in spans]


def _garbled(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """In one text of ten a dash, bullet or quotation mark, whole or as bad decoding leaves it, beside a mark."""
    if not spans or rng.random() > 0.1:
        return text, spans
    start, end, _ = rng.choice(spans)
    at = start if rng.random() < 0.5 else end
    sign = rng.choice(_SIGNS)
    sign = f"{sign} " if at == start else f" {sign}"
    size = len(sign)
    moved = [(s + size * (s >= at), e + size * (e > at), kind) for s, e, kind in spans]
    return text[:at] + sign + text[at:], moved


_SIGNS = (
    "-",
    "–",
    "—",
    "•",
    "*",
    "|",
    "“",
    "”",
    "»",
    "…",
    "â€“",
    "â€™",
    "â€œ",
    "Â",
    "ï¿½",
    "\ufffd",
    "&amp;",
    "?",
    "~",
)


def _mistyped(text: str, spans: list[Span], rng: random.Random) -> str:
    """In one text of eight some letters outside the marks are swapped."""
    if rng.random() > 0.12:
        return text
    letters = list(text)
    for _ in range(1 + len(text) // 60):
        n = rng.randrange(max(1, len(text) - 1))
        inside = any(start <= n + 1 and n < end for start, end, _ in spans)
        if text[n : n + 2].isalpha() and not inside:
            letters[n : n + 2] = letters[n + 1], letters[n]
    return "".join(letters)


def _cased(text: str, spans: list[Span], rng: random.Random) -> Example:
    """As it is, all in lower case, all in capitals, or with marks in capitals or lower case."""
    draw = rng.random()
    if draw < 0.12:
        changed = text.lower()
    elif draw < 0.15:
        changed = text.upper()
    elif draw < 0.26:
        changed = text
        for start, end, kind in spans:
            if rng.random() < 0.6 and kind != "ADDRESS":
                part = text[start:end]
                part = part.lower() if draw < 0.21 else part.upper()
                if len(part) == end - start:
                    changed = changed[:start] + part + changed[end:]
    elif draw < 0.29:
        changed = text[:1].lower() + text[1:]
    else:
        changed = text
    return Example(changed if len(changed) == len(text) else text, tuple(spans))
