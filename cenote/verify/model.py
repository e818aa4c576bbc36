"""What verifying says: checks and problems.

Belongs here: their shapes. Must not: any check.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cenote.workspace import Workspace


class Told(NamedTuple):
    """One thing that is wrong: where (a table or store), what, and what to do about it. Counts and ids, no values."""

    where: str
    what: str
    fix: str


@dataclass(frozen=True)
class Problem:
    """A finding, under the name of the check that made it; docs/runbook.md has a section for each name."""

    check: str
    where: str
    what: str
    fix: str


@dataclass(frozen=True)
class Check:
    """A promise: its name, what it says, what to do where it cannot be checked, and whether it reads everything."""

    name: str
    says: str
    fix: str
    run: Callable[[Workspace], Iterator[Told]]
    deep: bool = False
