"""Silver -> ``graph/edges``, one dataset at a time, all in one table.

Belongs here: which silver rows have to have edges, and the commits that make it so. Must not: how a row
becomes edges (transforms/edges.py).

The table is right when it holds the edges of exactly the silver rows that count now: all rows of an append
dataset, the current version of each key of a keyed one. So a build looks at the rows that silver has added since,
or given another place in history: edges of those that no longer count (superseded, deleted) go, and those that count
are turned into edges unless they have theirs. Where rows left silver (expired), or its log no longer reaches back,
the edges are compared with all of its rows. One commit does both and records how far silver was consumed and by
which code, so a build that was killed changed nothing and one that is repeated finds nothing to do. Builds of
several datasets take turns at the table's lock.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from cenote.erasure import consent
from cenote.errors import GraphError
from cenote.report import StageReport
from cenote.rewrite import PURGE, edit, exchange, holding, purged_version
from cenote.tables import Commit, HistoryGone, Table
from cenote.workspace import Workspace
from transforms.consent import Withdrawn
from transforms.contract import Contract
from transforms.edges import SCHEMA, EdgeError, edge_columns, edges

_CODE = "edges-1"  # raise when transforms/edges.py makes other edges of the same rows
_COMMITS_TO_LOOK_AT = 10
_NEEDED = ("subject_id", "mentions")


def build_edges(space: Workspace, dataset: str, rebuild: bool = False) -> StageReport:
    """Bring the edges of ``dataset`` in ``graph/edges`` up to date with its silver table, in one commit.

    Only new silver files are turned into edges; all of them with ``rebuild``, or where the contract or
    silver's code has changed. The report counts this dataset's edges. Raises ``GraphError`` where the
    contract names a column that silver does not have.
    """
    contract = space.contract(dataset)
    table, silver = space.table("graph", "edges"), space.table("silver", dataset)
    with space.lock(table.name):
        if not edges_stale(space, dataset) and not (rebuild and silver.exists):
            return StageReport(table.name, _count(table, dataset), 0, table.version, fresh=True)
        return _Build(space, contract, table, silver).run(rebuild)


def renew_edges(space: Workspace, dataset: str, subjects: pl.Series, changed: pl.Series, before: int) -> None:
    """Take out a dataset's edges of people, and make those of changed silver rows anew; the files are rewritten.

    ``subjects``: subject ids. ``changed``: lineage ids. ``before``: silver's version before it was purged; where edges
    had read it as far, they have read its purge now.
    """
    contract = space.contract(dataset)
    table, silver = space.table("graph", "edges"), space.table("silver", dataset)
    with space.lock(table.name):
        if not table.exists or not silver.exists or not contract.edges:
            return
        build = _Build(space, contract, table, silver)
        renewed = pl.col("lineage_id").is_in(changed.implode())
        new = edges(
            build.counting(silver.scan().filter(renewed), *_NEEDED, *edge_columns(contract)).collect(),
            contract,
            consent.answers(space),
        )
        theirs = pl.col("subject_id").is_in(subjects.implode())
        named = pl.col("mentions").list.set_intersection(subjects.to_list()).list.len() > 0
        out = holding(table, (pl.col("dataset") == dataset) & (theirs | named | renewed), ["edge_id"])
        commit = Commit(PURGE, run_id=space.run_id, progress=_renewed(space, contract, table, silver, before))
        present = (
            _of(table, dataset).filter(pl.col("edge_id").is_in(out["edge_id"].implode())).sort("edge_id").collect()
        )
        if not present.equals(new.sort("edge_id"), null_equal=True):
            edit(table, out["file"].to_list(), lambda rows: rows.join(out, on="edge_id", how="anti"), commit, new)
        elif any(table.progress(name) != version for name, version in commit.progress.items()):
            table.append(new.clear(), commit)


def _renewed(space: Workspace, contract: Contract, table: Table, silver: Table, before: int) -> dict[str, int]:
    """How far edges have read silver after its purge; nothing new where they lagged behind before it."""
    read, after = table.progress(silver.name), purged_version(silver, before)
    if read is None or read < before or read >= after:
        return {}
    return _progress(space, contract, silver) | {silver.name: after}


def edges_stale(space: Workspace, dataset: str) -> bool:
    """Whether silver has commits that the edges do not know, or was made by other code; reads logs only."""
    table, silver = space.table("graph", "edges"), space.table("silver", dataset)
    if not silver.exists:
        return False
    wanted = _progress(space, space.contract(dataset), silver)
    return any(table.progress(name) != version for name, version in wanted.items())


def _progress(space: Workspace, contract: Contract, silver: Table) -> dict[str, int]:
    """What a commit says it has consumed: the silver version, and the code that made silver and edges, as a number."""
    silver_code = next((c.code for c in silver.commits(_COMMITS_TO_LOOK_AT) if c.code), "")
    purposes = {purpose for edge in contract.edges for purpose in contract.purposes_of(edge)}
    people = consent.stamp(space, sorted(purposes))  # whom they leave out decides the edges as well
    decides = [_CODE, contract.digest, silver_code, *([people] if people else [])]
    code = hashlib.sha256("\x1f".join(decides).encode()).hexdigest()
    return {silver.name: silver.content_version or 0, f"code/{contract.dataset}": int(code[:15], 16)}


def _of(table: Table, dataset: str) -> pl.LazyFrame:
    """The dataset's edges."""
    if not table.exists:
        return pl.LazyFrame(schema=SCHEMA)
    return table.scan().filter(pl.col("dataset") == dataset)


def _count(table: Table, dataset: str) -> int:
    return int(_of(table, dataset).select(pl.len()).collect().item())


@dataclass
class _Build:
    """One build of one dataset's edges, while the lock is held."""

    space: Workspace
    contract: Contract
    table: Table
    silver: Table
    made: int = 0

    def run(self, rebuild: bool) -> StageReport:
        dataset, progress = self.contract.dataset, _progress(self.space, self.contract, self.silver)
        version = progress[self.silver.name]
        code = f"code/{dataset}"
        commit = Commit(
            "edges",
            inputs={self.silver.name: version},
            code=self.contract.digest,
            run_id=self.space.run_id,
            progress=progress,
            details={"dataset": dataset},
        )
        whole = rebuild or self.table.progress(code) != progress[code]
        added = None if whole else self._added()
        files = self.silver.files(version) if added is None else added
        present = self._present(added)
        counting = self.counting(_rows(files, self.silver.schema()))
        gone = present if whole else present.join(counting.collect(), on="lineage_id", how="anti")
        new = self._edges(files, present.clear() if whole else present)
        if gone.is_empty():
            self.table.append(_reader(new), commit)
        elif whole:
            self.table.replace(f"dataset = '{dataset}'", _reader(new), commit)
        else:
            exchange(self.table, gone["lineage_id"], pl.concat([pl.DataFrame(schema=SCHEMA), *new]), commit)
        return StageReport(
            self.table.name,
            _count(self.table, dataset),
            self.made,
            self.table.version,
            details={"rows_gone": gone.height, "whole": whole},
        )

    def counting(self, rows: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
        """Lineage ids, and ``columns``, of the silver rows that have to have edges."""
        return (rows.filter("is_current") if self.contract.keyed else rows).select("lineage_id", *columns)

    def _added(self) -> list[str] | None:
        """Files with the rows that silver added or changed since the last build; None where rows may have left it."""
        since = self.table.progress(self.silver.name)
        try:
            return None if since is None else self.silver.added_since(since, none_lost=True)
        except HistoryGone:
            return None

    def _present(self, added: list[str] | None) -> pl.DataFrame:
        """Lineage ids that have edges; with ``added``, of the rows in these files, if they can have edges already."""
        ids = _of(self.table, self.contract.dataset).select("lineage_id")
        if added is not None:
            told = _rows(added if self.contract.keyed else [], self.silver.schema())
            ids = ids.join(told.select("lineage_id"), on="lineage_id", how="semi")
        return ids.unique().collect(engine="streaming")

    def _edges(self, files: list[str], known: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Edges of the rows in ``files`` that are not ``known``, file by file, so that memory stays bounded.

        What can be wrong is found before the first file: the stream is read from inside Delta's runtime, which calls
        no Delta table and tells an error badly.
        """
        schema, answers = self.silver.schema(), consent.answers(self.space)
        try:
            edges(pl.DataFrame(schema=schema), self.contract)
        except EdgeError as error:
            raise GraphError(
                f"edges of {self.contract.dataset!r} cannot be made: {error}",
                "correct `edges` in its contract; a column that is masked by `drop` is not in silver",
            ) from None
        return (self._edges_of(file, schema, known, answers) for file in files if self.contract.edges)

    def _edges_of(self, file: str, schema: pl.Schema, known: pl.DataFrame, answers: Withdrawn) -> pl.DataFrame:
        counting = self.counting(_rows([file], schema), *_NEEDED, *edge_columns(self.contract))
        found = edges(
            counting.join(known.lazy(), on="lineage_id", how="anti").collect(),
            self.contract,
            answers,
        )
        self.made += found.height
        return found


def _rows(files: list[str], schema: pl.Schema) -> pl.LazyFrame:
    """The rows of some files of a table."""
    return pl.scan_parquet(files, missing_columns="insert", schema=schema) if files else pl.LazyFrame(schema=schema)


def _reader(frames: Iterator[pl.DataFrame]) -> pa.RecordBatchReader:
    """The frames as a stream of Arrow batches."""
    schema = pl.DataFrame(schema=SCHEMA).to_arrow().schema
    return pa.RecordBatchReader.from_batches(
        schema, (batch for frame in frames for batch in frame.to_arrow().to_batches())
    )
