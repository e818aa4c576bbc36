"""Values computed when first asked for.

Belongs here: the one descriptor. Must not: anything else. Unlike ``functools.cached_property`` of Python 3.11 it holds
no lock that all instances of a class share, so that threads which look at different chunks do not wait for each other.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_T = TypeVar("_T")


class lazy(Generic[_T]):  # noqa: N801 (used as a decorator)
    """A property computed once per instance (twice where two threads ask at the same time; both get the same)."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[_T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> _T: ...
    def __get__(self, instance: object | None, owner: type) -> "_T | lazy[_T]":
        if instance is None:
            return self
        found = instance.__dict__[self._name] = self._compute(instance)
        return found
