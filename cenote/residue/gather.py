"""Needles made of a person's own records, before they are erased.

Belongs here: which values of a person name nobody else. Must not: searching for them. The records are opened, so it is
audited. What a contract keeps in clear is no needle, nor what is too short or too common to tell a person; what else
names the person goes in: masked values in clear, pseudonyms, and texts and words that nobody else used.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from cenote.residue.model import Needle
from cenote.residue.unique import unique_texts, unique_words, unwritten
from cenote.workspace import Workspace
from transforms.contract import Contract, Field
from transforms.json_columns import parse_path
from transforms.subjects import ERASED

MOST_TEXTS = 200
"""Texts and phrases of one person that are looked for; the longest come first."""

_LEAST, _LEAST_DIGITS, _LONG = 6, 8, 40
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_FULL = 0.8
_FOUND_IN_TEXT = ("EMAIL", "PHONE", "IBAN", "CARD", "SSN", "ACCOUNT", "PASSPORT", "NATIONAL_ID")


def gather(space: Workspace, subjects: Sequence[str], reason: str) -> list[Needle]:
    """Needles for people, by their pseudonyms. ``reason`` goes into the audit log before a record is opened.

    Raises ``VaultError`` where no reason is given.
    """
    from cenote.errors import VaultError

    if not reason.strip():
        raise VaultError("records are opened for a reason only", "say why: a ticket, a request, a case")
    space.vault.audit.record("needles made", about=list(subjects), reason=reason)
    found: dict[Needle, None] = {Needle(subject, "pseudonym"): None for subject in subjects}
    for contract in space.contracts.values():
        found |= dict.fromkeys(_raw(space, contract, subjects))
        found |= dict.fromkeys(_masked(space, contract, subjects))
    texts, words = unique_texts(space, subjects)[:MOST_TEXTS], unique_words(space, subjects)
    known = {needle.value for needle in texts}
    return [*(needle for needle in found if needle.value not in known), *texts, *words]


# raw records


def _raw(space: Workspace, contract: Contract, subjects: Sequence[str]) -> Iterator[Needle]:
    """Values of a dataset's raw records that name the person who owns them."""
    table = space.table("bronze", contract.dataset)
    if not contract.subject or not table.exists:
        return
    from cenote.records import open_records

    mine = table.scan().filter(pl.col("subject_id").is_in(list(subjects))).select("lineage_id").collect()
    kept: set[str] = set()
    masked: set[str] = set()
    others: set[str] = set()
    for payload in open_records(space, contract.dataset, mine["lineage_id"])["payload"]:
        try:
            record = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            others.add(payload.decode("utf-8", "replace"))
            continue
        for image in _images(record, contract):
            for field, value in _declared(image, contract.fields):
                (masked if _names(field) else kept).update(_scalars(value))
        others.update(_scalars(record))
    yield from (Needle(value) for value in sorted(masked) if tells(value))
    yield from (Needle(value) for value in sorted(_found(sorted(others - kept - masked))) if tells(value))


def _names(field: Field) -> bool:
    """Whether a field's raw value may name a person: it is masked, and not because it is a text or a quantity."""
    to = field.mask.options.get("to")
    return field.mask.strategy not in ("keep", "text", "shift_dates", "generalize") or to == "subnet"


def tells(value: str) -> bool:
    """Whether a value is long enough, and no date, so that it tells one person from others; what an earlier erasure
    wrote into it is nobody's.
    """
    signs = [c for c in value.replace(ERASED, "") if c.isalnum()]
    least = _LEAST_DIGITS if all(c.isdigit() for c in signs) else _LEAST
    return least <= len(signs) <= 400 and not _DATE.fullmatch(value.strip())


def _images(record: Any, contract: Contract) -> Iterator[Any]:
    """The row images of a record: before and after a change, or the record itself."""
    envelope = contract.change.envelope
    if envelope is None:
        yield record
        return
    for root in (record, record.get("payload") if isinstance(record, dict) else None):
        yield from (_at(root, parse_path(path)) for path in (envelope.before, envelope.after))


def _at(value: Any, steps: Sequence[Any]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _declared(image: Any, fields: Sequence[Field]) -> Iterator[tuple[Field, Any]]:
    """The fields that a contract declares, nested ones included, with their raw values."""
    for field in fields:
        if field.path.startswith("$envelope") or not isinstance(image, dict):
            continue
        places = (_at(image, parse_path(path)) for path in (field.path, *field.formerly))
        value = next((value for value in places if value is not None), None)
        inner = field.properties or (field.items.properties if field.items else ())
        if inner and isinstance(value, (dict, list)):
            for part in value if isinstance(value, list) else [value]:
                yield from _declared(part, inner)
        else:
            yield field.items or field, value


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for inner in value.values() for text in _scalars(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _scalars(inner))
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield str(value)


def _found(values: list[str]) -> set[str]:
    """Values that no field names and that are personal by their looks; of a broken record, those inside it."""
    from transforms.detect import KINDS, find_spans

    if not values:
        return set()
    texts = pl.Series(values, dtype=pl.String)
    spans = find_spans(texts, [kind for kind in KINDS if kind in _FOUND_IN_TEXT], values=True)
    lengths = pl.DataFrame({"row": pl.int_range(len(texts), eager=True, dtype=pl.UInt32), "all": texts.str.len_chars()})
    spans = spans.join(lengths, on="row").with_columns(share=(pl.col("end") - pl.col("start")) / pl.col("all"))
    whole = spans.filter((pl.col("share") >= _FULL) | texts.gather(spans["row"]).str.starts_with("{"))
    return set(whole["value"])


# masked rows


def _masked(space: Workspace, contract: Contract, subjects: Sequence[str]) -> Iterator[Needle]:
    """Tokens and long texts of silver rows about the person that no other row has; held rows keep theirs."""
    table = space.table("silver", contract.dataset)
    if not contract.subject or not table.exists or contract.erasure == "anonymize":
        return
    schema = table.schema()
    mine = pl.col("subject_id").is_in(list(subjects)).fill_null(False)
    for field in contract.fields:
        name = field.name
        if schema.get(name) != pl.String or field.mask.strategy not in ("token", "text", "keep"):
            continue
        owned, others = (
            table.scan().filter(whose & pl.col(name).is_not_null()).select(name).unique().collect()[name]
            for whose in (mine, ~mine)
        )
        if field.mask.strategy == "token":
            alone = sorted(set(owned) - set(others))
            people = space.vault.keys_for(alone, create=False)  # of other people, whom the rows only name
            yield from (Needle(token, "pseudonym") for token in alone if token not in people)
        else:
            own = owned.filter(owned.str.len_chars() >= _LONG)
            yield from (Needle(text, "phrase") for text in unwritten(own, others) if tells(text[:400]))
