"""The house holds: imports run one way, modules say what belongs in them, files keep to one job."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("transforms", "cenote", "pipelines", "feature_repo")
IMPURE_MODULES = ("os", "random", "secrets", "uuid", "time", "socket", "sqlite3", "requests", "subprocess", "shutil")
STORES = ("deltalake", "lancedb", "feast", "dagster")
FORBIDDEN = {
    "transforms": ("cenote", "pipelines", "feature_repo", *STORES, *IMPURE_MODULES),
    "cenote": ("pipelines", "dagster", "feature_repo"),
    "pipelines": ("feature_repo", "deltalake", "lancedb", "feast", "duckdb", "polars"),
    "feature_repo": ("cenote", "transforms", "pipelines", "dagster", "polars", "duckdb"),
}
SOURCES = [file for package in PACKAGES for file in sorted((PROJECT / package).rglob("*.py"))]
NAMES = [str(file.relative_to(PROJECT)) for file in SOURCES]


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("file", SOURCES, ids=NAMES)
def test_imports_run_one_way(file: Path) -> None:
    package = file.relative_to(PROJECT).parts[0]
    wrong = {name for name in imported(file) if name.split(".")[0] in FORBIDDEN[package]}
    assert not wrong, f"{file.name} imports {sorted(wrong)}"


@pytest.mark.parametrize("file", SOURCES, ids=NAMES)
def test_every_module_opens_with_what_belongs_in_it(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text())), "a module opens with its charter"


@pytest.mark.parametrize("file", [f for f in SOURCES if "transforms" in f.parts], ids=lambda f: f.name)
def test_transforms_are_pure(file: Path) -> None:
    """No clock, no files; a shipped table of names or numbers, read through importlib, is part of the code."""
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    assert "pathlib" not in imported(file)
    assert not [c for c in calls if isinstance(c, ast.Name) and c.id == "open"]
    assert not [c for c in calls if isinstance(c, ast.Attribute) and c.attr in ("now", "today", "utcnow")]


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(f.relative_to(PROJECT)) for f in SOURCES if "os.environ" in f.read_text() or "getenv" in f.read_text()
    }
    assert readers <= ALLOWED_ENVIRONMENT


# Who else touches the environment, and why: third-party libraries that are told nothing otherwise.
ALLOWED_ENVIRONMENT = {
    "cenote/settings.py",
    "cenote/features/definitions.py",  # what feature_store.yaml interpolates
    "cenote/vectors/store.py",  # LANCE_CPU_THREADS
    "feature_repo/views.py",  # the lake's home, since it may import feast only
    "pipelines/run.py",  # DAGSTER_HOME
}


@pytest.mark.parametrize("file", SOURCES, ids=NAMES)
def test_files_keep_to_one_job(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 400


def test_no_module_is_called_utils() -> None:
    assert not [f for f in SOURCES if f.stem in {"utils", "helpers", "common", "misc"}]
