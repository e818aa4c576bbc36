"""Masking: conformed columns in, the same columns masked out, as the contract's fields say.

Belongs here: walking fields, nested objects and arrays; ``keep`` and ``drop``. Must not: how a strategy changes values
(transforms/strategies), detection in text (transforms/detect.py), where keys are kept. What each strategy gives and
does not give stands in docs/masking.md. A value is never passed because it already looks masked.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.contract import Field
from transforms.scalars import dtype
from transforms.strategies import STRATEGIES, Context, MaskKeys

if TYPE_CHECKING:
    from transforms.detect import Recognizer

__all__ = ["MaskKeys", "mask_frame", "mask_problems", "masked_dtype"]


def mask_frame(
    frame: pl.DataFrame,
    fields: tuple[Field, ...],
    keys: MaskKeys,
    detect: Callable[[pl.Series], pl.Series] | None = None,
    names: "Recognizer | None" = None,
    known: "Recognizer | None" = None,
) -> pl.DataFrame:
    """Mask the columns that ``fields`` name; other columns pass, dropped ones are absent.

    ``frame``: conformed columns named as the fields, and ``subject_id`` (needed by ``shift_dates`` only; rows without
    one get null there). ``detect``: redacts free text for the strategy ``text``; default: all columnar detectors.
    ``names``: the recognizer (transforms/detect.py) for fields whose mask says ``names``; without one they are refused.
    ``known``: the recognizer of people that the lake knows, asked about every free text.
    Nested members and list items are masked by their own strategy, or by the enclosing field's where they declare
    none. Nulls stay null. The same value under the same key always gives the same result. Raises ``ValueError`` for an
    unknown strategy.
    """
    subjects = frame["subject_id"] if "subject_id" in frame.columns else pl.Series([None], dtype=pl.String)
    if len(subjects) != frame.height:
        subjects = subjects.new_from_index(0, frame.height)
    columns = {name: frame[name] for name in frame.columns}
    for field in fields:
        masked = _mask(frame[field.name], field, Context(field.name, subjects, keys, detect, names, known))
        if masked is None:
            del columns[field.name]
        else:
            columns[field.name] = masked.alias(field.name)
    return pl.DataFrame(columns) if columns else frame.select()


def masked_dtype(field: Field, plain: pl.DataType | None = None) -> pl.DataType | None:
    """The type of a field's column after masking; None where it is dropped.

    ``plain``: the type of the conformed column; default: the one its contract type stands for.
    """
    plain = _conformed(field) if plain is None else plain
    if field.mask.strategy == "drop":
        return None
    if isinstance(plain, pl.Struct) and field.properties:
        types = {f.name: f.dtype for f in plain.fields}
        members = {
            p.name: masked_dtype(_inherit(p, field), types[p.name])  # type: ignore[arg-type]
            for p in field.properties
        }
        kept = {name: member for name, member in members.items() if member is not None}
        return pl.Struct(kept) if kept else None
    if isinstance(plain, pl.List) and field.items:
        item = masked_dtype(_inherit(field.items, field), plain.inner)  # type: ignore[arg-type]
        return None if item is None else pl.List(item)
    if field.mask.strategy == "keep":
        return plain
    return STRATEGIES[field.mask.strategy].dtype(plain, field.mask.options)


def mask_problems(fields: tuple[Field, ...]) -> list[str]:
    """What is wrong with the masks that a contract declares, one sentence each; empty when all can be done."""
    return [f"{path}: {problem}" for path, field in _walk(fields) if (problem := _problem(field))]


def _problem(field: Field) -> str | None:
    name, options = field.mask.strategy, field.mask.options
    if name in ("keep", "drop"):
        return f"{name} takes no options" if options else None
    strategy = STRATEGIES.get(name)
    if strategy is None:
        return f"there is no masking strategy {name!r}; known: keep, drop, {', '.join(STRATEGIES)}"
    unknown = sorted(set(options) - set(strategy.options))
    if unknown:
        return f"{name} has no option {unknown[0]!r}; it takes {', '.join(strategy.options) or 'none'}"
    nested = bool(field.properties) or field.items is not None
    if strategy.types and field.type not in strategy.types and not nested:
        return f"{name} cannot mask the type {field.type}; it masks {', '.join(strategy.types)}"
    return strategy.check(options)


def _walk(fields: tuple[Field, ...], prefix: str = "") -> Iterator[tuple[str, Field]]:
    for field in fields:
        yield prefix + field.name, field
        if field.items:
            inner = field.items
            yield from _walk(inner.properties or (inner,), f"{prefix}{field.name}[].")
        yield from _walk(field.properties, f"{prefix}{field.name}.")


def _mask(values: pl.Series, field: Field, context: Context) -> pl.Series | None:
    """One field masked: itself, its members or its items. None: it is dropped."""
    if field.mask.strategy == "drop":
        return None
    if isinstance(values.dtype, pl.Struct) and field.properties:
        return _mask_struct(values, field, context)
    if isinstance(values.dtype, pl.List) and field.items:
        return _mask_list(values, field, context)
    if field.mask.strategy == "keep":
        return values
    if field.mask.strategy not in STRATEGIES:
        raise ValueError(mask_problems((field,))[0])
    if values.null_count() == len(values):
        return pl.Series(values.name, [None], masked_dtype(field, values.dtype)).new_from_index(0, len(values))
    return STRATEGIES[field.mask.strategy].apply(values, field.mask.options, context)


def _mask_struct(values: pl.Series, field: Field, context: Context) -> pl.Series | None:
    members = []
    for member in (_inherit(p, field) for p in field.properties):
        masked = _mask(values.struct.field(member.name), member, replace(context, name=member.name))
        if masked is not None:
            members.append(masked.alias(member.name))
    if not members:
        return None
    whole = pl.DataFrame(members).to_struct(values.name)
    return whole.zip_with(values.is_not_null(), pl.Series([None], dtype=whole.dtype))


def _mask_list(values: pl.Series, field: Field, context: Context) -> pl.Series | None:
    """Items are masked as one flat column, each beside its row's subject, and put back into their lists."""
    assert field.items is not None
    lengths = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = values.drop_nulls().list.explode(empty_as_null=False)
    subjects = context.subjects.gather(np.repeat(np.arange(len(values)), lengths))
    masked = _mask(flat, _inherit(field.items, field), replace(context, subjects=subjects))
    if masked is None:
        return None
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    nulls = values.is_null().to_arrow() if values.null_count() else None
    lists = pa.LargeListArray.from_arrays(offsets, masked.rechunk().to_arrow(), mask=nulls)
    return pl.Series(values.name, lists, dtype=pl.List(masked.dtype))


def _inherit(inner: Field, outer: Field) -> Field:
    """A member that declares no masking is masked as the field it stands in."""
    return inner if inner.mask.strategy != "keep" else replace(inner, mask=outer.mask)


def _conformed(field: Field) -> pl.DataType:
    """The type of a field's conformed column."""
    if field.items:
        return pl.List(_conformed(field.items))
    if field.properties:
        return pl.Struct({p.name: _conformed(p) for p in field.properties})
    return dtype(field)
