"""What an unforeseen failure comes from: the disk, or a table of the lake that is damaged.

Belongs here: looking for the cause once something failed, so that a person is told what to mend. Must not: looking
while all goes well (cenote/verify does, on demand).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from cenote.errors import CenoteError, TableError, of_the_disk

if TYPE_CHECKING:
    from cenote.workspace import Workspace

_STORES = ("polars", "pyarrow", "duckdb", "_duckdb", "deltalake")


@contextmanager
def explained(space: "Workspace") -> Iterator[None]:
    """Raise ``DiskError`` or ``TableError`` in the place of a library's error, where that is what it comes from."""
    try:
        yield
    except CenoteError:
        raise
    except Exception as error:
        if told := cause(space, error):
            raise told from None
        raise


def cause(space: "Workspace", error: Exception) -> CenoteError | None:
    """What is wrong with the disk or a table, if that made the error; its own words are not told."""
    if told := of_the_disk(error, space.settings.home):
        return told
    if not (isinstance(error, FileNotFoundError) or type(error).__module__.split(".")[0] in _STORES):
        return None
    from cenote.verify.deep import unreadable_pages
    from cenote.verify.tables import damaged_files

    pages = unreadable_pages(space) if "parquet" in str(error).lower() else iter(())
    found = next(chain(damaged_files(space), pages), None)
    return TableError(f"table {found.where} is damaged: {found.what}", found.fix) if found else None
