"""Which erasures a lake has been through, noted in the lake itself.

Belongs here: the note (``meta/erasures.json``). Must not: requests, which lie beside the vault. A lake that was
restored from an older backup lacks the ids of erasures that were done since: so they are known to be due again.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cenote.workspace import Workspace


def file(space: "Workspace") -> Path:
    """Where the note lies."""
    return space.path("meta", "erasures.json")


def present(space: "Workspace") -> frozenset[str]:
    """Ids of the requests that this lake has been through."""
    noted = file(space)
    return frozenset(json.loads(noted.read_text())) if noted.is_file() else frozenset()


def add(space: "Workspace", request_id: str) -> None:
    """Note that this lake has been through a request."""
    noted = file(space)
    noted.parent.mkdir(parents=True, exist_ok=True)
    aside = noted.with_suffix(".new")
    aside.write_text(json.dumps(sorted({*present(space), request_id})))
    aside.replace(noted)
