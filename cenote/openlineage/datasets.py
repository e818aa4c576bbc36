"""Tables of the lake as OpenLineage datasets, with their facets.

Belongs here: schema, column lineage, versions, counts, classes. Must not: runs and jobs (events.py). A dataset is
named as SQL names it (``gold.daily_cash``). Bronze lists the JSON paths that its contract names, in the place of the
sealed payload; column lineage of silver refers to them.
"""

from collections.abc import Iterable, Mapping

import polars as pl
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_dataset,
    dataset_version_dataset,
    documentation_dataset,
    output_statistics_output_dataset,
    ownership_dataset,
    schema_dataset,
    storage_dataset,
    tags_dataset,
)

from cenote.columns import column_lineage
from cenote.columns.lake import table_of, top_column
from cenote.report import StageReport
from cenote.views import Opened
from cenote.workspace import LAYERS, Workspace
from transforms.columns import Link, Relation
from transforms.columns.declared import KEPT

_Field = schema_dataset.SchemaDatasetFacetFields
_Input = column_lineage_dataset.InputField


class Datasets:
    """The datasets of one lake."""

    def __init__(self, space: Workspace, producer: str) -> None:
        self._space, self._producer = space, producer
        self.namespace = space.settings.openlineage_namespace
        self._lineage = column_lineage(space)
        self._tables: dict[str, Opened | None] = {}

    def inputs(self, asset: str, *, read: bool = False) -> list[InputDataset]:
        """What an asset reads; ``read``: with the versions that its last commit records."""
        layer, _, name = asset.partition("/")
        if layer == "bronze":
            return [InputDataset(self.namespace, f"landing.{name}")]
        versions = self._versions(asset) if read else {}
        names = {table_of(table) for table in (*self._lineage.upstream(asset), *versions)} - {table_of(asset)}
        return [
            InputDataset(self.namespace, _dotted(table), facets=self._version(versions.get(table)))
            for table in sorted(names)
        ]

    def output(self, report: StageReport) -> OutputDataset:
        """A table that was written; one that stayed as it was is not described again."""
        table = table_of(report.table)
        facets = self._version(report.version)
        if not report.fresh:
            facets |= self._described(table)
            facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=self._fields(table), producer=self._producer)
            if relation := self._lineage.assets.get(report.table):
                facets["columnLineage"] = self._column_lineage(table, relation)
        facets["dataQualityMetrics"] = data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
            columnMetrics={}, rowCount=report.rows, producer=self._producer
        )
        written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=report.written, producer=self._producer
        )
        return OutputDataset(self.namespace, _dotted(table), facets=facets, outputFacets={"outputStatistics": written})

    def tested(
        self, report: StageReport, told: data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet
    ) -> InputDataset:
        """A table that was checked."""
        name, facets = _dotted(table_of(report.table)), self._version(report.version)
        return InputDataset(self.namespace, name, facets=facets, inputFacets={"dataQualityAssertions": told})

    # facets

    def _opened(self, table: str) -> Opened | None:
        """A table as it stands at the end of the run, its log read once; None where it is not there."""
        if table not in self._tables:
            layer, _, name = table.partition("/")
            stored = self._space.table(layer, name)
            there = layer in LAYERS and (stored.path / "_delta_log").is_dir()
            self._tables[table] = Opened(stored) if there else None
        return self._tables[table]

    def _versions(self, asset: str) -> dict[str, int]:
        opened = self._opened(table_of(asset))
        last = opened.last_commit() if opened else None
        return last.inputs if last else {}

    def _version(self, number: int | None) -> dict[str, DatasetFacet]:
        if number is None:
            return {}
        facet = dataset_version_dataset.DatasetVersionDatasetFacet(str(number), producer=self._producer)
        return {"version": facet}

    def _described(self, table: str) -> dict[str, DatasetFacet]:
        """Storage, and what the contract says of silver and bronze."""
        layer, _, name = table.partition("/")
        found: dict[str, DatasetFacet] = {}
        if layer in LAYERS:
            found["storage"] = storage_dataset.StorageDatasetFacet("delta", "parquet", producer=self._producer)
        contract = self._space.contracts.get(name) if layer in ("bronze", "silver") else None
        if contract:
            found["documentation"] = documentation_dataset.DocumentationDatasetFacet(
                contract.description, producer=self._producer
            )
            owners = [ownership_dataset.Owner(contract.owner, "OWNER")] if contract.owner else []
            found["ownership"] = ownership_dataset.OwnershipDatasetFacet(owners, producer=self._producer)
        if contract and layer == "silver":
            tags = [
                tags_dataset.TagsDatasetFacetFields("classification", f.classification, source="CONTRACT", field=f.name)
                for f in contract.fields
                if f.mask.strategy != "drop"
            ]
            found["tags"] = tags_dataset.TagsDatasetFacet(tags, producer=self._producer)
        return found

    def _fields(self, table: str) -> list[schema_dataset.SchemaDatasetFacetFields]:
        layer, _, name = table.partition("/")
        if layer not in LAYERS:
            relation = self._lineage.tables.get(table)
            return [_Field(name=column) for column in relation.columns] if relation else []
        opened = self._opened(table)
        schema = opened.schema() if opened else pl.Schema()
        if layer == "bronze":
            paths = sorted({path for of, _, path in self._lineage.declared if of == f"silver/{name}"})
            columns = {column: kind for column, kind in schema.items() if column != "payload"}
            schema = pl.Schema(columns | dict.fromkeys(paths, pl.String()))
        about = self._about(layer, name)
        return [_field(column, kind, about.get(column)) for column, kind in schema.items()]

    def _about(self, layer: str, name: str) -> dict[str, str]:
        """Descriptions of columns that a contract gives."""
        contract = self._space.contracts.get(name) if layer == "silver" else None
        return {f.name: f.description for f in contract.fields if f.description} if contract else {}

    def _column_lineage(self, table: str, relation: Relation) -> column_lineage_dataset.ColumnLineageDatasetFacet:
        masks = {
            (top_column(column), path): f"masked by {raw.mask}"
            for (of, column, path), raw in self._lineage.declared.items()
            if of == table and raw.mask != KEPT
        }
        fields = {
            column: column_lineage_dataset.Fields(inputFields=inputs)
            for column, flow in relation.columns.items()
            if (inputs := self._input_fields(flow.links, {p: mask for (c, p), mask in masks.items() if c == column}))
        }
        return column_lineage_dataset.ColumnLineageDatasetFacet(
            fields=fields, dataset=self._input_fields(relation.whole), producer=self._producer
        )

    def _input_fields(
        self, links: Iterable[Link], masks: Mapping[str, str] | None = None
    ) -> list[column_lineage_dataset.InputField]:
        """Each column once, with everything that is done to it; members of a column count as the column."""
        found: dict[tuple[str, str], dict[tuple[str, str, bool, str], None]] = {}
        for link in sorted(links):
            how = (link.use.kind, link.use.value, link.masking, (masks or {}).get(link.column, ""))
            found.setdefault((link.table, top_column(link.column)), {})[how] = None
        return [
            _Input(
                namespace=self.namespace,
                name=_dotted(table),
                field=column,
                transformations=[
                    column_lineage_dataset.Transformation(type=kind, subtype=use, description=about, masking=masking)
                    for kind, use, masking, about in uses
                ],
            )
            for (table, column), uses in found.items()
        ]


def _dotted(table: str) -> str:
    return table.replace("/", ".")


def _field(name: str, kind: pl.DataType, about: str | None = None) -> schema_dataset.SchemaDatasetFacetFields:
    """A column, with the members of structs."""
    inner = kind
    while isinstance(inner, pl.List):
        inner = inner.inner  # type: ignore[assignment]
    members = [_field(f.name, f.dtype) for f in inner.fields] if isinstance(inner, pl.Struct) else []  # type: ignore[arg-type]
    shown = "struct" if isinstance(kind, pl.Struct) else "array" if isinstance(kind, pl.List) else str(kind).lower()
    return _Field(name=name, type=shown, description=about, fields=members)
