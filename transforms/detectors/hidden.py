"""Text that hides in text: base64, hex, HTML entities, URL encoding, JSON escapes, invisible and full-width characters.

Belongs here: undoing encodings while keeping where each piece came from. Must not: detection in what comes out (the
caller scans it and maps spans back).
"""

import base64
import binascii
import html
import re
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.tokens import DIGIT, LOWER, UPPER, joined

_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|(?:\\u[0-9a-fA-F]{4})+|\\[nrt\"/\\]"
    r"|[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+|(?<=\w)[\u00a0\u2000-\u200a\u202f\u205f\u3000](?=\w)|(?<=\d)[\u2010-\u2015\u2212](?=\d)"
    r"|[\uff01-\uff5e]+|[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]+|(?<=[\w@.])(?:</?[a-zA-Z][^<>]{0,40}>)+(?=[\w@.])|\+(?=[^\s&]*%[0-9A-Fa-f]{2})"
)
_TRIGGERS = np.zeros(256, dtype=bool)
_TRIGGERS[[*b"%&\\<", 0xC2, 0xD9, 0xDB, 0xE0, 0xE2, 0xE3, 0xEF]] = True
_IS_ESCAPE = (
    r"^(?:%[0-9A-Fa-f]{2}|&#?[A-Za-z0-9]{2,10};|\\[u\"nrt/\\]|[\x{ad}\x{200b}-\x{200f}\x{2060}-\x{2064}\x{feff}"
    r"\x{ff01}-\x{ff5e}\x{660}-\x{669}\x{6f0}-\x{6f9}\x{966}-\x{96f}])"
)
_IS_GLUE = (
    r"^(?:[\x{a0}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}][0-9A-Za-z+(]|[\x{2010}-\x{2015}\x{2212}][0-9]"
    r"|</?[a-zA-Z]{1,9}>[0-9A-Za-z@])"
)
_AROUND = 80
_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass(frozen=True)
class Decoded:
    """A piece of text after decoding, and for each part of it where it begins in either text (bytes).

    Even parts stand as they stood, odd ones are escapes.
    """

    start: int
    text: str
    decoded_at: Positions
    original_at: Positions

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the buffer that a range of the decoded text came from: whole escapes."""
        first = int(np.searchsorted(self.decoded_at, start, side="right")) - 1
        last = int(np.searchsorted(self.decoded_at, end, side="left")) - 1
        begin = int(self.original_at[first]) + (0 if first % 2 else start - int(self.decoded_at[first]))
        finish = int(
            self.original_at[last + 1] if last % 2 else self.original_at[last] + end - int(self.decoded_at[last])
        )
        return self.start + begin, self.start + finish


def unescape(scene: Scene, *, glue: bool = True) -> list[Decoded]:
    """The surroundings of escapes, with the escapes undone. ``glue``: odd spaces, dashes and tags inside words count
    too.
    """
    at = np.flatnonzero(_TRIGGERS[scene.buffer.codes])
    spaced = (at > 0) & (scene.classes[np.maximum(at - 1, 0)] >= DIGIT)
    around = scene.buffer.after(at, 16, lower=False)
    wanted = has(around, _IS_ESCAPE).to_numpy()
    at = at[wanted | (spaced & has(around, _IS_GLUE).to_numpy())] if glue else at[wanted]
    begin, finish = scene.to_spaces(*scene.buffer.around(at, at, _AROUND, _AROUND))
    rows = scene.buffer.rows(at)
    begin, finish = np.maximum(begin, scene.buffer.starts[rows]), np.minimum(finish, scene.buffer.ends[rows])
    begin, finish = joined(begin, finish)
    return [
        _decode(start, text)
        for start, text in zip(begin.tolist(), scene.buffer.cut(begin, finish).to_list(), strict=True)
    ]


def _decode(start: int, text: str) -> Decoded:
    parts: list[str] = []
    decoded_at, original_at = [0], [0]
    last = 0
    for match in _ESCAPE.finditer(text):
        for old, new in ((text[last : match.start()],) * 2, (match.group(), _undo(match.group()))):
            parts.append(new)
            decoded_at.append(decoded_at[-1] + len(new.encode()))
            original_at.append(original_at[-1] + len(old.encode()))
        last = match.end()
    parts.append(text[last:])
    size = len(text[last:].encode())
    decoded_at.append(decoded_at[-1] + size)
    original_at.append(original_at[-1] + size)
    return Decoded(start, "".join(parts), np.array(decoded_at), np.array(original_at))


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


def decode_runs(scene: Scene) -> tuple[Positions, Positions, pl.Series]:
    """Base64 and hex runs that hold readable text: their ranges in the buffer, and the text."""
    starts, ends, bits = scene.starts, scene.ends, scene.bits
    size = ends - starts
    mixed = (bits & (UPPER | LOWER)) == (UPPER | LOWER)
    digit = (bits & DIGIT) > 0
    likely = (mixed & digit & (size >= 8)) | (mixed & (size >= 16)) | (digit & (bits != DIGIT) & (size >= 16))
    begin, finish = scene.to_spaces(starts[likely], ends[likely])
    begin, first = np.unique(begin, return_index=True)
    found: list[tuple[int, int, str]] = []
    for at, piece in zip(begin.tolist(), scene.buffer.cut(begin, finish[first]).to_list(), strict=True):
        raw = piece.encode()
        for match in _ENCODED.finditer(raw):
            plain = _readable(match.group().decode())
            if plain is not None:
                found.append((at + match.start(), at + match.end(), plain))
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return (
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        pl.Series(columns[2], dtype=pl.String),
    )


def _readable(run: str) -> str | None:
    """What a base64 or hex run says, if that is text."""
    if re.fullmatch(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+", run):
        raw = bytes.fromhex(run)
    elif re.search(r"[A-Z]", run) and re.search(r"[a-z]", run):
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
