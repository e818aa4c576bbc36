"""A lake's workspace: where its tables are, its contracts, its vault, its clock. Every stage takes one.

Belongs here: locating and naming things. Must not: doing anything with them.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cenote.contracts import load_contracts
from cenote.damage import explained
from cenote.errors import ContractError, unknown
from cenote.settings import Settings, load_settings
from cenote.tables import Table
from transforms.contract import Contract

if TYPE_CHECKING:
    from cenote.vault import Vault

_WHOLE = ".lake"  # shared by whoever holds any lock, so that one can wait for all
LAYERS = ("bronze", "silver", "quarantine", "gold", "graph", "features", "meta")


class Workspace:
    """What a stage needs to know about a lake.

    ``clock`` gives the current UTC time (tests pass a fixed one); ``run_id`` is written into every commit.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        run_id: str = "",
    ) -> None:
        self.settings = settings or load_settings()
        self.clock = clock
        self.run_id = run_id

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contracts, keyed by dataset."""
        from cenote.names import with_names

        read = load_contracts(self.settings.contracts)
        return {name: with_names(contract, on=self.settings.names) for name, contract in read.items()}

    def contract(self, dataset: str) -> Contract:
        """The contract of a dataset. Raises ``ContractError`` with near names."""
        if dataset not in self.contracts:
            raise ContractError(
                unknown("dataset", dataset, self.contracts), f"add a contract to {self.settings.contracts}"
            )
        return self.contracts[dataset]

    @cached_property
    def vault(self) -> "Vault":
        """The opened key vault. Raises ``VaultError`` where there is no usable key."""
        from cenote.vault import Vault

        return Vault.open(self.settings)

    @property
    def as_of(self) -> datetime:
        """The moment that marts and features call now: the setting, or the start of the current UTC day."""
        if self.settings.as_of:
            moment = self.settings.as_of
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return self.clock().replace(hour=0, minute=0, second=0, microsecond=0)

    def table(self, layer: str, name: str) -> Table:
        """The table ``layer/name``, whether or not it was written yet."""
        return Table(self.path(layer, name), f"{layer}/{name}")

    def path(self, *parts: str) -> Path:
        """A path below the lake."""
        return self.settings.home.joinpath(*parts)

    def tables(self, layer: str) -> list[Table]:
        """The tables of a layer that exist, by name."""
        folder = self.path(layer)
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        return [table for name in names if (table := self.table(layer, name)).exists]

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock ``name`` of this lake; waits while another process holds it. Released when the process dies.

        Whoever writes holds a lock, so this is where the trouble with disks and damaged tables is told: raises
        ``DiskError`` and ``TableError`` in the place of what libraries raise.
        """
        shared, own = (_WHOLE, fcntl.LOCK_SH), (name.replace("/", "-"), fcntl.LOCK_EX)
        with explained(self), self._flock(*shared), self._flock(*own):
            yield

    @contextmanager
    def still(self) -> Iterator[None]:
        """Hold the whole lake still: waits until nobody holds any lock of it, and lets nobody take one meanwhile."""
        with explained(self), self._flock(_WHOLE, fcntl.LOCK_EX):
            yield

    @contextmanager
    def _flock(self, name: str, how: int) -> Iterator[None]:
        folder = self.path(".locks")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w") as handle:
            fcntl.flock(handle, how)
            yield
