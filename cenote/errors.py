"""Every error that Cenote raises on purpose.

Belongs here: the one family of errors. Must not: messages with values of personal data; an error may name a dataset,
a path, a rule or a lineage id, never what a field held.
"""

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


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is no known ``kind``, with the nearest known names."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return f"there is no {kind} {name!r}; {hint}"
