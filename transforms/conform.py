"""Raw JSON records -> typed columns, split into those that keep their contract and those that break it.

Belongs here: envelopes, nesting, presence, the split. Must not: reading JSON (json_columns.py), types (scalars.py), rules on
values (rules.py), masking. What leaves here about a rejected record is rule names and contract paths, never a value.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from transforms.contract import Contract, Envelope, Field, Subject
from transforms.json_columns import EACH, Steps, count_keys, elements, extract, parse_path, unquote
from transforms.jsontext import valid_json
from transforms.rules import broken
from transforms.scalars import dtype, parse

RULE = pl.Struct({"rule": pl.String, "path": pl.String})
_FATAL = ("malformed_json", "not_an_object")  # with one of these, nothing else is said of a record
_BROKEN = pl.Schema({"row": pl.UInt32, "rule": pl.String, "path": pl.String})
_ENVELOPE = "$envelope"
# A key that a program would choose. Others may be data (a map keyed by e-mail address), so they are not repeated.
_SAFE_KEY = re.compile(r"^(?!.*\d{4})[A-Za-z_@$][A-Za-z0-9_-]{0,39}$")
_MOST_KEYS = 50  # an object with more unknown keys than this is a map


@dataclass(frozen=True)
class Conformed:
    """What became of some records.

    ``valid``: lineage_id, landed_at, subject_id, [change_op when keyed,] the contract's fields, typed, in order.
    ``rejected``: lineage_id, batch_id, subject_id, landed_at, rules (list of {rule, path}, each once, sorted).
    ``drift``: path, count: members of valid records that the contract does not name; a key that may be data is ``*``.
    ``named``: lineage_id, entity, natural_id: people that valid records mention, as the contract says.
    """

    valid: pl.DataFrame
    rejected: pl.DataFrame
    drift: pl.DataFrame
    named: pl.DataFrame


def conform(records: pl.DataFrame, contract: Contract) -> Conformed:
    """Conform records (lineage_id, batch_id, landed_at, subject_id, payload) to a contract.

    Every record is in exactly one of ``valid`` and ``rejected``. Raises ``ValueError`` where the contract asks for what
    cannot be (a path that is no path, a pattern that is no regular expression).
    """
    texts = _texts(records.get_column("payload"))
    roots, images, deletes, found = _images(texts, contract)
    needs_object = any(parse_path(f.path) for f in contract.fields if not f.path.startswith(_ENVELOPE))
    if needs_object:
        found.append(_break(images.is_not_null() & ~images.str.contains(r"^\s*\{"), "not_an_object", "$"))
    found.append(_break(texts.is_null(), "malformed_json", "$"))

    table = _read(contract.fields, images, roots, _missing_rules(contract))
    for name in (contract.change.delete_column,):
        if name:
            deletes |= _equals_any(table.columns.get_column(name), contract.change.delete_values)
    problems = _settle(pl.concat([*found, *table.broken]), deletes)

    kept = ~pl.Series(range(len(texts)), dtype=pl.UInt32).is_in(problems.get_column("row").unique().implode())
    lead = ["lineage_id", "landed_at", "subject_id"]
    change = [deletes.replace_strict([True, False], ["delete", "upsert"], return_dtype=pl.String).alias("change_op")]
    valid = records.select(lead).with_columns(*(change if contract.keyed else ()), *table.columns).filter(kept)
    return Conformed(
        valid=valid,
        rejected=_rejected(records, problems),
        drift=_drift(images.filter(kept), contract),
        named=_named(valid.get_column("lineage_id"), images.filter(kept), roots.filter(kept), contract.mentions),
    )


# records and their envelopes


def _texts(payloads: pl.Series) -> pl.Series:
    """The payloads as texts; null where one is no JSON."""
    valid = valid_json(payloads)
    if not valid.all():
        payloads = payloads.set(~valid, None)
    return payloads.cast(pl.String)


def _images(texts: pl.Series, contract: Contract) -> tuple[pl.Series, pl.Series, pl.Series, list[pl.DataFrame]]:
    """Roots (envelopes), row images, which records delete by their operation, and what is wrong with the envelopes."""
    nothing = texts.is_null() & False
    if contract.change.envelope is None:
        return texts, texts, nothing, []
    return _open_envelopes(texts, contract.change.envelope)


def _open_envelopes(
    texts: pl.Series, envelope: Envelope
) -> tuple[pl.Series, pl.Series, pl.Series, list[pl.DataFrame]]:
    paths = [parse_path(p) for p in (envelope.op, envelope.before, envelope.after)]
    members, _ = extract(texts, [*paths, *(("payload", *p) for p in paths), ("payload",)])
    # Kafka Connect wraps Debezium's message: {"schema": ..., "payload": {"op": ..., ...}}
    wrapped = members["0"].is_null() & members["3"].is_not_null()
    op, before, after = (members[str(n + 3)].zip_with(wrapped, members[str(n)]) for n in range(3))
    roots = members["6"].zip_with(wrapped, texts)
    deletes = _scalar_texts(op).is_in(list(envelope.delete)).fill_null(False)
    images = before.zip_with(deletes & before.is_not_null(), after)
    return roots, images, deletes, [_break(texts.is_not_null() & op.is_null(), "missing_required", envelope.op)]


def _equals_any(values: pl.Series, constants: tuple[object, ...]) -> pl.Series:
    return values.is_in(pl.Series(constants).cast(values.dtype).implode()).fill_null(False)


# typed columns


class _Columns(NamedTuple):
    """Typed columns, named as their fields, and what is wrong: frames of row, rule, path."""

    columns: pl.DataFrame
    broken: list[pl.DataFrame]


def _missing_rules(contract: Contract) -> dict[str, str]:
    sequence = contract.change.sequence_by if contract.keyed else ()
    return {name: "missing_sequence" for name in sequence} | {name: "missing_key" for name in contract.primary_key}


def _read(
    fields: tuple[Field, ...],
    texts: pl.Series,
    roots: pl.Series | None = None,
    missing_rules: dict[str, str] | None = None,
    inside: str = "$",
) -> _Columns:
    """Type the members of JSON objects. ``inside``: where the objects are, for reports."""
    raw, problems = _raw(fields, texts, roots)
    columns: list[pl.Series] = []
    for field in fields:
        path = field.path if field.path.startswith(_ENVELOPE) else inside + field.path[1:]
        rule = (missing_rules or {}).get(field.name, "missing_required" if field.required else None)
        values, wrong = _column(field, raw, (field.name,), path)
        columns.append(values)
        problems += wrong
        if rule:
            problems.append(_break(texts.is_not_null() & raw[(field.name,)].is_null(), rule, path))
    return _Columns(pl.DataFrame(columns), problems)


_Address = tuple[str, ...]


def _raw(
    fields: tuple[Field, ...], texts: pl.Series, roots: pl.Series | None
) -> tuple[dict[_Address, pl.Series], list[pl.DataFrame]]:
    """The raw JSON text of every field that these objects hold, nested objects' members included."""
    places = _places(fields)
    found: dict[_Address, pl.Series] = {}
    problems = []
    for source, from_roots in ((texts, False), (roots, True)):
        wanted = {a: parse_path(p.removeprefix(_ENVELOPE) if not p.startswith("$e") else "$" + p[len(_ENVELOPE):]) for a, p in places.items() if p.startswith(_ENVELOPE) == from_roots}
    return found, problems
