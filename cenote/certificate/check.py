"""Verifying a certificate: its signature, and that it says what it must.

Belongs here: judging one file. Must not: needing a lake; a public key is enough.
"""

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from cenote.certificate.model import Certificate, verdict_of
from cenote.certificate.signing import ALGORITHM, fingerprint, holds
from cenote.errors import CertificateError

_EMBEDDED = re.compile(r'<script type="application/json" id="certificate">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Checked:
    """A certificate and what is wrong with it; nothing where it is genuine."""

    certificate: Certificate | None
    key: str
    problems: tuple[str, ...]

    @property
    def genuine(self) -> bool:
        """Whether it is whole and signed by the key it was checked with."""
        return not self.problems


def read(file: Path) -> dict[str, Any]:
    """The signed document in a JSON file or in a page. Raises ``CertificateError``."""
    try:
        text = file.read_text(encoding="utf-8")
        if found := _EMBEDDED.search(text):
            text = unescape(found[1])
        signed = json.loads(text)
    except (OSError, ValueError):
        raise CertificateError(f"{file} is no certificate that can be read", "give the .json or .html file") from None
    if not isinstance(signed, dict) or not isinstance(signed.get("signature"), dict) or "certificate" not in signed:
        raise CertificateError(f"{file} holds no signed certificate", "give the .json or .html file")
    return signed


def verify(file: Path, public: Ed25519PublicKey) -> Checked:
    """Check a certificate against a public key that is trusted. Raises ``CertificateError`` where it is unreadable."""
    signed = read(file)
    body, signature = signed["certificate"], signed["signature"]
    problems = []
    if signature.get("algorithm") != ALGORITHM:
        problems.append(f"it is not signed with {ALGORITHM}")
    elif signature.get("key") != fingerprint(public):
        problems.append(f"it names key {signature.get('key')}, and was checked with {fingerprint(public)}")
    if not holds(body, str(signature.get("value", "")), public):
        problems.append("the signature does not hold: it was altered, or signed with another key")
    return Checked(_model(body, problems), fingerprint(public), tuple(problems))


def _model(body: Any, problems: list[str]) -> Certificate | None:
    try:
        told = Certificate.model_validate(body)
    except ValidationError as error:
        problems.append(f"it is not of a known form ({error.error_count()} members are wrong)")
        return None
    if told.verdict != verdict_of(told.scan):
        problems.append("its verdict is not what its scan says")
    if told.subjects.count != len(told.subjects.references):
        problems.append("it counts other people than it refers to")
    return told
