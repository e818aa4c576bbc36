"""The documents say what the code does: every command, setting, check and term is there, and no link is broken."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cenote.cli import app
from cenote.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
DOCS = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def commands() -> dict[str, str]:
    """Every command by its full name, with its help."""
    found = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {sub}": c.help or "" for sub, c in inner.items()} if inner else {name: command.help or ""}
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_documented_and_teaches(name: str) -> None:
    assert f"cenote {name}" in (PROJECT / "docs" / "commands.md").read_text()
    assert commands()[name], "a command says what it does"
    if not name.startswith("vault"):
        assert f"cenote {name}" in commands()[name], "its help shows an example"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`CENOTE_{name.upper()}`" in (PROJECT / "docs" / "settings.md").read_text()
    assert Settings.model_fields[name].description


@pytest.mark.parametrize("file", DOCS, ids=lambda f: str(f.relative_to(PROJECT)))
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


@pytest.mark.parametrize("file", DOCS, ids=lambda f: str(f.relative_to(PROJECT)))
def test_files_named_in_docs_exist(file: Path) -> None:
    for name in re.findall(
        r"`((?:cenote|transforms|pipelines|contracts|feature_repo|tests|benchmarks|docs)/[\w./*-]+\.\w+)`",
        file.read_text(),
    ):
        assert list(PROJECT.glob(name)), f"{file.name} names {name}"


def test_every_make_target_is_in_the_readme() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    readme = (PROJECT / "README.md").read_text()
    assert [t for t in targets if f"make {t}" not in readme] == []
