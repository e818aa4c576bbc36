"""Gold: marts, each one SQL file run by DuckDB over silver and written as a Delta table.

Belongs here: building marts. Must not: what a mart says (transforms/marts/*.sql), tracing its rows (lineage).
Nothing is captured while a mart is built: its rows are traced by rewriting its SQL against the versions that
its commit names. Where rows of a key come of that key's base rows alone, and few keys changed, the rows of these
are computed and take the place of the old ones.
"""

from typing import TYPE_CHECKING

import polars as pl

from cenote import catalog
from cenote.errors import SqlFileError, TableError, unknown
from cenote.lineage import grain_id_sql
from cenote.report import StageReport, up_to_date
from cenote.rewrite import exchange
from cenote.sqlfiles import SqlFile, in_order, load_sqlfiles
from cenote.tables import Commit, Table
from cenote.touched import few, touched
from cenote.views import ident, text
from cenote.workspace import Workspace
from transforms.anonymity import released_sql, small_rows_sql
from transforms.locality import TOUCHED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH = 65_536
# Delta has no unsigned or 128-bit integers; DuckDB's sum() and count() give them
_AS = {"HUGEINT": "BIGINT", "UHUGEINT": "BIGINT", "UBIGINT": "BIGINT", "UINTEGER": "BIGINT", "UUID": "VARCHAR"}


def marts(space: Workspace) -> dict[str, SqlFile]:
    """The lake's marts, each after those that it reads. Raises ``SqlFileError``."""
    found = in_order(load_sqlfiles(space.settings.marts))
    for mart in found.values():
        for layer, _, name in (table.partition("/") for table in mart.inputs):
            if layer == "silver" and name not in space.contracts:
                raise SqlFileError(
                    f"mart {mart.name!r}: {unknown('dataset', name, space.contracts)}",
                    f"correct the name, or add a contract to {space.settings.contracts}",
                )
    return found


def is_stale(space: Workspace, mart: str) -> bool:
    """Whether the mart's inputs, its SQL, or its moment changed since it was built. Reads logs only."""
    sqlfile = _mart(space, mart)
    versions = _versions(space, sqlfile)
    return len(versions) < len(sqlfile.inputs) or not up_to_date(
        space.table("gold", mart), _commit(space, sqlfile, versions)
    )


def build(space: Workspace, mart: str, *, rebuild: bool = False) -> StageReport:
    """Build ``gold/<mart>`` from the current versions of its inputs, unless it stands on them already.

    The table gets the SELECT's columns behind ``lineage_id``. Raises ``SqlFileError`` where the SQL does not
    run or its grain does not identify a row (nothing is committed then), ``TableError`` where a mart that it
    reads was never built.
    """
    sqlfile = _mart(space, mart)
    table = space.table("gold", mart)
    with space.lock(table.name):
        versions = _versions(space, sqlfile)
        if missing := [name for name in sqlfile.inputs if name not in versions]:
            raise TableError(f"mart {mart!r} reads {missing[0]}, which was never built", f"build {missing[0]} first")
        commit = _commit(space, sqlfile, versions)
        if not rebuild and up_to_date(table, commit):
            return StageReport.unchanged(table)
        with catalog.connect(space, sqlfile.inputs, versions, everybody=True) as connection:
            if not rebuild and (key := _touched(space, connection, sqlfile, table, commit)):
                return _exchanged(space, connection, sqlfile, table, commit, *key)
            rows = _run(connection, sqlfile, space)
            hidden = _hide_small_groups(connection, sqlfile)
            rows -= hidden.get("suppressed_rows", 0)
            written = connection.sql(f"SELECT {_columns(connection, sqlfile)} FROM result")
            version = table.overwrite(written.to_arrow_reader(_BATCH), commit, ["lineage_id"])
    return StageReport(table.name, rows, rows, version, details=hidden)


def _touched(
    space: Workspace, connection: "DuckDBPyConnection", sqlfile: SqlFile, table: Table, commit: Commit
) -> tuple[str, str] | None:
    """A column of the grain whose changed keys are few, and the SQL over these alone; None: the whole is to be made."""
    last = table.last_commit()
    if last is None or last.code != commit.code or (sqlfile.privacy and sqlfile.privacy.acts):
        return None
    for key in sqlfile.grain:
        cut = touched(space, connection, sqlfile.sql, key, last.inputs)
        relation = f"read_parquet([{', '.join(map(text, table.files()))}], union_by_name = true)"
        if cut and table.files() and few(connection, relation, ident(key)):
            return key, cut.sql
    return None


def _exchanged(
    space: Workspace,
    connection: "DuckDBPyConnection",
    sqlfile: SqlFile,
    table: Table,
    commit: Commit,
    key: str,
    sql: str,
) -> StageReport:
    """Put the rows of touched keys in the place of those that the mart has of them."""
    rows = _run(connection, sqlfile, space, sql)
    made = connection.sql(f"SELECT {_columns(connection, sqlfile)} FROM result").to_arrow_table()
    keys = pl.DataFrame(pl.from_arrow(connection.sql(f"FROM {TOUCHED}").to_arrow_table()))["entity"]
    gone = table.scan().filter(pl.col(key).is_in(keys.implode())).select("lineage_id").collect()["lineage_id"]
    version = exchange(table, gone, pl.DataFrame(pl.from_arrow(made)), commit)
    return StageReport(table.name, table.count(), rows, version)


def _mart(space: Workspace, mart: str) -> SqlFile:
    known = marts(space)
    if mart not in known:
        raise SqlFileError(unknown("mart", mart, known), f"add {mart}.sql to {space.settings.marts}")
    return known[mart]


def _versions(space: Workspace, sqlfile: SqlFile) -> dict[str, int]:
    """The current version of each input that was built."""
    found = {name: space.table(*name.split("/", 1)).content_version for name in sqlfile.inputs}
    return {name: version for name, version in found.items() if version is not None}


def _commit(space: Workspace, sqlfile: SqlFile, versions: dict[str, int]) -> Commit:
    moment = f"@{space.as_of.isoformat()}" if sqlfile.uses_as_of else ""
    details = {
        "description": sqlfile.description,
        "owner": sqlfile.owner,
        "grain": list(sqlfile.grain),
        "tags": list(sqlfile.tags),
        "columns": dict(sqlfile.columns),
    }
    return Commit("gold", versions, f"{sqlfile.digest}{moment}", space.run_id, details=details)


def _run(connection: "DuckDBPyConnection", sqlfile: SqlFile, space: Workspace, sql: str = "") -> int:
    """Make the temporary table ``result`` of the mart's SQL, or of ``sql``. Returns its number of rows."""
    import duckdb

    parameters = {"as_of": space.as_of} if sqlfile.uses_as_of else None
    try:
        connection.execute(f"CREATE TEMP TABLE result AS {sql or sqlfile.sql}", parameters)
        columns = [name for name, *_ in connection.execute("DESCRIBE result").fetchall()]
        for name in (*sqlfile.grain, *sqlfile.columns, *(sqlfile.privacy.columns if sqlfile.privacy else ())):
            if name not in columns:
                raise SqlFileError(f"mart {sqlfile.name!r}: {unknown('column', name, columns)}", "name one it gives")
    except duckdb.Error as error:
        what = f"mart {sqlfile.name!r} does not run: {catalog.reason(error)}"
        raise SqlFileError(what, "correct its SQL; try it with `cenote sql`") from None
    return _checked(connection, sqlfile)


def _columns(connection: "DuckDBPyConnection", sqlfile: SqlFile) -> str:
    """What is written of ``result``: the lineage id, then the mart's columns."""
    shape = connection.execute("DESCRIBE result").fetchall()
    lineage_id = f"{grain_id_sql(sqlfile.name, list(sqlfile.grain))} AS lineage_id"
    return ", ".join([lineage_id, *(_written(name, str(kind)) for name, kind, *_ in shape)])


def _hide_small_groups(connection: "DuckDBPyConnection", sqlfile: SqlFile) -> dict[str, int]:
    """Generalize and suppress rows of ``result`` as the mart declares; returns how many rows that concerned.

    Whole rows leave and none is made, so what is left is traced by the mart's SQL like any other row.
    """
    import duckdb

    def count(sql: str) -> int:
        return int(connection.execute(sql).fetchall()[0][0])

    policy = sqlfile.privacy
    if policy is None or not policy.acts:
        return {}
    try:
        rows, small = count("SELECT count(*) FROM result"), count(small_rows_sql(policy, "result"))
        connection.execute(f"CREATE TEMP TABLE released AS {released_sql(policy, 'result')}")
        connection.execute("DROP TABLE result; ALTER TABLE released RENAME TO result")
    except duckdb.Error as error:
        what = f"mart {sqlfile.name!r}: its small groups cannot be dealt with: {catalog.reason(error)}"
        raise SqlFileError(what, "correct small_groups in the mart's front comment") from None
    suppressed = rows - count("SELECT count(*) FROM result")
    return {"generalized_rows": small - suppressed, "suppressed_rows": suppressed}


def _written(column: str, kind: str) -> str:
    """A column in a type that Delta has."""
    return f"CAST({ident(column)} AS {_AS[kind]}) AS {ident(column)}" if kind in _AS else ident(column)


def _checked(connection: "DuckDBPyConnection", sqlfile: SqlFile) -> int:
    """The number of rows of ``result``. Raises ``SqlFileError`` where the grain does not identify them."""
    grain = ", ".join(map(ident, sqlfile.grain))
    empty = " AND ".join(f"{ident(column)} IS NULL" for column in sqlfile.grain)
    counted = f"SELECT count(*), count(DISTINCT {{}}), count(*) FILTER (WHERE {empty}) FROM result"
    rows, keys, nameless = connection.execute(counted.format(f"hash({grain})")).fetchall()[0]
    if rows != keys:  # two keys of one hash are not one key
        rows, keys, nameless = connection.execute(counted.format(f"row({grain})")).fetchall()[0]
    if rows != keys or nameless:
        fault = "is null in some row" if nameless else f"names {keys} rows where there are {rows}"
        raise SqlFileError(
            f"mart {sqlfile.name!r}: its grain ({', '.join(sqlfile.grain)}) {fault}",
            "group by the grain, or declare the columns that identify a row",
        )
    return int(rows)
