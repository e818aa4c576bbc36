"""Leaving optional packages out of an import."""

import importlib
import sys
import threading

import pydantic
import pytest

from transforms.imports import lancedb, networkit, without


def test_a_package_is_left_out_inside_and_found_outside() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ModuleNotFoundError, match="colorsys"):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys")


def test_other_threads_find_it() -> None:
    sys.modules.pop("colorsys", None)
    found = []
    with without("colorsys"):
        other = threading.Thread(target=lambda: found.append(importlib.import_module("colorsys")))
        other.start()
        other.join()
    assert found


def test_networkit_does_without() -> None:
    assert networkit().getMaxNumberOfThreads() >= 1


def test_lancedb_brings_no_checks_and_leaves_those_of_others() -> None:
    found = lancedb()
    assert found is lancedb()
    assert "defer_build" not in pydantic.BaseModel.model_config

    @pydantic.validate_call
    def checked(number: int) -> int:
        return number

    with pytest.raises(pydantic.ValidationError):
        checked("no number")  # type: ignore[arg-type]
    schema = importlib.import_module("lancedb.pydantic").LanceModel
    assert type("Row", (schema,), {"__annotations__": {"number": int}})(number=1).number == 1
