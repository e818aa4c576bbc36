"""Running the pipeline in this process, through Dagster, and telling how it went.

Belongs here: choosing assets, executing them, the outcome. Must not: drawing (pipelines/summary.py does).
"""

import contextlib
import json
import logging
import os
import re
import time
import uuid
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import dagster as dg

from cenote.errors import CenoteError, unknown
from cenote.migrations import migrate
from cenote.report import StageReport
from cenote.settings import PROJECT, Settings, load_settings
from cenote.workspace import Workspace
from pipelines.assembly import build_definitions
from pipelines.checks import REBUILD_TAG
from pipelines.journal import kept_open
from pipelines.plan import stale_assets
from pipelines.summary import Watched, print_summary


@dataclass(frozen=True)
class AssetOutcome:
    """One asset of a run: its table, rows now, rows written, seconds, table version and counts."""

    key: str
    rows: int
    written: int
    seconds: float
    version: int | None
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RunOutcome:
    """A run: whether it succeeded, its assets in the order they ran, and what went wrong, in words."""

    success: bool
    seconds: float
    run_id: str
    assets: list[AssetOutcome]
    skipped: int
    errors: list[str]

    def to_json(self) -> str:
        """The outcome as one JSON document."""
        return json.dumps(asdict(self), indent=2, default=str)


def dagster_home(settings: Settings) -> Path:
    """The folder of the Dagster instance that keeps its state in the lake; what the UI of the same lake shows.

    ``DAGSTER_HOME`` wins; the project's own lake uses the top-level dagster.yaml; any other keeps all state below its
    own home.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    if settings.home == PROJECT / "data":
        return PROJECT
    own = settings.home / "dagster"
    own.mkdir(parents=True, exist_ok=True)
    (own / "dagster.yaml").write_text("telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    return own


def run_pipeline(
    select: str | None = None,
    *,
    rebuild: bool = False,
    quiet: bool = False,
    debug: bool = False,
    settings: Settings | None = None,
) -> RunOutcome:
    """Materialize what is stale, or what ``select`` names, and return how it went. Raises ``CenoteError``."""
    settings = settings or load_settings()
    begun = time.perf_counter()
    space = Workspace(settings)
    space.vault  # noqa: B018  # fail before anything starts when there is no usable key
    migrate(space)
    watched = Watched(show=not quiet)
    definitions = build_definitions(settings, progress=watched)
    job = definitions.resolve_implicit_global_asset_job_def()
    graph = job.asset_layer.asset_graph
    parents = {key: graph.get(key).parent_keys for key in graph.toposorted_asset_keys}
    home = dagster_home(settings)
    # Relative paths in dagster.yaml are taken from the working directory.
    with contextlib.chdir(home), dg.DagsterInstance.from_config(str(home)) as instance:
        selected = _selection(definitions, select) if select else None
        chosen = selected if selected is not None else stale_assets(space, parents, _failed_checks(instance, graph))
        if not chosen:
            outcome = RunOutcome(True, time.perf_counter() - begun, "", [], len(parents), [])
        else:
            outcome = _execute(job, instance, chosen, watched, rebuild, debug, begun, len(parents))
    if not quiet:
        print_summary(outcome, space)
    return outcome


_BARE = re.compile(r"(\d*\+)?([\w/*]+)(\+\d*)?")


def _selection(definitions: dg.Definitions, text: str) -> set[dg.AssetKey]:
    """The assets that ``text`` names in Dagster's selection syntax; ``gold/*`` is short for ``key:"gold/*"``."""
    graph = definitions.resolve_asset_graph()
    bare = _BARE.fullmatch(text)
    syntax = f'{bare[1] or ""}key:"{bare[2]}"{bare[3] or ""}' if bare else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            chosen = dg.AssetSelection.from_string(syntax).resolve(graph)
    except dg.DagsterError as error:
        raise CenoteError(
            f"--select {text!r} is no selection that Dagster understands: {error}",
            "try 'gold/daily_cash' or 'group:gold'",
        ) from None
    if not chosen:
        keys = [key.to_user_string() for key in graph.get_all_asset_keys()]
        raise CenoteError(
            f"--select {text!r} selects nothing: {unknown('asset', text, keys)}", "name assets of this lake"
        )
    return set(chosen)


def _failed_checks(instance: dg.DagsterInstance, graph: object) -> set[dg.AssetKey]:
    """Assets whose last essential check failed: they are checked again before anything is built on them."""
    keys = [k for k in graph.asset_check_keys if graph.get(k).blocking]  # type: ignore[attr-defined]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return {
        key.asset_key
        for key, record in latest.items()
        if record.event and (evaluation := record.event.asset_check_evaluation) and not evaluation.passed
    }


def _execute(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    chosen: set[dg.AssetKey],
    watched: Watched,
    rebuild: bool,
    debug: bool,
    begun: float,
    known: int,
) -> RunOutcome:
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    run_id = str(uuid.uuid4())
    with watched.display(len(chosen)), kept_open(instance, run_id):
        result = job.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            run_id=run_id,
            asset_selection=sorted(chosen),
            tags={REBUILD_TAG: "true"} if rebuild else None,
            raise_on_error=False,
        )
    return RunOutcome(
        success=result.success,
        seconds=time.perf_counter() - begun,
        run_id=result.run_id,
        assets=[_asset_outcome(r, s) for reports, s in watched.reports for r in reports],
        skipped=known - len(chosen),
        errors=_errors(result) + (watched.tracebacks if debug else []),
    )


def _asset_outcome(report: StageReport, seconds: float) -> AssetOutcome:
    return AssetOutcome(
        report.table, report.rows, report.written, round(seconds, 3), report.version, dict(report.details)
    )


def _errors(result: dg.ExecuteInProcessResult) -> list[str]:
    """What went wrong, one text per failed step."""
    told = []
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            described = failure.user_failure_data.description if failure.user_failure_data else None
            message = described or (failure.error.message if failure.error else event.message or "")
            told.append(f"{event.step_key}: {message.strip()}")
    if not result.success and not told:  # the run itself failed, before or between its steps
        told = [_innermost(event) for event in result.all_events if event.is_failure]
    return told


def _innermost(event: dg.DagsterEvent) -> str:
    """The message of the error that a failure goes back to."""
    error = getattr(event.event_specific_data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else event.message or ""
