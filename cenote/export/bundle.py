"""Packing an export: a ZIP of JSON files with a page to read them, a manifest of digests, and nothing else.

Belongs here: the archive and its audit. Must not: finding data, layout. The file is written aside, readable by its
owner alone, and takes its name when it is whole.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cenote.errors import CenoteError, VaultError
from cenote.export.collect import Collected, collect
from cenote.export.page import page
from cenote.workspace import Workspace

EXPORTED = "subject exported"


@dataclass(frozen=True)
class Exported:
    """An export: the file, and how many rows each part has."""

    file: Path
    rows: dict[str, int]


def export(space: Workspace, subjects: Sequence[str], file: Path, reason: str) -> Exported:
    """Write all that the lake holds about a person (by the person's pseudonyms) to a ZIP.

    Raises ``VaultError`` where no reason is given, ``CenoteError`` where the file exists or lies in the lake,
    ``TableError`` where nothing is known of the person.
    """
    if not reason.strip():
        raise VaultError("data is exported for a reason only", "say why: a ticket, a request, a case")
    _refuse(space, file)
    space.vault.audit.record(EXPORTED, about=list(subjects), reason=reason)
    found = collect(space, subjects)
    _pack(found, file, space.clock().isoformat(timespec="seconds"))
    return Exported(file, {name: len(rows) for name, rows in found.parts.items()})


def _refuse(space: Workspace, file: Path) -> None:
    target = file.absolute()
    if target.exists():
        raise CenoteError(f"{file} exists", "name a new file; an export is never written over another")
    if not target.parent.is_dir():
        raise CenoteError(f"there is no folder {file.parent}", "make it, or name a file elsewhere")
    if space.settings.home in target.parents:
        raise CenoteError("an export in clear text may not lie in the lake", "name a file outside of it")


def _pack(found: Collected, file: Path, made_at: str) -> None:
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            manifest: dict[str, Any] = {"made_at": made_at, "subjects": found.subjects, "files": {}}
            for name, rows in found.parts.items():
                content = json.dumps(rows, ensure_ascii=False, indent=1).encode()
                archive.writestr(f"{name}.json", content)
                told = {"rows": len(rows), "sha256": hashlib.sha256(content).hexdigest()}
                manifest["files"][f"{name}.json"] = told
            archive.writestr("index.html", page(found, made_at))
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
