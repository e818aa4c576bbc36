"""Up to where a table's rows were checked, so that a check looks at what came since.

Belongs here: notes in ``.checked/``, and the files that they leave to be looked at. Must not: any check. A note is
written when all checks of a table held, and names the table versions that they saw. Without one that can be used
(there is none, the table was made anew or lost rows, another lake was restored) everything is looked at.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from cenote.tables import HistoryGone, Table
from cenote.workspace import Workspace

Seen = dict[str, tuple[str, int]]
"""By name of a table, its id and its version."""


def seen(tables: Sequence[Table]) -> Seen:
    """What is seen by a check that looks at tables now."""
    return {t.name: (str(t.current().metadata().id), t.current().version()) for t in tables if t.exists}


def unchecked(space: Workspace, about: str, tables: Sequence[Table], code: str = "") -> dict[str, list[str]] | None:
    """Files with the rows that tables got since the checks called ``about`` held; None: everything is to be looked at.

    ``code``: what decides the checks beside the rows, such as the digest of a contract.
    """
    try:
        told = json.loads(_file(space, about).read_text())
        noted = {name: (str(made), int(version)) for name, (made, version) in told["seen"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    now = seen(tables)
    if told.get("code") != code or noted.keys() != now.keys():
        return None
    if any(noted[name][0] != made or noted[name][1] > version for name, (made, version) in now.items()):
        return None
    try:
        return {t.name: t.added_since(noted[t.name][1], none_lost=True) for t in tables if t.name in now}
    except HistoryGone:
        return None


def held(space: Workspace, about: str, what: Mapping[str, tuple[str, int]], code: str = "") -> None:
    """Note that checks held for what they saw."""
    file = _file(space, about)
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps({"seen": what, "code": code}, sort_keys=True))
    aside.replace(file)


def _file(space: Workspace, about: str) -> Path:
    return space.path(".checked", f"{about.replace('/', '-')}.json")
