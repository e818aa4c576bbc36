"""Leaving optional packages out of an import."""

import importlib
import sys
import threading

import pytest

from transforms.imports import networkit, without


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
