"""Drafting a contract for unseen JSON: what is in it, what it means, and how it should be masked, each with a reason.

Belongs here: reading a sample and putting the parts of cenote/inference together. Must not: the parts. Only a bounded
head of each file is decoded, and nothing that a person is named by is written into the draft.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from cenote.errors import LandingError
from cenote.inference.columns import UNJUDGED, Draft, Left, columns, snake
from cenote.inference.draft import write
from cenote.inference.roles import find_roles
from cenote.inference.shape import Leaf, Node, leaves, shape
from cenote.inference.types import Typed, type_of
from cenote.landing import LandingFile
from transforms.classify import Column, Verdict, classify
from transforms.contract import Mask
from transforms.jsontext import is_json

SAMPLE_RECORDS = 20_000
_SAMPLE_VALUES = 2_000  # of a path, for its classification
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_OPERATIONS = {"debezium": {"c", "r", "u", "d", "t", "m"}, "netsuite": {"insert", "update", "delete"}}
_TICKS = (
    ("ts_ms",),
    ("at",),
    ("timestamp",),
    ("ts",),
    ("source", "lsn"),
    ("source", "pos"),
    ("seq",),
    ("sequence",),
)


def draft_contract(files: Sequence[Path], dataset: str | None = None, pointer: str | None = None) -> str:
    """A whole ODCS contract for the records of some files of one dataset, as YAML with reasons in comments.

    Reads what can be landed: ``.json``, ``.jsonl``, ``.ndjson``, compressed or not, and of it some 20,000 records.
    ``dataset``: its name; default: the first file's. ``pointer`` (RFC 6901): only that value of a JSON document. The
    draft loads, lints and conforms the sample; a person has to read it all the same. Raises ``LandingError``.
    """
    name = _dataset(dataset or _stem(files[0]))
    records, bad = _sample(files, pointer)
    if not records:
        raise LandingError("there is no JSON object in the files", "give files of JSON objects, or a pointer to them")
    kind, images, roots = _open(records)
    left: list[Left] = []
    root = shape(images)
    order = _order_columns(shape(roots)) if kind else []
    found = [*columns(root, left), *order]
    _classify(found, root, name)
    if kind:  # a delete's image may be only its key
        for column in found:
            column.required = column.required if column in order else None
    roles = find_roles(found, name, len(images), envelope=order)
    return write(name, found, roles, left, _notes(len(records), bad, root, records), kind)


def _stem(file: Path) -> str:
    return re.split(r"\.(?:jsonl?|ndjson)\b", file.name, maxsplit=1)[0]


def _dataset(name: str) -> str:
    """A name for a dataset: letters, digits, underscores."""
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) else snake(name)


def _sample(files: Sequence[Path], pointer: str | None) -> tuple[list[dict[str, Any]], int]:
    """Decoded objects from the head of each file, and how many records of the sample are no JSON objects."""
    records: list[dict[str, Any]] = []
    bad = 0
    share = max(SAMPLE_RECORDS // len(files), 1)
    for number, path in enumerate(files):
        file = LandingFile(path, "draft", f"file {number + 1}", pointer, follow_links=True)
        for payload in islice(_payloads(file), share):
            decoded = _decode(payload) if is_json(payload) else None
            if isinstance(decoded, dict):
                records.append(decoded)
            else:
                bad += 1
    return records, bad


def _payloads(file: LandingFile) -> Iterator[bytes]:
    file.survey()
    for chunk in file.chunks():
        yield from chunk.payloads


# change envelopes


def _open(records: list[dict[str, Any]]) -> tuple[str | None, list[Any], list[Any]]:
    """The kind of change envelope if records are in one, the row images, and the envelopes around them."""
    roots = [r["payload"] if isinstance(r.get("payload"), dict) and "op" in r["payload"] else r for r in records]
    if not all("op" in root and ("before" in root or "after" in root) for root in roots):
        return None, records, records
    operations = {str(root["op"]) for root in roots}
    kind = next((name for name, known in _OPERATIONS.items() if operations <= known), None)
    if kind is None:
        return None, records, records
    images = [root.get("after") or root.get("before") for root in roots]
    return kind, [image for image in images if isinstance(image, dict)], roots


def _order_columns(root: Node) -> list[Draft]:
    """Columns of the envelope that order changes: the time, then the place in the log."""
    found: list[Draft] = []
    for steps in _TICKS:
        node: Node | None = root
        for step in steps:
            node = node.members.get(step) if node else None
        if node is None or node.kind != "scalar" or node.seen != root.seen:
            continue
        typed = type_of(f"{steps[-1]}_at" if steps[-1] in ("ts", "ts_ms") else steps[-1], node.values)
        if typed is None or typed.type not in ("timestamp", "integer"):
            continue
        name = "changed_at" if typed.type == "timestamp" else f"change_{steps[-1]}"
        column = Draft(name, steps, steps, typed, node, "it orders the changes", root="$envelope")
        column.verdict = Verdict(column.path, "LOW", None, Mask(), "of the change, not of the row")
        if not any(c.name == name for c in found):
            found.append(column)
    return sorted(found, key=lambda c: c.typed.type != "timestamp")


# classification


def _classify(found: list[Draft], root: Node, dataset: str) -> None:
    """Give each scalar column its verdict; columns that hold JSON text are judged by what is in them."""
    scalars = [s for c in found for s in c.scalars() if s.verdict is UNJUDGED]
    judged = [_column(s.path, s.typed, s.node) for s in scalars]
    around = [Column(leaf.path) for leaf in _others(root, {s.path for s in scalars})]
    verdicts = classify([*judged, *around], dataset)[: len(scalars)]
    personal = any(v.sensitive for v in verdicts)
    for scalar, verdict in zip(scalars, verdicts, strict=True):
        if scalar.typed.type == "object" and personal and not verdict.sensitive:
            why = "an object whose keys are data, among data about people"
            verdict = replace(verdict, level="HIGH", kind="TEXT", mask=Mask("text"), reason=why)
        elif scalar.typed.type == "object" and verdict.sensitive:
            verdict = replace(verdict, mask=Mask("text"))
        scalar.verdict = verdict


def _others(root: Node, known: set[str]) -> Iterator[Leaf]:
    """Paths that no column holds, which still tell what the ones beside them mean."""
    return (leaf for leaf in leaves(root) if leaf.path not in known)


def _column(path: str, typed: Typed, node: Node) -> Column:
    nulls = set(typed.options.get("nullValues", ()))
    values = list(node.members) if typed.type == "object" else node.values
    texts = [str(v) for v in values[:_SAMPLE_VALUES] if v not in nulls]
    return Column(path, "string" if typed.type == "object" else typed.type, pl.Series(texts, dtype=pl.String))


def _notes(count: int, bad: int, root: Node, records: list[dict[str, Any]]) -> list[str]:
    """What is to be said about the sample."""
    notes = [f"{count:,} record{'s' if count != 1 else ''}"]
    if bad:
        notes.append(f"{bad:,} records of the sample are no JSON objects; they will go to quarantine.")
    arrays = {key: n.items.seen for key, n in root.members.items() if n.items and "object" in n.items.kinds}
    if strange := len(root.members) - len(root.named):
        notes.append(f"{strange:,} members have names that may be data; they stay in bronze and are not named here.")
    if count == 1 and arrays:
        key, most = max(arrays.items(), key=lambda pair: pair[1])
        notes.append(f"This is one document. To land the {most:,} objects of its array {key!r}, use --pointer /{key}")
    if count == 1 and isinstance(records[0], dict):
        notes.append("One record tells little: nothing is required, and no key was found.")
    return notes
