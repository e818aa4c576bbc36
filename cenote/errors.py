"""Every error that Cenote raises on purpose.

Belongs here: the one family of errors. Must not: messages with values of personal data; an error may name a dataset,
a path, a rule or a lineage id, never what a field held.
"""

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches


class CenoteError(Exception):
    """Something is wrong that a person can mend.

    ``what`` says what is wrong and which one; ``fix`` says how to mend it.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}\n  How to mend it: {fix}" if fix else what)


class SettingsError(CenoteError):
    """A setting is missing or has a value that cannot be used."""


class DiskError(CenoteError):
    """The disk under the lake is full, read-only, failing, or not this user's."""


class ContractError(CenoteError):
    """A data contract cannot be read, or says something that Cenote cannot do."""


class VaultError(CenoteError):
    """A key is missing, wrong or unsafe, or something sealed does not open. Never says what was sealed."""


class LandingError(CenoteError):
    """A file cannot be landed."""


class TableError(CenoteError):
    """A table of the lake is missing, torn or cannot be written."""


class SqlFileError(CenoteError):
    """A mart or feature SQL file cannot be used: bad front comment, or SQL that does not run."""


class SearchError(CenoteError):
    """A search cannot be answered."""


class FeatureError(CenoteError):
    """A feature view is unknown, or features cannot be read or written."""


class ErasureError(CenoteError):
    """A request to erase a person cannot be accepted, found or carried on."""


class CertificateError(CenoteError):
    """A certificate of erasure cannot be made or read."""


class GraphError(CenoteError):
    """A node or edge type is unknown, or a graph cannot be built."""


class BackupError(CenoteError):
    """A backup cannot be written, is not whole, or has no place to be restored to."""


class ToolError(CenoteError):
    """A tool call is refused, or its arguments cannot be used."""


_DISK = {
    errno.ENOSPC: ("the disk under {} is full", "make room, then run again"),
    errno.EDQUOT: ("the disk quota under {} is used up", "make room, then run again"),
    errno.EFBIG: ("a file below {} may not grow any further", "raise the limit (ulimit -f), then run again"),
    errno.EROFS: ("{} is on a read-only file system", "mount it for writing; was it mounted so after an error?"),
    errno.EACCES: ("this user may not write below {}", "run as the owner of the lake"),
    errno.EPERM: ("this user may not write below {}", "run as the owner of the lake"),
    errno.ENOTDIR: ("a file stands in the place of a folder below {}", "move it away, then run again"),
    errno.EEXIST: ("a file stands in the place of a folder below {}", "move it away, then run again"),
    errno.EIO: ("the disk under {} fails", "check the disk (dmesg, SMART); then `cenote verify --deep`"),
    errno.EMFILE: ("too many files are open below {}", "raise the limit (ulimit -n), then run again"),
}


def of_the_disk(error: Exception, place: object) -> DiskError | None:
    """What an error of the operating system says about the disk, in whichever library's words; None if nothing.

    Library errors are known by the system's own text in them. Nothing else of them is told.
    """
    if isinstance(error, OSError) and error.errno:
        number = error.errno
    else:
        text = str(error)
        number = next((n for n in _DISK if os.strerror(n) in text), 0)
    what, fix = _DISK.get(number, ("", ""))
    return DiskError(what.format(place), fix) if what else None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is no known ``kind``, with the nearest known names."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return f"there is no {kind} {name!r}; {hint}"
