"""Vector assets: passages of a dataset, embedded into the one LanceDB table, and the indexes over it.

Belongs here: one asset per contract with passages, and the index asset. Must not: how embedding works
(cenote/vectors/).
"""

from collections.abc import Sequence

import dagster as dg

from cenote import quality, vectors
from cenote.columns.check import STAYS_MASKED, check_columns
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage
from transforms.contract import Contract

SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("passage_id", "string", "The passage: lineage id, namespace and chunk."),
        dg.TableColumn("lineage_id", "string", "The raw record that the text came from."),
        dg.TableColumn("namespace", "string", "Kind of text, to search in."),
        dg.TableColumn("dataset", "string", "Dataset that the row belongs to."),
        dg.TableColumn("subject_id", "string", "Pseudonym of the data subject."),
        dg.TableColumn("text", "string", "The passage, masked."),
        dg.TableColumn("vector", "array<float>", "Embedding of the masked text, 384 dimensions, length 1."),
    ]
)


def passages_asset(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    """The asset that embeds a dataset's new and changed passages."""
    table = f"vectors/{contract.dataset}"
    namespaces = ", ".join(sorted({p.namespace for p in contract.passages}))

    @dg.asset(
        key=metadata.key(table),
        deps=[metadata.key(f"silver/{contract.dataset}")],
        description=f"Passages of {contract.dataset}, embedded from masked text. Namespace: {namespaces}.",
        group_name="vectors",
        kinds={"lancedb", "pytorch"},
        owners=metadata.owners(contract.owner),
        metadata=metadata.definition_metadata(settings, table, SCHEMA),
        code_version=contract.digest,
        check_specs=checks.specs(table, [*quality.VECTOR_CHECKS, STAYS_MASKED]),
    )
    def asset(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult:
        rebuild = checks.rebuild_asked(context)
        (report,), findings = run_stage(
            space,
            progress,
            table,
            lambda: vectors.build(space, contract.dataset, progress=progress.advanced, rebuild=rebuild),
            lambda: [*quality.check_vectors(space, contract), check_columns(space, table)],
        )
        return metadata.with_lineage(metadata.result(report, findings), space)

    return asset


def index_asset(contracts: Sequence[Contract], settings: Settings) -> dg.AssetsDefinition:
    """The asset that keeps the full-text, scalar and vector indexes current."""

    @dg.asset(
        key=metadata.key("vectors/indexes"),
        deps=[metadata.key(f"vectors/{c.dataset}") for c in contracts],
        description="Full-text, filter and vector indexes over all passages.",
        group_name="vectors",
        kinds={"lancedb"},
        metadata=metadata.definition_metadata(settings, "vectors"),
        check_specs=checks.specs("vectors/indexes", quality.INDEX_CHECKS),
    )
    def asset(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult:
        rebuild = checks.rebuild_asked(context)
        (report,), findings = run_stage(
            space,
            progress,
            "vectors/indexes",
            lambda: vectors.ensure_indexes(space, rebuild=rebuild),
            lambda: quality.check_index(space),
        )
        return metadata.result(report, findings)

    return asset
