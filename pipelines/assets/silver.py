"""Silver assets: conform, quarantine and mask a dataset's new records.

Belongs here: one asset pair (silver, quarantine) per contract. Must not: how conforming works (cenote/silver.py).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg

from cenote import known, quality, silver
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage
from transforms.contract import Contract

QUARANTINE_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("lineage_id", "string", "The raw record that broke its contract."),
        dg.TableColumn("batch_id", "string", "The landed file, by content."),
        dg.TableColumn("subject_id", "string", "Pseudonym of the data subject, where it could be told."),
        dg.TableColumn("landed_at", "timestamp", "When the file landed (UTC)."),
        dg.TableColumn("rules", "array", "Rules that the record broke, each with the path; never a value."),
    ]
)


def silver_assets(contract: Contract, settings: Settings, contracts: Sequence[Contract]) -> dg.AssetsDefinition:
    """The asset pair that conforms a dataset; with free text, after the registers of people among ``contracts``."""
    table, quarantine = f"silver/{contract.dataset}", f"quarantine/{contract.dataset}"
    people = known.registers(contracts) if known.masks_text(contract) else []
    deps = [metadata.key(f"bronze/{name}") for name in dict.fromkeys([contract.dataset, *(c.dataset for c in people)])]
    hours = contract.freshness_hours
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours)) if hours else None
    schema = metadata.contract_schema(contract, *metadata.LINEAGE_COLUMNS)

    @dg.multi_asset(
        name=f"silver__{contract.dataset}",
        specs=[
            dg.AssetSpec(
                metadata.key(table),
                deps=deps,
                description=contract.description,
                group_name="silver",
                kinds={"polars", "deltalake"},
                owners=metadata.owners(contract.owner),
                tags=metadata.tags(contract.tags),
                metadata=metadata.definition_metadata(settings, table, schema),
                code_version=contract.digest,
                freshness_policy=policy,
            ),
            dg.AssetSpec(
                metadata.key(quarantine),
                deps=deps,
                description=f"Records of {contract.dataset} that broke the contract, with rules and paths.",
                group_name="quarantine",
                kinds={"polars", "deltalake"},
                owners=metadata.owners(contract.owner),
                metadata=metadata.definition_metadata(settings, quarantine, QUARANTINE_SCHEMA),
                code_version=contract.digest,
            ),
        ],
        check_specs=checks.specs(table, quality.silver_checks(contract)),
        can_subset=True,  # so that either may be selected; the stage writes both all the same
    )
    def assets(
        context: dg.AssetExecutionContext, space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]
    ) -> Iterator[dg.MaterializeResult]:
        rebuild = checks.rebuild_asked(context)
        (conformed, rejected), findings = run_stage(
            space,
            progress,
            table,
            lambda: silver.build(space, contract.dataset, rebuild=rebuild),
            lambda: quality.check_silver(space, contract),
        )
        asked = {check.name for check in context.selected_asset_check_keys}
        for report, found in ((rejected, []), (conformed, [f for f in findings if f.name in asked])):
            if metadata.key(report.table) in context.selected_asset_keys:
                yield metadata.with_lineage(metadata.result(report, found), space)

    return assets
