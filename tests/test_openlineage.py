"""What a run tells other tools: events that keep OpenLineage's schemas, and never a value."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from cenote.errors import TableError
from cenote.openlineage import Materialization, transport
from cenote.quality import Check, Finding
from cenote.report import StageReport
from cenote.workspace import Workspace
from pipelines.resources import Silent
from pipelines.run import dagster_home
from pipelines.stage import StageError, run_stage
from tests.lake import SampleLake
from tests.openlineage_schema import facets, problems

Event = dict[str, Any]
SECRET = "ana.lovelace@example.com"


def events_of(space: Workspace) -> list[Event]:
    files = sorted(space.path("openlineage").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def events(sample_lake: SampleLake) -> list[Event]:
    """The events of the sample's first run; other tests may have run the lake again, in which nothing was new."""
    run = sample_lake.outcome.run_id
    return [e for e in events_of(sample_lake.space) if e["run"]["facets"]["parent"]["run"]["runId"] == run]


def completed(events: list[Event], job: str) -> Event:
    (found,) = [e for e in events if e["job"]["name"] == job and e["eventType"] == "COMPLETE"]
    return found


def output(events: list[Event], job: str, number: int = 0) -> Event:
    return completed(events, job)["outputs"][number]  # type: ignore[no-any-return]


# a whole run


def test_every_event_keeps_the_schemas(events: list[Event]) -> None:
    assert [problem for event in events for problem in problems(event)] == []
    kinds = {facet["_schemaURL"].rsplit("/", 1)[1] for event in events for _, facet, _ in facets(event)}
    assert {
        "ColumnLineageDatasetFacet", "DataQualityAssertionsDatasetFacet", "DataQualityMetricsDatasetFacet",
        "DatasetVersionDatasetFacet", "OutputStatisticsOutputDatasetFacet", "ParentRunFacet", "SchemaDatasetFacet",
        "SQLJobFacet", "TagsDatasetFacet",
    } <= kinds  # fmt: skip


def test_the_schema_would_find_what_is_wrong(events: list[Event]) -> None:
    event = completed(events, "gold.daily_cash")
    broken = json.loads(json.dumps(event))
    broken["run"]["runId"] = "17"
    del broken["outputs"][0]["facets"]["columnLineage"]["fields"]["day"]["inputFields"][0]["name"]
    broken["job"]["facets"]["sql"]["query"] = 5
    broken["inputs"][0]["facets"]["parent"] = event["run"]["facets"]["parent"]
    assert len(problems(broken)) == 4


def test_every_asset_of_the_run_began_and_ended(events: list[Event], sample_lake: SampleLake) -> None:
    states: dict[str, list[str]] = {}
    for event in events:
        states.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert all(found == ["START", "COMPLETE"] for found in states.values())
    told = {o["name"] for e in events if e["eventType"] == "COMPLETE" for o in e["outputs"]}
    made = {a.key.replace("/", ".") for a in sample_lake.outcome.assets if not a.key.startswith("edges/")}
    assert told == made | {"graph.edges"}


def test_a_mart_tells_its_sql_columns_versions_and_rows(events: list[Event], sample_lake: SampleLake) -> None:
    table, made = sample_lake.space.table("gold", "daily_cash"), output(events, "gold.daily_cash")
    assert completed(events, "gold.daily_cash")["job"]["facets"]["sql"]["query"].startswith("WITH moves AS")
    (read,) = completed(events, "gold.daily_cash")["inputs"]
    last = table.last_commit()
    assert last is not None
    assert (read["name"], read["facets"]["version"]["datasetVersion"]) == (
        "silver.invoices", str(last.inputs["silver/invoices"])
    )  # fmt: skip
    assert made["facets"]["version"]["datasetVersion"] == str(table.version)
    assert made["facets"]["dataQualityMetrics"]["rowCount"] == table.count()
    assert [f["name"] for f in made["facets"]["schema"]["fields"]] == table.schema().names()
    lineage = made["facets"]["columnLineage"]
    (paid,) = lineage["fields"]["paid_eur"]["inputFields"]
    assert (paid["name"], paid["field"]) == ("silver.invoices", "amount_eur")
    (how,) = paid["transformations"]
    assert (how["type"], how["subtype"], how["masking"]) == ("DIRECT", "AGGREGATION", False)
    assert "status" in {f["field"] for f in lineage["dataset"]}


def test_silver_tells_of_raw_paths_masks_and_classes(events: list[Event]) -> None:
    made = output(events, "silver.customers", 0)
    email = made["facets"]["columnLineage"]["fields"]["email"]["inputFields"][0]
    assert (email["name"], email["field"]) == ("bronze.customers", "$.contact.email")
    assert email["transformations"] == [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True, "description": "masked by token"}
    ]
    paths = {f["name"] for f in output(events, "bronze.customers")["facets"]["schema"]["fields"]}
    assert "$.contact.email" in paths
    assert {"key": "classification", "value": "HIGH", "field": "email", "source": "CONTRACT"} in made["facets"]["tags"][
        "tags"
    ]


def test_checks_are_a_job_that_reads_the_table(events: list[Event]) -> None:
    (tested,) = completed(events, "silver.orders.checks")["inputs"]
    assertions = {a["assertion"]: a for a in tested["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert tested["name"] == "silver.orders"
    assert assertions["records_accounted"]["success"]
    assert assertions["records_accounted"]["severity"] == "error"


def test_no_event_holds_a_value(events: list[Event], sample_lake: SampleLake) -> None:
    told = json.dumps(events, ensure_ascii=False)
    assert not [value for value in sample_lake.planted if value in told]


def test_dagster_shows_column_lineage(sample_lake: SampleLake) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home(sample_lake.settings))) as instance:

        def shown(asset: str) -> dict[str, set[tuple[str, str]]]:
            event = instance.get_latest_materialization_event(dg.AssetKey(asset.split("/")))
            assert event and event.asset_materialization
            value = event.asset_materialization.metadata["dagster/column_lineage"].value
            assert isinstance(value, dg.TableColumnLineage)
            return {
                column: {(d.asset_key.to_user_string(), d.column_name) for d in deps}
                for column, deps in value.deps_by_column.items()
            }

        assert shown("gold/daily_cash")["paid_eur"] == {("silver/invoices", "amount_eur")}
        assert shown("silver/orders")["total_eur"] == {("bronze/orders", "payload")}
        assert shown("edges/orders")["weight"] == {("silver/orders", "lines")}
        assert shown("vectors/reviews")["text"] == {("silver/reviews", "body")}
        assert shown("features/customer_features")["total_spent"] == {("silver/orders", "total_eur")}
        assert ("edges/follows", "source") in shown("features/customer_graph_features")["followers"]


# failures


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError(f"cannot read {SECRET}"), "ValueError"), (TableError("gold/x is torn", "rebuild it"), "rebuild it")],
)
def test_a_failure_is_told_without_values(space: Workspace, error: Exception, told: str) -> None:
    def build() -> StageReport:
        raise error

    with pytest.raises((StageError, dg.Failure)):
        run_stage(space, Silent(), "gold/daily_cash", build)
    started, failed = events_of(space)
    assert (started["eventType"], failed["eventType"]) == ("START", "FAIL")
    assert started["run"]["runId"] == failed["run"]["runId"]
    assert told in failed["run"]["facets"]["errorMessage"]["message"]
    assert SECRET not in json.dumps(failed)
    assert problems(failed) == []


def test_events_that_cannot_be_told_fail_no_run(space: Workspace) -> None:
    space.path("openlineage").parent.mkdir(parents=True)
    space.path("openlineage").write_text("in the way")
    reports, _ = run_stage(space, Silent(), "gold/daily_cash", lambda: StageReport("gold/daily_cash", 1, 1, 0))
    assert reports[0].rows == 1


# where events go


def tell(space: Workspace, asset: str = "gold/daily_cash") -> None:
    told = Materialization(space, asset)
    told.started()
    check = Check("rows_there", "There are rows.")
    told.finished([StageReport(asset, 3, 3, None)], [Finding(check.name, True, check.essential, "3 rows")])


def test_files_are_kept_for_days(make_space: Callable[..., Workspace]) -> None:
    now = datetime(2026, 11, 1, 23, tzinfo=UTC)
    space = make_space(clock=lambda: now, openlineage_days=3)
    for _ in range(5):
        tell(space)
        now += timedelta(days=1)
    assert sorted(f.stem for f in space.path("openlineage").iterdir()) == ["2026-11-03", "2026-11-04", "2026-11-05"]
    assert len(events_of(space)) == 12


def test_no_days_means_no_file(make_space: Callable[..., Workspace]) -> None:
    space = make_space(openlineage_days=0)
    tell(space)
    assert not space.path("openlineage").exists()


def test_an_unchanged_table_is_told_briefly(space: Workspace) -> None:
    told = Materialization(space, "gold/daily_cash")
    told.started()
    told.finished([StageReport("gold/daily_cash", 3, 0, None, fresh=True)], [])
    (made,) = events_of(space)[-1]["outputs"]
    assert set(made["facets"]) == {"dataQualityMetrics"}


class Receiver(BaseHTTPRequestHandler):
    """Takes events, or refuses them."""

    taken: list[tuple[str, str | None, Event]] = []  # noqa: RUF012
    status = 201

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Receiver.taken, Receiver.status = [], 201
    transport._silent_until.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()
    transport._http.cache_clear()


def test_a_server_gets_the_same_events(make_space: Callable[..., Workspace], server: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    space = make_space(openlineage_url=url, openlineage_api_key="key-17", openlineage_namespace="shop")
    tell(space)
    assert [e for *_, e in Receiver.taken] == events_of(space)
    assert {(path, key) for path, key, _ in Receiver.taken} == {("/api/v1/lineage", "Bearer key-17")}
    assert {e["job"]["namespace"] for *_, e in Receiver.taken} == {"shop"}
    assert "key-17" not in repr(space.settings)


def test_a_server_that_refuses_is_left_alone(
    make_space: Callable[..., Workspace], server: ThreadingHTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    Receiver.status = 500
    space = make_space(openlineage_url=f"http://user:{SECRET}@127.0.0.1:{server.server_port}")
    caplog.set_level("WARNING")
    tell(space)
    tell(space)
    assert len(Receiver.taken) == 1, "asked once, then no more"
    assert len(events_of(space)) == 8, "the file has all of them"
    assert SECRET not in caplog.text


def test_a_server_that_is_not_there_fails_no_run(make_space: Callable[..., Workspace]) -> None:
    transport._silent_until.clear()
    space = make_space(openlineage_url=SecretStr("http://127.0.0.1:9"))
    reports, _ = run_stage(space, Silent(), "gold/daily_cash", lambda: StageReport("gold/daily_cash", 1, 1, 0))
    assert reports[0].written == 1
    transport._http.cache_clear()
