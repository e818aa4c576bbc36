"""Erasing people: the life of a request, from the question to the certificate.

Belongs here: the doors, in the order in which a request meets them. Must not: the work (the modules below).

    plan      what would go, per store; what stays under legal hold; who else's records mention the person
    forget    at once, or with a grace: hidden from every door now, erased when it ends
    restore   take a request back while its grace lasts
    resume    go on with all that is due: graces that ended, erasures that were stopped, a lake that was restored
    lift      take a tombstone away, so that new records of the person are welcome again
    requests  the queue, with statuses and deadlines

``people`` reads ids, ``queue`` keeps requests beside the vault, ``suppression`` is what doors ask, ``find`` looks
through bronze, ``plans`` counts, ``eraser`` does one request step by step, ``purge`` has a file per store, ``outcome``
is what a certificate is made of, ``consent`` tells whom a purpose may not use. Why so: docs/decisions/0020-erasure.md.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from cenote.erasure.queue import (
    ERASED,
    OPEN,
    RESTORED,
    SUPPRESSED,
    WAITING,
    Request,
    Requests,
    new_request_id,
)
from cenote.errors import ErasureError

if TYPE_CHECKING:
    from cenote.erasure.outcome import Outcome
    from cenote.erasure.people import People
    from cenote.erasure.plans import Plan
    from cenote.workspace import Workspace

DEADLINE = timedelta(days=30)
"""Article 12(3) GDPR: within one month."""
Told = Callable[[str], None]

__all__ = ["OPEN", "forget", "lift", "pending", "plan", "request", "requests", "restore", "resume", "run"]


def plan(space: "Workspace", people: "People") -> "Plan":
    """What would become of people, per store. Changes nothing; the audit log tells that somebody looked."""
    from cenote.erasure.plans import plan

    return plan(space, people)


def forget(
    space: "Workspace",
    people: "People",
    reason: str,
    grace: timedelta = timedelta(),
    told: Told = lambda _: None,
    *,
    certified: bool = True,
) -> "tuple[Request, Outcome | None]":
    """Erase people at once, or with a ``grace``: hidden from every door now, and erased by the first run after it.

    Returns the request, and the outcome where it is done. Raises ``ErasureError`` without a reason, or where they have
    a request already.
    """
    asked = request(space, people, reason, grace)
    return asked, (run(space, asked, told, certified=certified) if asked.status == WAITING else None)


def request(space: "Workspace", people: "People", reason: str, grace: timedelta = timedelta()) -> Request:
    """Put a request into the queue. From here on its people are hidden from every door."""
    from cenote import catalog
    from cenote.erasure.eraser import seal_natural

    if not reason.strip():
        raise ErasureError("people are erased for a reason only", "say why: a ticket, a request, a case")
    queue, now = Requests(space.settings), space.clock()
    taken = {subject: r.request_id for r in queue.all(*OPEN) for subject in r.subjects}
    if again := {taken[subject] for subject in people.pseudonyms if subject in taken}:
        raise ErasureError(
            f"{len(again)} open request names some of these people already: {', '.join(sorted(again))}",
            "go on with it: `cenote subject resume`, or `cenote subject restore REQUEST`",
        )
    reason = space.vault.audit.record("erasure requested", about=list(people.pseudonyms), reason=reason).reason
    made = Request(
        new_request_id(now), SUPPRESSED if grace else WAITING, tuple(people.pseudonyms), reason,
        received_at=now, due_at=now + DEADLINE, erase_at=now + grace,
    )  # fmt: skip
    seal_natural(space, made, people)
    queue.add(made)
    if grace:
        catalog.refresh(space)
    return made


def restore(space: "Workspace", request_id: str, reason: str) -> Request:
    """Take a request back during its grace: its people are seen again. Raises ``ErasureError`` where it has begun."""
    from cenote import catalog

    queue = Requests(space.settings)
    found = queue.get(request_id)
    if found.status != SUPPRESSED:
        raise ErasureError(
            f"request {request_id} is {found.status}: only one that waits for its grace to end can be taken back",
            "what was erased is gone for good",
        )
    if not reason.strip():
        raise ErasureError("a request is taken back for a reason only", "say why: a ticket, a request, a case")
    space.vault.audit.record("erasure taken back", about=list(found.subjects), reason=reason)
    found.status, found.finished_at, found.state = RESTORED, space.clock(), {}
    queue.save(found)
    catalog.refresh(space)
    return found


def resume(space: "Workspace", told: Told = lambda _: None, *, certified: bool = True) -> "list[Outcome]":
    """Work on every request that is due (see :func:`pending`), and on what landed of erased people since."""
    from cenote.erasure.tombstones import late

    done = [run(space, found, told, certified=certified) for found in pending(space)]
    late(space)
    return done


def pending(space: "Workspace") -> list[Request]:
    """Requests that are due now: asked for at once, stopped in the middle, at the end of their grace, or done in a lake
    that was restored from a backup of before. Reads small files only.
    """
    from cenote.erasure import marker

    found = Requests(space.settings).all()
    been = marker.present(space) if found else frozenset()
    now = space.clock()
    return [r for r in found if r.is_due(now) or (r.status == ERASED and r.request_id not in been)]


def run(space: "Workspace", found: Request, told: Told = lambda _: None, *, certified: bool = True) -> "Outcome":
    """Carry out a request, or go on with it; ``certified``: scan the lake for residue at the end, and certify.

    ``told`` hears the name of each step as it begins. Raises ``CenoteError``; what is done stays done.
    """
    from cenote.erasure.eraser import Eraser
    from cenote.erasure.proof import Proof

    if not certified:
        return Eraser(space, found, told).run()
    with Proof(space, found) as proof:
        outcome = Eraser(space, found, told, proof.look, proof.after).run()
        told("proof")
        found.state["certificate"] = proof.certify(outcome).name
        Requests(space.settings).save(found)
    return outcome


def lift(space: "Workspace", subject: str, reason: str) -> bool:
    """Take a person's tombstone away: records of theirs that are quarantined, and new ones, count again.

    Returns whether there was one. Raises ``ErasureError`` without a reason, or while an erasure of theirs is open.
    """
    from cenote.erasure.tombstones import lift

    return lift(space, subject, reason)


def requests(space: "Workspace", *statuses: str) -> list[Request]:
    """The queue: requests with one of the statuses (default: any), oldest first."""
    return Requests(space.settings).all(*statuses)
