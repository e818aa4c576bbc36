"""The command line as a person uses it, on a real lake: what it prints where, and how it ends.

Most tests call the command's own entry point here, since a process takes seconds to import what it needs; what a
process of its own is about (its output to the byte, a writer beside a reader, a quick start) has one.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from cenote.cli import main
from tests.lake import SampleLake

CENOTE = Path(sys.executable).parent / "cenote"
Cenote = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cenote(sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch) -> Cenote:
    def run(*arguments: str, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            for name, value in (sample_lake.environment | environment).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", [str(CENOTE), *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        code = int(ended.value.code or 0)
        assert (code == 0) == ok, err.getvalue() + out.getvalue()
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def process(sample_lake: SampleLake) -> Cenote:
    def run(*arguments: str, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [CENOTE, *arguments], env=os.environ | sample_lake.environment | environment, capture_output=True, text=True
        )
        assert (done.returncode == 0) == ok, done.stderr + done.stdout
        return done

    return run


def test_sql_as_json_and_csv(cenote: Cenote, process: Cenote) -> None:
    asked = ("sql", "select 1 as one, [1, 2] as more")
    rows = json.loads(process(*asked, "--format", "json").stdout)
    assert rows == [{"one": 1, "more": [1, 2]}]
    assert cenote(*asked, "-f", "csv").stdout == 'one,more\n1,"[1, 2]"\n'


def test_sql_that_is_wrong_says_how_to_mend_it(cenote: Cenote) -> None:
    told = cenote("sql", "from gold.dayly_cash", ok=False).stderr
    assert "dayly_cash" in told
    assert "daily_cash" in told
    assert "Traceback" not in told


def test_status_lists_every_layer(cenote: Cenote) -> None:
    told = {row["layer"] for row in json.loads(cenote("status", "--format", "json").stdout)}
    assert "files" in cenote("status").stdout
    for layer in ("bronze", "silver", "gold", "graph", "features"):
        assert layer in told


def test_search_finds_by_words_and_meaning(cenote: Cenote) -> None:
    hits = json.loads(cenote("search", "delivery was late", "-k", "3", "--format", "json").stdout)
    assert len(hits) == 3
    assert hits[0]["lineage_id"]


def test_quarantine_shows_rules_and_no_values(cenote: Cenote, sample_lake: SampleLake) -> None:
    told = cenote("quarantine", "--format", "json").stdout
    assert {"dataset", "rule", "path", "records"} == set(json.loads(told)[0])
    assert "malformed_json" in told
    assert not [v for v in sample_lake.planted if v in told]


def test_replay_gives_a_landed_file_back(cenote: Cenote, tmp_path: Path) -> None:
    content = b'{"consent_id": "K1", "customer_id": "C9", "purpose": "analytics", "granted": true}\n\n{"broken": \n'
    (tmp_path / "any name.jsonl").write_bytes(content)
    environment = {"CENOTE_HOME": str(tmp_path / "data")}
    assert "2" in cenote("land", str(tmp_path / "any name.jsonl"), "--dataset", "consents", **environment).stdout
    (batch,) = json.loads(cenote("batches", "--format", "json", **environment).stdout)
    cenote("replay", batch["batch_id"], "--out", str(tmp_path / "back"), **environment)
    assert (tmp_path / "back").read_bytes() == content
    assert (tmp_path / "any name.jsonl").exists(), "a file that lies elsewhere is left in place"


def test_run_json_is_for_programs(cenote: Cenote) -> None:
    told = json.loads(cenote("run", "--select", "gold/daily_cash", "--json").stdout)
    assert [a["key"] for a in told["assets"]] == ["gold/daily_cash"]
    assert told["success"] is True


def test_no_key_no_start(cenote: Cenote, tmp_path: Path) -> None:
    told = cenote("run", ok=False, CENOTE_VAULT=str(tmp_path / "nowhere"), CENOTE_HOME=str(tmp_path / "data")).stderr
    assert "cenote vault init" in told
    assert "Traceback" not in told


def test_unknown_selection_and_dataset_name_the_near_ones(cenote: Cenote, tmp_path: Path) -> None:
    assert "daily_cash" in cenote("run", "--select", "gold/dayly_cash", ok=False).stderr
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert "orders" in cenote("land", str(file), "--dataset", "oders", ok=False).stderr


def test_retention_is_a_dry_run_unless_told(cenote: Cenote) -> None:
    told = json.loads(cenote("retention", "--format", "json").stdout)
    assert {e["rule"] for e in told} <= {"rights"}, "the sample shop has pictures whose licence has ended"
    assert json.loads(cenote("retention", "--format", "json").stdout) == told


def test_contract_lint_is_green(cenote: Cenote) -> None:
    cenote("contract", "lint")


def test_a_second_process_reads_while_a_run_writes(cenote: Cenote, sample_lake: SampleLake) -> None:
    writer = subprocess.Popen(
        [CENOTE, "run", "--rebuild", "--select", "gold/customer_360", "--json"],
        env=os.environ | sample_lake.environment,
        stdout=subprocess.DEVNULL,
    )
    reads = 0
    while writer.poll() is None:
        time.sleep(0.2)
        assert json.loads(cenote("sql", "select count(*) as n from gold.customer_360", "-f", "json").stdout)[0]["n"] > 0
        reads += 1
    assert writer.returncode == 0
    assert reads > 0


def test_help_answers_at_once_and_without_heavy_imports() -> None:
    heavy = ("torch", "dagster", "lancedb", "feast", "polars")
    code = f"import sys, cenote.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_run_without_a_key_says_so_before_dagster_is_loaded(tmp_path: Path) -> None:
    code = "import sys; from cenote.errors import VaultError; from pipelines.command import run\n"
    code += "try: run()\nexcept VaultError: print('dagster' in sys.modules)"
    places = {"CENOTE_HOME": str(tmp_path / "data"), "CENOTE_VAULT": str(tmp_path / "vault")}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | places, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
