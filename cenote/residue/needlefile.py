"""Files of needles, which the operator keeps: a JSON line or a plain value per line.

Belongs here: reading and writing them. Must not: making needles. Such a file names a person: keep it short-lived and
readable by nobody else, and never give a value on a command line, where shells remember it.
"""

import json
from collections.abc import Iterable
from typing import TextIO

from cenote.errors import CenoteError
from cenote.residue.model import KINDS, Needle, needles_of


def read(lines: Iterable[str]) -> list[Needle]:
    """Needles, each once. Raises ``CenoteError`` naming the line, never what stands in it."""
    found: dict[Needle, None] = {}
    for number, line in enumerate(lines, 1):
        if text := line.strip().removeprefix("\ufeff"):
            try:
                found[_needle(text)] = None
                needles_of(list(found)[-1:])
            except ValueError:
                raise CenoteError(
                    f"line {number} of the needles cannot be used",
                    "write a value of at least four letters and digits, or "
                    f'{{"kind": "{"|".join(KINDS)}", "value": "..."}}, a line each',
                ) from None
    return list(found)


def write(needles: Iterable[Needle], out: TextIO) -> None:
    """Write needles, a JSON line each."""
    for needle in needles:
        out.write(json.dumps({"kind": needle.kind, "value": needle.value}, ensure_ascii=False) + "\n")


def _needle(text: str) -> Needle:
    if not text.startswith("{"):
        return Needle.of(text)
    told = json.loads(text)
    if not isinstance(told, dict) or not isinstance(told.get("value"), str):
        raise ValueError
    return Needle(told["value"], told.get("kind", "identifier"))
