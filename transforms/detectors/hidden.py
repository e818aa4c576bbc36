"""Text that hides in text: base64, hex, HTML entities, URL encoding, JSON escapes, invisible and full-width characters.

Belongs here: undoing encodings while keeping where each piece came from. Must not: detection in what comes out (the
caller scans it and maps spans back).
"""

import base64
import binascii
import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

import numpy as np
import polars as pl

from transforms.detectors.buffer import Buffer, Positions
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.tokens import DIGIT, LETTER, LOWER, UPPER, joined

_TELLING = re.compile(
    r"[%&\\<+\u00a0\u00ad\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2000-\u2015\u202f\u205f-\u2064\u2212\u3000\ufeff-\uff5e]"
)
_ESCAPE = re.compile(
    r"(?:(?:%[0-9A-Fa-f]{2})+|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|(?:\\u[0-9a-fA-F]{4})+|\\[nrt\"/\\]"
    r"|[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+|(?<=\w)[\u00a0\u2000-\u200a\u202f\u205f\u3000](?=\w)|(?<=\d)[\u2010-\u2015\u2212](?=\d)"
    r"|[\uff01-\uff5e]+|[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]+|(?<=[\w@.])(?:</?[a-zA-Z][^<>]{0,40}>)+(?=[\w@.])|\+(?=[^\s&]*%[0-9A-Fa-f]{2}))"
)
_IS_HEX = np.zeros(256, dtype=bool)
_IS_HEX[[*b"0123456789abcdefABCDEF"]] = True
_ESCAPED = [*b'u"nrt/\\']
_WIDE_ESCAPES = "\u00ad \u0660-\u0669 \u06f0-\u06f9 \u0966-\u096f \u200b-\u200f \u2060-\u2064 \ufeff \uff01-\uff5e"
"""Invisible and full-width characters, other scripts' digits."""
_WIDE_GLUE = "\u00a0 \u2000-\u200a \u2010-\u2015 \u202f \u205f \u2212 \u3000"
"""Odd spaces and dashes."""
_AROUND = 80
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass(frozen=True)
class Hidden:
    """What hides in a scene: decoded runs, each with the range it came from, then pieces with escapes undone."""

    starts: Positions
    ends: Positions
    pieces: list["Decoded"]
    texts: pl.Series

    def original(self, buffer: Buffer, start: Positions, end: Positions) -> tuple[Positions, Positions]:
        """The ranges of the scene that ranges in a buffer of ``texts`` came from."""
        rows = buffer.rows(start)
        begin, finish = start - buffer.starts[rows], end - buffer.starts[rows]
        whole = rows < len(self.starts)
        begin[whole], finish[whole] = self.starts[rows[whole]], self.ends[rows[whole]]
        for place in np.flatnonzero(~whole).tolist():
            piece = self.pieces[int(rows[place]) - len(self.starts)]
            begin[place], finish[place] = piece.original(int(begin[place]), int(finish[place]))
        return begin, finish


def hidden_in(scene: Scene, *, glue: bool) -> Hidden | None:
    """Text that hides in a scene; None where there is none. ``glue``: odd spaces, dashes and tags inside words count
    too.
    """
    starts, ends, runs = _decode_runs(scene)
    pieces = _unescape(scene, glue=glue)
    if not len(runs) and not pieces:
        return None
    return Hidden(starts, ends, pieces, pl.concat([runs, pl.Series([p.text for p in pieces], dtype=pl.String)]))


@dataclass(frozen=True)
class Decoded:
    """A piece of text after decoding, and for each part of it where it begins in either text (bytes).

    Even parts stand as they stood, odd ones are escapes.
    """

    start: int
    text: str
    decoded_at: list[int]
    original_at: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the buffer that a range of the decoded text came from: whole escapes."""
        first = bisect_right(self.decoded_at, start) - 1
        last = bisect_left(self.decoded_at, end) - 1
        begin = self.original_at[first] + (0 if first % 2 else start - self.decoded_at[first])
        finish = self.original_at[last + 1] if last % 2 else self.original_at[last] + end - self.decoded_at[last]
        return self.start + begin, self.start + finish


def _unescape(scene: Scene, *, glue: bool) -> list[Decoded]:
    """The surroundings of escapes, with the escapes undone."""
    at = _escapes(scene, glue)
    if len(at) == 0:
        return []
    begin, finish = scene.to_spaces(*scene.buffer.around(at, at, _AROUND, _AROUND))
    begin, finish = scene.buffer.whole(begin, finish)  # a sign folds to a quote and spaces
    rows = scene.buffer.rows(at)
    begin, finish = np.maximum(begin, scene.buffer.starts[rows]), np.minimum(finish, scene.buffer.ends[rows])
    begin, finish = joined(begin, finish)
    decode = cache(_decode)  # for this chunk: the same surroundings occur again and again
    return [
        Decoded(start, *decode(text))
        for start, text in zip(begin.tolist(), scene.buffer.cut(begin, finish, plain=True).to_list(), strict=True)
    ]


def _escapes(scene: Scene, glue: bool) -> Positions:
    """Positions where an escape begins, by the bytes there and behind them."""
    percent, slash, ampersand, tag = (scene.marks_at(mark) for mark in "%\\&<")
    found = [
        percent[_IS_HEX[scene.code(percent + 1)] & _IS_HEX[scene.code(percent + 2)]],
        slash[np.isin(scene.code(slash + 1), _ESCAPED)],
        _matching(scene, ampersand, r"^&#?[a-z0-9]{2,30};"),
    ]
    if glue:
        tag = tag[(scene.kind(tag - 1) >= DIGIT) & ((scene.kind(tag + 1) & LETTER > 0) | (scene.code(tag + 1) == 47))]
        found.append(_matching(scene, tag, r"^</?[a-z]{1,9}>[0-9a-z@]"))
    found.append(_wide(scene, _WIDE_ESCAPES))
    if glue:
        at = _wide(scene, _WIDE_GLUE)
        at = at[scene.kind(at - 1) >= DIGIT]
        behind = at + np.where(scene.buffer.raw[at] == 0xC2, 2, 3)
        found.append(at[(scene.kind(behind) >= DIGIT) | np.isin(scene.code(behind), [*b"+("])])
    return np.sort(np.concatenate(found))


def _matching(scene: Scene, at: Positions, pattern: str) -> Positions:
    """The positions that a pattern matches from."""
    return at[has(scene.buffer.after(at, 32), pattern)] if len(at) else at


def _wide(scene: Scene, ranges: str) -> Positions:
    """Positions of the characters of some ranges: by their first three bytes as a number, a fourth does not matter."""
    raw, at = scene.buffer.raw, scene.buffer.wide
    if not len(at):
        return at
    first, second, third = (raw.take(at + step, mode="clip").astype(np.int64) for step in range(3))
    number = first << 16 | second << 8 | third
    lows, highs = _bounds(ranges)
    place = np.searchsorted(lows, number, side="right") - 1
    return at[(place >= 0) & (number <= highs.take(place))]


@cache
def _bounds(ranges: str) -> tuple[Positions, Positions]:
    """Between which numbers the first three bytes of characters of some ranges are."""
    ends = [(some[0].encode(), some[-1].encode()) for some in ranges.split(" ")]
    lows = [int.from_bytes(low.ljust(3, b"\0")) for low, _ in ends]
    return np.array(lows), np.array([int.from_bytes(high.ljust(3, b"\xff")) for _, high in ends])


def _decode(text: str) -> tuple[str, list[int], list[int]]:
    """A piece after decoding, and where its parts begin in either text."""
    parts: list[str] = []
    decoded_at, original_at = [0], [0]
    last = 0
    for match in _escaped(text):
        for old, new in ((text[last : match.start()],) * 2, (match.group(), _undo(match.group()))):
            parts.append(new)
            decoded_at.append(decoded_at[-1] + len(new.encode()))
            original_at.append(original_at[-1] + len(old.encode()))
        last = match.end()
    parts.append(text[last:])
    size = len(text[last:].encode())
    decoded_at.append(decoded_at[-1] + size)
    original_at.append(original_at[-1] + size)
    return "".join(parts), decoded_at, original_at


def _escaped(text: str) -> Iterator[re.Match[str]]:
    """The escapes of a text: tried only where a character may begin one, which the engine finds fast."""
    at = 0
    while found := _TELLING.search(text, at):
        match = _ESCAPE.match(text, found.start())
        if match:
            yield match
        at = (match or found).end()


def _undo(escape: str) -> str:
    first = escape[0]
    if first == "%":
        return unquote(escape, errors="replace")
    if first == "&":
        return html.unescape(escape)
    if first == "\\":
        if escape[1] == "u":
            units = [int(unit, 16) for unit in escape.split("\\u")[1:]]
            return b"".join(unit.to_bytes(2) for unit in units).decode("utf-16-be", "replace")
        return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[1], escape[1])
    if first == "<":
        return ""
    if first == "+" or first in "\u00a0\u202f\u205f\u3000" or "\u2000" <= first <= "\u200a":
        return " "
    if "\uff01" <= first <= "\uff5e":
        return "".join(chr(ord(c) - 0xFEE0) for c in escape)
    if first.isdigit():
        return "".join(str(int(c)) for c in escape)
    if "\u2010" <= first <= "\u2015" or first == "\u2212":
        return "-"
    return ""


def _decode_runs(scene: Scene) -> tuple[Positions, Positions, pl.Series]:
    """Base64 and hex runs that hold readable text: their ranges in the buffer, and the text."""
    bits, size = scene.bits[scene.long], scene.sizes[scene.long]
    mixed, digit = (bits & (UPPER | LOWER)) == (UPPER | LOWER), (bits & DIGIT) > 0
    hexes = np.flatnonzero(digit & (bits != DIGIT) & (size >= 16))
    for step in range(8):
        hexes = hexes[_IS_HEX[scene.code(scene.starts[scene.long[hexes]] + step)]]
    likely = mixed & (digit | (size >= 16))
    likely[hexes] = True
    index = scene.long[likely]
    begin, finish = scene.to_spaces(scene.starts[index], scene.ends[index])
    first = np.flatnonzero(np.diff(begin, prepend=-1))
    begin = begin[first]
    found: list[tuple[int, int, str]] = []
    readable = cache(_readable)
    for at, piece in zip(begin.tolist(), scene.buffer.cut(begin, finish[first]).to_list(), strict=True):
        for match in _ENCODED.finditer(piece):
            plain = readable(match.group())
            if plain is not None:
                found.append((at + match.start(), at + match.end(), plain))
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return (
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        pl.Series(columns[2], dtype=pl.String),
    )


_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])")
_HEX_RUN = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")


def _readable(run: str) -> str | None:
    """What a base64 or hex run says, if that is text."""
    if _HEX_RUN.fullmatch(run):
        raw = bytes.fromhex(run)
    elif _MIXED.match(run):
        body = run.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            raw = base64.b64decode(body + "=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            return None
    else:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else None
