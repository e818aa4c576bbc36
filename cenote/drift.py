"""The drift report: fields that arrived and that their contract does not name.

Belongs here: adding up what silver's commits told. Must not: finding such fields (transforms/drift.py), naming them
safely (cenote/silver.py): a path is told only where enough records have it, else ``*`` stands in its place. A field
that was there when silver was made under its contract was left out by whoever wrote it; one that came later is new.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from cenote.tables import CommitInfo
from cenote.workspace import Workspace

_REBUILT = "rebuilt"  # what a commit tells by which silver was made anew
_MOST_COMMITS = 500  # of silver, newest first; older ones tell of fields that somebody decided to leave
SCHEMA = pl.Schema(
    {  # type: ignore[arg-type]
        "dataset": pl.String,
        "path": pl.String,
        "records": pl.Int64,
        "first_seen_at": pl.Datetime("us", "UTC"),
        "last_seen_at": pl.Datetime("us", "UTC"),
        "is_new": pl.Boolean,
    }
)


@dataclass
class _Seen:
    """One path over the commits that told of it, newest first."""

    records: int
    first: CommitInfo
    last: CommitInfo

    @property
    def is_new(self) -> bool:
        """Whether it came after silver was made under its contract."""
        return _REBUILT not in self.first.details


def new_paths(space: Workspace, dataset: str) -> dict[str, int]:
    """New paths that no field of the present contract names, and how many records have them, most first."""
    found = {path: seen for path, seen in _seen(space, dataset).items() if seen.is_new}
    return {path: seen.records for path, seen in sorted(found.items(), key=lambda item: (-item[1].records, item[0]))}


def report(space: Workspace, datasets: Iterable[str] | None = None) -> pl.DataFrame:
    """The unknown paths of datasets (default: all); columns as ``SCHEMA``, most records first within a dataset."""
    rows = [
        (dataset, path, seen.records, seen.first.at, seen.last.at, seen.is_new)
        for dataset in (space.contracts if datasets is None else datasets)
        for path, seen in _seen(space, dataset).items()
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row").sort("dataset", "records", "path", descending=[False, True, False])


def _seen(space: Workspace, dataset: str) -> dict[str, _Seen]:
    """By path, from the last commits since silver was made anew; another contract makes it anew too."""
    space.contract(dataset)
    found: dict[str, _Seen] = {}
    for commit in space.table("silver", dataset).commits(_MOST_COMMITS):
        for path, count in commit.details.get("drift", {}).items():
            seen = found.setdefault(path, _Seen(0, commit, commit))
            seen.records, seen.first = seen.records + count, commit
        if _REBUILT in commit.details:
            break  # from here on the table was made anew
    return found
