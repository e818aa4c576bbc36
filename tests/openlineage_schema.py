"""JSON Schema of OpenLineage events, taken from OpenLineage's own client.

Belongs here: the schema. Must not: events. The client's classes are generated from the published schemas, and each
says by URL from which version; what is required and of which type is read off them. Stricter than published: a
property that they do not name is refused.
"""

import importlib
import inspect
import pkgutil
import types
import typing
from enum import Enum
from functools import cache
from typing import Any

import attr
import jsonschema
from openlineage.client import generated
from openlineage.client.generated import base

_FORMATS = {"runId": "uuid", "eventTime": "date-time", "producer": "uri", "_producer": "uri", "schemaURL": "uri"}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"}, Any: {},
}  # fmt: skip


def problems(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event, by JSON path; the event, its datasets and every facet are looked at."""
    found = _problems(event, base.RunEvent, "$")
    for kind, facet, path in facets(event):
        classes = [c for c in _CLASSES if c._get_schema() == facet.get("_schemaURL")]
        if not classes:
            found.append(f"{path}: no facet of the client has the schema {facet.get('_schemaURL')}")
        elif not issubclass(classes[0], kind):
            found.append(f"{path}: a {classes[0].__name__} does not stand here")
        else:
            found += _problems(facet, classes[0], path)
    return found


def facets(event: dict[str, Any]) -> list[tuple[type, dict[str, Any], str]]:
    """Every facet of an event, with the kind of facet that may stand there, and its path."""
    places = [(base.RunFacet, event["run"], "facets", "$.run"), (base.JobFacet, event["job"], "facets", "$.job")]
    for member, kind, own in (
        ("inputs", base.InputDatasetFacet, "inputFacets"),
        ("outputs", base.OutputDatasetFacet, "outputFacets"),
    ):
        for number, dataset in enumerate(event.get(member, ())):
            places.append((base.DatasetFacet, dataset, "facets", f"$.{member}[{number}]"))
            places.append((kind, dataset, own, f"$.{member}[{number}]"))
    return [
        (kind, facet, f"{path}.{member}.{name}")
        for kind, holder, member, path in places
        for name, facet in holder.get(member, {}).items()
    ]


def _problems(value: dict[str, Any], cls: type, path: str) -> list[str]:
    checker = jsonschema.Draft202012Validator(_whole(cls), format_checker=jsonschema.FormatChecker())
    return [f"{path}{error.json_path[1:]}: {error.message}" for error in checker.iter_errors(value)]


@cache
def _whole(cls: type) -> dict[str, Any]:
    defs: dict[str, Any] = {}
    return {**_schema(cls, defs), "$defs": defs}


def _schema(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _schema(next(k for k in inner if k is not type(None)), defs)
    if origin is list:
        return {"type": "array", "items": _schema(inner[0], defs)}
    if origin is dict:
        facet = inspect.isclass(inner[1]) and issubclass(inner[1], base.BaseFacet)  # looked at one by one
        return {"type": "object", "additionalProperties": {"type": "object"} if facet else _schema(inner[1], defs)}
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if not attr.has(kind):
        return _PLAIN[kind]
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}  # it may have members of its own kind
        defs[kind.__name__] = _object(kind, defs)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _object(cls: type, defs: dict[str, Any]) -> dict[str, Any]:
    names = {**vars(typing), **vars(base), **vars(importlib.import_module(cls.__module__))}
    hints = typing.get_type_hints(cls, names)
    members = {}
    for field in attr.fields(cls):
        members[field.name] = dict(_schema(hints[field.name], defs))
        if field.name in _FORMATS:
            members[field.name]["format"] = _FORMATS[field.name]
    required = [f.name for f in attr.fields(cls) if f.default is attr.NOTHING]
    always = [name for name in ("_producer", "_schemaURL", "producer", "schemaURL") if name in members]
    return {"type": "object", "properties": members, "required": [*required, *always], "additionalProperties": False}


def _classes() -> list[type[base.BaseFacet]]:
    modules = [
        importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)
    ]
    return [
        member
        for module in modules
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, base.BaseFacet) and member.__module__ == module.__name__
    ]


_CLASSES = _classes()
