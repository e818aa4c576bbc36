"""Views about the lake itself, in schema ``meta``: batches, commits, quarantine, contracts, assets, columns.

Belongs here: what an analyst may ask of the lake's own workings in SQL. Must not: values of personal data;
these views show names, counts, versions, rules and paths. Small ones hold their rows in the view; the others
read the lake's files.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from cenote import meta_lineage
from cenote.erasure import listing
from cenote.views import STANDARD, Snapshot, View, duckdb_types, text, values
from cenote.workspace import LAYERS, Workspace
from transforms.contract import Contract, Field

_QUARANTINE = {
    "dataset": "VARCHAR",
    "lineage_id": "VARCHAR",
    "subject_id": "VARCHAR",
    "landed_at": "TIMESTAMPTZ",
    "rule": "VARCHAR",
    "path": "VARCHAR",
}
_BATCHES = {
    "batch_id": "VARCHAR",
    "dataset": "VARCHAR",
    "sha256": "VARCHAR",
    "bytes": "BIGINT",
    "records": "BIGINT",
    "format": "VARCHAR",
    "landed_at": "TIMESTAMPTZ",
}


def views(space: Workspace, found: list[Snapshot], present: set[tuple[str, str]]) -> list[View]:
    """The views about the lake. ``present``: views that its tables already make (``meta.batches``)."""
    made = [
        _assets(space, found),
        _columns(space, found),
        _contracts(space.contracts),
        _commits(space, found),
        _quarantine(found),
        View("meta", "batches", values(_BATCHES, []), "Landed files."),
        listing.view(space),
        *meta_lineage.views(space, found),
    ]
    return [view for view in made if (view.schema, view.name) not in present]


def _assets(space: Workspace, found: Iterable[Snapshot]) -> View:
    columns = {
        "layer": "VARCHAR", "table": "VARCHAR", "rows": "BIGINT", "version": "BIGINT", "files": "BIGINT",
        "bytes": "BIGINT", "committed_at": "TIMESTAMPTZ", "stage": "VARCHAR", "run_id": "VARCHAR", "owner": "VARCHAR",
        "description": "VARCHAR",
    }  # fmt: skip
    rows = [
        (s.layer, s.name, s.rows, s.version, len(s.files), s.size, s.commit.at.isoformat(), s.commit.stage,
         s.commit.run_id, *_owner(space, s))
        for s in found
    ]  # fmt: skip
    return View("meta", "assets", values(columns, rows), "Every table: rows, version, files, last commit, owner.")


def _owner(space: Workspace, snapshot: Snapshot) -> tuple[str | None, str | None]:
    contract = space.contracts.get(snapshot.name) if snapshot.layer in ("bronze", "silver", "quarantine") else None
    if contract:
        return contract.owner, contract.description
    return snapshot.commit.details.get("owner"), snapshot.commit.details.get("description")


def _columns(space: Workspace, found: list[Snapshot]) -> View:
    columns = dict.fromkeys(
        ("layer", "table", "column", "type", "classification", "mask", "path", "description"), "VARCHAR"
    )
    types = iter(
        duckdb_types(pa.schema(pa.field(str(n), f.type) for n, f in enumerate(f for s in found for f in s.schema)))
    )
    rows = []
    for snapshot in found:
        contract = space.contracts.get(snapshot.name) if snapshot.layer == "silver" else None
        fields = {f.name: f for f in contract.fields} if contract else {}
        about = {} if contract or snapshot.layer == "bronze" else snapshot.commit.details.get("columns") or {}
        rows += [
            (
                snapshot.layer,
                snapshot.name,
                name,
                next(types),
                *_declared(fields.get(name), about.get(name, STANDARD.get(name))),
            )
            for name in snapshot.schema.names
        ]
    return View(
        "meta", "columns", values(columns, rows), "Every column: type, and for silver its class, mask and raw path."
    )


def _declared(field: Field | None, about: str | None) -> tuple[str | None, ...]:
    if field is None:
        return None, None, None, about
    return field.classification, field.mask.strategy, field.path, field.description or None


def _contracts(contracts: Mapping[str, Contract]) -> View:
    columns = {
        "dataset": "VARCHAR", "version": "VARCHAR", "owner": "VARCHAR", "description": "VARCHAR",
        "change_mode": "VARCHAR", "subject": "VARCHAR", "erasure": "VARCHAR", "lawful_basis": "VARCHAR",
        "purpose": "VARCHAR[]", "digest": "VARCHAR", "columns": "VARCHAR[]",
    }  # fmt: skip
    rows = [
        (c.dataset, c.version, c.owner, c.description, c.change.mode, c.subject and c.subject.entity, c.erasure,
         c.lawful_basis, list(c.purpose), c.digest, [f.name for f in c.fields])
        for c in contracts.values()
    ]  # fmt: skip
    return View("meta", "contracts", values(columns, rows), "The data contracts that made silver.")


def _commits(space: Workspace, found: list[Snapshot]) -> View:
    about = "Every commit that tables still remember: what it read (table -> version), which code and run made it."
    layers = [layer for layer in LAYERS if any(s.layer == layer for s in found)]
    if not layers:
        columns = {
            "layer": "VARCHAR", "table": "VARCHAR", "version": "BIGINT", "at": "TIMESTAMPTZ", "operation": "VARCHAR",
            "stage": "VARCHAR", "inputs": "MAP(VARCHAR, BIGINT)", "code": "VARCHAR", "run_id": "VARCHAR",
            "rows_added": "BIGINT",
        }  # fmt: skip
        return View("meta", "commits", values(columns, []), about)
    logs = ", ".join(text(space.path(layer, "*", "_delta_log", "*.json")) for layer in layers)
    sql = f"""
        SELECT
          split_part(filename, '/', -4) AS layer,
          split_part(filename, '/', -3) AS "table",
          CAST(split_part(split_part(filename, '/', -1), '.', 1) AS BIGINT) AS version,
          make_timestamptz(1000 * CAST(info->>'timestamp' AS BIGINT)) AS "at",
          info->>'operation' AS operation,
          info->>'$."cenote.stage"' AS stage,
          CAST(CAST(info->>'$."cenote.inputs"' AS JSON) AS MAP(VARCHAR, BIGINT)) AS inputs,
          info->>'$."cenote.code"' AS code,
          info->>'$."cenote.run_id"' AS run_id,
          CAST(coalesce(
            info->>'$.operationMetrics.num_added_rows', info->>'$.operationMetrics.num_target_rows_inserted'
          ) AS BIGINT) AS rows_added
        FROM (
          SELECT filename, CAST(line AS JSON)->'commitInfo' AS info
          FROM (SELECT filename, unnest(string_split(content, chr(10))) AS line FROM read_text([{logs}]))
          WHERE starts_with(line, '{{"commitInfo"')
        )"""
    return View("meta", "commits", sql, about)


def _quarantine(found: list[Snapshot]) -> View:
    held = [s for s in found if s.layer == "quarantine"]
    columns = ("lineage_id", "subject_id", "landed_at", "rules")
    parts = [
        f"SELECT {text(s.name)} AS dataset, lineage_id, subject_id, landed_at, rule.rule AS rule, rule.path AS path "
        f"FROM (SELECT * EXCLUDE (rules), unnest(rules) AS rule FROM ({s.relation(columns)}))"
        for s in held
    ]
    sql = " UNION ALL ".join(parts) or values(_QUARANTINE, [])
    return View("meta", "quarantine", sql, "Records that broke their contract: one row per record and rule.")
