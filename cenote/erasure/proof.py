"""The end of a request: needles made before, a scan after, and the certificate.

Belongs here: calling those who prove, at the right moments. Must not: proving; cenote/residue and cenote/certificate
know nothing of the eraser, and that is their worth.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cenote.erasure.outcome import Outcome
from cenote.erasure.queue import Request
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from cenote.residue.run import Ready


_LEFT = {
    "bronze": ("bronze",),
    "silver": ("silver", "quarantine"),
    "graph": ("graph",),
    "vectors": ("vectors",),
    "past": ("features", "gold"),
}
"""Folders whose files no later step writes, by the step after which that holds."""


class Proof:
    """The proof of one request. A context manager that ends what was made ready for it."""

    def __init__(self, space: Workspace, request: Request) -> None:
        self._space, self._request = space, request
        self._stack = ExitStack()
        self._ready: Ready | None = None

    def __enter__(self) -> "Proof":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def look(self) -> None:
        """Learn what to look for afterwards, and make ready what that needs. Call it while the people's keys live."""
        from cenote.residue.gather import gather
        from cenote.residue.run import Ready

        sought = gather(self._space, self._request.subjects, f"proof of {self._request.request_id}")
        self._ready = self._stack.enter_context(Ready(self._space, sought))

    def after(self, step: str) -> None:
        """Make ready what a step of the erasure leaves time for, and have read what it leaves as it is to be."""
        if self._ready and step == "keys":  # until then records are opened, which leaves no time
            self._ready.prepare()
        elif self._ready:
            self._ready.begin(*_LEFT.get(step, ()))

    def certify(self, outcome: Outcome) -> Path:
        """Scan the lake for the needles, issue the certificate, and return it.

        Where nobody looked while the keys lived, the needles are pseudonyms.
        """
        from cenote.certificate.issue import issue
        from cenote.residue import Needle
        from cenote.residue.run import prove
        from cenote.residue.searcher import Searcher

        if self._ready:
            sought = self._ready.searcher
        else:
            sought = Searcher([Needle(subject, "pseudonym") for subject in self._request.subjects])
        found = prove(sought, space=self._space, ready=self._ready)
        return issue(self._space, outcome.as_dict(), found, sought)
