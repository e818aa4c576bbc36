"""Checks on the lake's tables: what is promised of each layer, counted.

Belongs here: each check as a name, a description and a count of what breaks it. Must not: Dagster (pipelines/checks.py
declares these as asset checks), and never a value of the data.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cenote import checked
from cenote.accounting import LAYERS, account, account_new
from cenote.drift import new_paths
from cenote.erasure.queue import Requests
from cenote.records import amendments
from cenote.sqlfiles import SqlFile
from cenote.tables import Table
from cenote.texts import PER_COLUMN, sample
from cenote.workspace import Workspace
from transforms.anonymity import Anonymity, small_groups
from transforms.classify import contradictions
from transforms.contract import Contract
from transforms.detect import find_spans

CLEAR_TEXT_KINDS = ("EMAIL", "CARD", "IBAN", "SSN")
_TOLD_PATHS = 10


@dataclass(frozen=True)
class Check:
    """A promise: its name, what it says, and whether nothing may be built on a table that breaks it."""

    name: str
    description: str
    essential: bool = False


@dataclass(frozen=True)
class Finding:
    """The outcome of a check: counts by name, and one sentence."""

    name: str
    passed: bool
    essential: bool
    summary: str
    counts: Mapping[str, Any] = field(default_factory=dict)


PROVED = Check("batches_complete", "Every landed batch has all its records in bronze.", essential=True)
ACCOUNTED = Check(
    "records_accounted", "Every bronze record is in silver or in quarantine, exactly once.", essential=True
)
KEYS = Check("keys_unique", "A primary key names at most one current row.", essential=True)
REQUIRED = Check("required_present", "Required columns have a value in every row.")
ACCEPTED = Check("accepted_values", "Columns with a list of accepted values hold nothing else.")
FRESH = Check("data_fresh", "The newest record landed within the contract's freshness.")
MASKED = Check(
    "no_clear_text", "No e-mail address, card, IBAN or social security number in clear text.", essential=True
)
CLASSIFIED = Check("classification_agrees", "No column that the contract calls public holds personal data.")
NAMED = Check("fields_named", "No new field arrives that the contract does not name.")
LINEAGE = Check("lineage_resolves", "Every lineage id names a row that exists upstream.", essential=True)
GRAIN = Check("grain_unique", "The grain key names one row, and lineage ids are unique.", essential=True)
ANONYMOUS = Check(
    "small_groups",
    "Every combination of quasi-identifiers stands for k people and hides its sensitive columns among l values.",
    essential=True,
)
PARITY = Check("online_parity", "Online values equal the newest offline values for a sample of entities.")

RECALL = Check("index_recall", "The vector index finds 98 % of what exact search finds (recall@10).", essential=True)

_OF_ROWS = (ACCOUNTED.name, KEYS.name, REQUIRED.name, ACCEPTED.name)
BRONZE_CHECKS = (PROVED,)
VECTOR_CHECKS = (LINEAGE, MASKED)
INDEX_CHECKS = (RECALL,)
EDGE_CHECKS = (LINEAGE,)
FEATURE_CHECKS = (GRAIN,)
ONLINE_CHECKS = (PARITY,)


def silver_checks(contract: Contract) -> list[Check]:
    """The checks that a dataset's silver table has."""
    found = [ACCOUNTED, REQUIRED, MASKED, CLASSIFIED, NAMED]
    if contract.primary_key:
        found.append(KEYS)
    if any(f.enum for f in contract.fields):
        found.append(ACCEPTED)
    if contract.freshness_hours:
        found.append(FRESH)
    return found


def gold_checks(mart: SqlFile) -> list[Check]:
    """The checks that a mart has."""
    return [GRAIN, MASKED, *([ANONYMOUS] if mart.privacy else [])]


def check_bronze(space: Workspace, contract: Contract) -> list[Finding]:
    """Bronze holds as many records of each batch as its manifest says, less those that erasures removed."""
    table, manifest = space.table("bronze", contract.dataset), space.table("meta", "batches")
    if not (table.exists and manifest.exists):
        return [_finding(PROVED, batches=0, incomplete=0)]
    told = manifest.scan().filter(pl.col("dataset") == contract.dataset).select("batch_id", "records")
    held = table.scan().group_by("batch_id").agg(pl.len().cast(pl.Int64).alias("held"))
    erased = amendments(space).lazy().select("batch_id", "removed")
    both = told.join(held, on="batch_id", how="full", coalesce=True).join(erased, on="batch_id", how="left").collect()
    kept = pl.col("records").fill_null(-1) - pl.col("removed").fill_null(0)
    wrong = both.filter(kept != pl.col("held").fill_null(0)).height
    return [_finding(PROVED, batches=both.height, incomplete=wrong)]


def check_silver(space: Workspace, contract: Contract) -> list[Finding]:
    """All checks of a dataset's silver table, in the order of :func:`silver_checks`.

    What rows keep once they have it is looked at in rows that came since all checks held.
    """
    table = space.table("silver", contract.dataset)
    if not table.exists:
        return [_finding(check) for check in silver_checks(contract)]
    tables = [space.table(layer, contract.dataset) for layer in LAYERS]
    seen = checked.seen(tables)
    files = checked.unchecked(space, table.name, tables, contract.digest)
    rows = table.scan() if files is None else _rows(table, files[table.name])
    run: dict[str, Callable[[], Finding]] = {
        ACCOUNTED.name: lambda: _accounted(space, contract, files),
        KEYS.name: lambda: _keys_unique(table, contract, None if files is None else rows),
        REQUIRED.name: lambda: _required_present(space, rows, contract),
        ACCEPTED.name: lambda: _accepted_values(rows, contract),
        FRESH.name: lambda: _fresh(space, table, contract),
        MASKED.name: lambda: _masked(table.scan()),
        CLASSIFIED.name: lambda: _classified(table, contract),
        NAMED.name: lambda: _named(space, contract),
    }
    found = [run[check.name]() for check in silver_checks(contract)]
    if all(finding.passed for finding in found if finding.name in _OF_ROWS):
        checked.held(space, table.name, seen, contract.digest)
    return found


def check_gold(space: Workspace, mart: SqlFile) -> list[Finding]:
    """All checks of a mart, in the order of :func:`gold_checks`."""
    table = space.table("gold", mart.name)
    if not table.exists:
        return [_finding(check) for check in gold_checks(mart)]
    found = [_grain(table.scan(), mart.grain), _masked(table.scan())]
    return [*found, _anonymous(table, mart.privacy)] if mart.privacy else found


def check_features(space: Workspace, view: SqlFile) -> list[Finding]:
    """All checks of a feature view's history: a lineage id and creation time name one row."""
    table = space.table("features", view.name)
    if not table.exists:
        return [_finding(GRAIN)]
    key, seen = view.join_key or "", checked.seen([table])
    files = checked.unchecked(space, table.name, [table], view.digest)
    rows = table.scan()
    if files is not None:  # a row is only ever added, so what was right can have come wrong of new ones alone
        rows = rows.join(_rows(table, files[table.name]).select(key).unique(), on=key, how="semi")
    found = _grain(rows, (key, "event_timestamp", "created_timestamp"), unique_ids=False)
    if found.passed:
        checked.held(space, table.name, seen, view.digest)
    return [found]


def check_vectors(space: Workspace, contract: Contract) -> list[Finding]:
    """Passages come from silver rows that exist, and hold no clear text."""
    from cenote import vectors

    passages = vectors.passages(space, contract.dataset)
    return [_resolves(space, contract, passages.select("lineage_id")), _masked(passages.select("text").lazy())]


def check_index(space: Workspace) -> list[Finding]:
    """The vector index finds what exact search finds; passes where vectors are searched exactly."""
    from cenote.vectors import recall

    found = recall.measure(space)
    if found is None:
        return [Finding(RECALL.name, True, RECALL.essential, "vectors are searched exactly", {"recall": 1.0})]
    told = f"recall@{found.k} {found.recall:.3f} over {found.asked} questions"
    counts = {"recall": found.recall, "questions": found.asked}
    return [Finding(RECALL.name, found.recall >= recall.LEAST, RECALL.essential, told, counts)]


def check_edges(space: Workspace, contract: Contract) -> list[Finding]:
    """Edges come from silver rows that exist."""
    table = space.table("graph", "edges")
    if not table.exists:
        return [_finding(LINEAGE)]
    edges = table.scan().filter(pl.col("dataset") == contract.dataset).select("lineage_id").collect()
    return [_resolves(space, contract, edges)]


def check_online(space: Workspace) -> list[Finding]:
    """Online values equal offline ones for a sample."""
    from cenote import features

    compared = features.parity(space)
    return [_finding(PARITY, compared=compared.height, different=compared.filter(~pl.col("equal")).height)]


def _finding(check: Check, **counts: int) -> Finding:
    """A finding that passes when every count but the first, which is the total, is zero."""
    bad = {name: count for name, count in list(counts.items())[1:] if count}
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    return Finding(check.name, not bad, check.essential, told or "nothing to check yet", counts)


def _accounted(space: Workspace, contract: Contract, files: Mapping[str, Sequence[str]] | None) -> Finding:
    found = None if files is None else account_new(space, contract.dataset, files)
    found = found or account(space, contract.dataset)
    return _finding(
        ACCOUNTED, bronze_records=found.bronze, missing=found.missing, twice=found.twice, unknown=found.unknown
    )


def _keys_unique(table: Table, contract: Contract, new: pl.LazyFrame | None) -> Finding:
    rows = table.scan()
    current = rows.filter(pl.col("is_current")) if contract.keyed else rows
    keys = current.select(contract.primary_key)
    if new is not None:
        keys = keys.join(new.select(contract.primary_key).unique(), on=list(contract.primary_key), how="semi")
    total, distinct = pl.collect_all([keys.select(pl.len()), keys.unique().select(pl.len())], engine="streaming")
    return _finding(KEYS, current_rows=total.item(), repeated=total.item() - distinct.item())


def _rows(table: Table, files: Sequence[str]) -> pl.LazyFrame:
    """The rows of some files of a table."""
    schema = table.schema()
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(list(files), missing_columns="insert", schema=schema)


def _required_present(space: Workspace, rows: pl.LazyFrame, contract: Contract) -> Finding:
    schema = rows.collect_schema()
    live = pl.col("change_op") != "delete" if contract.keyed else pl.lit(True)
    required = [f.name for f in contract.fields if f.required and f.name in schema]
    redacted = Requests(space.settings).replaced(contract.dataset)["lineage_id"]  # an erasure took values out of these
    counts = rows.filter(live, ~pl.col("lineage_id").is_in(redacted.implode())).select(
        pl.len().alias("rows"), *[pl.col(c).null_count() for c in required]
    )
    row = counts.collect(engine="streaming").row(0, named=True)
    return _finding(REQUIRED, **{"rows": row.pop("rows"), **{f"null_{name}": count for name, count in row.items()}})


def _accepted_values(rows: pl.LazyFrame, contract: Contract) -> Finding:
    schema = rows.collect_schema()
    listed = [f for f in contract.fields if f.enum and f.mask.strategy == "keep" and f.name in schema]
    outside = [(~pl.col(f.name).is_in(list(f.enum))).sum().alias(f.name) for f in listed]
    row = rows.select(pl.len().alias("rows"), *outside).collect(engine="streaming").row(0, named=True)
    return _finding(ACCEPTED, **{"rows": row.pop("rows"), **{f"outside_{name}": count for name, count in row.items()}})


def _fresh(space: Workspace, table: Table, contract: Contract) -> Finding:
    newest = table.scan().select(pl.col("landed_at").max()).collect().item()
    if newest is None:
        return _finding(FRESH)
    age = (space.clock() - newest).total_seconds() / 3600
    return Finding(
        FRESH.name,
        age <= (contract.freshness_hours or 0),
        FRESH.essential,
        f"the newest record landed {age:.1f} hours ago; the contract allows {contract.freshness_hours:g}",
        {"age_hours": round(age, 2)},
    )


def _masked(rows: pl.LazyFrame) -> Finding:
    texts = sample(rows)
    return _finding(MASKED, texts=texts.len(), in_clear=find_spans(texts, kinds=CLEAR_TEXT_KINDS).height)


def _classified(table: Table, contract: Contract) -> Finding:
    """Name path and kind of what values contradict, by a sample of rows, the newest among them."""
    rows = table.scan()
    newest = rows.filter(pl.col("landed_at").eq_missing(rows.select(pl.col("landed_at").max()).collect().item()))
    some, new = pl.collect_all([part.head(PER_COLUMN // 2) for part in (rows, newest)])
    looked_at = pl.concat([some, new]).unique("lineage_id")
    found = {f"{path} {kind}": count for path, kind, count in contradictions(looked_at, contract)}
    told = ", ".join(f"{place}: {count:,}" for place, count in found.items())
    return Finding(CLASSIFIED.name, not found, CLASSIFIED.essential, told or "values agree with the contract", found)


def _named(space: Workspace, contract: Contract) -> Finding:
    """Paths are told as they may be: names that may be data are ``*``."""
    found = new_paths(space, contract.dataset)
    told = ", ".join(f"{path} in {count:,} records" for path, count in list(found.items())[:_TOLD_PATHS])
    more = f", and {len(found) - _TOLD_PATHS:,} more" if len(found) > _TOLD_PATHS else ""
    return Finding(NAMED.name, not found, NAMED.essential, told + more or "no new fields", found)


def _grain(rows: pl.LazyFrame, grain: Sequence[str], *, unique_ids: bool = True) -> Finding:
    names = [[*grain], ["lineage_id"]] if unique_ids else [[*grain]]
    counted = [rows.select(pl.len()), *(rows.select(some).unique().select(pl.len()) for some in names)]
    total, *distinct = (found.item() for found in pl.collect_all(counted, engine="streaming"))
    repeated = [total - count for count in distinct]
    return _finding(GRAIN, rows=total, repeated=repeated[0], repeated_lineage_ids=sum(repeated[1:]))


def _anonymous(table: Table, policy: Anonymity) -> Finding:
    found = small_groups(table.scan(), policy)
    under_l = {f"{column}_under_{policy.l}_values": count for column, count in found.under_l.items()}
    return _finding(ANONYMOUS, **{"groups": found.groups, f"under_{policy.k}_people": found.under_k, **under_l})


def _resolves(space: Workspace, contract: Contract, made: pl.DataFrame) -> Finding:
    table = space.table("silver", contract.dataset)
    ids = made.lazy().select("lineage_id").unique()
    missing = ids if not table.exists else ids.join(table.scan().select("lineage_id"), on="lineage_id", how="anti")
    return _finding(LINEAGE, rows=made.height, dangling=missing.collect().height)
