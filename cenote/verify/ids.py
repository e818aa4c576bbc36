"""Whether every lineage id leads back to a raw record.

Belongs here: asking of every store. Must not: the rule of each (cenote/trace/resolve.py).
"""

from collections.abc import Iterator

from cenote.verify.model import Check, Told
from cenote.verify.tables import remedy
from cenote.workspace import Workspace


def dangling_ids(space: Workspace) -> Iterator[Told]:
    """Rows of any store whose lineage id names nothing, or not what it should."""
    from cenote.trace.resolve import resolve

    for found in resolve(space):
        if found.dangling:
            told = f"{found.dangling:,} of {found.rows:,} rows lead to no raw record"
            yield Told(found.table, told, remedy(found.table))


CHECKS = (
    Check("lineage_resolves", "Every lineage id leads to a raw record.", "run `cenote run --rebuild`", dangling_ids),
)
