"""The whole proof: files, embeddings, and answers of search.

Belongs here: putting the parts together for a lake or a folder. Must not: any of the parts.
"""

from collections.abc import Sequence
from pathlib import Path

from cenote.errors import CenoteError
from cenote.residue.model import Examined, Needle
from cenote.residue.probe import meaning, probe
from cenote.residue.scan import Progress, examine
from cenote.workspace import Workspace


def prove(
    needles: Sequence[str | Needle],
    folder: Path | None = None,
    *,
    space: Workspace | None = None,
    ask: bool = True,
    progress: Progress | None = None,
) -> Examined:
    """Search a lake (or any ``folder`` instead) for needles, in files, vectors and, with ``ask``, answers of search.

    Raises ``CenoteError`` where there is no such folder: finding nothing in nothing would prove nothing.
    """
    space = space or Workspace()
    place = folder or space.settings.home
    if not place.is_dir():
        raise CenoteError(f"there is no folder {place} to search", "name a lake by CENOTE_HOME, or another by --folder")
    found = examine(place, needles, meaning=meaning(space, needles), progress=progress)
    if ask and folder is None:
        hits, found.asked = probe(space, needles)
        found.hits = sorted({*found.hits, *hits})
    return found
