"""Which erasures a lake has been through, noted in the lake itself.

Belongs here: the note (``meta/erasures.json``). Must not: requests, which lie beside the vault. A lake that was
restored from an older backup lacks the ids of erasures that were done since: so they are known to be due again.
"""

import json

from cenote.workspace import Workspace


def present(space: Workspace) -> frozenset[str]:
    """Ids of the requests that this lake has been through."""
    file = space.path("meta", "erasures.json")
    return frozenset(json.loads(file.read_text())) if file.is_file() else frozenset()


def add(space: Workspace, request_id: str) -> None:
    """Note that this lake has been through a request."""
    file = space.path("meta", "erasures.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(sorted({*present(space), request_id})))
    aside.replace(file)
