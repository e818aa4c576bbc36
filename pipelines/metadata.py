"""What assets show in Dagster: schemas, counts, owners and check results; counts and names only, never values.

Belongs here: turning contracts, SQL files and reports into Dagster's metadata. Must not: reading tables.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from cenote.columns import column_lineage
from cenote.columns.lake import table_of, top_column
from cenote.quality import Finding
from cenote.report import StageReport
from cenote.settings import Settings
from cenote.tables import Table
from cenote.workspace import Workspace
from transforms.columns import Link
from transforms.contract import Contract, Field


def key(table: str) -> dg.AssetKey:
    """The asset key of a table: ``silver/orders`` -> ``["silver", "orders"]``."""
    return dg.AssetKey(table.split("/"))


def owners(owner: str) -> list[str]:
    """Owners as Dagster wants them: an e-mail address, or ``team:name``."""
    return [owner if "@" in owner or owner.startswith("team:") else f"team:{owner}"] if owner else []


def tags(names: Iterable[str]) -> dict[str, str]:
    """Plain tags as Dagster's keys without values."""
    return dict.fromkeys(names, "")


def contract_schema(contract: Contract, *extra: dg.TableColumn) -> dg.TableSchema:
    """Columns of a dataset's silver table with descriptions, classification and mask."""

    def column(f: Field) -> dg.TableColumn:
        return dg.TableColumn(
            f.name,
            type=f.physical_type or f.type,
            description=f.description,
            constraints=dg.TableColumnConstraints(nullable=not f.required, unique=f.unique, other=[*_constraints(f)]),
            tags={"classification": f.classification, "mask": f.mask.strategy},
        )

    kept = [column(f) for f in contract.fields if f.mask.strategy != "drop"]
    return dg.TableSchema([*extra, *kept])


def _constraints(f: Field) -> Iterable[str]:
    if f.primary_key:
        yield "primary key"
    if f.enum:
        yield f"one of {', '.join(map(str, f.enum))}"


LINEAGE_COLUMNS = (
    dg.TableColumn("lineage_id", "string", "The raw record that this row came from."),
    dg.TableColumn("subject_id", "string", "Pseudonym of the data subject who owns the row."),
    dg.TableColumn("mentions", "array", "Pseudonyms of other people whom the row names."),
    dg.TableColumn("landed_at", "timestamp", "When the raw record landed (UTC)."),
)


def definition_metadata(settings: Settings, table: str, schema: dg.TableSchema | None = None) -> dict[str, Any]:
    """Metadata that an asset has before it ever ran: where its table is and which columns it has."""
    metadata: dict[str, Any] = {
        "dagster/table_name": table.replace("/", "."),
        "dagster/uri": str(settings.home / table),
    }
    return metadata | ({"dagster/column_schema": schema} if schema else {})


def result(report: StageReport, findings: Iterable[Finding] = ()) -> dg.MaterializeResult:
    """A report and its checks as Dagster's result."""
    details = {name: _metadata_value(value) for name, value in report.details.items()}
    return dg.MaterializeResult(
        asset_key=key(report.table),
        metadata={
            "dagster/row_count": report.rows,
            "rows_written": report.written,
            "table_version": report.version if report.version is not None else "none",
            "unchanged": report.fresh,
            **details,
        },
        data_version=dg.DataVersion(str(report.version)),
        check_results=[_check_result(report.table, finding) for finding in findings],
    )


def _metadata_value(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _check_result(table: str, finding: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key(table),
        check_name=finding.name,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if finding.essential else dg.AssetCheckSeverity.WARN,
        metadata={name: _metadata_value(count) for name, count in finding.counts.items()},
        description=finding.summary,
    )


def with_schema(outcome: dg.MaterializeResult, table: Table) -> dg.MaterializeResult:
    """The same result with the table's columns, for tables whose schema comes from SQL."""
    if not table.exists:
        return outcome
    columns = [dg.TableColumn(name, str(kind)) for name, kind in table.schema().items()]
    shown = {**(outcome.metadata or {}), "dagster/column_schema": dg.TableSchema(columns)}
    return outcome._replace(metadata=shown)


def with_lineage(outcome: dg.MaterializeResult, space: Workspace) -> dg.MaterializeResult:
    """The same result with the columns that each column is made of, where contracts or SQL say so."""
    assert outcome.asset_key is not None
    lineage = column_lineage(space)
    relation = lineage.assets.get(outcome.asset_key.to_user_string())
    if relation is None:
        return outcome
    deps = {
        column: found
        for column, flow in relation.columns.items()
        if (found := _column_deps(flow.links, list(lineage.assets)))
    }
    shown = {**(outcome.metadata or {}), "dagster/column_lineage": dg.TableColumnLineage(deps)}
    return outcome._replace(metadata=shown)


def _column_deps(links: Iterable[Link], assets: Iterable[str]) -> list[dg.TableColumnDep]:
    """Dagster's terms: the columns whose values go on, or where none does, those that decide.

    A JSON path is in bronze's payload. ``graph/edges`` is written by several assets.
    """
    chosen = [link for link in links if link.use.direct] or list(links)
    places = {(link.table, "payload" if link.column.startswith("$") else top_column(link.column)) for link in chosen}
    return [
        dg.TableColumnDep(key(asset), column)
        for table, column in sorted(places)
        for asset in ([a for a in assets if table_of(a) == table] or [table])
    ]
