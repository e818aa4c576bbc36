"""What is true of a sample, written down while it is made, for tests to compare a lake with.

Belongs here: counting and the layout of ``truth.json``. Must not: deciding what is generated. Personal values are kept
only where they are asked for; otherwise the truth holds counts, and keys of things that are no people.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REVENUE_STATUSES = ("paid", "shipped", "delivered")


@dataclass
class DatasetTruth:
    """Counts of one dataset.

    ``records``: all records in all files, ``rejected`` of which break the contract, each counted once, while ``rules``
    counts (rule, path) pairs. ``current``: rows that a reader of the newest state sees; ``deleted``: keys whose newest
    valid record deletes them. ``states``: current rows and cents by status.
    """

    records: int = 0
    rejected: int = 0
    current: int = 0
    deleted: int = 0
    files: int = 0
    bytes: int = 0
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    mess: Counter[str] = field(default_factory=Counter)
    states: dict[str, list[int]] = field(default_factory=dict)
    deleted_keys: list[str] = field(default_factory=list)
    planted: Counter[str] = field(default_factory=Counter)

    def reject(self, rule: str, path: str) -> None:
        """Count one broken rule (the record is counted by the caller)."""
        self.rules[rule, path] += 1

    def settle(self, state: str | None, cents: int) -> None:
        """Count a key whose newest valid record is a row."""
        self.current += 1
        if state is not None:
            sums = self.states.setdefault(state, [0, 0])
            sums[0] += 1
            sums[1] += cents

    def told(self) -> dict[str, Any]:
        """The dataset's part of ``truth.json``."""
        found: dict[str, Any] = {
            "records": self.records,
            "rejected": self.rejected,
            "accepted": self.records - self.rejected,
            "rejected_by_rule": [
                {"rule": rule, "path": path, "records": n} for (rule, path), n in sorted(self.rules.items())
            ],
            "mess": dict(sorted(self.mess.items())),
            "current_rows": self.current,
            "deleted_rows": self.deleted,
            "files": self.files,
            "bytes": self.bytes,
        }
        if self.planted:
            found["personal_data_in_text"] = dict(sorted(self.planted.items()))
        if self.deleted_keys:
            found["deleted_keys"] = sorted(self.deleted_keys)
        if self.states:
            found["current_by_status"] = {
                state: {"rows": rows, "amount_eur": _euro(cents)}
                for state, (rows, cents) in sorted(self.states.items())
            }
        return found


class Truth:
    """The truth of a whole sample. ``with_values``: keep personal values too."""

    def __init__(self, *, with_values: bool) -> None:
        self.with_values = with_values
        self.datasets: dict[str, DatasetTruth] = {}
        self._values: dict[str, set[str]] = {}
        self._text_values: dict[str, dict[str, set[str]]] = {}

    def dataset(self, name: str) -> DatasetTruth:
        """The counts of one dataset."""
        return self.datasets.setdefault(name, DatasetTruth())

    def planted(self, dataset: str, kind: str, value: str, *, other: bool = False) -> None:
        """A personal value was written into free text; ``other``: it is not the record's owner's."""
        self.dataset(dataset).planted[f"other_{kind}" if other else kind] += 1
        if self.with_values:
            self._text_values.setdefault(dataset, {}).setdefault(kind, set()).add(value)

    def known(self, kind: str, value: str | None) -> None:
        """A personal value stands in a structured field."""
        if self.with_values and value:
            self._values.setdefault(kind, set()).add(value)

    def write(self, file: Path, **facts: Any) -> None:
        """Write ``truth.json``."""
        orders = self.datasets["orders"].states
        told: dict[str, Any] = {
            **facts,
            "records": sum(d.records for d in self.datasets.values()),
            "rejected": sum(d.rejected for d in self.datasets.values()),
            "orders_revenue_eur": _euro(sum(orders.get(state, [0, 0])[1] for state in REVENUE_STATUSES)),
            "orders_revenue_statuses": list(REVENUE_STATUSES),
            "datasets": {name: d.told() for name, d in sorted(self.datasets.items())},
        }
        if self.with_values:
            told["values"] = {kind: sorted(values) for kind, values in sorted(self._values.items())}
            told["text_values"] = {
                name: {kind: sorted(values) for kind, values in sorted(kinds.items())}
                for name, kinds in sorted(self._text_values.items())
            }
        file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _euro(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
