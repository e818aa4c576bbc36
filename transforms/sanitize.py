"""Rows of silver without anything personal, and a count of what was taken out where: for analytics outside the lake.

Belongs here: deciding by contract, and doing it. Must not: keys' whereabouts, files, which rows. Masked fields are
pseudonyms and still personal, so they go too. What a contract declares is trusted; texts that it lets through are
searched by detectors as well.
"""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from transforms.contract import Contract, Field
from transforms.detect import redact_text
from transforms.pseudonyms import keyed_digests

KEEP, REKEY, DETECT, DROP = STRATEGIES = ("keep", "rekey", "detect", "drop")
"""As it is; another key that only the lake can make; as it is but for personal data that detectors find; not at all."""

FOUND_IN_TEXT = ("EMAIL", "PHONE", "URL", "IP", "MAC", "CARD", "IBAN", "ACCOUNT", "SECRET", "BIRTH_DATE")
_DIGITS = 24
_COUNTS = {"path": pl.String, "strategy": pl.String, "why": pl.String, "values": pl.Int64, "changed": pl.Int64}


@dataclass(frozen=True)
class Decision:
    """What is done with one scalar field, by its path in silver, and why."""

    path: str
    strategy: str
    why: str


def decide(field: Field, contract: Contract, path: str) -> Decision:
    """What is done with a scalar field of a contract."""
    person = contract.subject is not None or bool(contract.mentions)
    if field.mask.strategy != "keep":
        return Decision(path, DROP, f"masked ({field.mask.strategy})")
    if field.classification in ("HIGH", "MEDIUM"):
        return Decision(path, DROP, f"classified {field.classification}")
    if "quasi-identifier" in field.tags:
        return Decision(path, DROP, "quasi-identifier")
    if person and (field.primary_key or "identifier" in field.tags):
        return Decision(path, REKEY, "identifier of a record about a person")
    if person and field.type == "object":
        return Decision(path, DROP, "undeclared members")
    if person and field.type == "string" and not (field.enum or "pattern" in field.options):
        return Decision(path, DETECT, "text of a record about a person")
    return Decision(path, KEEP, "not personal")


def sanitize(rows: pl.DataFrame, contract: Contract, key: bytes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The contract's fields without personal data, and counts.

    ``rows``: the contract's columns, as silver has them; missing ones are left out. ``key``: under which identifiers
    are replaced, so that a record has the same one in every export. The counts have a row for each scalar field:
    ``path``, ``strategy``, ``why``, ``values`` (not null) and ``changed`` (dropped, replaced or redacted).
    """
    cleaner = _Cleaner(contract, key)
    fields = [field for field in contract.fields if field.name in rows.columns]
    made = [cleaner.clean(rows[field.name], field, field.name) for field in fields]
    kept = [column.alias(field.name) for column, field in zip(made, fields, strict=True) if column is not None]
    counts = pl.DataFrame(cleaner.counts, schema=_COUNTS, orient="row")
    return pl.DataFrame(kept) if kept else pl.DataFrame(height=rows.height), counts


class _Cleaner:
    """Cleans columns and counts."""

    def __init__(self, contract: Contract, key: bytes) -> None:
        self._contract, self._key = contract, key
        self.counts: list[tuple[str, str, str, int, int]] = []

    def clean(self, column: pl.Series, field: Field, path: str) -> pl.Series | None:
        """A column without personal data; None where nothing of it stays."""
        if field.properties and isinstance(column.dtype, pl.Struct):
            return self._struct(column, field, path)
        if field.items and isinstance(column.dtype, pl.List):
            return self._list(column, field.items, path)
        return self._scalar(column, field, path)

    def _struct(self, column: pl.Series, field: Field, path: str) -> pl.Series | None:
        members = column.struct.unnest()
        known = [part for part in field.properties if part.name in members.columns]
        made = [(part.name, self.clean(members[part.name], part, f"{path}.{part.name}")) for part in known]
        kept = [inner.alias(name) for name, inner in made if inner is not None]
        return _where(column.is_not_null(), pl.DataFrame(kept).to_struct(column.name)) if kept else None

    def _list(self, column: pl.Series, item: Field, path: str) -> pl.Series | None:
        array = column.to_arrow(compat_level=pl.CompatLevel.oldest())
        inner = pl.Series(pl.from_arrow(array.values))
        made = self.clean(inner, item, path)
        if made is None:
            return None
        values = made.to_arrow(compat_level=pl.CompatLevel.oldest())
        lists = pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(array.offsets, values)))
        return _where(column.is_not_null(), lists)

    def _scalar(self, column: pl.Series, field: Field, path: str) -> pl.Series | None:
        decision = decide(field, self._contract, path)
        values = len(column) - column.null_count()
        made, changed = self._done(column, field, decision.strategy, values)
        self.counts.append((path, decision.strategy, decision.why, values, changed))
        return made

    def _done(self, column: pl.Series, field: Field, strategy: str, values: int) -> tuple[pl.Series | None, int]:
        if strategy == DROP:
            return None, values
        if strategy == REKEY:
            return rekey(column, field.name, self._key), values
        if strategy == DETECT and column.dtype == pl.String:
            clean = redact_text(column, FOUND_IN_TEXT)
            return clean, int((clean != column).sum())
        return column, 0


def _where(kept: pl.Series, column: pl.Series) -> pl.Series:
    """A column that is null elsewhere."""
    return pl.select(pl.when(kept).then(column).alias(column.name)).to_series()


def rekey(column: pl.Series, name: str, key: bytes) -> pl.Series:
    """Keyed digests (24 hex digits) of a column's values; ``name`` keeps other kinds apart. Null stays null."""
    texts = column.cast(pl.String)
    distinct = texts.drop_nulls().unique()
    if distinct.is_empty():
        return texts
    digests = keyed_digests(key, (f"{name}\x1f{text}".encode() for text in distinct))
    made = pl.Series([digest.hex()[:_DIGITS] for digest in digests], dtype=pl.String)
    return texts.replace_strict(distinct, made, return_dtype=pl.String)
