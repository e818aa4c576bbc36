"""Importing a large library without the optional ones that it would bring along.

Belongs here: leaving packages out of an import. Must not: any computing. Libraries that work with many others import
those that happen to be installed, which can take longer than they do themselves (NetworKit: scikit-learn and NetworkX;
Feast: PyTorch). Only imports of the same thread are concerned, and only packages that were not imported before.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """While inside, these packages cannot be found; the importing library must be able to do without them."""
    finder = _Missing(packages)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Missing(MetaPathFinder):
    def __init__(self, packages: Sequence[str]) -> None:
        self._packages, self._thread = packages, get_ident()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self._packages and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is left out of this import", name=fullname)
        return None


def networkit() -> ModuleType:
    """NetworKit, without the libraries that only its plots and its adapters need."""
    if "networkit" not in sys.modules:
        with without("IPython", "matplotlib", "networkx", "pandas", "plotly", "seaborn", "sklearn"):
            import networkit  # noqa: F401
    return sys.modules["networkit"]
