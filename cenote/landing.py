"""Landing files: which ones wait, what is in them, and their digest, without trusting their names.

Belongs here: listing, opening, decompressing. Must not: splitting (splitting.py), storing (bronze.py). A file's
ending tells how it is split: ``.jsonl`` and ``.ndjson`` into lines, ``.json`` by its content; ``.gz`` or ``.zst`` may
follow. With compression, the content is what was compressed. What is too large to be held (:class:`Limits`) is refused
and stays where it is.
"""

import fcntl
import os
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import pyarrow as pa

from cenote.errors import LandingError
from cenote.lineage import BatchDigest
from cenote.settings import Settings
from cenote.splitting import BLOCK_BYTES, DOCUMENT_BYTES, RECORD_BYTES, Chunk, Splitter, TooLargeError, join, value_at

EXPANSION = 300
UNPACKED_BYTES = 64 * 2**30
FREE_EXPANSION_BYTES = 256 * 2**20  # so much may come out of however little
SETTLE_SECONDS = 1.0
_F_SETSIG = 10  # Linux; Python's fcntl does not name it

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PACKED = {".gz": "gzip", ".zst": "zstd"}
_LINE_ENDINGS, _DOCUMENT_ENDINGS = (".jsonl", ".ndjson"), (".json",)
_UNFINISHED = (".tmp", ".part", ".crdownload")


@dataclass(frozen=True)
class Limits:
    """What one file may ask of this machine.

    ``record_bytes``: one record; ``document_bytes``: one JSON document or array; ``unpacked_bytes``: all that comes out
    of a compressed file; ``expansion``: how many times its own size that may be.
    """

    record_bytes: int = RECORD_BYTES
    document_bytes: int = DOCUMENT_BYTES
    unpacked_bytes: int = UNPACKED_BYTES
    expansion: int = EXPANSION

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings give."""
        return cls(
            settings.max_record_bytes,
            settings.max_document_bytes,
            settings.max_unpacked_bytes,
            settings.max_expansion,
        )


@dataclass(frozen=True)
class Batch:
    """A file's content as one batch: ids, size in bytes, number of records, format, bytes after the last record."""

    batch_id: str
    sha256: str
    size: int
    records: int
    format: str
    trailer: bytes


def waiting(folder: Path) -> list[Path]:
    """Files of a landing folder, by name. Hidden and unfinished files, links and folders are left alone."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if _may_land(e.name) and e.is_file(follow_symlinks=False)]
    except OSError as error:
        raise LandingError(
            f"landing/{folder.name} cannot be listed: {error.strerror}", "let this user read the folder"
        ) from None
    return [folder / name for name in sorted(names)]


def settled(files: Sequence[Path]) -> list[Path]:
    """Those files that nobody is writing just now: nobody has them open for that (where the file system can tell), and
    they are old enough, or the same at two looks.
    """
    before = {file: _look(file) for file in files}
    young = [file for file, seen in before.items() if seen and time.time() - seen[1] / 1e9 < SETTLE_SECONDS]
    if young:
        time.sleep(SETTLE_SECONDS / 10)
    changed = {file for file in young if _look(file) != before[file]}
    return [file for file in files if before[file] and file not in changed and not _open_for_writing(file)]


def _open_for_writing(file: Path) -> bool:
    """Whether some process has the file open for writing; False where that cannot be told.

    A writer may pause for longer than a file needs to look settled, and what it writes after the file was landed and
    removed would be lost. Linux grants a read lease on a file only while nobody has it open for writing.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        with suppress(OSError):  # a writer who comes this moment sends a signal that does nothing
            fcntl.fcntl(handle, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):  # another owner's file, a network file system, another kernel
        return False
    finally:
        os.close(handle)
    return False


def _may_land(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED)


def _look(file: Path) -> tuple[int, int, int] | None:
    try:
        info = file.stat(follow_symlinks=False)
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns, info.st_ino


@dataclass
class LandingFile:
    """A file to land. ``where`` is how messages call it, since a file's name may hold personal data.

    ``pointer`` (RFC 6901) lands only that value of a JSON document, as if it were the file.
    """

    path: Path
    dataset: str
    where: str
    pointer: str | None = None
    follow_links: bool = False
    limits: Limits = Limits()
    batch: Batch | None = None
    _seen: tuple[int, int, int] | None = field(default=None, repr=False)

    @property
    def surveyed(self) -> Batch:
        """The batch that :meth:`survey` found."""
        assert self.batch is not None, "survey the file first"
        return self.batch

    @property
    def disk_bytes(self) -> int:
        """Size of the file as it lies there; 0 where it is gone."""
        seen = _look(self.path)
        return seen[0] if seen else 0

    def survey(self) -> Batch:
        """Read the file once and learn its batch. Raises ``LandingError``."""
        for _ in self._read():
            pass
        return self.surveyed

    def chunks(self) -> Iterator[Chunk]:
        """Read the surveyed file again, as records. Raises ``LandingError``, in the end where it has changed."""
        surveyed = self.batch
        yield from self._read()
        if self.batch != surveyed:
            raise self.error("changed while it was landing", "let its writer finish, then run again")

    def unchanged(self) -> bool:
        """Whether the file is still the one that was read last, and nobody is about to change it."""
        return self._seen is not None and _look(self.path) == self._seen and not _open_for_writing(self.path)

    def _read(self) -> Iterator[Chunk]:
        digest, records = BatchDigest(self.dataset), 0
        splitter = Splitter(self.limits.record_bytes, self.limits.document_bytes)
        try:
            with self._open() as source:
                blocks = self._digested(self._content(source), digest)
                for chunk in splitter.document(blocks) if self._by_document() else splitter.lines(blocks):
                    records += len(chunk.payloads)
                    yield chunk
        except OSError as error:
            # Arrow's errors about compressed content have no error number.
            why = f"cannot be read: {error.strerror}" if error.errno else "is not a whole gzip or zstd file"
            raise self.error(why, "copy it again from its source, or remove it") from None
        except TooLargeError as error:
            setting = "CENOTE_MAX_DOCUMENT_BYTES" if error.document else "CENOTE_MAX_RECORD_BYTES"
            raise self.error(
                f"holds {error.what} above {error.limit:,} bytes",
                f"write {'its records as lines' if error.document else 'smaller records'}, or raise {setting}",
            ) from None
        self.batch = Batch(digest.batch_id, digest.sha256, digest.size, records, splitter.format, splitter.trailer)

    def _open(self) -> BinaryIO:
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if self.follow_links else os.O_NOFOLLOW)
        source = os.fdopen(os.open(self.path, flags), "rb")
        info = os.fstat(source.fileno())
        if not stat.S_ISREG(info.st_mode):
            source.close()
            raise self.error("is not a regular file", "land regular files only")
        self._seen = info.st_size, info.st_mtime_ns, info.st_ino
        return source

    def _content(self, source: BinaryIO) -> Iterator[bytes]:
        """The decompressed content, block by block. What the first bytes say wins over the file's ending."""
        head = source.read(4)
        source.seek(0)
        packing = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
        named = _PACKED.get(self.path.suffix.lower())
        if named and packing != named:
            raise self.error(f"is named like {named} but is not", "give it its right ending, or copy it again")
        if packing is None:
            while block := source.read(BLOCK_BYTES):
                yield block
            return
        packed, unpacked = os.fstat(source.fileno()).st_size, 0
        with pa.CompressedInputStream(pa.PythonFile(source, "rb"), packing) as stream:
            while block := stream.read(BLOCK_BYTES):
                unpacked += len(block)
                self._check_expansion(packed, unpacked)
                yield block

    def _check_expansion(self, packed: int, unpacked: int) -> None:
        limits = self.limits
        if unpacked > limits.unpacked_bytes:
            raise self.error(
                f"expands to more than {limits.unpacked_bytes:,} bytes",
                "land it in parts, or raise CENOTE_MAX_UNPACKED_BYTES",
            )
        if unpacked > max(FREE_EXPANSION_BYTES, limits.expansion * packed):
            raise self.error(
                f"expands to more than {limits.expansion} times its size",
                "if that is right, unpack it yourself, or raise CENOTE_MAX_EXPANSION",
            )

    def _by_document(self) -> bool:
        name = self.path.name.lower()
        for ending in _PACKED:
            name = name.removesuffix(ending)
        if name.endswith(_LINE_ENDINGS):
            if self.pointer is not None:
                raise self.error("is made of lines", "a pointer needs one JSON document")
            return False
        if name.endswith(_DOCUMENT_ENDINGS):
            return True
        raise self.error(
            "has an ending that Cenote does not read", "name it .json, .jsonl or .ndjson, and .gz or .zst after that"
        )

    def _digested(self, blocks: Iterator[bytes], digest: BatchDigest) -> Iterator[bytes]:
        if self.pointer is not None:
            blocks = iter([self._value_at(join(blocks, self.limits.document_bytes), self.pointer)])
        for block in blocks:
            digest.update(block)
            yield block

    def _value_at(self, content: bytes, pointer: str) -> bytes:
        try:
            return value_at(content, pointer)
        except ValueError:
            raise self.error(f"has no JSON value at {pointer!r}", "check the pointer: it looks like /items/0") from None

    def error(self, what: str, fix: str) -> LandingError:
        """Something is wrong with this file."""
        return LandingError(f"{self.where} {what}", fix)
