"""Lineage in SQL: the views of schema meta agree with the tables' own logs, and every example of the guide runs."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from cenote import catalog, gold
from cenote.columns import column_lineage
from cenote.tables import Commit
from cenote.workspace import LAYERS, Workspace
from pipelines.assembly import build_definitions
from tests.lake import SampleLake
from tests.scenario import shop_frames, silver_shop

PROJECT = Path(__file__).resolve().parents[1]
GUIDE = (PROJECT / "docs" / "column-lineage.md").read_text()


def ask(space: Workspace, sql: str, **params: object) -> pl.DataFrame:
    return catalog.query(space, sql, params)


def test_versions_inputs_and_runs_are_those_of_the_logs(sample_lake: SampleLake) -> None:
    space = sample_lake.space
    tables = [t for layer in LAYERS for t in space.tables(layer)]
    logs = {(t.name, c.version): c for t in tables for c in t.commits()}
    rows = {f"{r['layer']}/{r['table']}@{r['version']}": r for r in ask(space, "from meta.table_versions").to_dicts()}
    assert set(rows) == {f"{name}@{version}" for name, version in logs}
    for (name, version), commit in logs.items():
        row = rows[f"{name}@{version}"]
        assert (row["run_id"], row["operation"], row["stage"]) == (commit.run_id, commit.operation, commit.stage)
        assert row["at"] == commit.at
    for table in tables:
        for version in range((table.version or 0) + 1):
            assert rows[f"{table.name}@{version}"]["rows"] == table.delta(version).count(), f"{table.name}@{version}"
    found: dict[str, dict[str, int]] = {}
    for r in ask(space, "from meta.table_inputs").to_dicts():
        made_from = found.setdefault(f"{r['layer']}/{r['table']}@{r['version']}", {})
        made_from[f"{r['input_layer']}/{r['input_table']}"] = r["input_version"]
    assert found == {f"{name}@{version}": c.inputs for (name, version), c in logs.items() if c.inputs}
    runs = {r["run_id"]: r for r in ask(space, "from meta.runs").to_dicts()}
    assert sample_lake.outcome.run_id in runs
    assert set(runs) == {c.run_id for c in logs.values()} - {""}, "another test may have built a part of the lake anew"
    for run_id, run in runs.items():
        its = {key: c for key, c in logs.items() if c.run_id == run_id}
        assert run["commits"] == len(its)
        assert set(run["tables"]) == {f"{name}@{version}" for name, version in its}
        assert (run["began_at"], run["ended_at"]) == (min(c.at for c in its.values()), max(c.at for c in its.values()))


def test_rows_of_versions_follow_merges_deletes_and_lost_logs(space: Workspace) -> None:
    table, frame = space.table("silver", "consents"), shop_frames()["consents"]
    table.append(frame, Commit("silver", run_id="one"))
    table.append(frame.with_columns(lineage_id="x" + pl.col("lineage_id")), Commit("silver", run_id="two"))
    table.delete("lineage_id like 'x%'", Commit("purge", run_id="two"))
    table.overwrite(frame.head(2), Commit("silver", run_id="three"))
    sql = "select rows from meta.table_versions where \"table\" = 'consents' order by version"
    assert ask(space, sql)["rows"].to_list() == [5, 10, 5, 2]
    first = table.path / "_delta_log" / f"{0:020d}.json"
    table.delta().create_checkpoint()
    first.unlink()
    counts = ask(space, sql)["rows"].to_list()
    assert counts[-1] == 2
    assert set(counts[:-1]) <= {5, 10, None}, "what cannot be told is null"


def test_columns_in_sql_are_those_that_were_worked_out(space: Workspace) -> None:
    lineage = column_lineage(space)
    rows = ask(space, "from meta.column_lineage").to_dicts()
    links = {(f"{r['layer']}/{r['table']}", r["column"], f"{r['upstream_layer']}/{r['upstream_table']}",
              r["upstream_column"], r["use"], r["masking"]) for r in rows}  # fmt: skip
    assert links == {
        (table, column, *link[:2], link.use.value, link.masking)
        for table, relation in lineage.tables.items()
        for column, held in (*relation.leaves(), (None, relation.whole))
        for link in held
    }
    told = {(r["column"], r["mask"], r["classification"]) for r in rows if r["table"] == "customers" and r["mask"]}
    assert ("email", "token", "HIGH") in told
    reach = {(f"{r['layer']}/{r['table']}", r["column"], r["dataset"], r["path"]): r["is_readable"]
             for r in ask(space, "from meta.column_sources").to_dicts()}  # fmt: skip
    assert reach == {
        (table, column, origin.dataset, origin.path): how.is_readable
        for (table, column), reached in lineage.origins.items()
        for origin, how in reached.items()
    }


def test_the_closure_is_that_of_a_recursive_query(space: Workspace) -> None:
    """The paths behind a column are found by walking ``meta.column_lineage`` upwards too."""
    sql = """
        WITH RECURSIVE up AS (
            SELECT layer, "table", "column", upstream_layer, upstream_table, upstream_column
            FROM meta.column_lineage WHERE kind = 'DIRECT' AND "column" IS NOT NULL
            UNION
            SELECT up.layer, up."table", up."column", l.upstream_layer, l.upstream_table, l.upstream_column
            FROM up JOIN meta.column_lineage AS l
                ON l.layer = up.upstream_layer AND l."table" = up.upstream_table AND l."column" = up.upstream_column
                AND l.kind = 'DIRECT'
        )
        SELECT DISTINCT layer, "table", "column", upstream_table AS dataset, upstream_column AS path
        FROM up WHERE upstream_layer = 'bronze' AND upstream_column LIKE '$%'
    """
    sources = 'SELECT DISTINCT layer, "table", "column", dataset, path FROM meta.column_sources WHERE kind = \'DIRECT\''
    assert set(ask(space, sql).rows()) == set(ask(space, sources).rows())


def test_an_empty_lake_answers_too(space: Workspace) -> None:
    for view in ("table_versions", "table_inputs", "runs"):
        assert ask(space, f"from meta.{view}").is_empty()


@pytest.mark.parametrize("sql", re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL))
def test_the_examples_of_the_guide_give_rows(sample_lake: SampleLake, sql: str) -> None:
    assert ask(sample_lake.space, sql).height > 0


def test_a_contract_that_shows_class_high_stops_the_run(make_space: Callable[..., Workspace], tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    shutil.copytree(PROJECT / "contracts", contracts)
    orders = (contracts / "orders.yaml").read_text()
    wrong = re.sub(r"(- name: total_eur\n(?:.*\n)*?\s+classification: )LOW", r"\1HIGH", orders, count=1)
    assert wrong != orders
    (contracts / "orders.yaml").write_text(wrong)
    space = make_space(contracts=contracts)
    silver_shop(space)
    assert gold.marts(space)
    job = build_definitions(space.settings).resolve_implicit_global_asset_job_def()
    chosen = [dg.AssetKey(["gold", mart]) for mart in ("customer_360", "daily_cash")]
    result = job.execute_in_process(asset_selection=chosen, raise_on_error=False)
    checks = {
        e.asset_key.to_user_string(): e
        for e in result.get_asset_check_evaluations()
        if e.check_name == "high_stays_masked"
    }
    assert not checks["gold/customer_360"].passed
    assert checks["gold/daily_cash"].passed
    assert "orders $.total_eur -> revenue_eur" in (checks["gold/customer_360"].description or "")
