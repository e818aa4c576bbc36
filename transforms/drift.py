"""Members of records that their contract does not name.

Belongs here: finding them and naming them safely. Must not: what is done about them. A key may itself be data (an
object that maps e-mail addresses to something), so only keys that a program would choose are repeated; the others are
``*``.
"""

import re

import polars as pl

from transforms.contract import Field
from transforms.json_columns import Steps, count_keys, parse_path

_SAFE_KEY = re.compile(r"[A-Za-z_@$][A-Za-z0-9_-]{0,39}")
_LONG_NUMBER = re.compile(r"\d{4}")
_MOST_KEYS = 50  # an object with more unknown keys than this is a map
_SCHEMA = pl.Schema({"path": pl.String, "count": pl.Int64})


def drift(texts: pl.Series, fields: tuple[Field, ...]) -> pl.DataFrame:
    """Which members of these JSON objects no field names, at the top and in named objects: columns path, count."""
    known: dict[Steps, set[str]] = {}
    _know(fields, (), known)
    if not known or any(f.path == "$" for f in fields):
        return _SCHEMA.to_frame()
    containers = list(known)
    unknown: dict[int, dict[str, int]] = {}
    for container, key, count in count_keys(texts, containers).iter_rows():
        if key not in known[containers[container]]:
            unknown.setdefault(container, {})[key] = count
    total: dict[str, int] = {}
    for container, keys in unknown.items():
        for key, count in keys.items():
            path = ".".join(["$", *map(str, containers[container]), key if _safe(key, len(keys)) else "*"])
            total[path] = total.get(path, 0) + count
    return pl.DataFrame(sorted(total.items()), schema=_SCHEMA, orient="row")


def _know(fields: tuple[Field, ...], start: Steps, known: dict[Steps, set[str]]) -> None:
    """Collect the keys that fields name, by the object that holds them. Arrays are not looked into."""
    for field, path in ((f, path) for f in fields for path in (f.path, *f.formerly)):
        if path.startswith("$envelope"):
            continue
        steps = start + parse_path(path)
        for depth in range(len(start), len(steps)):
            key = steps[depth]
            if not isinstance(key, str):
                break
            known.setdefault(steps[:depth], set()).add(key)
        else:
            _know(field.properties, steps, known)


def _safe(key: str, siblings: int) -> bool:
    return siblings <= _MOST_KEYS and bool(_SAFE_KEY.fullmatch(key)) and not _LONG_NUMBER.search(key)
