"""The OpenLineage events of one materialization.

Belongs here: runs, jobs and their facets. Must not: facets of datasets (datasets.py), sending (transport.py). An
event has names, SQL, counts and versions, never a value of the data.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from uuid import UUID

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    data_quality_assertions_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    ownership_job,
    parent_run,
    processing_engine_run,
    sql_job,
)
from openlineage.client.uuid import generate_new_uuid

from cenote import gold
from cenote.features import views
from cenote.openlineage.datasets import Datasets
from cenote.quality import Finding
from cenote.report import StageReport
from cenote.sqlfiles import SqlFile
from cenote.workspace import Workspace

PRODUCER = "urn:cenote:openlineage"
_INTEGRATION = "CENOTE"


class Story:
    """The events of one materialization of ``asset``."""

    def __init__(self, space: Workspace, asset: str) -> None:
        self._space, self._asset = space, asset
        self._name = asset.replace("/", ".")
        self._datasets = Datasets(space, PRODUCER)
        self._run = str(generate_new_uuid())

    def start(self) -> RunEvent:
        """The run begins."""
        return self._event(RunState.START, inputs=self._datasets.inputs(self._asset))

    def complete(self, reports: Sequence[StageReport]) -> RunEvent:
        """The run ended well."""
        inputs = self._datasets.inputs(self._asset, read=True)
        return self._event(RunState.COMPLETE, inputs=inputs, outputs=[self._datasets.output(r) for r in reports])

    def fail(self, told: str) -> RunEvent:
        """The run ended badly."""
        facets = {"errorMessage": error_message_run.ErrorMessageRunFacet(told, "python", producer=PRODUCER)}
        return self._event(RunState.FAIL, facets, inputs=self._datasets.inputs(self._asset))

    def checked(self, reports: Sequence[StageReport], findings: Sequence[Finding]) -> list[RunEvent]:
        """The checks of the table just made, as a run of a job of their own; none where it has no checks.

        Assertions are a facet of *inputs* in OpenLineage: a job that tests a dataset reads it.
        """
        if not findings or not reports:
            return []
        run = str(generate_new_uuid())
        assertions = [
            data_quality_assertions_dataset.Assertion(
                assertion=finding.name,
                success=finding.passed,
                severity="error" if finding.essential else "warn",
                name=finding.name,
                description=finding.summary,
            )
            for finding in findings
        ]
        told = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions, producer=PRODUCER)
        tested = self._datasets.tested(reports[0], told)  # an asset pair is checked by its first
        return [
            self._event(state, inputs=[tested] if state is RunState.COMPLETE else [], run=run, checks=True)
            for state in (RunState.START, RunState.COMPLETE)
        ]

    def _event(
        self,
        state: RunState,
        facets: Mapping[str, RunFacet] | None = None,
        *,
        inputs: list[InputDataset] | None = None,
        outputs: list[OutputDataset] | None = None,
        run: str | None = None,
        checks: bool = False,
    ) -> RunEvent:
        name = f"{self._name}.checks" if checks else self._name
        job = _of_type("TEST") if checks else self._job_facets(whole=state is not RunState.START)
        return RunEvent(
            eventType=state,
            eventTime=self._space.clock().isoformat(),
            run=Run(run or self._run, {**self._run_facets(), **(facets or {})}),
            job=Job(self._datasets.namespace, name, job),
            inputs=inputs or [],
            outputs=outputs or [],
            producer=PRODUCER,
        )

    # facets

    def _run_facets(self) -> dict[str, RunFacet]:
        engine = processing_engine_run.ProcessingEngineRunFacet(
            version=_version("cenote"), name="Cenote", openlineageAdapterVersion=_version("openlineage-python"),
            producer=PRODUCER,
        )  # fmt: skip
        found: dict[str, RunFacet] = {"processing_engine": engine}
        if _is_uuid(self._space.run_id):
            found["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(self._space.run_id),
                job=parent_run.Job(self._datasets.namespace, "run"),
                producer=PRODUCER,
            )
        return found

    def _job_facets(self, whole: bool) -> dict[str, JobFacet]:
        """What kind of job it is; ``whole``: with its SQL, description and owner, which START need not repeat."""
        found = _of_type("ASSET")
        if not whole:
            return found
        if file := self._file():
            found["sql"] = sql_job.SQLJobFacet(query=file.sql, dialect="duckdb", producer=PRODUCER)
        about, owner = self._about(file)
        if about:
            found["documentation"] = documentation_job.DocumentationJobFacet(description=about, producer=PRODUCER)
        if owner:
            owners = [ownership_job.Owner(name=owner, type="OWNER")]
            found["ownership"] = ownership_job.OwnershipJobFacet(owners=owners, producer=PRODUCER)
        return found

    def _file(self) -> SqlFile | None:
        layer, _, name = self._asset.partition("/")
        files = gold.marts(self._space) if layer == "gold" else views(self._space) if layer == "features" else {}
        return files.get(name)

    def _about(self, file: SqlFile | None) -> tuple[str, str]:
        """Description and owner, from the SQL file or the contract."""
        if file:
            return file.description, file.owner
        contract = self._space.contracts.get(self._asset.partition("/")[2])
        return (contract.description, contract.owner) if contract else ("", "")


def _of_type(kind: str) -> dict[str, JobFacet]:
    return {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration=_INTEGRATION, jobType=kind, producer=PRODUCER
        )
    }


@cache
def _version(package: str) -> str:
    return metadata.version(package)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
