"""Landing files in the forms that sources write: JSON lines (plain, gzip, zstd), JSON arrays, BOMs, CRLF.

Belongs here: bytes on disk. Must not: what is in the records. A file appears under its name when it is whole: until
then its name begins with a dot. The same records give the same bytes.
"""

import gzip
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import IO, cast

import msgspec

RECORDS_PER_FILE = 50_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Form:
    """How a dataset's files look. ``ending`` tells JSON lines from arrays, and the compression."""

    ending: str
    bom: bool = False
    newline: bytes = b"\n"
    last_newline: bool = True
    pretty: bool = False

    @property
    def array(self) -> bool:
        """Whether a file is one JSON array."""
        return self.ending == ".json"


FORMS = {
    "customers": Form(".jsonl.gz"),
    "products": Form(".json"),
    "orders": Form(".jsonl"),
    "invoices": Form(".jsonl.zst"),
    "conversations": Form(".ndjson"),
    "turns": Form(".ndjson.gz"),
    "documents": Form(".json", bom=True, pretty=True),
    "reviews": Form(".jsonl", bom=True),
    "follows": Form(".jsonl", last_newline=False),
    "media_assets": Form(".json"),
    "consents": Form(".jsonl", newline=b"\r\n"),
}


class Files:
    """Numbered files of one dataset, ``<stem>-0001<ending>`` and so on: of 50,000 records each, but for arrays."""

    def __init__(self, folder: Path, stem: str, form: Form) -> None:
        self._folder, self._stem, self._form = folder, stem, form
        self._between = b",\n" if form.array else form.newline
        self._held = 0
        self._stack: ExitStack | None = None
        self.count = 0
        self.bytes = 0

    def write(self, records: Sequence[bytes]) -> None:
        """Append records (one JSON text each)."""
        start = 0
        while start < len(records):
            room = len(records) if self._form.array else RECORDS_PER_FILE - self._held
            part = records[start : start + room]
            self._append(part)
            start += len(part)
            if not self._form.array and self._held >= RECORDS_PER_FILE:
                self.close()

    def close(self) -> None:
        """Finish the file that is open, if any, and give it its name."""
        if self._stack is None:
            return
        if self._form.array:
            self._out.write(b"\n]\n")
        elif self._form.last_newline:
            self._out.write(self._form.newline)
        self._stack.close()
        self._stack, self._held = None, 0
        self.bytes += self._partial.stat().st_size
        self._partial.replace(self._partial.with_name(self._partial.name.removeprefix(".").removesuffix(".part")))

    def _append(self, records: Sequence[bytes]) -> None:
        if self._form.pretty:
            records = [msgspec.json.format(record, indent=2) for record in records]
        lead = self._between if self._stack else self._open()
        self._out.write(lead + self._between.join(records))
        self._held += len(records)

    def _open(self) -> bytes:
        """Open the next file; returns what it begins with."""
        self.count += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        self._partial = self._folder / f".{self._stem}-{self.count:04d}{self._form.ending}.part"
        self._stack = ExitStack()
        raw = self._stack.enter_context(self._partial.open("wb"))
        self._out = _compressor(self._stack, raw, self._form.ending)
        return (_BOM if self._form.bom else b"") + (b"[\n" if self._form.array else b"")


def _compressor(stack: ExitStack, raw: BufferedWriter, ending: str) -> IO[bytes]:
    if ending.endswith(".gz"):
        # no name and no time in the header, so equal content gives equal bytes
        return cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", 4, raw, mtime=0)))
    if ending.endswith(".zst"):
        import zstandard

        writer = zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False)
        return cast(IO[bytes], stack.enter_context(writer))
    return raw
