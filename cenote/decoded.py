"""What stands in a file, decoded: its own bytes, and the values inside Parquet, Lance, Arrow, SQLite, DuckDB, archives.

Belongs here: file formats, told by their first or last bytes. Must not: what is looked for (cenote/residue.py), or who
wrote a file. A file's own bytes always come first: they hold names, statistics, logs, free pages and whatever is not
compressed.
"""

import bz2
import gzip
import lzma
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from cenote.wordgraph import words

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_BYTES = 4 << 20
OVERLAP_BYTES = 4 << 10
ROWS = 8_192
_LARGEST_IN_MEMORY = 1 << 30


class Opaque(Exception):
    """A file says what it is, and cannot be read as that: cut short, damaged or locked."""


@dataclass(frozen=True)
class Piece:
    """Some content of a file and where it stands in it."""

    where: str
    content: bytes


def pieces(file: Path) -> Iterator[Piece]:
    """The content of a file, some megabytes at a time. Raises ``Opaque``, after its bytes, where decoding fails."""
    with file.open("rb") as source:
        head = source.read(16)
        source.seek(max(0, file.stat().st_size - 4))
        tail = source.read(4)
        source.seek(0)
        yield from _chunks(source, "bytes")
    reader = _reader(file, head, tail)
    if reader is None:
        return
    try:
        yield from reader(file)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise Opaque(type(error).__name__) from None


def _reader(file: Path, head: bytes, tail: bytes) -> Callable[[Path], Iterator[Piece]] | None:
    starts: dict[bytes, Callable[[Path], Iterator[Piece]]] = {
        b"PAR1": _parquet, b"ARROW1": _arrow, b"SQLite format 3\0": _sqlite, b"PK\x03\x04": _zip,
        b"\x1f\x8b": _gzip, b"\x28\xb5\x2f\xfd": _zstd, b"BZh": _bzip2, b"\xfd7zXZ\0": _xz,
    }  # fmt: skip
    for magic, reader in starts.items():
        if head.startswith(magic):
            return reader
    if head[8:12] == b"DUCK":
        return _duckdb
    if tail == b"LANC" and file.suffix != ".manifest":  # a manifest is protobuf, not compressed
        return _lance
    return None


def _chunks(source: IO[bytes], where: str) -> Iterator[Piece]:
    """A stream in chunks that overlap, so that nothing hides on a seam."""
    before = b""
    while chunk := source.read(CHUNK_BYTES):
        yield Piece(where, before + chunk)
        before = chunk[-OVERLAP_BYTES:]


# columns


def _parquet(file: Path) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(ROWS):
            yield from _batch(batch)


def _arrow(file: Path) -> Iterator[Piece]:
    import pyarrow as pa

    with pa.ipc.open_file(file) as reader:
        for number in range(reader.num_record_batches):
            yield from _batch(reader.get_batch(number))


def _lance(file: Path) -> Iterator[Piece]:
    from lance.file import LanceFileReader

    for batch in LanceFileReader(str(file)).read_all(batch_size=ROWS).to_batches():
        yield from _batch(batch)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name.endswith("fst_bytes"):  # the dictionary of a full-text index
                for graph in column.to_pylist():
                    yield Piece(f"column {name}", b"\n".join(words(graph)))


def _batch(batch: "pa.RecordBatch") -> Iterator[Piece]:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield from (Piece(f"column {name}", content) for content in _values(column))


def _values(values: "pa.Array") -> Iterator[bytes]:
    """The values of an Arrow array as text, a line each; vectors of floats say nothing that could be searched."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        yield from _values(values.storage)
    elif pa.types.is_dictionary(kind):
        yield from _values(values.dictionary)
    elif pa.types.is_struct(kind):
        for member in values.flatten():
            yield from _values(member)
    elif pa.types.is_map(kind):
        yield from _values(values.keys)
        yield from _values(values.items)
    elif pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type):
        return
    elif pa.types.is_nested(kind):
        yield from _values(values.flatten())
    elif not pa.types.is_null(kind):
        yield from _joined(pc.drop_null(values))


def _joined(values: "pa.Array") -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    if not len(values):
        return
    if binary:
        values = values.cast(pa.large_binary())
        packed = [pc.starts_with(values, magic) for magic in (b"\x1f\x8b", b"x", b"\x28\xb5\x2f\xfd")]
        for value in values.filter(reduce(pc.or_, packed)):
            yield from _unpacked(value.as_py())
    else:
        values = values.cast(pa.large_string()).cast(pa.large_binary())
    everything = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    yield pc.binary_join(everything, pa.scalar(b"\n", pa.large_binary()))[0].as_py()


def _unpacked(value: bytes) -> Iterator[bytes]:
    """A value that is compressed itself, opened."""
    import zstandard

    try:
        if value.startswith(b"\x28\xb5\x2f\xfd"):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(value)
        elif value.startswith((b"\x1f\x8b", b"x")):
            yield zlib.decompressobj(wbits=47).decompress(value)  # gzip or zlib, as its header says
    except (zlib.error, zstandard.ZstdError):
        return


# databases


def _sqlite(file: Path) -> Iterator[Piece]:
    """Every cell of every table, since a long value is spread over pages; the write-ahead log is applied in memory."""
    if file.stat().st_size > _LARGEST_IN_MEMORY:
        address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as database:
            yield from _tables(database)
        return
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(_with_log(file))
        yield from _tables(database)


def _with_log(file: Path) -> bytes:
    content = bytearray(file.read_bytes())
    log = file.with_name(f"{file.name}-wal")
    if log.is_file() and len(frames := log.read_bytes()) > 32:
        size = int.from_bytes(frames[8:12], "big")
        for start in range(32, len(frames) - size - 23, size + 24):
            page = int.from_bytes(frames[start : start + 4], "big") - 1
            content.extend(bytes(max(0, (page + 1) * size - len(content))))
            content[page * size : (page + 1) * size] = frames[start + 24 : start + 24 + size]
    content[18:20] = b"\x01\x01"  # no write-ahead log from here on
    content[28:32] = b"\0\0\0\0"  # the size in pages is that of the content
    return bytes(content)


def _tables(database: sqlite3.Connection) -> Iterator[Piece]:
    database.text_factory = bytes
    names = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        try:
            rows = database.execute('SELECT * FROM "{}"'.format(name.replace('"', '""')))
        except sqlite3.OperationalError:
            continue  # a virtual table of an extension; its data is in tables of its own
        while page := rows.fetchmany(1_000):
            cells = [cell if isinstance(cell, bytes) else str(cell).encode() for row in page for cell in row]
            yield Piece(f"table {name}", b"\n".join(cells))
            for cell in cells:
                yield from (Piece(f"table {name}", content) for content in _unpacked(cell))


def _duckdb(file: Path) -> Iterator[Piece]:
    import duckdb

    with duckdb.connect(str(file), read_only=True) as database:
        texts = database.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
        yield Piece("views", "\n".join(str(text) for (text,) in texts).encode())
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
        for schema, table in database.execute(query).fetchall():
            rows = database.sql('FROM "{}"."{}"'.format(*(n.replace('"', '""') for n in (schema, table))))
            for batch in rows.to_arrow_reader(ROWS):
                yield from (Piece(f"table {schema}.{table}", piece.content) for piece in _batch(batch))


# compressed files and archives


def _gzip(file: Path) -> Iterator[Piece]:
    with gzip.open(file) as source:
        yield from _chunks(cast("IO[bytes]", source), "decompressed")


def _zstd(file: Path) -> Iterator[Piece]:
    import zstandard

    with (
        file.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as source,
    ):
        yield from _chunks(cast("IO[bytes]", source), "decompressed")


def _bzip2(file: Path) -> Iterator[Piece]:
    with bz2.open(file) as source:
        yield from _chunks(cast("IO[bytes]", source), "decompressed")


def _xz(file: Path) -> Iterator[Piece]:
    with lzma.open(file) as source:
        yield from _chunks(cast("IO[bytes]", source), "decompressed")


def _zip(file: Path) -> Iterator[Piece]:
    with zipfile.ZipFile(file) as archive:
        for number, member in enumerate(archive.infolist()):
            with archive.open(member) as source:
                yield from _chunks(source, f"member {number}")
