"""Columnar files: Parquet, Arrow, ORC, Lance, NumPy. Their values as text, a line each; numbers in rows as vectors.

Belongs here: reading columns in batches. Must not: what a column means. Lance files are read as they are, deleted rows
and those of old versions included; words of full-text indexes are taken out of their graphs.
"""

import zlib
from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

from cenote.residue.formats.source import Source
from cenote.residue.formats.wordgraph import words
from cenote.residue.piece import Piece

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 32_768
LEAST_DIMENSION = 32
"""Lists of fewer numbers are no embeddings."""

_SAMPLE = 1_024
PACKED = (b"\x1f\x8b", b"x", b"\x28\xb5\x2f\xfd")


def parquet(source: Source) -> Iterator[Piece]:
    """All row groups."""
    import pyarrow.parquet as pq

    with source.open() as content, pq.ParquetFile(content) as file:
        for batch in file.iter_batches(ROWS):
            yield from batch_pieces(batch)


def arrow(source: Source) -> Iterator[Piece]:
    """All record batches."""
    import pyarrow as pa

    with source.open() as content, pa.ipc.open_file(content) as reader:
        for number in range(reader.num_record_batches):
            yield from batch_pieces(reader.get_batch(number))


def orc(source: Source) -> Iterator[Piece]:
    """All stripes."""
    from pyarrow import orc

    with source.open() as content:
        file = orc.ORCFile(content)
        for stripe in range(file.nstripes):
            yield from batch_pieces(file.read_stripe(stripe))


def numpy(source: Source) -> Iterator[Piece]:
    """A NumPy array: rows of numbers may be embeddings, anything else is in the bytes."""
    import numpy as np

    with source.open() as content:
        rows = np.load(content, allow_pickle=False)
    if rows.dtype.kind in "fiu" and rows.ndim >= 1 and rows.shape[-1] >= LEAST_DIMENSION:
        yield Piece("rows", b"", vectors=rows.reshape(-1, rows.shape[-1]))


def lance(source: Source) -> Iterator[Piece]:
    """Data files, index pages and token dictionaries of Lance."""
    from lance.file import LanceFileReader

    for batch in LanceFileReader(str(source.file)).read_all(batch_size=ROWS).to_batches():
        yield from batch_pieces(batch)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name.endswith("fst_bytes"):  # the dictionary of a full-text index
                for graph in column.to_pylist():
                    yield Piece(f"column {name}", b"\n".join(words(graph)), tokens=True)
            elif name == "_token":  # the same, not as a graph
                yield Piece(f"column {name}", "\n".join(column.to_pylist()).encode(), tokens=True)


def batch_pieces(batch: "pa.RecordBatch") -> Iterator[Piece]:
    """The values of each column."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for content in _values(column):
            is_text = isinstance(content, bytes)
            yield Piece(f"column {name}", content) if is_text else Piece(f"column {name}", b"", vectors=content)


def _values(values: "pa.Array") -> Iterator[Any]:
    """The values of an Arrow array as text, a line each, or as an array of vectors."""
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
    elif pa.types.is_nested(kind):
        vectors = _vectors(values)
        if vectors is not None:
            yield vectors
        if vectors is None or not pa.types.is_floating(kind.value_type):
            yield from _values(values.flatten())
    elif not pa.types.is_null(kind):
        yield from _joined(pc.drop_null(values))


def _vectors(values: "pa.Array") -> Any:
    """Lists of numbers, all of one length, as a two-dimensional array; None where they are something else."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type.value_type
    if not (pa.types.is_floating(kind) or pa.types.is_int8(kind) or pa.types.is_uint8(kind)):
        return None
    values = pc.drop_null(values)
    lengths = pc.unique(pc.list_value_length(values))
    if len(lengths) != 1 or (length := lengths[0].as_py()) < LEAST_DIMENSION:
        return None
    return values.flatten().to_numpy(zero_copy_only=False).reshape(-1, length)


def _joined(values: "pa.Array") -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    if not len(values):
        return
    if binary:
        values = values.cast(pa.large_binary())
        packed = [pc.starts_with(values, magic) for magic in PACKED]
        for value in values.filter(reduce(pc.or_, packed)):
            yield from opened(value.as_py())
    else:
        values = _written(_different(values)).cast(pa.large_string()).cast(pa.large_binary())
    everything = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    content = pc.binary_join(everything, pa.scalar(b"\n", pa.large_binary()))[0].as_py()
    yield content
    if binary and (floats := _as_floats(values, content)) is not None:
        yield floats


def _different(values: "pa.Array") -> "pa.Array":
    """Each value once; of texts only where many repeat, since telling them apart costs half of searching them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        some = values[:_SAMPLE]
        if 2 * pc.count_distinct(some).as_py() > len(some):
            return values
    return pc.unique(values)  # numbers and moments are dear to write out


def _written(values: "pa.Array") -> "pa.Array":
    """Moments of UTC as text, which Arrow writes twenty times faster without their time zone; others as they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(values.type) or values.type.tz != "UTC":
        return values
    texts = values.cast(pa.timestamp(values.type.unit)).cast(pa.large_string())
    return pc.binary_join_element_wise(texts, pa.scalar("Z", pa.large_string()), pa.scalar("", pa.large_string()))


def _as_floats(values: "pa.Array", content: bytes) -> Any:
    """Blobs of one length as vectors of 32-bit floats, as some stores keep embeddings."""
    import numpy as np
    import pyarrow.compute as pc

    lengths = pc.unique(pc.binary_length(values))
    length = lengths[0].as_py()
    if len(lengths) != 1 or length % 4 or length < 4 * LEAST_DIMENSION:
        return None
    lines = np.frombuffer(content + b"\n", np.uint8).reshape(-1, length + 1)
    return np.ascontiguousarray(lines[:, :-1]).view(np.float32)


def opened(value: bytes) -> Iterator[bytes]:
    """A value that is compressed itself, opened; nothing where it is not."""
    import zstandard

    try:
        if value.startswith(b"\x28\xb5\x2f\xfd"):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(value)
        elif value.startswith((b"\x1f\x8b", b"x")):
            yield zlib.decompressobj(wbits=47).decompress(value)  # gzip or zlib, as its header says
    except (zlib.error, zstandard.ZstdError):
        return
