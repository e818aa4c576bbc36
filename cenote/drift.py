"""The drift report: fields that arrived and that their contract does not name.

Belongs here: adding up what silver's commits told. Must not: finding such fields (transforms/drift.py), naming them
safely (cenote/silver.py): a path is told only where enough records have it, else ``*`` stands in its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from cenote.tables import CommitInfo
from cenote.workspace import Workspace

_MOST_COMMITS = 500  # of silver, newest first; older ones tell of fields that somebody decided to leave
SCHEMA = pl.Schema(
    {  # type: ignore[arg-type]
        "dataset": pl.String,
        "path": pl.String,
        "records": pl.Int64,
        "first_seen_at": pl.Datetime("us", "UTC"),
        "last_seen_at": pl.Datetime("us", "UTC"),
    }
)


@dataclass
class _Seen:
    """One path over the commits that told of it, newest first."""

    records: int
    first: CommitInfo
    last: CommitInfo


def unknown_paths(space: Workspace, dataset: str) -> dict[str, int]:
    """Paths that no field of the present contract names, and how many records have them, most first."""
    found = _seen(space, dataset)
    return {path: seen.records for path, seen in sorted(found.items(), key=lambda item: (-item[1].records, item[0]))}


def report(space: Workspace, datasets: Iterable[str] | None = None) -> pl.DataFrame:
    """The unknown paths of datasets (default: all); columns as ``SCHEMA``, most records first within a dataset."""
    rows = [
        (dataset, path, seen.records, seen.first.at, seen.last.at)
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
        if "rebuilt" in commit.details:
            break  # from here on the table was made anew
    return found
