"""Bronze: the people's records leave; those under legal hold, and others that mention them, are replaced.

Belongs here: rows of bronze and what its batches give back afterwards (meta/amendments). Must not: what takes the place
of a record (find.py). The caller holds the table's lock.
"""

from collections.abc import Sequence

import polars as pl

from cenote.bronze import record_batches
from cenote.erasure.queue import REPLACED, Requests
from cenote.records import AMENDED, batches, landed_batches, stored_digests
from cenote.rewrite import PURGE, drop_history, edit, holding
from cenote.tables import Commit, Table
from cenote.workspace import Workspace

_NONE = pl.Series("lineage_id", [], dtype=pl.String)


def touched(space: Workspace, subjects: pl.Series, dataset: str, records: pl.Series = _NONE) -> list[str]:
    """The batches that hold records of the people, records named by lineage id, or replaced records."""
    table = space.table("bronze", dataset)
    if not table.exists:
        return []
    concerned = _concerned(subjects, pl.concat([_replaced(space, dataset)["lineage_id"], records]))
    return sorted(holding(table, concerned, ["batch_id"])["batch_id"].unique())


def purge(
    space: Workspace, subjects: pl.Series, dataset: str, batch_ids: Sequence[str], records: pl.Series = _NONE
) -> None:
    """Make bronze of a dataset what it is without the people and ``records``.

    ``batch_ids``: as :func:`touched` found them at first.
    """
    table = space.table("bronze", dataset)
    if not table.exists:
        return
    record_batches(space, dataset)  # reads the log, which goes
    replaced = _replaced(space, dataset)
    concerned = _concerned(subjects, pl.concat([replaced["lineage_id"], records]))
    rows = holding(table, concerned, ["batch_id", "row", "payload"])
    gone = rows.join(replaced, on="lineage_id", how="anti")
    changed = rows.select("file", "lineage_id", "payload").join(replaced, on="lineage_id", suffix="_new")
    changed = changed.filter(pl.col("payload") != pl.col("payload_new"))
    files = pl.concat([gone["file"], changed["file"]]).unique().sort().to_list()
    if files:
        moved = _prefixes(table, gone)
        files = sorted({*files, *moved["file"]})
        change = _Change(gone["lineage_id"], changed.select("lineage_id", "subject_id", "key_id", "payload_new"), moved)
        plain = ("payload",) if space.contract(dataset).sealed else ()
        edit(table, files, change, Commit(PURGE, run_id=space.run_id, details={"reason": "erasure"}), plain=plain)
    drop_history(table)
    _amend(space, dataset, batch_ids)


def _concerned(subjects: pl.Series, records: pl.Series) -> pl.Expr:
    return pl.col("subject_id").is_in(subjects.implode()) | pl.col("lineage_id").is_in(records.implode())


def _replaced(space: Workspace, dataset: str) -> pl.DataFrame:
    columns = [name for name in REPLACED if name not in ("dataset", "landed_at")]
    return Requests(space.settings).replaced(dataset).select(columns)


def _prefixes(table: Table, gone: pl.DataFrame) -> pl.DataFrame:
    """Where the first record of a batch leaves, what stood before it goes before the first that stays.

    A JSON array keeps its bracket so. Columns: file, lineage_id, prefix.
    """
    batch_ids = gone["batch_id"].unique()
    heads = holding(table, pl.col("batch_id").is_in(batch_ids.implode()), ["batch_id", "row"])
    first = heads.sort("row").group_by("batch_id").agg(pl.first("lineage_id"))
    kept = (
        heads.join(gone, on="lineage_id", how="anti")
        .sort("row")
        .group_by("batch_id")
        .agg(pl.first("file", "lineage_id"))
    )
    both = kept.join(first, on="batch_id", suffix="_first").filter(pl.col("lineage_id") != pl.col("lineage_id_first"))
    wanted = pl.col("lineage_id").is_in(both["lineage_id_first"].implode())
    prefixes = holding(table, wanted, ["prefix"]).select(pl.col("lineage_id").alias("lineage_id_first"), "prefix")
    return both.join(prefixes, on="lineage_id_first").select("file", "lineage_id", "prefix")


class _Change:
    """What becomes of some rows of bronze."""

    def __init__(self, gone: pl.Series, changed: pl.DataFrame, moved: pl.DataFrame) -> None:
        self._gone, self._changed = gone.implode(), changed.with_columns(pl.lit(True).alias("_changed"))
        self._moved = moved.select("lineage_id", pl.col("prefix").alias("prefix_moved"))

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        kept = rows.filter(~pl.col("lineage_id").is_in(self._gone))
        both = kept.join(self._changed, on="lineage_id", how="left", suffix="_new", maintain_order="left")
        both = both.join(self._moved, on="lineage_id", how="left", maintain_order="left")
        for name in ("subject_id", "key_id", "payload"):
            both = both.with_columns(pl.when("_changed").then(f"{name}_new").otherwise(name).alias(name))
        return both.with_columns(pl.coalesce("prefix_moved", "prefix").alias("prefix")).select(rows.columns)


def _amend(space: Workspace, dataset: str, batch_ids: Sequence[str]) -> None:
    """Note for batches how many records left and were replaced, and the digest of what bronze holds now."""
    if not batch_ids:
        return
    manifest = batches(space).filter(pl.col("batch_id").is_in(batch_ids), pl.col("dataset") == dataset)
    table = space.table("bronze", dataset)
    digests = stored_digests(table.scan(), landed_batches(manifest))
    sums = pl.DataFrame(
        {"batch_id": list(digests), "sha256": list(digests.values())},
        schema={"batch_id": pl.String, "sha256": pl.String},
    )
    replaced = pl.col("lineage_id").is_in(_replaced(space, dataset)["lineage_id"].implode())
    held = table.scan().filter(pl.col("batch_id").is_in(batch_ids)).group_by("batch_id")
    counts = held.agg(pl.len().cast(pl.Int64).alias("held"), replaced.sum().cast(pl.Int64).alias("redacted")).collect()
    rows = (
        manifest.drop("sha256")
        .join(sums, on="batch_id")
        .join(counts, on="batch_id", how="left")
        .with_columns(
            (pl.col("records") - pl.col("held").fill_null(0)).alias("removed"),
            pl.col("redacted").fill_null(0),
            pl.lit(space.clock()).cast(AMENDED["amended_at"]).alias("amended_at"),
        )
    )
    amendments = space.table("meta", "amendments")
    with space.lock(amendments.name):
        commit = Commit("amendments", run_id=space.run_id)
        new = rows.select(AMENDED.names())
        amendments.merge(new, "batch_id", commit) if amendments.exists else amendments.append(new, commit)
        drop_history(amendments)
