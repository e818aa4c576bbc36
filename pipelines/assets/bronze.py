"""Bronze assets: land what waits in a dataset's landing folder.

Belongs here: one asset per contract. Must not: how landing works (cenote/bronze.py).
"""

import dagster as dg

from cenote import bronze, quality
from cenote.settings import Settings
from cenote.workspace import Workspace
from pipelines import checks, metadata
from pipelines.resources import Progress
from pipelines.stage import run_stage
from transforms.contract import Contract

SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("lineage_id", "string", "Batch digest and row number: names this record everywhere."),
        dg.TableColumn("batch_id", "string", "The landed file, by content."),
        dg.TableColumn("row", "integer", "Number of the record in its file, from 0."),
        dg.TableColumn("landed_at", "timestamp", "When the file landed (UTC)."),
        dg.TableColumn("subject_id", "string", "Pseudonym of the data subject who owns the record."),
        dg.TableColumn("key_id", "string", "Key that seals the payload; null where nothing is sealed."),
        dg.TableColumn("prefix", "binary", "Bytes between this record and the one before."),
        dg.TableColumn("payload", "binary", "The record's exact bytes, sealed where it holds personal data."),
    ]
)


def bronze_asset(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    """The asset that lands new files of a dataset."""
    table = f"bronze/{contract.dataset}"

    @dg.asset(
        key=metadata.key(table),
        description=f"Raw records, byte for byte. {contract.description}",
        group_name="bronze",
        kinds={"json", "deltalake"},
        owners=metadata.owners(contract.owner),
        tags=metadata.tags(contract.tags),
        metadata=metadata.definition_metadata(settings, table, SCHEMA),
        check_specs=checks.specs(table, quality.BRONZE_CHECKS),
    )
    def asset(space: dg.ResourceParam[Workspace], progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
        (report,), findings = run_stage(
            space,
            progress,
            table,
            lambda: bronze.land_new(space, contract.dataset, progress=progress.advanced),
            lambda: quality.check_bronze(space, contract),
        )
        return metadata.result(report, findings)

    return asset
