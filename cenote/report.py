"""What a stage says about what it did: counts and names, never values.

Belongs here: the report that every stage returns. Must not: how it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cenote.tables import Commit, Table


@dataclass(frozen=True)
class StageReport:
    """Outcome of building one table.

    ``rows``: rows in the table now. ``written``: rows that this build added or changed. ``fresh``: there was nothing
    to do.
    ``details``: further counts, named, for metadata and the summary (``{"quarantined": 3}``).
    """

    table: str
    rows: int
    written: int
    version: int | None
    fresh: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def unchanged(cls, table: Table, **details: Any) -> "StageReport":
        """Nothing was new."""
        return cls(table.name, table.count(), 0, table.content_version, fresh=True, details=details)


def up_to_date(table: Table, commit: Commit) -> bool:
    """Whether the table's last commit came from the same inputs and the same code as ``commit`` would."""
    last = table.last_commit()
    return last is not None and last.inputs == dict(commit.inputs) and last.code == commit.code
