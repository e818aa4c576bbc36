"""Silver and quarantine: what bronze, as it is now, makes of the records concerned.

Belongs here: their rows. Must not: conforming and masking (cenote/silver.py), placing versions (transforms/history.py).
Rows of the people go; rows of replaced records are made anew from bronze, whichever table they then belong to. Where
rows have keys and versions, the versions of the keys concerned are placed again.
"""

from dataclasses import dataclass

import polars as pl

from cenote import silver
from cenote.erasure.queue import Requests
from cenote.rewrite import PURGE, drop_history, edit, holding, purged_version
from cenote.tables import Commit, Table
from cenote.workspace import Workspace
from transforms.contract import Contract
from transforms.history import VALIDITY, place
from transforms.rules import DUPLICATE_KEY

_NONE = pl.Series("lineage_id", [], dtype=pl.String)


def purge(space: Workspace, subjects: pl.Series, dataset: str, bronze_before: int, records: pl.Series = _NONE) -> None:
    """Make silver and quarantine of a dataset what they are without the people, and ``records`` that left bronze.

    ``bronze_before``: the version of bronze before it was purged. Where silver had not read as far, all is made anew.
    """
    tables = space.table("silver", dataset), space.table("quarantine", dataset)
    if not all(table.exists for table in tables):
        return
    bronze = space.table("bronze", dataset)
    read = [table.progress(bronze.name) for table in tables]
    if any(version is None or version < bronze_before for version in read):
        silver.build(space, dataset, rebuild=True)
    with space.lock(tables[0].name):
        _Purge(space, space.contract(dataset), subjects, records, purged_version(bronze, bronze_before)).run()
        for table in tables:
            drop_history(table)


@dataclass
class _Edit:
    """What becomes of a table: rows that go by lineage id, and rows in place of others or new."""

    gone: pl.Series
    rows: pl.DataFrame

    def apply(self, table: Table, commit: Commit) -> None:
        """Write it in one commit, unless the table is so already."""
        held = holding(table, pl.col("lineage_id").is_in(pl.concat([self.gone, self.rows["lineage_id"]]).implode()))
        present = table.scan().filter(pl.col("lineage_id").is_in(self.rows["lineage_id"].implode())).collect()
        same = present.sort("lineage_id").equals(self.rows.select(present.columns).sort("lineage_id"), null_equal=True)
        if same and held["lineage_id"].is_in(self.rows["lineage_id"].implode()).all():
            if any(table.progress(name) != version for name, version in commit.progress.items()):
                table.append(present.clear(), commit)
            return
        new = self.rows.join(held, on="lineage_id", how="anti")
        edit(table, held["file"].to_list(), self._change, commit, new)

    def _change(self, rows: pl.DataFrame) -> pl.DataFrame:
        placed = rows.select("lineage_id").with_row_index("_at")
        kept = rows.join(pl.concat([self.gone, self.rows["lineage_id"]]).to_frame(), on="lineage_id", how="anti")
        mine = self.rows.join(placed.select("lineage_id"), on="lineage_id", how="semi").select(rows.columns)
        both = pl.concat([kept, mine.cast(dict(kept.schema))]).join(placed, on="lineage_id")  # type: ignore[arg-type]
        return both.sort("_at").drop("_at")


class _Purge:
    def __init__(
        self, space: Workspace, contract: Contract, subjects: pl.Series, records: pl.Series, bronze_version: int
    ) -> None:
        self._space, self._contract, self._subjects, self._version = space, contract, subjects, bronze_version
        self._silver = space.table("silver", contract.dataset)
        self._quarantine = space.table("quarantine", contract.dataset)
        replaced = Requests(space.settings).replaced(contract.dataset)["lineage_id"]
        self._replaced = pl.concat([replaced, records]).unique()

    def run(self) -> None:
        good, bad = silver.reconform(self._space, self._contract.dataset, self._replaced)
        good, bad = self._still_repeated(good, bad)
        concerned = pl.col("subject_id").is_in(self._subjects.implode())
        replaced = pl.col("lineage_id").is_in(self._replaced.implode())
        named = pl.col("mentions").list.set_intersection(self._subjects.to_list()).list.len() > 0
        out = holding(self._silver, concerned | named | replaced, self._contract.primary_key)
        gone = out.join(good, on="lineage_id", how="anti")
        rows = self._placed(good, out) if self._contract.keyed else good
        rejected = holding(self._quarantine, concerned | replaced).join(bad, on="lineage_id", how="anti")
        _Edit(rejected["lineage_id"], self._shaped(bad, self._quarantine)).apply(
            self._quarantine, self._commit(self._quarantine)
        )
        _Edit(gone["lineage_id"], self._shaped(rows, self._silver)).apply(self._silver, self._commit(self._silver))

    def _commit(self, table: Table) -> Commit:
        """A purge, after which the table has read bronze as far as its purge, or further where it had."""
        read = max(self._version, table.progress(f"bronze/{self._contract.dataset}") or 0)
        done = silver.progress(self._contract, read)
        return Commit(PURGE, code=self._contract.digest, run_id=self._space.run_id, progress=done)

    def _still_repeated(self, good: pl.DataFrame, bad: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A record that repeated a key before does so now; it stays in quarantine."""
        repeats = pl.col("rules").list.eval(pl.element().struct.field("rule") == DUPLICATE_KEY).list.any()
        mine = pl.col("lineage_id").is_in(good["lineage_id"].implode())
        kept = self._quarantine.scan().filter(mine, repeats).collect()
        return good.join(kept, on="lineage_id", how="anti"), pl.concat([bad, kept.select(bad.columns)])

    def _placed(self, good: pl.DataFrame, out: pl.DataFrame) -> pl.DataFrame:
        """Replaced rows with their validity, and rows of the same keys whose validity is another one now."""
        key, sequence = list(self._contract.primary_key), self._contract.change.sequence_by
        keys = pl.concat([out.select(key), good.select(key)]).unique()
        stored = self._silver.scan().join(keys.lazy(), on=key, how="semi").collect()
        others = stored.join(out, on="lineage_id", how="anti")
        columns = [c for c in stored.columns if c not in VALIDITY]
        versions = pl.concat([others.select(columns), good.select(columns).cast(dict(others.select(columns).schema))])  # type: ignore[arg-type]
        placed = place(versions, key, sequence).select(stored.columns)
        before = stored.select("lineage_id", *VALIDITY)
        both = placed.join(before, on="lineage_id", how="left", suffix="_was", maintain_order="left")
        moved = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_was")) for name in VALIDITY)
        mine = pl.col("lineage_id").is_in(good["lineage_id"].implode())
        return both.filter(moved | mine).select(stored.columns)

    @staticmethod
    def _shaped(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Rows as the table has them."""
        schema = table.schema()
        missing = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
        return rows.with_columns(missing).select(schema.names()).cast(dict(schema))  # type: ignore[arg-type]
