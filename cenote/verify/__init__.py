"""Verifying a whole lake: whether everything that it promises of its files, records, keys and stores is so.

Belongs here: which checks there are, and running them one by one. Must not: mending; each finding says who does. The
checks read what is there and know as little as possible of how it was written:

- tables: the files that each log names are there, whole, and hold the rows that the log says
- records: every batch is whole; bronze = silver + quarantine
- keys: the vault opens, holds every key that payloads need, and its audit log is whole
- lineage: every lineage id leads back to a raw record
- stores: views, passages and their indexes, features online and offline
- deep: every landed file comes back byte for byte, every page of every file can be read, samples of marts come again
"""

from collections.abc import Callable, Iterator

from cenote.errors import CenoteError
from cenote.verify import deep, ids, keys, records, stores, tables
from cenote.verify.model import Check, Problem, Told
from cenote.workspace import Workspace

__all__ = ["CHECKS", "Check", "Problem", "verify"]

Progress = Callable[[str, int, int], None]

CHECKS = (*tables.CHECKS, *records.CHECKS, *keys.CHECKS, *ids.CHECKS, *stores.CHECKS, *deep.CHECKS)


def verify(space: Workspace, *, thorough: bool = False, progress: Progress | None = None) -> list[Problem]:
    """Run every check (``thorough``: the deep ones too) and return what was found; nothing means that all is well.

    ``progress(check, number, checks)`` is told before each. A check that cannot be made is a finding itself.
    """
    chosen = [check for check in CHECKS if thorough or not check.deep]
    found: list[Problem] = []
    for number, check in enumerate(chosen):
        if progress:
            progress(check.name, number, len(chosen))
        found += [Problem(check.name, *told) for told in _run(space, check)]
    return found


def _run(space: Workspace, check: Check) -> Iterator[Told]:
    try:
        yield from check.run(space)
    except CenoteError as error:
        yield Told("-", error.what, error.fix)
    except Exception as error:  # a broken file can make any library raise; its message may quote data
        yield Told("-", f"the check itself stopped with {type(error).__name__}", check.fix)
