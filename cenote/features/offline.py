"""Feature SQL files -> Delta tables ``features/<view>``.

Belongs here: which files there are, when a table is stale, and one commit for what is new. Must not: Feast. What
the rows mean and which of them are added is said in history.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cenote import catalog
from cenote.erasure import consent
from cenote.errors import FeatureError, SqlFileError, unknown
from cenote.features.discard import Dropped, discard
from cenote.features.history import STAGE, History, last_build
from cenote.report import StageReport
from cenote.retention.rules import view_limit
from cenote.rewrite import PURGE, edit, holding
from cenote.sqlfiles import SqlFile, load_sqlfiles
from cenote.sqltext import ident, text
from cenote.tables import CLUSTERED_ROW_GROUP, Commit, Table
from cenote.touched import few, touched
from cenote.workspace import Workspace
from transforms.consent import outsiders

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RECORDS = "_records"


def views(space: Workspace) -> dict[str, SqlFile]:
    """The feature files of the lake, keyed by view; none where there is no folder. Raises ``SqlFileError``.

    ``silver.x_records``, all records of a dataset, counts as the input ``silver/x``.
    """
    found = load_sqlfiles(space.settings.features)
    for name, file in found.items():
        if not file.entity or not file.join_key:
            raise SqlFileError(
                f"feature file {name!r} does not say what its features are about",
                "add `entity: ...` and `join_key: ...` to its front comment",
            )
        found[name] = replace(file, inputs=tuple(sorted({source.removesuffix(_RECORDS) for source in file.inputs})))
    return found


def is_stale(space: Workspace, view: str) -> bool:
    """Whether :func:`build` would have something to do; reads logs only."""
    file, table = _file(space, view), space.table("features", view)
    versions = _versions(space, file)
    if _missing(file, versions) or _strays(table):
        return True
    return not _up_to_date(table, _commit(space, file, versions))


def build(space: Workspace, view: str, rebuild: bool = False) -> StageReport:
    """Bring ``features/<view>`` up to date with silver, gold and the graph.

    ``rebuild`` writes a ledger anew from the SQL alone, which forgets what was believed before; a changed SQL does
    the same, since old rows mean something else. A snapshot keeps its past, which nothing could recompute. Raises
    ``FeatureError`` where an input was never built and ``SqlFileError`` where the SQL does not run or breaks the
    rules of history.py.
    """
    file, table = _file(space, view), space.table("features", view)
    with space.lock(table.name):
        remove_strays(table)
        versions = _versions(space, file)
        if missing := _missing(file, versions):
            what = f"feature view {view} reads {missing[0]}, which was never built"
            raise FeatureError(what, f"build {missing[0]} first")
        commit = _commit(space, file, versions)
        if not rebuild and _up_to_date(table, commit):
            return StageReport.unchanged(table)
        dropped = _drop(space, table, str(file.join_key), pl.Series(_outsiders(space, file), dtype=pl.String))
        with catalog.connect(space, file.inputs, versions, everybody=True) as connection:
            cut = None if rebuild else _touched(space, connection, file, table, commit)
            history = _history(space, connection, file, table, cut)
            anew = history.starts_anew(rebuild)
            if anew and cut:
                history = _history(space, connection, file, table)
            rows = history.rows(anew)
            write = table.overwrite if anew else table.append
            version = write(rows, commit, ["lineage_id"], CLUSTERED_ROW_GROUP)
        remove_strays(table)
    if dropped:
        discard(space, dropped)
    made = last_build(table)
    return StageReport(table.name, table.count(), made.rows_added if made else 0, version)


def forget(space: Workspace, view: str, subjects: pl.Series) -> None:
    """Take people out of ``features/<view>``: their own rows go; what was computed over them is computed again.

    Of a ledger, every entity for which the SQL now says something else about some moment is written anew from the SQL,
    so that nothing that was believed with the people in it is left; all other entities keep all their rows. A snapshot
    loses the people; build the view afterwards, which notes what changed for the others.
    """
    file, table = _file(space, view), space.table("features", view)
    if not table.exists:
        return
    with space.lock(table.name):
        dropped = _forget(space, file, table, subjects)
    if dropped:
        discard(space, dropped)


def _forget(space: Workspace, file: SqlFile, table: Table, subjects: pl.Series) -> Dropped | None:
    key, versions = str(file.join_key), _versions(space, file)
    commit = _commit(space, file, versions)
    if _missing(file, versions) or last_build(table) is None or _up_to_date(table, commit):
        return _drop(space, table, key, subjects)
    with catalog.connect(space, file.inputs, versions, everybody=True) as connection:
        history = _history(space, connection, file, table)
        if history.snapshot or history.starts_anew(False):
            return _drop(space, table, key, subjects)
        changed = pl.DataFrame(pl.from_arrow(history.rows(False).read_all()))[key].unique()
        outside = pl.Series(_outsiders(space, file), dtype=pl.String)
        dropped = _drop(space, table, key, pl.concat([subjects, changed.cast(pl.String), outside]).unique())
        table.append(history.rows_of(changed.to_arrow(compat_level=pl.CompatLevel.oldest())), commit, ["lineage_id"])
        return dropped


def _drop(space: Workspace, table: Table, key: str, entities: pl.Series) -> Dropped | None:
    """Remove all rows of entities, and the files that held them; returns what was dropped, if anything."""
    named = pl.col(key).cast(pl.String).is_in(entities.implode())
    rows = holding(table, named, [key]) if table.exists and len(entities) else None
    if rows is None or rows.is_empty():
        return None
    last, before = last_build(table), table.version
    commit = Commit(PURGE, run_id=space.run_id)
    if last:  # it says what the last build said: whoever asks what the table stands on must not lose the answer
        commit = Commit(STAGE, last.inputs, last.code, space.run_id, details=last.details)
    after = edit(table, rows["file"].to_list(), lambda group: group.filter(~named), commit)
    assert before is not None
    return Dropped(table.path.name, before, after, rows[key].unique())


def _outsiders(space: Workspace, file: SqlFile) -> list[str]:
    """The people whom the view's purposes may not use: they withdrew their consent."""
    return outsiders(file.purpose, consent.answers(space)) if file.purpose else []


def _touched(
    space: Workspace, connection: "DuckDBPyConnection", file: SqlFile, table: Table, commit: Commit
) -> str | None:
    """The SQL of a ledger over entities that can have changed since the last build; None: over all of them."""
    last = last_build(table)
    if last is None or last.code != commit.code or not last.inputs:
        return None
    cut = touched(space, connection, file.sql, str(file.join_key), last.inputs)
    relation = f"read_parquet([{', '.join(map(text, table.files()))}], union_by_name = true)"
    return cut.sql if cut and table.files() and few(connection, relation, ident(str(file.join_key))) else None


def _history(
    space: Workspace, connection: "DuckDBPyConnection", file: SqlFile, table: Table, cut: str | None = None
) -> History:
    """What the SQL says now, of the moments that retention keeps; with ``cut``, of the entities touched."""
    kept = view_limit(space, file.name)
    since = space.clock() - kept if kept is not None else None
    out = _outsiders(space, file)
    return History(
        connection, file, table, now=space.clock(), as_of=space.as_of, since=since, without=out, touched=cut or ""
    )


def remove_strays(table: Table) -> None:
    """Delete Parquet files that are not in the table's current version: left by a crash, a rebuild or a purge.

    Feast reads the folder by ``*.parquet`` and would take them for rows. Call it under the table's lock.
    """
    for file in _strays(table):
        file.unlink(missing_ok=True)


def _strays(table: Table) -> list[Path]:
    current = {Path(file).name for file in table.files()}
    return [file for file in table.path.glob("*.parquet") if file.name not in current]


def _file(space: Workspace, view: str) -> SqlFile:
    known = views(space)
    if view not in known:
        raise FeatureError(unknown("feature view", view, known), f"add {view}.sql to {space.settings.features}")
    return known[view]


def _versions(space: Workspace, file: SqlFile) -> dict[str, int]:
    """Versions of the inputs that were built."""
    found = {source: space.table(*source.split("/", 1)).content_version for source in file.inputs}
    return {source: version for source, version in found.items() if version is not None}


def _missing(file: SqlFile, versions: dict[str, int]) -> list[str]:
    """Inputs that were never built."""
    return [source for source in file.inputs if source not in versions]


def _commit(space: Workspace, file: SqlFile, versions: dict[str, int]) -> Commit:
    """What a build now would record: the versions that it reads, and its SQL with the moment if it asks for one."""
    moment = f"@{space.as_of.isoformat()}" if file.uses_as_of else ""
    if people := consent.stamp(space, file.purpose):
        moment += f"@without:{people}"
    details = {
        "description": file.description,
        "owner": file.owner,
        "grain": list(file.grain),
        "tags": list(file.tags),
        "columns": dict(file.columns),
    }
    return Commit(STAGE, versions, f"{file.digest}{moment}", space.run_id, details=details)


def _up_to_date(table: Table, commit: Commit) -> bool:
    last = last_build(table)
    return last is not None and (last.inputs, last.code) == (dict(commit.inputs), commit.code)
