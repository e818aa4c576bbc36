"""Raw JSON records -> typed columns, split into those that keep their contract and those that break it.

Belongs here: envelopes, nesting, presence, the split. Must not: reading JSON (json_columns.py), types (scalars.py),
rules on values (rules.py), masking. What leaves here about a rejected record is rule names and contract paths, never
a value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from transforms.contract import Contract, Envelope, Field
from transforms.drift import drift
from transforms.json_columns import EACH, Steps, elements, extract, parse_path
from transforms.jsontext import FAULTS, faults, valid_json
from transforms.rules import broken_rules
from transforms.scalars import parse, without_null_words
from transforms.subjects import ERASED_TOKEN, natural_ids

_FATAL = (*FAULTS, "not_an_object")  # with one of these, nothing else is said of a record; the first wins
_BROKEN = pl.Schema({"row": pl.UInt32, "rule": pl.String, "path": pl.String})
_ENVELOPE = "$envelope"


@dataclass(frozen=True)
class Conformed:
    """What became of some records.

    ``valid``: lineage_id, landed_at, subject_id, [change_op when keyed,] the contract's fields, typed, in order.
    ``rejected``: lineage_id, batch_id, subject_id, landed_at, rules (list of {rule, path}, each once, sorted).
    ``drift``: path, count: members of valid records that the contract does not name (see transforms/drift.py).
    ``named``: lineage_id, entity, natural_id: people whom valid records mention, as the contract says.
    """

    valid: pl.DataFrame
    rejected: pl.DataFrame
    drift: pl.DataFrame
    named: pl.DataFrame


def conform(records: pl.DataFrame, contract: Contract) -> Conformed:
    """Conform records (lineage_id, batch_id, landed_at, subject_id, payload) to a contract.

    Every record is in exactly one of ``valid`` and ``rejected``. Raises ``ValueError`` where the contract asks for what
    cannot be: a path that is no path, a pattern that is no regular expression.
    """
    rows = _rows(records.get_column("payload"), contract)
    table = _read(contract.fields, rows, _missing_rules(contract))
    deletes = rows.deletes
    if contract.change.delete_column:
        column = table.columns.get_column(contract.change.delete_column)
        constants = pl.Series(list(contract.change.delete_values)).cast(column.dtype)
        deletes = deletes | column.is_in(constants.implode()).fill_null(False)
    problems = _settle([*rows.broken, *table.broken], deletes)
    kept = ~pl.int_range(len(deletes), dtype=pl.UInt32, eager=True).is_in(problems.get_column("row").implode())

    operation = pl.Series("change_op", ["upsert"]).new_from_index(0, len(deletes)).set(deletes, "delete")
    valid = pl.DataFrame(
        [
            *records.select("lineage_id", "landed_at", "subject_id").get_columns(),
            *([operation] if contract.keyed else []),
            *table.columns.get_columns(),
        ]
    ).filter(kept)
    return Conformed(
        valid=valid,
        rejected=_rejected(records, problems),
        drift=drift(rows.images.filter(kept), contract.fields),
        named=_named(rows.filter(kept), valid.get_column("lineage_id"), contract),
    )


# records and their envelopes


class _Rows(NamedTuple):
    """Records opened: which are JSON at all, their roots, row images, whether they delete, and what is wrong so far."""

    present: pl.Series
    roots: pl.Series
    images: pl.Series
    deletes: pl.Series
    broken: list[pl.DataFrame]

    def filter(self, kept: pl.Series) -> "_Rows":
        present, roots, images, deletes = (s.filter(kept) for s in self[:4])
        return _Rows(present, roots, images, deletes, [])


def _rows(payloads: pl.Series, contract: Contract) -> _Rows:
    valid = valid_json(payloads)
    texts = payloads if valid.all() else payloads.zip_with(valid, pl.Series([b""]))
    texts = texts.cast(pl.String).set(~valid, None)
    found = faults(payloads, valid)
    problems = [_break(found == rule, rule, "$") for rule in found.drop_nulls().unique()]
    if contract.change.envelope:
        problems.append(_break(valid & ~_is_object(texts), "not_an_object", "$"))
        rows = _open_envelopes(texts, contract.change.envelope)
    else:
        rows = _Rows(valid, texts, texts, valid & False, [])
    if any(steps and isinstance(steps[0], str) for f in contract.fields if (steps := _steps(f)) is not None):
        problems.append(_break(rows.images.is_not_null() & ~_is_object(rows.images), "not_an_object", "$"))
    return rows._replace(broken=[*problems, *rows.broken])


def _open_envelopes(texts: pl.Series, envelope: Envelope) -> _Rows:
    paths = [parse_path(p) for p in (envelope.op, envelope.before, envelope.after)]
    members, _ = extract(texts, [*paths, *(("payload", *p) for p in paths), ("payload",)])
    # Kafka Connect wraps Debezium's message: {"schema": ..., "payload": {"op": ..., ...}}
    wrapped = members["0"].is_null() & members["3"].is_not_null()
    op, before, after = (members[str(n + 3)].zip_with(wrapped, members[str(n)]) for n in range(3))
    present = texts.is_not_null()
    deletes = natural_ids(op).is_in(list(envelope.delete)).fill_null(False)
    images = before.zip_with(deletes & before.is_not_null(), after)
    problems = [
        _break(present & op.is_null(), "missing_required", envelope.op),
        _break(present & op.is_not_null() & images.is_null(), "missing_required", envelope.after),
    ]
    return _Rows(present, members["6"].zip_with(wrapped, texts), images, deletes, problems)


def _is_object(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars_start(" \t\r\n").str.starts_with("{").fill_null(False)


def _steps(field: Field) -> Steps | None:
    """The field's path from the row image; None where it starts at the envelope."""
    return None if field.path.startswith(_ENVELOPE) else parse_path(field.path)


# typed columns


class _Typed(NamedTuple):
    """Typed columns, named as their fields, and what is wrong: frames of row, rule, path."""

    columns: pl.DataFrame
    broken: list[pl.DataFrame]


def _missing_rules(contract: Contract) -> dict[str, str]:
    """What the absence of a field is called, for those that may not be absent."""
    required = {f.name: "missing_required" for f in contract.fields if f.required}
    sequence = {name: "missing_sequence" for name in contract.change.sequence_by if contract.keyed}
    return required | sequence | dict.fromkeys(contract.primary_key, "missing_key")


def _read(fields: tuple[Field, ...], rows: _Rows, missing: Mapping[str, str], inside: str = "$") -> _Typed:
    """Type the members of JSON objects; ``inside`` is where the objects are, for reports."""
    own = [f for f in fields if _steps(f) is not None]
    outer = [f for f in fields if _steps(f) is None]
    raw, readable = _values(rows.images, own)
    problems = [_break(rows.images.is_not_null() & ~readable, "malformed_json", "$")]
    if outer:
        raw |= _values(rows.roots, outer)[0]
    columns = []
    for field in fields:
        if field.path == "$" and field.type in ("string", "object") and not field.properties:
            columns.append(rows.images.alias(field.name))  # the whole record, as it was written
            continue
        path = field.path if field in outer else inside + field.path[1:]
        texts, erased = _without_erased(without_null_words(field, raw[field.name]))
        if rule := missing.get(field.name):
            needed = ~erased if rule == "missing_required" else rows.present
            problems.append(_break(rows.present & texts.is_null() & needed, rule, path))
        column, wrong = _column(field, texts, path)
        columns.append(column.alias(field.name))
        problems += wrong
    return _Typed(pl.DataFrame(columns), problems)


def _values(texts: pl.Series, fields: Sequence[Field]) -> tuple[dict[str, pl.Series], pl.Series]:
    """Raw JSON of fields by name, from where the record has it now or had it formerly; and which texts are readable."""
    places = {f.name: [_from_top(path) for path in (f.path, *f.formerly)] for f in fields}
    found, readable = extract(texts, [steps for paths in places.values() for steps in paths])
    columns = iter(found.get_columns())
    values = {}
    for name, paths in places.items():
        now, *before = (next(columns) for _ in paths)
        values[name] = pl.select(pl.coalesce(now, *before)).to_series() if before else now
    return values, readable


def _from_top(path: str) -> Steps:
    """A path from the object that holds the field, or from the envelope."""
    return parse_path("$" + path.removeprefix(_ENVELOPE) if path.startswith(_ENVELOPE) else path)


def _without_erased(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Values that an erasure took out as missing ones, and which they are: they may be missing, but in a key."""
    erased = (texts == ERASED_TOKEN).fill_null(False)
    return texts.set(erased, None), erased


def _column(field: Field, raw: pl.Series, path: str) -> tuple[pl.Series, list[pl.DataFrame]]:
    """Type raw JSON texts as the field says; ``path`` is what reports call the place."""
    if field.items:
        values, problems = _array(field.items, raw, path)
    elif field.properties:
        values, problems = _struct(field, raw, path)
    else:
        typed = parse(field, raw)
        values = typed.values
        problems = [_break(typed.wrong, "wrong_type", path), _break(typed.outside, "out_of_range", path)]
    problems += [_break(mask, rule, path) for rule, mask in broken_rules(field, values)]
    return values, problems


def _struct(field: Field, raw: pl.Series, path: str) -> tuple[pl.Series, list[pl.DataFrame]]:
    there = raw.str.starts_with("{").fill_null(False)
    texts = raw.set(~there, None)
    missing = {f.name: "missing_required" for f in field.properties if f.required}
    members = _read(field.properties, _Rows(there, texts, texts, there, []), missing, path)
    values = members.columns.to_struct(field.name)
    values = values.zip_with(there, pl.Series([None], dtype=values.dtype))
    return values, [_break(raw.is_not_null() & ~there, "wrong_type", path), *members.broken]


def _array(item: Field, raw: pl.Series, path: str) -> tuple[pl.Series, list[pl.DataFrame]]:
    there = raw.str.starts_with("[").fill_null(False)
    lists = elements(raw.set(~there, None))
    lengths = lists.list.len().fill_null(0)
    parents = pl.int_range(len(raw), dtype=pl.UInt32, eager=True).repeat_by(lengths).filter(lengths > 0).explode()
    inner = lists.filter(lengths > 0).explode()
    inner, erased = _without_erased(without_null_words(item, inner.set(inner == "null", None)))
    values, problems = _column(item, inner, f"{path}[*]")
    if item.required:
        problems.append(_break(inner.is_null() & ~erased, "missing_required", f"{path}[*]"))
    problems = [p.with_columns(parents.gather(p.get_column("row")).alias("row")) for p in problems]
    return _nest(values, lengths, there), [_break(raw.is_not_null() & ~there, "wrong_type", path), *problems]


def _nest(values: pl.Series, lengths: pl.Series, there: pl.Series) -> pl.Series:
    """Put values back into lists of the given lengths; null where ``there`` is false."""
    ends = lengths.cast(pl.Int64).cum_sum()
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends.to_arrow()])
    lists = pl.Series(pa.LargeListArray.from_arrays(offsets, values.to_arrow()))
    return lists.cast(pl.List(values.dtype)).zip_with(there, pl.Series([None], dtype=pl.List(values.dtype)))


# what is wrong


def _break(mask: pl.Series, rule: str, path: str) -> pl.DataFrame:
    rows = mask.fill_null(False).arg_true().cast(pl.UInt32)
    return rows.alias("row").to_frame().with_columns(pl.lit(rule).alias("rule"), pl.lit(path).alias("path"))


def _settle(problems: list[pl.DataFrame], deletes: pl.Series) -> pl.DataFrame:
    """All problems, each once. A delete needs its key and its place in the sequence, and nothing else."""
    found = pl.concat([p for p in problems if p.height] or [_BROKEN.to_frame()]).unique()
    gone = deletes.arg_true().cast(pl.UInt32).implode()
    found = found.filter((pl.col("rule") != "missing_required") | ~pl.col("row").is_in(gone))
    fatal = found.filter(pl.col("rule").is_in(_FATAL)).sort(pl.col("rule").cast(pl.Enum(_FATAL)))
    fatal = fatal.unique("row", keep="first")
    return pl.concat([found.join(fatal, on="row", how="anti"), fatal])


def _rejected(records: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    told = problems.sort("row", "rule", "path").select("row", pl.struct("rule", "path").alias("rules"))
    rules = told.group_by("row", maintain_order=True).agg("rules")
    columns = ["lineage_id", "batch_id", "subject_id", "landed_at"]
    return records.select(columns)[rules.get_column("row")].with_columns(rules.get_column("rules"))


# people whom a record mentions


def _named(rows: _Rows, lineage_ids: pl.Series, contract: Contract) -> pl.DataFrame:
    found = [pl.DataFrame(schema={"lineage_id": pl.String, "entity": pl.String, "natural_id": pl.String})]
    for mention, path in ((m, path) for m in contract.mentions for path in contract.places(m.path)):
        texts = rows.roots if path.startswith(_ENVELOPE) else rows.images
        steps = _from_top(path)
        if EACH in steps:
            frame = pl.DataFrame([lineage_ids, elements(texts, steps).alias("raw")]).explode("raw")
        else:
            frame = pl.DataFrame([lineage_ids, extract(texts, [steps])[0]["0"].alias("raw")])
        ids = natural_ids(frame.get_column("raw"), mention.strip).alias("natural_id")
        found.append(frame.select("lineage_id", pl.lit(mention.entity).alias("entity"), ids))
    return pl.concat(found).drop_nulls("natural_id").unique(maintain_order=True)
