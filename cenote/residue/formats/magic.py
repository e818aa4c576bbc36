"""Which format some content is of, by its first and last bytes.

Belongs here: the marks of formats. Must not: reading them. Names of files are not trusted.
"""

import math
from collections import Counter
from typing import IO

HEAD_BYTES, TAIL_BYTES = 512, 4
_STARTS = {
    b"PAR1": "parquet", b"ARROW1": "arrow", b"ORC": "orc", b"\x93NUMPY": "numpy", b"SQLite format 3\0": "sqlite",
    b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive", b"PARE": "an encrypted Parquet file",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"%PDF": "a PDF",
    b"Obj\x01": "an Avro file", b"age-encryption": "an encrypted file", b"Salted__": "an encrypted file",
}  # fmt: skip
CLOSED = frozenset(kind for kind in _STARTS.values() if " " in kind)
"""Formats that are known and not read."""

_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_SAMPLE, _ENTROPY = 4096, 7.2  # bits a byte; text and tables have less than 6.5


def kind_of(head: bytes, tail: bytes, name: str = "") -> str | None:
    """The format, or None where the bytes are all there is."""
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head[257:262] == b"ustar":
        return "tar"
    if tail == b"LANC" and not name.endswith(".manifest"):  # a manifest is protobuf, not compressed
        return "lance"
    return "zlib" if head[:2] in _ZLIB else None


def looks_packed(content: IO[bytes]) -> bool:
    """Whether content is so even that it must be compressed or encrypted."""
    sample = content.read(_SAMPLE)
    shares = (n / len(sample) for n in Counter(sample).values())
    return len(sample) == _SAMPLE and -sum(share * math.log2(share) for share in shares) > _ENTROPY
