"""What an erasure did: the numbers from which its certificate is made (cenote/certificate).

Belongs here: the shape of the outcome. Must not: personal data, but for the pseudonyms of those erased; signing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Store:
    """What was done in one store: rows removed, rows written anew without the person, and how long it took."""

    removed: int = 0
    rewritten: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Hold:
    """Rows of a dataset that stay without the person, and why the law wants them kept."""

    dataset: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Outcome:
    """An erasure that is done.

    ``subjects``: pseudonyms. ``stores``: by table (``silver/orders``), and by step (``silver``) for its time.
    ``tables``: version before and after, by table; null where there was none. ``tombstones``: people who are kept from
    coming back.
    """

    request_id: str
    requested_at: str
    finished_at: str
    subjects: tuple[str, ...]
    stores: Mapping[str, Store]
    tables: Mapping[str, tuple[int | None, int | None]]
    holds: tuple[Hold, ...]
    tombstones: int

    @property
    def removed(self) -> int:
        """Rows that left, of all stores."""
        return sum(store.removed for store in self.stores.values())

    @property
    def rewritten(self) -> int:
        """Records that were written anew without the people."""
        return sum(store.rewritten for store in self.stores.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
