"""Something that can be read: a file, or content that was unpacked from one.

Belongs here: opening, and cutting into chunks. Must not: formats.
"""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cenote.residue.formats.magic import HEAD_BYTES, TAIL_BYTES, kind_of
from cenote.residue.piece import Opaque, Piece

CHUNK_BYTES = 4 << 20
OVERLAP_BYTES = 4 << 10
LARGEST_IN_MEMORY = 1 << 30
_LARGEST_UNPACKED = 256 << 20


@dataclass(frozen=True)
class Source:
    """A file by its path, or some content in memory. ``name`` says where it came from."""

    name: str
    path: Path | None = None
    content: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, file: Path) -> "Source":
        """A file."""
        return cls(file.name, file)

    @property
    def file(self) -> Path:
        """The file. Raises ``Opaque`` where a reader needs one and the content was unpacked."""
        if self.path is None:
            raise Opaque("packed inside another file, in a format that is read from a file only")
        return self.path

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size if self.path else len(self.content)

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """The content from its beginning."""
        return self.path.open("rb") if self.path else io.BytesIO(self.content)

    def ends(self) -> tuple[bytes, bytes]:
        """The first and the last bytes, by which formats are told."""
        with self.open() as content:
            head = content.read(HEAD_BYTES)
            content.seek(max(0, self.size - TAIL_BYTES))
            return head, content.read(TAIL_BYTES)

    @staticmethod
    def chunks(stream: IO[bytes], where: str, before: bytes = b"") -> Iterator[Piece]:
        """A stream in chunks that overlap, so that nothing hides on a seam."""
        while chunk := stream.read(CHUNK_BYTES):
            yield Piece(where, before + chunk)
            before = chunk[-OVERLAP_BYTES:]


def unpacked(stream: IO[bytes], where: str) -> Iterator["Piece | Source"]:
    """What a stream unpacks to: chunks of it, or a source where it is packed once more."""
    head = stream.read(HEAD_BYTES)
    if kind_of(head, b"") is None:
        yield from Source.chunks(stream, where, head) if len(head) == HEAD_BYTES else [Piece(where, head)]
        return
    content = head + stream.read(_LARGEST_UNPACKED)
    if len(content) > _LARGEST_UNPACKED:
        raise Opaque(f"holds something packed of more than {_LARGEST_UNPACKED >> 20} MB")
    yield Source(where, None, content)
