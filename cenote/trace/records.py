"""Raw records and what is made of them row by row: landing, bronze, silver, quarantine, passages, edges.

Belongs here: looking rows up by lineage id, in as few scans as there are tables. Must not: payloads, texts, or any
value of the data. Ids of one record are equal in all these stores, so nothing needs to be traced, only found.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from cenote.lineage import RecordId
from cenote.records import MANIFEST
from cenote.tables import Table
from cenote.trace.matching import FEW
from cenote.trace.model import Part
from cenote.trace.moments import Moments
from cenote.views import text
from cenote.workspace import Workspace

_SEEN = ("subject_id", "landed_at")
_KEPT = ("lineage_id", *_SEEN, "is_current")
_LAYERS = ("bronze", "silver", "quarantine")
TOLD = 1_000  # of more rows than this, only ids are told


def part(moments: Moments, table: str, ids: Iterable[str], version: int | None = None, **more: Any) -> Part:
    """A part of a table of the lake, with the commit that made the version (default: the present one)."""
    commit = moments.commit(table, version)
    found = Part(table, sorted(ids), **more)
    if commit:
        found.version, found.run_id, found.at = commit.version, commit.run_id, commit.at
    return found


class Records:
    """Looks records up. ``datasets`` of ids come from the manifest of landed batches."""

    def __init__(self, space: Workspace, moments: Moments) -> None:
        self._space, self._moments = space, moments
        self._manifest: pl.DataFrame | None = None
        self._seen: dict[str, pl.DataFrame] = {}
        self.owners: dict[str, set[str | None]] = {}
        """Whose the silver rows are that :meth:`conformed` found, by table in SQL."""

    @property
    def manifest(self) -> pl.DataFrame:
        """Landed batches: batch_id, dataset, sha256, records, landed_at."""
        if self._manifest is None:
            table = self._moments.table("meta/batches")
            columns = ("batch_id", "dataset", "sha256", "records", "landed_at")
            held = table.scan() if table else pl.LazyFrame(schema=MANIFEST)
            self._manifest = held.select(columns).collect()
        return self._manifest

    def by_dataset(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Record ids by dataset; ids whose batch is not in the manifest are looked for in silver."""
        ids = sorted(set(ids))
        known = dict(self.manifest.select("batch_id", "dataset").iter_rows())
        found: dict[str, list[str]] = {}
        lost = []
        for lineage_id in ids:
            dataset = known.get(RecordId.parse(lineage_id).batch_id)
            if dataset is None:
                lost.append(lineage_id)
            else:
                found.setdefault(dataset, []).append(lineage_id)
        if lost:
            for dataset in self._space.contracts:
                here = self._find(f"silver/{dataset}", lost, []).get_column("lineage_id").to_list()
                if here:
                    found.setdefault(dataset, []).extend(here)
        return found

    def raw(self, dataset: str, ids: Sequence[str]) -> Part:
        """The bronze part of records, made of the landed files that they came in."""
        rows = self._find(f"bronze/{dataset}", ids, ["landed_at"])
        made = part(self._moments, f"bronze/{dataset}", rows["lineage_id"])
        if len(ids) <= TOLD:
            made.facts = {i: {"row": RecordId.parse(i).row, "landed_at": at} for i, at in rows.iter_rows()}
        if rows.height < len(set(ids)):
            made.note = (
                f"{len(set(ids)) - rows.height} of {len(set(ids))} records are not in bronze (retention or erasure)"
            )
        batches = sorted({RecordId.parse(i).batch_id for i in made.ids})
        landed = self.manifest.filter(pl.col("batch_id").is_in(batches)).select(
            "batch_id", "sha256", "records", "landed_at"
        )
        facts = {row.pop("batch_id"): row for row in landed.to_dicts()}
        if batches:
            made.made_of = [Part(f"landing/{dataset}", batches, facts=facts)]
        return made

    def silver(self, dataset: str, ids: Sequence[str], version: int | None = None) -> Part:
        """The silver part of records, made of bronze; ``version``: that of silver which was read."""
        made = part(self._moments, f"silver/{dataset}", ids, version)
        made.made_of = [self.raw(dataset, ids)]
        return made

    def conformed(self, dataset: str, ids: Sequence[str]) -> list[Part]:
        """Where records of bronze went: silver, quarantine (with rule names and paths), or both lists empty."""
        silver = self._find(f"silver/{dataset}", ids, ["subject_id"])
        quarantine = self._find(f"quarantine/{dataset}", ids, ["rules"])
        self.owners[f"silver.{dataset}"] = self.owners.get(f"silver.{dataset}", set()) | set(silver["subject_id"])
        found = []
        if silver.height:
            found.append(part(self._moments, f"silver/{dataset}", silver["lineage_id"]))
        if quarantine.height:
            held = part(self._moments, f"quarantine/{dataset}", quarantine["lineage_id"])
            held.facts = {
                i: {"rules": [f"{r['rule']} {r['path']}" for r in rules]} for i, rules in quarantine.iter_rows()
            }
            found.append(held)
        return found

    def edges(self, ids: Sequence[str]) -> pl.DataFrame:
        """Edges of records: edge_id, lineage_id, source, target."""
        return self._find("graph/edges", ids, ["edge_id", "source", "target"])

    def passages(self, ids: Sequence[str]) -> list[str]:
        """Passages of records, by passage id."""
        from cenote.vectors.store import Store

        if not (self._space.path("vectors") / "passages.json").exists():
            return []
        rows = Store(self._space).among("lineage_id", pl.Series(ids, dtype=pl.String), ["passage_id", "lineage_id"])
        return sorted(rows["passage_id"])

    def of_subject(self, subject: str, named: Collection[str] = ()) -> dict[str, list[str]]:
        """Lineage ids of records about or naming a person, by dataset, sorted.

        ``named``: columns that will be asked for (:meth:`held`), in small letters.
        """
        tables = [(d, layer, self._moments.table(f"{layer}/{d}")) for d in self._space.contracts for layer in _LAYERS]
        owned = [(d, layer, table) for d, layer, table in tables if table and "subject_id" in table.schema()]
        whole = {d: self._whole(table, subject, named) for d, layer, table in owned if layer == "silver"}
        for dataset, rows in zip(whole, pl.collect_all(list(whole.values())), strict=True):
            self._seen[f"silver/{dataset}"] = rows
        for _, layer, table in owned:
            if layer != "silver":
                self._seen[table.name] = self._select(table.files(), _SEEN, f"subject_id = {text(subject)}")
        found: dict[str, set[str]] = {}
        for dataset, _, table in owned:
            if (rows := self._seen[table.name]).height:
                found.setdefault(dataset, set()).update(rows["lineage_id"])
        return {dataset: sorted(ids) for dataset, ids in sorted(found.items())}

    def _whole(self, table: Table, subject: str, named: Collection[str]) -> pl.LazyFrame:
        """A person's rows of silver, with the columns named: what is made of them is followed from there."""
        about, names = pl.col("subject_id") == subject, table.schema().names()
        kept = [name for name in names if name in _KEPT or name.lower() in named]
        if "mentions" in names and self._space.contract(table.path.name).mentions:
            about |= pl.col("mentions").list.contains(subject)
            return table.scan().filter(about).select(kept)
        files = self._moments.files.holding(table.files(), "subject_id", [subject])
        rows = pl.scan_parquet(files, missing_columns="insert", schema=table.schema()) if files else table.scan()
        return rows.filter(about).select(kept)

    def held(self, name: str, ids: Collection[str]) -> pl.DataFrame | None:
        """Rows of silver by lineage id, with the columns named, where :meth:`of_subject` read them all."""
        seen = self._seen.get(name) if name.startswith("silver/") else None
        if seen is None:
            return None
        rows = seen.filter(pl.col("lineage_id").is_in(pl.Series(sorted(ids), dtype=pl.String).implode()))
        return rows if rows["lineage_id"].n_unique() == len(ids) else None

    def forget(self) -> None:
        """Forget what was found for the last trace."""
        self.owners.clear()
        self._seen.clear()

    def _find(self, name: str, ids: Iterable[str], columns: Sequence[str]) -> pl.DataFrame:
        """Rows by lineage id, with some columns."""
        table, wanted = self._moments.table(name), set(ids)
        files = table.files() if table else []
        seen = self._seen.get(name)
        if seen is None or not set(columns) <= set(seen.columns):
            return self._among(files if wanted else [], sorted(wanted), columns)
        held = seen.filter(pl.col("lineage_id").is_in(pl.Series(sorted(wanted), dtype=pl.String).implode()))
        held = held.select("lineage_id", *columns)
        missing = sorted(wanted - set(held["lineage_id"]))
        return pl.concat([held, self._among(files, missing, columns)]) if missing and files else held

    def _among(self, files: Sequence[str], wanted: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
        """Rows by sorted lineage ids. Few ids are written as literals, which skip row groups; of many, bounds are."""
        if len(wanted) <= FEW:
            return self._select(files, columns, f"lineage_id IN ({', '.join(map(text, wanted))})")
        near = f"lineage_id BETWEEN {text(wanted[0])} AND {text(wanted[-1])}"
        return self._select(files, columns, f"{near} AND lineage_id IN (SELECT unnest($ids))", {"ids": wanted})

    def _select(
        self, files: Sequence[str], columns: Sequence[str], where: str, given: Mapping[str, Any] | None = None
    ) -> pl.DataFrame:
        """lineage_id and other columns of rows of files."""
        if not files:
            return pl.DataFrame(schema=dict.fromkeys(["lineage_id", *columns], pl.String))
        rows = f"read_parquet([{', '.join(map(text, files))}], union_by_name = true)"
        sql = f"SELECT {', '.join(['lineage_id', *columns])} FROM {rows} WHERE {where}"
        found = self._moments.any_connection().sql(sql, params=dict(given) if given else None)
        return pl.DataFrame(pl.from_arrow(found.to_arrow_table()))
