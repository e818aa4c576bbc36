"""The end of a request: needles made before, a scan after, and the certificate.

Belongs here: calling those who prove, at the right moments. Must not: proving; cenote/residue and cenote/certificate
know nothing of the eraser, and that is their worth.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cenote.erasure.outcome import Outcome
from cenote.erasure.queue import Request
from cenote.workspace import Workspace

if TYPE_CHECKING:
    from cenote.residue import Needle


def needles(space: Workspace, request: Request) -> "list[Needle]":
    """What to look for afterwards: all that names the people while their keys live, their pseudonyms from then on."""
    from cenote.residue import Needle
    from cenote.residue.gather import gather

    if "keys" in request.state.get("done", ()):
        return [Needle(subject, "pseudonym") for subject in request.subjects]
    return gather(space, request.subjects, f"proof of {request.request_id}")


def certify(space: Workspace, outcome: Outcome, sought: "list[Needle]") -> Path:
    """Scan the lake for the needles, issue the certificate, and return it."""
    from cenote.certificate.issue import issue
    from cenote.residue.run import prove

    return issue(space, outcome.as_dict(), prove(sought, space=space), sought)
