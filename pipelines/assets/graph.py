"""Graph assets: edges of each dataset, then nodes, PageRank and communities over all of them.

Belongs here: one edge asset per contract with edges, and the tables over the whole graph. Must not: any algorithm.
"""

from collections.abc import Callable, Sequence

import dagster as dg

from cenote import graph, quality
from cenote.columns.check import STAYS_MASKED, check_columns
from cenote.report import StageReport
from cenote.settings import Settings
from cenote.trace.promise import check_lineage, lineage_checks
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage
from transforms.contract import Contract
from transforms.edges import SCHEMA as EDGES

SCHEMA = dg.TableSchema([dg.TableColumn(name, str(kind)) for name, kind in EDGES.items()])
WHOLE_GRAPH: dict[str, tuple[str, Callable[[Workspace], StageReport]]] = {
    "nodes": ("Every customer, product, tag, author and conversation with its degrees and dates.", graph.build_nodes),
    "pagerank": ("PageRank of every node over the edges that hold now.", graph.build_pagerank),
    "communities": ("Community of every node (Leiden), with its size.", graph.build_communities),
}


def edges_asset(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    """The asset that keeps a dataset's edges current."""
    table = f"edges/{contract.dataset}"
    types = ", ".join(sorted({e.type for e in contract.edges}))

    @dg.asset(
        key=metadata.key(table),
        deps=[metadata.key(f"silver/{contract.dataset}")],
        description=f"Edges that {contract.dataset} makes: {types}. Dated, weighted, in graph.edges.",
        group_name="graph",
        kinds={"polars", "deltalake"},
        owners=metadata.owners(contract.owner),
        metadata=metadata.definition_metadata(settings, "graph/edges", SCHEMA),
        code_version=contract.digest,
        check_specs=checks.specs(table, [*quality.EDGE_CHECKS, STAYS_MASKED]),
    )
    def asset(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult:
        rebuild = checks.rebuild_asked(context)
        (report,), findings = run_stage(
            space,
            progress,
            table,
            lambda: graph.build_edges(space, contract.dataset, rebuild=rebuild),
            lambda: [*quality.check_edges(space, contract), check_columns(space, table)],
        )
        return metadata.with_lineage(metadata.result(report, findings), space)

    return asset


def graph_asset(name: str, contracts: Sequence[Contract], settings: Settings) -> dg.AssetsDefinition:
    """The asset of one table over the whole graph."""
    table = f"graph/{name}"
    description, build = WHOLE_GRAPH[name]

    @dg.asset(
        key=metadata.key(table),
        deps=[metadata.key(f"edges/{c.dataset}") for c in contracts],
        description=description,
        group_name="graph",
        kinds={"networkit" if name != "nodes" else "polars", "deltalake"},
        metadata=metadata.definition_metadata(settings, table),
        check_specs=checks.specs(table, lineage_checks(table)),
    )
    def asset(space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
        (report,), findings = run_stage(
            space, progress, table, lambda: build(space), lambda: check_lineage(space, table)
        )
        outcome = metadata.with_schema(metadata.result(report, findings), space.table("graph", name))
        return metadata.with_lineage(outcome, space)

    return asset
