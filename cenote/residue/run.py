"""The whole proof: files, embeddings, and answers of search.

Belongs here: putting the parts together for a lake or a folder, and making ready what they need. Must not: any of the
parts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from cenote.errors import CenoteError
from cenote.residue.meaning import embedded
from cenote.residue.model import Examined, Needle
from cenote.residue.probe import meaning, probe
from cenote.residue.readers import Readers
from cenote.residue.scan import Progress, examine, most_threads, size_of, wants_processes
from cenote.residue.searcher import Searcher
from cenote.workspace import Workspace


def prove(
    needles: Sequence[str | Needle] | Searcher,
    folder: Path | None = None,
    *,
    space: Workspace | None = None,
    ask: bool = True,
    progress: Progress | None = None,
    ready: "Ready | None" = None,
) -> Examined:
    """Search a lake (or any ``folder`` instead) for needles, in files, vectors and, with ``ask``, answers of search.

    A searcher may be used again instead of its needles. ``ready``: what was made ready for them before. Raises
    ``CenoteError`` where there is no such folder: finding nothing in nothing would prove nothing.
    """
    space = space or Workspace()
    place = folder or space.settings.home
    if not place.is_dir():
        raise CenoteError(f"there is no folder {place} to search", "name a lake by CENOTE_HOME, or another by --folder")
    searcher = needles if isinstance(needles, Searcher) else Searcher(needles, size_of(place))
    alike = ready.meaning if ready else meaning(space, searcher.needles)
    found = examine(place, searcher, meaning=alike, progress=progress, readers=ready.readers if ready else None)
    if ask and folder is None:
        hits, found.asked = probe(space, searcher)
        found.hits = sorted({*found.hits, *hits})
    return found


class Ready:
    """What a proof of a lake for some needles needs before it can begin: processes, what looks for the needles, and
    their embeddings.

    All are made in the background, while others still work on the lake. Nothing of the lake is read. A context
    manager that ends the processes.
    """

    def __init__(self, space: Workspace, needles: Sequence[str | Needle]) -> None:
        self._stack = ExitStack()
        self.meaning = meaning(space, needles)
        self.readers: Readers | None = None
        size = size_of(space.settings.home)
        if wants_processes(size):
            self.readers = self._stack.enter_context(Readers(most_threads()))
        thread = ThreadPoolExecutor(1, "residue")
        thread.submit(embedded, self.meaning)  # whoever compares later waits for it, and is told where it fails
        self._searcher = thread.submit(Searcher, needles, size)
        thread.shutdown(wait=False)

    @property
    def searcher(self) -> Searcher:
        """What looks for the needles."""
        return self._searcher.result()

    def __enter__(self) -> "Ready":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
