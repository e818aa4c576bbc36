"""What stands in a file, decoded: its own bytes, and the values inside columnar files, databases and archives.

Belongs here: which reader takes which format. Must not: what is looked for. A file's own bytes always come first: they
hold names, statistics, logs, free pages and whatever is not compressed. What is known to be a format and cannot be
read, or looks compressed or encrypted and is of no known format, is said to be opaque.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from cenote.residue.formats import archives, columns, databases
from cenote.residue.formats.magic import CLOSED, kind_of, looks_packed
from cenote.residue.formats.source import Source
from cenote.residue.piece import Opaque, Piece

__all__ = ["Opaque", "Piece", "pieces"]

_DEPTH = 4
READERS: dict[str, Callable[[Source], Iterator[Piece | Source]]] = {
    "parquet": columns.parquet, "arrow": columns.arrow, "orc": columns.orc, "numpy": columns.numpy,
    "lance": columns.lance, "sqlite": databases.sqlite, "duckdb": databases.duckdb, "zip": archives.zipped,
    "gzip": archives.gzipped, "zlib": archives.zlibbed, "zstd": archives.zstandard, "bzip2": archives.bzipped,
    "xz": archives.xz, "lz4": archives.lz4, "tar": archives.tar,
}  # fmt: skip


def pieces(file: Path) -> Iterator[Piece]:
    """The content of a file, some megabytes at a time. Raises ``Opaque``, after its bytes, where decoding fails."""
    yield from _pieces(Source.of(file), 0)


def _pieces(source: Source, depth: int) -> Iterator[Piece]:
    with source.open() as content:
        yield from source.chunks(content, "bytes")
    kind = kind_of(*source.ends(), source.name)
    if kind in CLOSED:
        raise Opaque(f"{kind} is not decoded")
    if kind is None:
        with source.open() as content:
            if looks_packed(content):
                raise Opaque("compressed or encrypted, of no known format")
        return
    try:
        for found in READERS[kind](source):
            if isinstance(found, Piece):
                yield found
            else:  # something packed inside something packed
                yield from _inside(found, depth + 1)
    except (FileNotFoundError, Opaque):
        raise
    except Exception as error:
        raise Opaque(f"{kind}, not readable ({type(error).__name__})") from None


def _inside(source: Source, depth: int) -> Iterator[Piece]:
    if depth > _DEPTH:
        raise Opaque("packed too deeply")
    for piece in _pieces(source, depth):
        yield Piece(f"{source.name}, {piece.where}", piece.content, piece.tokens, piece.vectors)
