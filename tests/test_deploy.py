"""The image and the services: what can be told of them without a container engine.

``hadolint deploy/Dockerfile`` and ``docker compose --file deploy/compose.yaml config`` are run by hand.
"""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from cenote.cli import app
from cenote.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
DOCKERFILE = (PROJECT / "deploy" / "Dockerfile").read_text()
SERVICES = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "cenote"}


def test_everything_that_the_image_copies_is_there_and_not_ignored():
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {name.removeprefix("./") for line in lines for name in shlex.split(line)}
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert copied
    assert all((PROJECT / name).exists() for name in copied)
    assert copied == {line[1:] for line in ignored if line.startswith("!")}


def test_every_setting_that_is_set_exists():
    known = {f"CENOTE_{name.upper()}" for name in Settings.model_fields}
    in_services = {name for service in OURS.values() for name in service["environment"] if name.startswith("CENOTE_")}
    assert in_services | set(re.findall(r"\b(CENOTE_\w+)=", DOCKERFILE)) <= known


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name):
    program, *arguments = OURS[name]["command"]
    if program == "cenote":
        group = get_command(app)
        for word in arguments:
            if word.startswith("-"):
                assert any(word in option.opts for option in group.params)
            elif hasattr(group, "commands"):
                group = group.commands[word]
    else:
        assert program in ("dagster-webserver", "dagster-daemon")
        assert find_spec(arguments[arguments.index("--module-name") + 1])


def test_services_wait_for_what_they_need_to_be_healthy():
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[needed]


def test_only_this_machine_reaches_the_services():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:3000:3000"]


def test_no_service_has_a_default_secret():
    text = (PROJECT / "deploy" / "compose.yaml").read_text()
    assert not re.search(r"\$\{(CENOTE_ROOT_KEY|POSTGRES_PASSWORD):-", text)
    assert "CENOTE_ROOT_KEY=" not in DOCKERFILE


def test_dagsters_settings_are_those_of_the_project_but_for_where_state_lives():
    service = yaml.safe_load((PROJECT / "deploy" / "dagster.yaml").read_text())
    laptop = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    elsewhere = {"storage", "local_artifact_storage", "compute_logs"}
    assert {k: v for k, v in service.items() if k not in elsewhere} == {
        k: v for k, v in laptop.items() if k not in elsewhere
    }
