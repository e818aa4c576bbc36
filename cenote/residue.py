"""Whether any of some values stands anywhere below a folder, however it is encoded there.

Belongs here: searching, and the forms in which a value may be written. Must not: how the lake writes anything; files
are told by their content (cenote/decoded.py). So it proves, independently of the code that wrote them, that canaries
did not leak and that an erased person left no residue. Sealed payloads are ciphertext; nothing is found in them.
"""

import base64
import html
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import polars as pl

from cenote.decoded import Opaque, Piece, pieces

BATCH_BYTES = 16 << 20
LEAST_CHARACTERS = 4


@dataclass(frozen=True, order=True)
class Hit:
    """A needle that was found: the file below the folder, where in it, and the needle's number. Never the needle."""

    file: str
    where: str
    needle: int


@dataclass
class Examined:
    """What a search read and found. ``opaque``: files whose bytes were searched, but that could not be decoded."""

    hits: list[Hit] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    opaque: list[str] = field(default_factory=list)


def scan(folder: Path, needles: Sequence[str]) -> list[Hit]:
    """Every file and place below ``folder`` where one of ``needles`` stands, in any case and any of its :func:`forms`.

    Raises ``ValueError`` for a needle of fewer than four characters: it would be found by chance.
    """
    return examine(folder, needles).hits


def examine(folder: Path, needles: Sequence[str]) -> Examined:
    """As :func:`scan`, with what was read. Memory stays bounded by a few batches, whatever the folder's size."""
    searcher, found = Searcher(needles), Examined()
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        found.files += 1
        found.bytes += file.stat().st_size
        name = str(file.relative_to(folder))
        try:
            searcher.add(name, [Piece("name", name.encode())])
            searcher.add(name, pieces(file))
        except Opaque:
            found.opaque.append(name)
        except FileNotFoundError:
            continue  # removed meanwhile, by a cleanup or a commit
    found.hits = searcher.hits()
    return found


def search(content: bytes, needles: Sequence[str]) -> list[Hit]:
    """The needles that stand in ``content``, such as what a process printed."""
    searcher = Searcher(needles)
    searcher.add("", [Piece("content", content)])
    return searcher.hits()


def forms(needle: str) -> set[bytes]:
    """How a value may be written.

    Plain, composed or decomposed, escaped for JSON (also twice), HTML or a URL, in UTF-16, hexadecimal, or inside
    base64 at any of the three places a byte can have there.
    """
    plain = {needle, unicodedata.normalize("NFC", needle), unicodedata.normalize("NFD", needle)}
    texts = set(plain)
    for text in plain:
        escaped = json.dumps(text)[1:-1]
        texts |= {escaped, json.dumps(escaped)[1:-1], html.escape(text), quote(text, safe=""), text.lower()}
    found = {text.encode() for text in texts}
    for text in plain:
        content = text.encode()
        found |= {text.encode("utf-16-le"), content.hex().encode()}
        found |= {inner for shift in range(3) if len(inner := _in_base64(content, shift)) >= 8}
    return found


def _in_base64(content: bytes, shift: int) -> bytes:
    """The characters of base64 that ``content`` alone decides when ``shift`` bytes stand before it."""
    encoded = base64.b64encode(bytes(shift) + content)
    return encoded[-(-shift * 8 // 6) : (shift + len(content)) * 8 // 6]


class Searcher:
    """Looks for all needles at once (Aho-Corasick), a batch of pieces at a time."""

    def __init__(self, needles: Sequence[str]) -> None:
        self._numbers: dict[str, set[int]] = {}
        for number, needle in enumerate(needles):
            if len(needle) < LEAST_CHARACTERS:
                raise ValueError(f"needle {number} has fewer than {LEAST_CHARACTERS} characters")
            for form in forms(needle):
                self._numbers.setdefault(_lower(_text(form)), set()).add(number)
        self._patterns = list(self._numbers)
        self._places: list[tuple[str, str]] = []
        self._texts: list[str] = []
        self._size = 0
        self._hits: set[Hit] = set()

    def add(self, file: str, found: Iterable[Piece]) -> None:
        """Search pieces of a file."""
        for piece in found:
            self._places.append((file, piece.where))
            self._texts.append(_text(piece.content))
            self._size += len(piece.content)
            if self._size > BATCH_BYTES:
                self._flush()

    def hits(self) -> list[Hit]:
        """All hits so far, in order."""
        self._flush()
        return sorted(self._hits)

    def _flush(self) -> None:
        texts = pl.Series(self._texts, dtype=pl.String)
        if self._patterns and len(texts):
            touched = texts.str.contains_any(self._patterns, ascii_case_insensitive=True).arg_true()
            self._hits.update(self._matches(texts.gather(touched), touched))
        self._places, self._texts, self._size = [], [], 0

    def _matches(self, texts: pl.Series, rows: pl.Series) -> Iterator[Hit]:
        found = texts.str.extract_many(self._patterns, ascii_case_insensitive=True, overlapping=True)
        for row, matches in zip(rows.to_list(), found, strict=True):
            file, where = self._places[row]
            for match in matches.unique():
                yield from (Hit(file, where, number) for number in self._numbers[_lower(match)])


def _text(content: bytes) -> str:
    """Bytes as characters one to one, so that anything can be searched as text."""
    return content.decode("latin-1")


def _lower(text: str) -> str:
    """Lower case of ASCII letters alone, as the search ignores it."""
    return text.encode("latin-1").lower().decode("latin-1")
