"""Whether every lineage id leads back to a raw record.

Belongs here: asking cenote.trace of every store. Must not: how ids are followed.
"""

from collections.abc import Iterator

from cenote.verify.model import Check, Told
from cenote.workspace import Workspace


def dangling_ids(space: Workspace) -> Iterator[Told]:
    """Rows of any store whose lineage id names nothing."""
    raise NotImplementedError(space)


CHECKS: tuple[Check, ...] = ()
