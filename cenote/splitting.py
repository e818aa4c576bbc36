"""Content -> records, exactly: the prefix and payload of every record, then the trailer, are the content again.

Belongs here: splitting bytes. Must not: files (landing.py), judging records (transforms/jsontext.py).

- lines: a record per line that is not blank; line ends, blank lines and a byte order mark go to the prefixes;
- an array: a record per element; brackets, commas and white space go to the prefixes;
- a document, malformed and empty ones too: one record, white space around it aside.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

from transforms.jsontext import WHITESPACE, is_json

BLOCK_BYTES = 16 * 2**20
CHUNK_ROWS = 100_000
MAX_DOCUMENT_BYTES = 5 * 2**28
"""One document, array or line is held in memory and sealed whole; cipher and Arrow take up to 2 GiB at once."""

LINES, ARRAY, DOCUMENT = "lines", "array", "document"
BOM = b"\xef\xbb\xbf"
_BETWEEN = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*")
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class TooLargeError(Exception):
    """A document or line has more bytes than may be held in memory at once."""


@dataclass(frozen=True)
class Chunk:
    """Some records in order: the bytes before each one, and its own."""

    prefixes: list[bytes]
    payloads: list[bytes]


class Splitter:
    """Splits content into records; ``format`` and ``trailer`` are right once all chunks were taken."""

    def __init__(self) -> None:
        self.format = LINES
        self.trailer = b""

    def document(self, blocks: Iterator[bytes]) -> Iterator[Chunk]:
        """Split a ``.json`` file: lines, an array, or one document."""
        head, more = _first_line(blocks)
        if more:
            yield from self.lines(chain(head, blocks))
            return
        content = join(chain(head, blocks))
        start = len(BOM) if content.startswith(BOM) else 0
        start = len(content) - len(content[start:].lstrip(WHITESPACE))
        end = max(start, len(content.rstrip(WHITESPACE)))
        elements = _array(memoryview(content)[start:end]) if content.startswith(b"[", start) else None
        if elements is None:
            self.format, self.trailer = DOCUMENT, content[end:]
            yield Chunk([content[:start]], [content[start:end]])
        else:
            self.format = ARRAY
            yield from self._split_array(content, start, elements)

    def _split_array(self, content: bytes, start: int, elements: Sequence[msgspec.Raw]) -> Iterator[Chunk]:
        done, size, chunk = 0, 0, Chunk([], [])
        for number, element in enumerate(elements):
            payload = bytes(element)
            match = _BETWEEN.match(content, done if number else start + 1)
            assert match and content.startswith(payload, match.end())
            chunk.prefixes.append(content[done : match.end()])
            chunk.payloads.append(payload)
            done = match.end() + len(payload)
            size += len(payload)
            if len(chunk.payloads) == CHUNK_ROWS or size > BLOCK_BYTES:
                yield chunk
                size, chunk = 0, Chunk([], [])
        self.trailer = content[done:]
        if chunk.payloads:
            yield chunk

    def lines(self, blocks: Iterator[bytes]) -> Iterator[Chunk]:
        """Split into lines; a block's last, unfinished line waits for the next block."""
        gap: list[bytes] = []  # bytes since the last record
        first = True
        for text, ended in _whole_lines(blocks):
            if first and text.startswith(BOM):
                gap, text = [BOM], text[len(BOM) :]
            first = False
            more = True
            while more:
                lines = text.split(b"\n", CHUNK_ROWS)
                if more := len(lines) > CHUNK_ROWS:
                    text = lines.pop()
                chunk, gap = _line_chunk(lines, gap, b"\n" if ended or more else b"")
                if chunk.payloads:
                    yield chunk
        self.trailer = b"".join(gap)


def _line_chunk(lines: list[bytes], gap: list[bytes], last_end: bytes) -> tuple[Chunk, list[bytes]]:
    """Records of consecutive lines, and the bytes after the last record. Only the last line may lack its line end."""
    if all(lines) and not any(map(bytes.isspace, lines)) and not any(b"\r" in line for line in lines):
        return Chunk([b"".join(gap), *[b"\n"] * (len(lines) - 1)], lines), [last_end]
    chunk = Chunk([], [])
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


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Texts that end with a line, without that line's end; then the text after the last line end, if any (False)."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        cut = block.rfind(b"\n")
        if cut >= 0:
            yield b"".join([*parts, block[:cut]]), True
            parts, size = [], 0
        parts.append(block[cut + 1 :])
        size += len(block) - cut - 1
        if size > MAX_DOCUMENT_BYTES:
            raise TooLargeError
    if size:
        yield b"".join(parts), False


def _first_line(blocks: Iterator[bytes]) -> tuple[list[bytes], bool]:
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
        if size > MAX_DOCUMENT_BYTES:
            raise TooLargeError
        line, rest = (line, block) if ended else ((line + block).lstrip(WHITESPACE), b"")


def _at_least(size: int, blocks: Iterator[bytes]) -> bytes:
    """The first bytes, ``size`` of them or more where there are as many."""
    head = b""
    while len(head) < size and (block := next(blocks, None)) is not None:
        head += block
    return head


def _array(content: memoryview) -> list[msgspec.Raw] | None:
    """The elements of a JSON array, or None where it is none."""
    try:
        return _elements(content)
    except (msgspec.DecodeError, RecursionError):
        return None


def join(blocks: Iterator[bytes]) -> bytes:
    """All blocks in one piece. Raises ``TooLargeError``."""
    parts, size = [], 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > MAX_DOCUMENT_BYTES:
            raise TooLargeError
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
