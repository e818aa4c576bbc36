"""Compressed files and archives.

Belongs here: unpacking streams. Must not: what they hold; something packed once more is given back as a source.
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from cenote.residue.formats.source import LARGEST_IN_MEMORY, Source, unpacked
from cenote.residue.piece import Opaque, Piece

Found = Iterator[Piece | Source]


def gzipped(source: Source) -> Found:
    """gzip, all members."""
    with source.open() as packed, gzip.open(packed) as content:
        yield from unpacked(cast("IO[bytes]", content), "unpacked")


def zstandard(source: Source) -> Found:
    """Zstandard, all frames."""
    import zstandard

    with source.open() as packed:
        content = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        yield from unpacked(cast("IO[bytes]", content), "unpacked")


def bzipped(source: Source) -> Found:
    """bzip2."""
    with source.open() as packed, bz2.open(packed) as content:
        yield from unpacked(cast("IO[bytes]", content), "unpacked")


def xz(source: Source) -> Found:
    """XZ."""
    with source.open() as packed, lzma.open(packed) as content:
        yield from unpacked(cast("IO[bytes]", content), "unpacked")


def lz4(source: Source) -> Found:
    """LZ4 frames."""
    import pyarrow as pa

    with source.open() as packed, pa.CompressedInputStream(pa.PythonFile(packed), "lz4") as content:
        yield from unpacked(cast("IO[bytes]", content), "unpacked")


def zlibbed(source: Source) -> Found:
    """A bare zlib stream. Its two first bytes may also begin a text ("x" and a sign), which is then no stream."""
    if source.size > LARGEST_IN_MEMORY:
        raise Opaque("a zlib stream that is too large")
    with source.open() as packed:
        content = packed.read()
    try:
        yield Piece("unpacked", zlib.decompressobj().decompress(content))
    except zlib.error:
        return


def zipped(source: Source) -> Found:
    """The members of a ZIP archive; their names may be names of people and stay untold."""
    with source.open() as packed, zipfile.ZipFile(packed) as archive:
        for number, member in enumerate(archive.infolist()):
            with archive.open(member) as content:
                yield from unpacked(content, f"member {number}")


def tar(source: Source) -> Found:
    """The members of a tar archive that are packed; the others were searched as the archive's bytes."""
    with source.open() as packed, tarfile.open(fileobj=packed) as archive:
        for number, member in enumerate(archive):
            content = archive.extractfile(member) if member.isfile() else None
            if content:
                yield from unpacked(content, f"member {number}")
