"""Content -> records, exactly: the prefix and payload of every record, then the trailer, are the content again.

Belongs here: splitting bytes. Must not: files (landing.py), judging records (transforms/jsontext.py).

- lines: a record per line that is not blank; line ends, blank lines and a byte order mark go to the prefixes;
- an array: a record per element; brackets, commas and white space go to the prefixes;
- a document, malformed and empty ones too: one record, white space around it aside.

What is held in memory at once has limits: a record (and white space between two), and a whole document or array.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec
import numpy as np

from transforms.jsontext import WHITESPACE, is_json

BLOCK_BYTES = 16 * 2**20
CHUNK_ROWS = 100_000
WINDOW_BYTES = 2**22
RECORD_BYTES = 128 * 2**20
DOCUMENT_BYTES = 512 * 2**20

LINES, ARRAY, DOCUMENT = "lines", "array", "document"
BOM = b"\xef\xbb\xbf"
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_TELLING = np.zeros(256, np.bool_)  # brackets, commas and quotation marks
_TELLING[[*b'[{]},"']] = True
_STEPS = np.zeros(256, np.int8)  # what a byte outside strings does to the depth
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1
_SPACE = re.compile(rb"[ \t\r\n]*")
_whole = msgspec.json.Decoder(msgspec.Raw).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class TooLargeError(Exception):
    """More bytes than may be held in memory at once: ``what`` has more than ``limit``; a ``document``, or a record."""

    def __init__(self, what: str, limit: int, *, document: bool = False) -> None:
        super().__init__(what, limit)
        self.what, self.limit, self.document = what, limit, document


@dataclass(frozen=True)
class Chunk:
    """Some records in order: the bytes before each one, and its own."""

    prefixes: list[bytes]
    payloads: list[bytes]


class Splitter:
    """Splits content into records; ``format`` and ``trailer`` are right once all chunks were taken.

    Raises ``TooLargeError`` for a record, or white space between two, of more than ``record_bytes``, and for a document
    or array of more than ``document_bytes``.
    """

    def __init__(self, record_bytes: int = RECORD_BYTES, document_bytes: int = DOCUMENT_BYTES) -> None:
        self.format = LINES
        self.trailer = b""
        self._record_bytes, self._document_bytes = record_bytes, document_bytes

    def document(self, blocks: Iterator[bytes]) -> Iterator[Chunk]:
        """Split a ``.json`` file: lines, an array, or one document."""
        head, more = _first_line(blocks, self._document_bytes)
        if more:
            yield from self.lines(chain(head, blocks))
            return
        content = join(chain(head, blocks), self._document_bytes)
        del head
        start, end = _extent(content)
        starts = _element_starts(content, start, end)
        if starts is None:
            self.format, self.trailer = DOCUMENT, content[end:]
            yield self._fitting(Chunk([content[:start]], [content[start:end]]))
        else:
            self.format = ARRAY
            yield from self._split_array(content, starts)

    def _split_array(self, content: bytes, starts: Iterator[int]) -> Iterator[Chunk]:
        """``starts``: where each element begins, white space before it included; then where the array has ended."""
        done, size, chunk = 0, 0, Chunk([], [])
        first = next(starts)
        for following in starts:
            piece = content[first : following - 1]
            payload = piece.strip(WHITESPACE)
            begin = first + len(piece) - len(piece.lstrip(WHITESPACE))
            chunk.prefixes.append(content[done:begin])
            chunk.payloads.append(payload)
            done = begin + len(payload)
            size += done - begin
            first = following
            if len(chunk.payloads) == CHUNK_ROWS or size > BLOCK_BYTES:
                yield self._fitting(chunk)
                size, chunk = 0, Chunk([], [])
        self.trailer = content[done:]
        if chunk.payloads:
            yield self._fitting(chunk)

    def lines(self, blocks: Iterator[bytes]) -> Iterator[Chunk]:
        """Split into lines; a block's last, unfinished line waits for the next block."""
        gap: list[bytes] = []  # bytes since the last record
        first = True
        for text, ended in _whole_lines(blocks, self._record_bytes):
            if first and text.startswith(BOM):
                gap, text = [BOM], text[len(BOM) :]
            first = False
            more = True
            plain, small = b"\r" not in text, len(text) <= self._record_bytes
            while more:
                lines = text.split(b"\n", CHUNK_ROWS)
                if more := len(lines) > CHUNK_ROWS:
                    text = lines.pop()
                chunk, after = _line_chunk(lines, b"\n" if ended or more else b"", plain)
                if chunk.payloads:
                    chunk.prefixes[0] = b"".join([*gap, chunk.prefixes[0]])
                    yield chunk if small else self._fitting(chunk)
                    gap = []
                gap.append(b"".join(after))
                if sum(map(len, gap)) > self._record_bytes:
                    raise TooLargeError("white space between two records", self._record_bytes)
        self.trailer = b"".join(gap)

    def _fitting(self, chunk: Chunk) -> Chunk:
        if max(map(len, chunk.payloads)) > self._record_bytes:
            raise TooLargeError("a record", self._record_bytes)
        return chunk


def _line_chunk(lines: list[bytes], last_end: bytes, plain: bool) -> tuple[Chunk, list[bytes]]:
    """Records of consecutive lines, and the bytes after the last record. Only the last line may lack its line end.

    ``plain``: there is no carriage return in them.
    """
    if plain and all(lines) and not any(map(bytes.isspace, lines)):
        return Chunk([b"", *[b"\n"] * (len(lines) - 1)], lines), [last_end]
    chunk, gap = Chunk([], []), list[bytes]()
    for number, line in enumerate(lines):
        end = last_end if number == len(lines) - 1 else b"\n"
        record = line.rstrip(b"\r")
        if record.strip(WHITESPACE):
            chunk.prefixes.append(b"".join(gap))
            chunk.payloads.append(record)
            gap = [line[len(record) :], end]
        else:
            gap += (line, end)
    return chunk, gap


def _whole_lines(blocks: Iterator[bytes], limit: int) -> Iterator[tuple[bytes, bool]]:
    """Texts that end with a line, without that line's end; then the text after the last line end, if any (False)."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        cut = block.rfind(b"\n")
        if cut >= 0:
            text = b"".join([*parts, block[:cut]])
            parts, size = [], 0  # before it is worked on, since a line may be large
            yield text, True
            del text
        parts.append(block[cut + 1 :])
        size += len(block) - cut - 1
        if size > limit:
            raise TooLargeError("a line", limit)
    if size:
        text = b"".join(parts)
        parts = []
        yield text, False


def _first_line(blocks: Iterator[bytes], limit: int) -> tuple[list[bytes], bool]:
    """Read until the first line that is not blank has ended and something follows it.

    Returns what was read, and whether that line is a whole JSON value with more after it, so that the file is lines.
    """
    head = [_at_least(len(BOM), blocks)]
    line, rest, ended = head[0].removeprefix(BOM).lstrip(WHITESPACE), b"", False
    size = len(head[0])
    while True:
        if not ended:
            first, end, rest = line.partition(b"\n")
            ended = bool(end)
            if ended and not is_json(first.strip(WHITESPACE)):
                return head, False
            if not ended and len(line) >= BLOCK_BYTES:
                return head, False  # a document: nobody writes lines that long
        if rest.strip(WHITESPACE):
            return head, True
        block = next(blocks, None)
        if block is None:
            return head, False
        head.append(block)
        size += len(block)
        if size > limit:
            raise TooLargeError("a document", limit, document=True)
        line, rest = (line, block) if ended else ((line + block).lstrip(WHITESPACE), b"")


def _at_least(size: int, blocks: Iterator[bytes]) -> bytes:
    """The first bytes, ``size`` of them or more where there are as many."""
    head = b""
    while len(head) < size and (block := next(blocks, None)) is not None:
        head += block
    return head


def _extent(content: bytes) -> tuple[int, int]:
    """Where the content begins and ends, byte order mark and white space aside; without copying it."""
    found = _SPACE.match(content, len(BOM) if content.startswith(BOM) else 0)
    assert found
    start, end = found.end(), len(content)
    while end > start:
        tail = content[max(start, end - BLOCK_BYTES // 256) : end]
        kept = len(tail.rstrip(WHITESPACE))
        end -= len(tail) - kept
        if kept:
            break
    return start, end


def _element_starts(content: bytes, start: int, end: int) -> Iterator[int] | None:
    """Where the elements of a JSON array begin, and the end of the array; None where it is none."""
    if not content.startswith(b"[", start):
        return None
    try:
        _whole(memoryview(content)[start:end])
    except (msgspec.DecodeError, RecursionError):
        return None
    if not content[start + 1 : end - 1].strip(WHITESPACE):
        return iter([end])
    return chain([start + 1], _after_commas(content, start, end), [end])


def _after_commas(content: bytes, start: int, end: int) -> Iterator[int]:
    """The positions after the commas between the elements of a valid array, found in windows of the content.

    Memory stays bounded: an object per element would need far more than millions of small ones have bytes.
    """
    inside = depth = 0  # whether a string is open, and how many brackets are
    while start < end:
        stop = min(end, start + WINDOW_BYTES)
        while stop < end and content[stop - 1] == _BACKSLASH:
            stop += 1  # a window ends with no escape open
        window = np.frombuffer(content, np.uint8, stop - start, start)
        places = np.flatnonzero(_TELLING[window])
        if b"\\" in content[start:stop]:
            places = places[~_escaped(window, places)]
        signs = window[places]
        within = (np.cumsum(signs == _QUOTE, dtype=np.int32) + inside) & 1
        depths = np.cumsum(_STEPS[signs] * (within == 0), dtype=np.int32) + depth
        yield from (places[(signs == _COMMA) & (depths == 1) & (within == 0)] + start + 1).tolist()
        if len(places):
            inside, depth = int(within[-1]), int(depths[-1])
        start = stop


def _escaped(window: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which of the places follow a backslash that is not escaped itself: one with an even number of them before it."""
    slashes = np.flatnonzero(window == _BACKSLASH)
    position = np.arange(len(slashes))
    begins = np.concatenate([[True], np.diff(slashes) > 1])
    escaping = (position - np.maximum.accumulate(np.where(begins, position, 0))) % 2 == 0
    follows = np.zeros(len(window) + 1, np.bool_)
    follows[slashes[escaping] + 1] = True
    return follows[places]


def join(blocks: Iterator[bytes], limit: int = DOCUMENT_BYTES) -> bytes:
    """All blocks in one piece. Raises ``TooLargeError``."""
    parts, size = [], 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > limit:
            raise TooLargeError("a document", limit, document=True)
    return b"".join(parts)


def value_at(content: bytes, pointer: str) -> bytes:
    """The exact bytes of the value that a JSON Pointer (RFC 6901) names. Raises ``ValueError`` where there is none."""
    if pointer and not pointer.startswith("/"):
        raise ValueError("a pointer starts with /")
    value = content.removeprefix(BOM)
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        try:
            if value.lstrip(WHITESPACE).startswith(b"["):
                value = bytes(_elements(value)[int(key) if key.isascii() and key.isdigit() else len(value)])
            else:
                value = bytes(_members(value)[key])
        except (msgspec.DecodeError, RecursionError, KeyError, IndexError):
            raise ValueError("nothing is there") from None
    return value
