"""The whole way of a record through Dagster: everything is built, nothing is lost, nothing is done twice."""

import contextlib
import json
import shutil
from pathlib import Path

import dagster as dg
import polars as pl

import cenote
from cenote.accounting import account
from cenote.lake import Lake
from cenote.settings import Settings
from pipelines.assembly import build_definitions
from pipelines.run import dagster_home, run_pipeline
from tests.lake import SampleLake


def test_the_run_succeeds_and_reports_every_asset(sample_lake: SampleLake) -> None:
    assert sample_lake.outcome.errors == []
    assert sample_lake.outcome.success
    known = {
        key.to_user_string()
        for key in build_definitions(sample_lake.settings).resolve_asset_graph().get_all_asset_keys()
    }
    assert {asset.key for asset in sample_lake.outcome.assets} == known
    told = json.loads(sample_lake.outcome.to_json())
    assert set(told["assets"][0]) == {"key", "rows", "written", "seconds", "version", "details"}


def test_every_record_is_accounted_for(sample_lake: SampleLake) -> None:
    for dataset in sample_lake.space.contracts:
        found = account(sample_lake.space, dataset)
        assert (found.missing, found.twice, found.unknown) == (0, 0, 0)
        assert found.bronze == found.silver + found.quarantine > 0


def test_the_truth_file_agrees(sample_lake: SampleLake) -> None:
    for dataset, truth in sample_lake.truth["datasets"].items():  # type: ignore[attr-defined]
        found = account(sample_lake.space, dataset)
        assert found.bronze == truth["records"], dataset
        assert found.quarantine == truth["rejected"], dataset
        table = sample_lake.space.table("silver", dataset).scan()
        current = table.filter(pl.col("is_current")) if sample_lake.space.contract(dataset).keyed else table
        assert current.select(pl.len()).collect().item() == truth["current_rows"], dataset


def test_landed_files_are_consumed_and_come_back(sample_lake: SampleLake) -> None:
    assert [f for f in sample_lake.settings.landing.rglob("*") if f.is_file()] == []


def test_nothing_new_means_no_work(sample_lake: SampleLake) -> None:
    run_pipeline(settings=sample_lake.settings, quiet=True)  # another test may have built a part of the lake anew
    versions = _versions(sample_lake)
    again = run_pipeline(settings=sample_lake.settings, quiet=True)
    assert again.success
    assert again.assets == []
    assert _versions(sample_lake) == versions


def test_a_late_file_goes_through_alone(tmp_path: Path, sample_lake: SampleLake) -> None:
    settings = _copy(sample_lake, tmp_path)
    review = {
        "review_id": "R-late", "customer_id": "C-unseen", "product_id": "P00001", "rating": 4, "title": "Late but fine",
        "body": "It came late, but it works well.", "reviewed_at": "2026-11-19T10:00:00Z",
    }  # fmt: skip
    folder = settings.landing / "reviews"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "late.jsonl").write_text(json.dumps(review) + "\n")
    outcome = run_pipeline(settings=settings, quiet=True, debug=True)
    assert outcome.errors == []
    ran = {asset.key: asset for asset in outcome.assets}
    assert ran["bronze/reviews"].written == 1
    assert ran["silver/reviews"].written + ran["quarantine/reviews"].written == 1
    assert "silver/orders" not in ran
    assert ran["catalog/duckdb"].version is None or ran["catalog/duckdb"].version >= 0


def test_rebuild_gives_the_same_tables(tmp_path: Path, sample_lake: SampleLake) -> None:
    settings = _copy(sample_lake, tmp_path)
    before = {d: _content(settings, "silver", d) for d in ("customers", "orders", "invoices", "reviews")}
    outcome = run_pipeline("group:silver", rebuild=True, settings=settings, quiet=True, debug=True)
    assert outcome.errors == []
    for dataset, content in before.items():
        assert _content(settings, "silver", dataset).equals(content), dataset


def test_no_planted_value_is_readable_in_any_door(sample_lake: SampleLake) -> None:
    lake = Lake(sample_lake.space)
    for schema, name in lake.sql("select table_schema, table_name from information_schema.tables").iter_rows():
        shown = lake.sql(f'from {schema}."{name}"').write_json()
        assert not [v for v in sample_lake.planted if f'"{v}"' in shown], f"{schema}.{name}"


def test_lineage_joins_back_to_bronze(sample_lake: SampleLake) -> None:
    lake = Lake(sample_lake.space)
    orphans = lake.sql("select count(*) as n from silver.orders_records s anti join bronze.orders b using (lineage_id)")
    assert orphans["n"][0] == 0


def test_open_takes_the_lake_that_it_is_told(sample_lake: SampleLake) -> None:
    settings = sample_lake.settings
    lake = cenote.open(home=settings.home, vault=settings.vault)
    assert lake.tables().height > 30


def test_dagster_shows_coverage_parity_recall_and_the_age_of_the_indexes(sample_lake: SampleLake) -> None:
    home = dagster_home(sample_lake.settings)
    checks = {
        "parity": dg.AssetCheckKey(dg.AssetKey(["features", "online"]), "online_parity"),
        "recall": dg.AssetCheckKey(dg.AssetKey(["vectors", "indexes"]), "index_recall"),
    }
    with contextlib.chdir(home), dg.DagsterInstance.from_config(str(home)) as instance:
        made = {
            name: instance.get_latest_materialization_event(checks[check].asset_key)
            for name, check in (("indexes", "recall"), ("online", "parity"))
        }
        checked = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks.values()))
    shown = {name: event.asset_materialization.metadata for name, event in made.items()}  # type: ignore[union-attr]
    assert shown["indexes"]["vector_index"].value == "exact"
    assert 0 <= shown["indexes"]["index_age_hours"].value < 24  # type: ignore[operator]
    coverage = shown["online"]["coverage"].value
    assert set(coverage) >= {"customer_features", "product_features"}  # type: ignore[arg-type]
    assert all(0 <= share <= 1 for share in coverage.values())  # type: ignore[union-attr]
    found = {name: checked[key].event.dagster_event.event_specific_data for name, key in checks.items()}  # type: ignore[union-attr]
    assert found["recall"].metadata["recall"].value >= 0.98  # type: ignore[union-attr]
    assert found["parity"].metadata["compared"].value > 100  # type: ignore[union-attr]
    assert found["parity"].metadata["different"].value == 0  # type: ignore[union-attr]


def test_the_asset_graph_is_as_agreed() -> None:
    """The graph's keys, groups and dependencies as a golden file: a change shows in review."""
    graph = build_definitions().resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        parents = (
            ", ".join(sorted(p.to_user_string() for p in node.parent_keys))
            if node.group_name != "catalog"
            else "everything"
        )
        lines.append(f"{key.to_user_string()} [{node.group_name}] <- {parents}")
    golden = Path(__file__).parent / "asset_graph.txt"
    assert "\n".join(lines) + "\n" == golden.read_text()


def test_schedules_and_sensors_are_on() -> None:
    definitions = build_definitions()
    repository = definitions.get_repository_def()
    assert {s.name: s.cron_schedule for s in repository.schedule_defs} == {
        "gold_schedule": "0 3 * * *",
        "features_schedule": "0 * * * *",
        "vectors_schedule": "0 */6 * * *",
        "retention_schedule": "0 2 * * *",
        "erasure_schedule": "0 1 * * *",
        "rights_schedule": "30 1 * * *",
    }
    assert all(s.default_status == dg.DefaultScheduleStatus.RUNNING for s in repository.schedule_defs)
    assert {s.name for s in repository.sensor_defs if s.default_status == dg.DefaultSensorStatus.RUNNING} >= {
        "landing_sensor",
        "run_failure_sensor",
    }


def test_an_essential_check_that_failed_stops_what_comes_after(tmp_path: Path, sample_lake: SampleLake) -> None:
    settings = _copy(sample_lake, tmp_path)
    from cenote.tables import Commit
    from cenote.workspace import Workspace

    silver = Workspace(settings).table("silver", "reviews")
    last = silver.last_commit()
    assert last is not None
    doubled = silver.scan().head(1).collect()
    silver.append(doubled, Commit("tamper", code=last.code, inputs=last.inputs))
    outcome = run_pipeline("silver/reviews+", settings=settings, quiet=True)
    assert not outcome.success
    assert "gold/product_performance" not in {a.key for a in outcome.assets}
    again = run_pipeline(settings=settings, quiet=True)
    assert not again.success, "a run without selection checks again before it builds on the table"


def _copy(lake: SampleLake, folder: Path) -> Settings:
    """A copy of the lake that a test may change."""
    home, vault = folder / "data", folder / "vault"
    shutil.copytree(lake.settings.home, home)
    shutil.copytree(lake.settings.vault, vault)
    return lake.settings.model_copy(update={"home": home, "vault": vault})


def _versions(lake: SampleLake) -> dict[str, int | None]:
    layers = ("bronze", "silver", "quarantine", "gold", "graph", "features")
    return {table.name: table.version for layer in layers for table in lake.space.tables(layer)}


def _content(settings: Settings, layer: str, name: str) -> pl.DataFrame:
    from cenote.workspace import Workspace

    return Workspace(settings).table(layer, name).scan().collect().sort("lineage_id")
