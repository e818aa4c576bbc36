"""Figures for Prometheus: what is in the lake, what its runs did, how fast it answers.

Belongs here: reading them off the catalog, the landing zone and the events. Must not: serving (the command does), or
anything that needs a key.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from cenote import events
from cenote.errors import CenoteError
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def registry(space: Workspace) -> "CollectorRegistry":
    """A Prometheus registry that reads the lake each time it is collected."""
    from prometheus_client import CollectorRegistry

    made = CollectorRegistry(auto_describe=False)
    made.register(LakeCollector(space))
    return made


class LakeCollector:
    """Collects all metrics of a lake. Names follow Prometheus' conventions: base units, ``_total`` for counters."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def collect(self) -> "Iterator[Metric]":
        """Every metric family. A lake that never ran has waiting files only."""
        yield from _landing(self.space)
        if self.space.settings.catalog.exists():
            yield from _tables(self.space)
            yield from _records(self.space)
        found = events.read(self.space.settings.home)
        yield from _stages(found.filter(event="stage"))
        yield from _answers(found.filter(event="answer"))


def _landing(space: Workspace) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    from cenote import bronze

    files = GaugeMetricFamily("cenote_files_waiting", "Files in the landing zone.", labels=["dataset"])
    age = GaugeMetricFamily(
        "cenote_landing_lag_seconds", "Age of the oldest file that waits, 0 for none.", labels=["dataset"]
    )
    now = space.clock().timestamp()
    for name in space.contracts:
        waiting = bronze.waiting(space, name)
        files.add_metric([name], len(waiting))
        age.add_metric([name], max((now - file.stat().st_mtime for file in waiting if file.exists()), default=0.0))
    yield files
    yield age


def _tables(space: Workspace) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    from cenote import catalog

    tables = catalog.query(
        space, 'select layer, "table", rows, bytes, version, epoch(committed_at) as "at" from meta.assets'
    )
    for column, name, told in (
        ("rows", "cenote_table_rows", "Rows of a table."),
        ("bytes", "cenote_table_bytes", "Bytes of a table's current files."),
        ("version", "cenote_table_version", "Version of a table."),
        ("at", "cenote_table_committed_timestamp_seconds", "When a table was last committed."),
    ):
        family = GaugeMetricFamily(name, told, labels=["layer", "table"])
        for layer, table, value in tables.select("layer", "table", column).iter_rows():
            family.add_metric([layer, table], float(value or 0))
        yield family


def _records(space: Workspace) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    from cenote import catalog

    landed = catalog.query(space, "select dataset, sum(records), max(epoch(landed_at)) from meta.batches group by all")
    records = CounterMetricFamily("cenote_records_landed", "Records that landed.", labels=["dataset"])
    newest = GaugeMetricFamily("cenote_landed_timestamp_seconds", "When a dataset last landed.", labels=["dataset"])
    for dataset, count, at in landed.iter_rows():
        records.add_metric([dataset], float(count))
        newest.add_metric([dataset], at)
    yield records
    yield newest
    broken = catalog.query(
        space, "select dataset, rule, count(distinct lineage_id) from meta.quarantine group by all order by all"
    )
    quarantined = GaugeMetricFamily(
        "cenote_records_quarantined", "Records in quarantine, by the rule that they broke.", labels=["dataset", "rule"]
    )
    for dataset, rule, count in broken.iter_rows():
        quarantined.add_metric([dataset, rule], float(count))
    yield quarantined


def _stages(stages: pl.DataFrame) -> "Iterator[Metric]":
    """Runs and stages of the days that events are kept for."""
    from prometheus_client.core import GaugeMetricFamily

    days = f"in the last {events.KEEP_DAYS} days"
    by_run = stages.group_by("run_id").agg((pl.col("outcome") == "ok").all().alias("ok"), pl.col("at").max())
    runs = GaugeMetricFamily("cenote_runs", f"Runs {days}, by outcome.", labels=["outcome"])
    for outcome, ok in (("success", True), ("failure", False)):
        runs.add_metric([outcome], by_run.filter(pl.col("ok") == ok).height)
    yield runs
    last = by_run.filter("ok")["at"].max()
    yield GaugeMetricFamily(
        "cenote_last_success_timestamp_seconds",
        "When a run last ended without a failed stage; 0 for never.",
        value=last.timestamp() if last else 0.0,  # type: ignore[union-attr]
    )
    seconds = GaugeMetricFamily("cenote_stage_seconds", "How long a stage took when it last ran.", labels=["asset"])
    failed = GaugeMetricFamily(
        "cenote_stage_failed", "1 where a stage failed when it last ran, else 0.", labels=["asset"]
    )
    latest = stages.sort("at").group_by("asset", maintain_order=True).last()
    for asset, took, outcome in latest.select("asset", "seconds", "outcome").iter_rows():
        seconds.add_metric([asset], took or 0.0)
        failed.add_metric([asset], float(outcome != "ok"))
    yield seconds
    yield failed


def _answers(answers: pl.DataFrame) -> "Iterator[Metric]":
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(
        "cenote_answer_seconds",
        f"How long answers took in the last {events.KEEP_DAYS} days, by door and outcome.",
        labels=["door", "outcome"],
    )
    for (door, outcome), group in sorted(answers.group_by("door", "outcome"), key=lambda part: str(part[0])):
        took = group["seconds"]
        counts = [(str(limit), float((took <= limit).sum())) for limit in BUCKETS]
        family.add_metric([str(door), str(outcome)], [*counts, ("+Inf", float(len(took)))], sum_value=float(took.sum()))
    yield family


def push(space: Workspace, gateway: str) -> None:
    """Send all metrics to a Prometheus push gateway. Raises ``CenoteError`` where it cannot be reached."""
    from prometheus_client import push_to_gateway

    try:
        push_to_gateway(gateway, job="cenote", registry=registry(space))
    except OSError as error:
        raise CenoteError(
            f"the push gateway at {gateway} cannot be reached ({type(error).__name__})",
            "check the address: host:port, or a URL",
        ) from None
