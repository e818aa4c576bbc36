"""Making a certificate of what an eraser reports and a scan found, signed, and keeping it.

Belongs here: putting it together. Must not: erasing, scanning, layout. Certificates lie in ``certificates`` in the
vault folder, apart from the lake that they are about, as JSON and as a page.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from cenote.certificate.model import (
    DEADLINE_DAYS,
    Certificate,
    Hold,
    Outcome,
    Scan,
    StoreLine,
    Subjects,
    TableLine,
    Times,
    verdict_of,
)
from cenote.certificate.page import page
from cenote.certificate.signing import sign
from cenote.errors import CertificateError
from cenote.residue import Examined, Needle, search
from cenote.residue.searcher import Searcher
from cenote.settings import Settings
from cenote.workspace import Workspace
from transforms.pseudonyms import keyed_digests

FOLDER = "certificates"
_SHOWN = 50
_REFERENCE_DIGITS = 16


def issue(
    space: Workspace, outcome: Mapping[str, Any], scan: Examined, needles: Sequence[str | Needle] | Searcher = ()
) -> Path:
    """Make, sign and keep the certificate of an erasure; returns the JSON file, beside which lies the page (.html).

    ``outcome``: as :class:`Outcome`. ``needles``, or what looks for them, where given, may not stand in the
    certificate. One that was issued for the same request before is replaced. Raises ``CertificateError``, and
    ``VaultError`` where there is no key.
    """
    told = _checked(outcome)
    body = json.loads(_certificate(space, told, scan).model_dump_json())
    signed = {"certificate": body, "signature": sign(space.vault, body)}
    content = json.dumps(signed, indent=2, ensure_ascii=False) + "\n"
    shown = page(signed)
    if needles and search((content + shown).encode(), needles):
        raise CertificateError(
            "the certificate would name the person whom it is about",
            "look for personal data in the outcome: names of stores and tables, and reasons of holds",
        )
    folder = space.settings.vault / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{_file_name(told.request_id)}.json"
    details = {"request": told.request_id, "verdict": body["verdict"], "hits": len(scan.hits)}
    space.vault.audit.record("certificate issued", about=list(told.subjects), details=details)
    _write(file.with_suffix(".html"), shown)
    _write(file, content)
    return file


def issued(settings: Settings) -> list[Path]:
    """The certificates that are kept, by name."""
    return sorted((settings.vault / FOLDER).glob("*.json"))


def reference(space: Workspace, subject: str) -> str:
    """How a certificate calls a person: a keyed digest of the pseudonym. Only the vault can make it again."""
    (digest,) = keyed_digests(space.vault.pseudonym_key, [f"certificate\x1f{subject}".encode()])
    return digest.hex()[:_REFERENCE_DIGITS]


def _checked(outcome: Mapping[str, Any]) -> Outcome:
    try:
        return Outcome.model_validate(outcome)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise CertificateError(
            f"the outcome cannot be certified: {told}", "report it as Outcome describes it"
        ) from None


def _certificate(space: Workspace, told: Outcome, scan: Examined) -> Certificate:
    now = space.clock()
    late = (told.finished_at - told.requested_at).days >= DEADLINE_DAYS
    return Certificate(
        request_id=told.request_id,
        verdict=verdict_of(_scan(scan)),
        subjects=Subjects(
            count=len(told.subjects), references=tuple(sorted(reference(space, s) for s in told.subjects))
        ),
        times=Times(
            requested_at=told.requested_at, finished_at=told.finished_at, issued_at=now, within_deadline=not late
        ),
        stores=tuple(
            StoreLine(store=name, removed=s.removed, rewritten=s.rewritten, milliseconds=round(s.seconds * 1000))
            for name, s in sorted(told.stores.items())
        ),
        tables=tuple(
            TableLine(table=t, before=before, after=after) for t, (before, after) in sorted(told.tables.items())
        ),
        holds=tuple(Hold(dataset=h.dataset, reason=_plain(h.reason), rows=h.rows) for h in told.holds),
        tombstones=told.tombstones,
        scan=_scan(scan),
        audit=space.vault.audit.verify().head,
        made_by=f"cenote {version('cenote')}",
    )


def _scan(found: Examined) -> Scan:
    places = sorted({f"{hit.file}: {hit.where}" for hit in found.hits})
    return Scan(
        needles=found.needles,
        files=found.files,
        bytes=found.bytes,
        decoded_bytes=found.searched,
        questions=found.asked,
        milliseconds=round(found.seconds * 1000),
        hits=len(found.hits),
        found_in=tuple(places[:_SHOWN]),
        opaque=dict(sorted(found.reasons.items())[:_SHOWN]),
    )


def _plain(reason: str) -> str:
    """A reason without personal data that somebody wrote into it."""
    from transforms.detect import redact_text

    return str(redact_text(pl.Series([reason]))[0])


def _file_name(request_id: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in request_id)


def _write(file: Path, content: str) -> None:
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(content, encoding="utf-8")
    draft.replace(file)
