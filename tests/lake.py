"""A small sample lake, built once for all tests that need the whole way of a record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cenote.settings import Settings
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.run import RunOutcome

UNTIL = datetime(2026, 11, 20, tzinfo=UTC)
CUSTOMERS = 60


@dataclass(frozen=True)
class SampleLake:
    """The lake's settings, the outcome of its first run, the generator's truth and the personal values it planted."""

    settings: Settings
    outcome: "RunOutcome"
    truth: Mapping[str, object]
    planted: frozenset[str] = field(repr=False)

    @property
    def space(self) -> Workspace:
        """A fresh workspace on the lake."""
        return Workspace(self.settings, run_id="test")

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs in its environment to open this lake."""
        return {
            "CENOTE_HOME": str(self.settings.home),
            "CENOTE_VAULT": str(self.settings.vault),
            "CENOTE_AS_OF": self.settings.as_of.isoformat() if self.settings.as_of else "",
            "DAGSTER_HOME": str(self.settings.home / "dagster"),
            "DO_NOT_TRACK": "1",
        }


def build_sample_lake(folder: Path) -> SampleLake:
    """Generate, land and run everything below ``folder``."""
    from cenote.sample import generate
    from cenote.vault import Vault
    from pipelines.run import run_pipeline

    settings = Settings(home=folder / "data", vault=folder / "vault", as_of=UNTIL)  # type: ignore[arg-type]
    Vault.create(settings)
    generate(settings.landing, CUSTOMERS, 7, UNTIL, truth_values=True)
    truth = json.loads((settings.home / "truth.json").read_text())
    (settings.home / "truth.json").unlink()
    outcome = run_pipeline(settings=settings, quiet=True, debug=True)
    return SampleLake(settings, outcome, truth, frozenset(_values(truth.get("values", {}))))


def _values(planted: object) -> list[str]:
    """All texts of a nested structure that are long enough to be told from chance."""
    if isinstance(planted, str):
        return [planted] if len(planted) >= 6 else []
    inner = planted.values() if isinstance(planted, Mapping) else planted if isinstance(planted, list) else ()
    return [text for part in inner for text in _values(part)]
