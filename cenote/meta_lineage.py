"""Views about lineage, in schema ``meta``: columns and the raw paths behind them, runs, table versions and their
inputs.

Belongs here: what an analyst may ask of lineage in SQL. Must not: working lineage out (cenote/columns), other views
about the lake (meta.py). Columns are held in their views, a few hundred rows that change with contracts and SQL
files; versions are read from the tables' logs when somebody asks, so a run pays nothing for them, however long its
history.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from cenote.columns import column_lineage
from cenote.columns.lake import ColumnLineage
from cenote.views import Snapshot, View, text, values
from cenote.workspace import LAYERS, Workspace

_COLUMN_LINEAGE = {
    "layer": "VARCHAR", "table": "VARCHAR", "column": "VARCHAR", "upstream_layer": "VARCHAR",
    "upstream_table": "VARCHAR", "upstream_column": "VARCHAR", "kind": "VARCHAR", "use": "VARCHAR",
    "masking": "BOOLEAN", "classification": "VARCHAR", "mask": "VARCHAR",
}  # fmt: skip
_COLUMN_SOURCES = {
    "layer": "VARCHAR", "table": "VARCHAR", "column": "VARCHAR", "dataset": "VARCHAR", "path": "VARCHAR",
    "classification": "VARCHAR", "mask": "VARCHAR", "kind": "VARCHAR", "uses": "VARCHAR[]", "is_readable": "BOOLEAN",
}  # fmt: skip
_VERSIONS = {
    "layer": "VARCHAR", "table": "VARCHAR", "version": "BIGINT", "at": "TIMESTAMPTZ", "run_id": "VARCHAR",
    "stage": "VARCHAR", "operation": "VARCHAR", "rows_added": "BIGINT", "rows": "BIGINT",
}  # fmt: skip
_INPUTS = {
    "layer": "VARCHAR", "table": "VARCHAR", "version": "BIGINT", "input_layer": "VARCHAR", "input_table": "VARCHAR",
    "input_version": "BIGINT",
}  # fmt: skip
_RUNS = {
    "run_id": "VARCHAR", "began_at": "TIMESTAMPTZ", "ended_at": "TIMESTAMPTZ", "tables": "VARCHAR[]",
    "commits": "BIGINT", "rows_added": "BIGINT",
}  # fmt: skip


def views(space: Workspace, found: list[Snapshot]) -> list[View]:
    """The views about lineage."""
    lineage = column_lineage(space)
    logs = [layer for layer in LAYERS if any(s.layer == layer for s in found)]
    versions, inputs, runs = _versions(space, found, logs), _inputs(), _runs()
    return [
        View("meta", "column_lineage", values(_COLUMN_LINEAGE, _links(lineage)),
             "What each column is made of, one step up; column null: what decides which rows there are."),
        View("meta", "column_sources", values(_COLUMN_SOURCES, _sources(lineage)),
             "The raw JSON paths behind each column, through all steps; column null: behind which rows there are."),
        View("meta", "table_versions", versions if logs else values(_VERSIONS, []),
             "Every version that tables still remember: when, by which run, rows added and rows in all."),
        View("meta", "table_inputs", inputs if logs else values(_INPUTS, []),
             "Which version of which table each table version was made from."),
        View("meta", "runs", runs if logs else values(_RUNS, []),
             "Runs that committed something: when, which tables and versions, rows added."),
    ]  # fmt: skip


def _split(table: str) -> tuple[str, str]:
    layer, _, name = table.partition("/")
    return layer, name


def _links(lineage: ColumnLineage) -> Iterator[tuple[Any, ...]]:
    for table, relation in lineage.tables.items():
        for column, links in (*relation.leaves(), (None, relation.whole)):
            for link in sorted(links):
                raw = lineage.declared.get((table, column or "", link.column))
                told = (raw.classification, raw.mask) if raw else (None, None)
                how = (link.use.kind, link.use.value, link.masking)
                yield (*_split(table), column, *_split(link.table), link.column, *how, *told)


def _sources(lineage: ColumnLineage) -> Iterator[tuple[Any, ...]]:
    for (table, column), reached in lineage.origins.items():
        for origin, reach in sorted(reached.items()):
            kind = "DIRECT" if reach.direct else "INDIRECT"
            yield (*_split(table), column, *origin, kind, sorted(reach.uses), reach.is_readable)


def _versions(space: Workspace, found: list[Snapshot], layers: Iterable[str]) -> str:
    """Commits with row counts: those of the newest version, less what later commits added and removed.

    A removed file's rows stand where the file was added; where the log no longer has that, older counts are null.
    """
    logs = ", ".join(text(space.path(layer, "*", "_delta_log", "*.json")) for layer in layers)
    now = ", ".join(f"({text(s.layer)}, {text(s.name)}, {s.version}, {s.rows})" for s in found if s.layer in layers)
    return f"""
        WITH lines AS (
          SELECT
            split_part(filename, '/', -4) AS layer,
            split_part(filename, '/', -3) AS "table",
            CAST(split_part(split_part(filename, '/', -1), '.', 1) AS BIGINT) AS version,
            CAST(line AS JSON) AS entry
          FROM (SELECT filename, unnest(string_split(content, chr(10))) AS line FROM read_text([{logs}]))
          WHERE starts_with(line, '{{')
        ),
        added AS (
          SELECT layer, "table", version, entry->>'$.add.path' AS path,
            CAST(entry->>'$.add.stats' AS JSON) AS stats
          FROM lines WHERE (entry->'add') IS NOT NULL
        ),
        changed AS (
          SELECT layer, "table", version, CAST(stats->>'numRecords' AS BIGINT) AS change FROM added
          UNION ALL
          SELECT l.layer, l."table", l.version, -CAST(a.stats->>'numRecords' AS BIGINT)
          FROM lines AS l
          LEFT JOIN added AS a
            ON a.layer = l.layer AND a."table" = l."table" AND a.version < l.version
            AND a.path = (l.entry->>'$.remove.path')
          WHERE (l.entry->'remove') IS NOT NULL
        ),
        changes AS (
          SELECT layer, "table", version, sum(change) AS change, count(*) > count(change) AS unknown
          FROM changed GROUP BY ALL
        ),
        newest(layer, "table", newest, rows) AS (VALUES {now})
        SELECT
          c.layer, c."table", c.version, c."at", c.run_id, c.stage, c.operation, c.rows_added,
          CASE WHEN coalesce(bool_or(s.unknown) OVER later, false) THEN NULL
            ELSE CAST(n.rows - coalesce(sum(s.change) OVER later, 0) AS BIGINT) END AS rows
        FROM meta.commits AS c
        INNER JOIN newest AS n ON n.layer = c.layer AND n."table" = c."table" AND c.version <= n.newest
        LEFT JOIN changes AS s ON s.layer = c.layer AND s."table" = c."table" AND s.version = c.version
        WINDOW later AS (
          PARTITION BY c.layer, c."table" ORDER BY c.version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )"""


def _inputs() -> str:
    return """
        SELECT
          layer, "table", version, split_part(input.key, '/', 1) AS input_layer,
          split_part(input.key, '/', 2) AS input_table, input.value AS input_version
        FROM (SELECT layer, "table", version, unnest(map_entries(inputs)) AS input FROM meta.commits)"""


def _runs() -> str:
    return """
        SELECT
          run_id, min("at") AS began_at, max("at") AS ended_at,
          list(layer || '/' || "table" || '@' || version ORDER BY "at", layer, "table", version) AS tables,
          count(*) AS commits, CAST(sum(rows_added) AS BIGINT) AS rows_added
        FROM meta.commits
        WHERE run_id <> ''
        GROUP BY run_id"""
