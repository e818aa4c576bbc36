"""What whoever runs a lake sees of it: events, logs, metrics."""

import json
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import polars as pl
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cenote import events, metrics
from cenote.errors import CenoteError
from cenote.health import health
from cenote.lake import Lake
from cenote.settings import Settings
from cenote.workspace import Workspace


def exposed(space) -> dict[str, list]:
    """Samples by metric name, as Prometheus' own parser reads them."""
    text = generate_latest(metrics.registry(space)).decode()
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def test_every_stage_of_a_run_is_an_event(sample_lake):
    stages = events.read(sample_lake.settings.home).filter(event="stage", run_id=sample_lake.outcome.run_id)
    assert {"bronze/orders", "silver/orders", "gold/daily_cash", "catalog/duckdb"} <= set(stages["asset"])
    assert stages["outcome"].unique().to_list() == ["ok"]
    assert stages["seconds"].min() >= 0


def test_answers_are_timed_but_not_quoted(sample_lake):
    before = events.read(sample_lake.settings.home).filter(event="answer").height
    Lake(sample_lake.space).sql("select 'a-question-that-nobody-may-read'")
    with pytest.raises(CenoteError):
        Lake(sample_lake.space).sql("select nothing from nowhere")
    answers = events.read(sample_lake.settings.home).filter(event="answer")[before:]
    assert answers["door"].to_list() == ["sql", "sql"]
    assert answers["outcome"].to_list() == ["ok", "TableError"]
    written = b"".join(file.read_bytes() for file in (sample_lake.settings.home / "events").iterdir())
    assert b"a-question-that-nobody-may-read" not in written


def test_metrics_agree_with_the_lake(sample_lake):
    lake = Lake(sample_lake.space)
    shown = exposed(sample_lake.space)
    rows = {(s.labels["layer"], s.labels["table"]): s.value for s in shown["cenote_table_rows"]}
    assert rows == {(layer, table): n for layer, table, n in lake.tables().select("layer", "table", "rows").iter_rows()}
    landed = sum(s.value for s in shown["cenote_records_landed"] if s.name.endswith("_total"))
    assert landed == sum(n for (layer, _), n in rows.items() if layer == "bronze")
    assert {s.labels["outcome"]: s.value for s in shown["cenote_runs"]}["success"] >= 1
    assert {s.labels["asset"] for s in shown["cenote_stage_seconds"]} >= {"silver/orders"}
    sql = [s for s in shown["cenote_answer_seconds"] if s.labels.get("door") == "sql"]
    assert any(s.name.endswith("_count") and s.value >= 1 for s in sql)


def test_a_lake_that_never_ran_has_metrics_too(space):
    shown = exposed(space)
    assert shown["cenote_last_success_timestamp_seconds"][0].value == 0
    assert {s.value for s in shown["cenote_files_waiting"]} == {0}


def test_a_file_that_waits_shows_as_lag(space):
    import os

    folder = space.settings.landing / "orders"
    folder.mkdir(parents=True)
    (folder / "late.jsonl").write_text("{}\n")
    hour_ago = space.clock().timestamp() - 3600
    os.utime(folder / "late.jsonl", (hour_ago, hour_ago))
    lag = {s.labels["dataset"]: s.value for s in exposed(space)["cenote_landing_lag_seconds"]}
    assert lag["orders"] == pytest.approx(3600, abs=1)


def told_of(space) -> list[tuple[str, str]]:
    return [(problem.check, problem.where) for problem in health(space)]


def test_a_well_lake_has_no_problems(sample_lake):
    assert told_of(sample_lake.space) == []


def test_what_is_wrong_is_told_without_reading_data(space):
    import os

    folder = space.settings.landing / "orders"
    for name in (folder, space.settings.landing / "odrers"):
        name.mkdir(parents=True)
        (name / "late.jsonl").write_text("{}\n")
    two_days_ago = space.clock().timestamp() - 48 * 3600
    os.utime(folder / "late.jsonl", (two_days_ago, two_days_ago))
    events.record(space.settings.home, "stage", asset="silver/orders", run_id="one", outcome="ContractError")
    events.record(space.settings.home, "stage", asset="silver/turns", run_id="one", outcome="ContractError")
    events.record(space.settings.home, "stage", asset="silver/turns", run_id="two", outcome="ok")
    found = told_of(space)
    assert ("stage_failed", "silver/orders") in found
    assert ("no_contract", "landing") in found
    assert ("files_wait", "landing/orders") in found
    assert ("stage_failed", "silver/turns") not in found, "it ran since"


def test_a_vault_that_does_not_open_is_a_problem(tmp_path):
    assert told_of(Workspace(Settings(home=tmp_path / "data", vault=tmp_path / "vault"))) == [("vault", "vault")]


def test_metrics_are_pushed_and_a_missing_gateway_is_told(sample_lake):
    got: list[bytes] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        metrics.push(sample_lake.space, f"127.0.0.1:{server.server_port}")
        server.shutdown()
    assert b"cenote_table_rows" in got[0]
    with pytest.raises(CenoteError, match="push gateway"):
        metrics.push(sample_lake.space, f"127.0.0.1:{server.server_port}")


def test_lines_of_processes_that_write_at_once_stay_whole(space):
    script = (
        "import sys; from pathlib import Path; from cenote import events\n"
        "for n in range(300): events.record(Path(sys.argv[1]), 'stage', asset=sys.argv[2], seconds=n, outcome='ok')"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(space.settings.home), name * 50]) for name in ("a", "b")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = events.read(space.settings.home)
    assert found.group_by("asset").agg(pl.col("seconds").n_unique())["seconds"].to_list() == [300, 300]


def test_old_days_are_removed(space):
    folder = space.settings.home / "events"
    folder.mkdir(parents=True)
    (folder / "2020-01-01.jsonl").write_text('{"at": "2020-01-01T00:00:00+00:00", "event": "stage"}\n')
    events.record(space.settings.home, "stage", asset="x")
    assert [file.name for file in folder.iterdir()] != ["2020-01-01.jsonl"]
    assert events.read(space.settings.home).height == 1


def test_a_lake_that_cannot_be_written_is_read_without_a_log(tmp_path):
    (tmp_path / "lake").write_text("a file where the lake should be")
    events.record(tmp_path / "lake", "answer", door="sql")


def test_log_lines_are_json_and_quote_no_exception():
    made = logging.LogRecord("cenote", logging.ERROR, __file__, 1, "stage", (), None)
    made.fields = {"asset": "silver/orders"}
    try:
        raise ValueError("a value that is personal")
    except ValueError:
        made.exc_info = sys.exc_info()
    line = events.JsonLines().format(made)
    assert json.loads(line) | {"at": ""} == {
        "at": "", "level": "error", "logger": "cenote", "event": "stage", "error": "ValueError",
        "asset": "silver/orders",
    }  # fmt: skip
