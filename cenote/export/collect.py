"""All that the lake holds about a person: raw records, and rows of every store that were made of them.

Belongs here: finding and opening it. Must not: packing. What is found by lineage: a mart's row that has the person's
pseudonym is the person's; of one that adds up many people, only its key is told, since its figures are about others
too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from cenote.export.others import Others
from cenote.records import open_records
from cenote.trace import Trace, footprint
from cenote.trace.model import Part
from cenote.whose import entities
from cenote.workspace import Workspace
from transforms.contract import Contract

Rows = list[dict[str, Any]]
_AUDITED = ("reveal", "subject exported", "needles made", "export")


@dataclass
class Collected:
    """Parts of an export by their place in it (``raw/orders``), and what must be known to read them."""

    subjects: list[str]
    parts: dict[str, Rows] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, rows: Rows) -> None:
        """Add a part, unless it is empty."""
        if rows:
            self.parts.setdefault(name, []).extend(rows)


def collect(space: Workspace, subjects: Sequence[str]) -> Collected:
    """Everything about the people of ``subjects``. Raises ``TableError`` where nothing is known of them."""
    found = Collected(list(subjects))
    others = Others(subjects, entities(space), lambda e, n: space.vault.subject_ids(e, pl.Series([n]))[0])
    for subject in subjects:
        trace = footprint(space, subject)
        found.notes += [note for note in trace.notes if note not in found.notes]
        _records(space, found, others, trace, subject)
        _derived(space, found, others, trace)
        _passages(space, found, others, subject)
    lineage = {row["lineage_id"] for name, rows in found.parts.items() if name.startswith("raw/") for row in rows}
    found.add("audit", list(_audit(space, {*subjects, *lineage})))
    found.add("processing", [_processing(space.contracts[d]) for d in _datasets(found) if d in space.contracts])
    return found


def _datasets(found: Collected) -> list[str]:
    return sorted({name.rpartition("/")[2] for name in found.parts if name.startswith(("raw/", "mentions/"))})


# records


def _records(space: Workspace, found: Collected, others: Others, trace: Trace, subject: str) -> None:
    for part in trace.start.walk():
        layer, _, dataset = part.table.partition("/")
        if layer == "bronze":
            _raw(space, found, others, dataset, part, subject)
        elif layer in ("silver", "quarantine"):
            _rows_of(space, found, others, part, subject)


def _raw(space: Workspace, found: Collected, others: Others, dataset: str, part: Part, subject: str) -> None:
    contract = space.contract(dataset)
    opened = open_records(space, dataset, part.ids)
    own = opened.filter((pl.col("subject_id") == subject).fill_null(False))
    rows = []
    for row in own.iter_rows(named=True):
        told = {"lineage_id": row["lineage_id"], "landed_at": plain(row["landed_at"])}
        try:
            told["record"] = others.record(json.loads(row["payload"]), contract)
        except ValueError:  # quarantined because it is no JSON
            told["text"] = row["payload"].decode("utf-8", "replace")
        rows.append(told)
    found.add(f"raw/{dataset}", rows)


def _rows_of(space: Workspace, found: Collected, others: Others, part: Part, subject: str) -> None:
    """Silver and quarantine: own rows whole, rows of others that name the person without the others."""
    layer, _, dataset = part.table.partition("/")
    contract = space.contract(dataset)
    rows = space.table(layer, dataset).scan().filter(pl.col("lineage_id").is_in(list(part.ids))).collect()
    own = (rows["subject_id"] == subject).fill_null(False)
    shown = [others.row(_plain(row)) for row in rows.filter(own).iter_rows(named=True)]
    found.add(f"{'derived/silver' if layer == 'silver' else 'quarantine'}/{dataset}", shown)
    named = [others.mention(_plain(row), contract) for row in rows.filter(~own).iter_rows(named=True)]
    found.add(f"mentions/{dataset}", named)


# what is made of them


def _derived(space: Workspace, found: Collected, others: Others, trace: Trace) -> None:
    for part in trace.start.walk():
        layer, _, name = part.table.partition("/")
        if layer not in ("gold", "features", "graph"):
            continue
        column = "edge_id" if part.table == "graph/edges" else "lineage_id"
        rows = space.table(layer, name).scan().filter(pl.col(column).is_in(list(part.ids))).collect()
        told = [_plain(row) for row in rows.iter_rows(named=True)]
        mine = [others.row(row) for row in told if others.names_me(row)]
        found.add(f"derived/{layer}/{name}", mine)
        if layer == "gold":
            grain = _grain(space, name)
            shared = [{c: row[c] for c in ("lineage_id", *grain)} for row in told if not others.names_me(row)]
            found.add(f"derived/figures_of_many/{name}", [others.row(row) for row in shared])


def _grain(space: Workspace, mart: str) -> Sequence[str]:
    from cenote.gold import marts

    known = marts(space)
    return known[mart].grain if mart in known else ()


def _passages(space: Workspace, found: Collected, others: Others, subject: str) -> None:
    """Passages with the vectors that search compares."""
    from cenote.vectors.store import Store, equals

    store = Store(space)
    if store.identity is None:
        return
    rows = pl.from_arrow(store.table.to_lance().to_table(filter=equals("subject_id", subject)))
    assert isinstance(rows, pl.DataFrame)
    told = [others.row(_plain(row)) for row in rows.iter_rows(named=True)]
    for row in told:
        row["vector"] = [round(number, 6) for number in row["vector"]]
        row["vector_of"] = store.identity["model"]
    found.add("derived/passages", told)


# about the processing


def _audit(space: Workspace, about: set[str]) -> Iterator[dict[str, Any]]:
    """Who opened, exported or erased what of the person's."""
    for entry in space.vault.audit.entries():
        touched = sorted(about.intersection(entry.about))
        if touched:
            yield {"at": entry.at, "who": entry.who, "what": entry.what, "about": touched, "reason": entry.reason}


def _processing(contract: Contract) -> dict[str, Any]:
    """What Article 15(1) wants told of a dataset: purposes, basis, categories, how long it is kept, who answers."""
    personal = [f for f in contract.fields if f.classification != "PUBLIC"]
    return {
        "dataset": contract.dataset,
        "description": contract.description,
        "purposes": list(contract.purpose),
        "lawful_basis": contract.lawful_basis,
        "kept_for_days": contract.retention,
        "after_erasure": "rows stay without the person" if contract.erasure == "anonymize" else "rows are removed",
        "responsible": contract.owner,
        "categories": [{"field": f.name, "class": f.classification, "about": f.description} for f in personal],
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items()}


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, (list, tuple, pl.Series)):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
