"""How well the sensitivity of fields is told: ``python -m benchmarks.classification [--data FOLDER] [--wrong]``.

Prints, per set of records, precision, recall and F2 over scalar paths (HIGH and MEDIUM against the rest), with the
labels in tests/labels. Chinook, Northwind, Stripe and FHIR are read from ../shared/data beside the checkout; the
everyday records are names alone. ``--wrong`` lists the paths that were judged wrongly. No value is printed.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from rich.console import Console
from rich.table import Table

from cenote.inference.shape import leaves, shape
from cenote.inference.types import type_of
from transforms.classify import Column, classify

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"
LABELS = PROJECT / "tests" / "labels"
SETS = ("chinook", "northwind", "stripe", "fhir", "everyday")
_VALUES = 2_000
_AMOUNTS = ("edad", "age", "gehalt", "salario_bruto", "height_cm", "weight_kg", "revenu", "applicant.expectedSalary")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
Labels = dict[str, dict[str, set[str]]]


@dataclass
class Score:
    """Paths that were rightly called sensitive, wrongly so, and missed."""

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return len(self.right) / max(len(self.right) + len(self.wrong), 1)

    @property
    def recall(self) -> float:
        return len(self.right) / max(len(self.right) + len(self.missed), 1)

    @property
    def f2(self) -> float:
        return 5 * self.precision * self.recall / max(4 * self.precision + self.recall, 1e-9)


def labels(name: str) -> Labels:
    """Per dataset of a set, the paths of each level; paths that stand nowhere are not sensitive."""
    found = json.loads((LABELS / f"{name}.json").read_text(encoding="utf-8"))["datasets"]
    return {dataset: {level: set(paths) for level, paths in levels.items()} for dataset, levels in found.items()}


def score(name: str, data: Path = SHARED) -> Score:
    """Judge every scalar path of a set of records and compare with the labels."""
    result, known = Score(), labels(name)
    for dataset, columns in _sets(name, data, known):
        want = known[dataset].get("HIGH", set()) | known[dataset].get("MEDIUM", set())
        got = {v.path for v in classify(columns, dataset) if v.sensitive}
        result.right += [f"{dataset} {path}" for path in sorted(got & want)]
        result.wrong += [f"{dataset} {path}" for path in sorted(got - want)]
        result.missed += [f"{dataset} {path}" for path in sorted(want - got)]
    return result


def _sets(name: str, data: Path, known: Labels) -> Iterator[tuple[str, list[Column]]]:
    if name == "everyday":
        for dataset, levels in known.items():
            yield dataset, [Column(path, _guessed(path)) for paths in levels.values() for path in sorted(paths)]
        return
    for dataset, records in _records(name, data).items():
        yield dataset, columns(records)


def _guessed(path: str) -> str:
    return "integer" if path.removeprefix("$.") in _AMOUNTS else "string"


def columns(records: list[Any]) -> list[Column]:
    """The scalar paths of records, typed, with a sample of their values."""
    found = []
    for leaf in leaves(shape(records)):
        typed = type_of(next((step for step in reversed(leaf.steps) if step), ""), leaf.node.values)
        texts = pl.Series([str(v) for v in leaf.node.values[:_VALUES]], dtype=pl.String)
        found.append(Column(leaf.path, typed.type if typed else "string", texts))
    return found


def _records(name: str, data: Path) -> dict[str, list[Any]]:
    """Records by dataset."""
    if name == "chinook":
        return dict(_decode((data / "business/chinook/ChinookData.json").read_bytes()))
    if name == "northwind":
        return {f.stem: _decode(f.read_bytes()) for f in sorted((data / "business/northwind/json").glob("*.json"))}
    if name == "stripe":
        objects = _decode((data / "business/stripe/fixtures3.json").read_bytes())["resources"]
        return {kind: [record] for kind, record in objects.items()}
    found: dict[str, list[Any]] = {}
    for file in sorted((data / "phi/synthea_r4").glob("*.json")):
        for entry in _decode(file.read_bytes())["entry"]:
            found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--wrong", action="store_true")
    options, _ = parser.parse_known_args()
    console = Console()
    table = Table("records", "sensitive", "precision", "recall", "F2")
    for name in SETS:
        if name != "everyday" and not options.data.is_dir():
            continue
        found = score(name, options.data)
        known = len(found.right) + len(found.missed)
        table.add_row(name, str(known), *(f"{x:.3f}" for x in (found.precision, found.recall, found.f2)))
        if options.wrong:
            for what, paths in (("not sensitive", found.wrong), ("missed", found.missed)):
                for path in paths:
                    console.print(f"{name}: {what}: {path}", highlight=False, markup=False)
    console.print(table)


if __name__ == "__main__":
    main()
