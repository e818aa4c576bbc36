"""The whole proof: files, embeddings, and answers of search.

Belongs here: putting the parts together for a lake or a folder, and making ready what they need. Must not: any of the
parts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from cenote.errors import CenoteError
from cenote.residue.ahead import Ahead
from cenote.residue.meaning import embedded
from cenote.residue.model import Examined, Needle
from cenote.residue.probe import meaning, probe
from cenote.residue.reader import Task
from cenote.residue.readers import Readers
from cenote.residue.scan import Progress, Reading, examine, largest_first, most_threads, size_of, wants_processes
from cenote.residue.searcher import Searcher
from cenote.workspace import Workspace

_WORTH_IT = 64 << 10  # bytes: smaller files are read soon enough


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
    found = examine(place, searcher, meaning=alike, progress=progress, reading=ready.reading if ready else None)
    if ask and folder is None:
        hits, found.asked = probe(space, searcher)
        found.hits = sorted({*found.hits, *hits})
    return found


class Ready:
    """What a proof of a lake for some needles needs before it can begin: processes, what looks for the needles, and
    their embeddings.

    Processes start at once, the rest is made in the background from :meth:`prepare` on, while others still work on the
    lake. A context manager that ends the processes.
    """

    def __init__(self, space: Workspace, needles: Sequence[str | Needle]) -> None:
        self._stack, self._home = ExitStack(), space.settings.home
        self.meaning = meaning(space, needles)
        self._needles, self._size = needles, size_of(self._home)
        self._ahead: Ahead | None = None
        if wants_processes(self._size):
            self._readers = self._stack.enter_context(Readers(most_threads()))
            self._ahead = self._stack.enter_context(Ahead(lambda file: self._by_process(file)))

    def prepare(self) -> None:
        """Begin with the rest. It keeps a core busy, so call it when nobody waits for one."""
        thread = ThreadPoolExecutor(1, "residue")
        thread.submit(embedded, self.meaning)  # whoever compares later waits for it, and is told where it fails
        self._searcher = thread.submit(Searcher, self._needles, self._size)
        thread.shutdown(wait=False)

    @property
    def searcher(self) -> Searcher:
        """What looks for the needles, once it was prepared."""
        return self._searcher.result()

    @property
    def reading(self) -> Reading | None:
        """What reads a file, for a search of the lake; None where it has so little that no process is worth while."""
        return self._ahead.read if self._ahead else None

    def begin(self, *folders: str) -> None:
        """Read files below folders of the lake early. What is written or changed later is read by the search."""
        if self._ahead:
            for folder in folders:
                found = largest_first(self._home / folder)
                self._ahead.begin(file for file, size in found if size >= _WORTH_IT)

    @cached_property
    def _by_process(self) -> Reading:
        return self._readers.reading(Task(self._home, self.searcher, embedded(self.meaning)))

    def __enter__(self) -> "Ready":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
