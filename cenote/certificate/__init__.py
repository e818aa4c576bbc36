"""Certificates of erasure: what was done for a request, what an independent scan found, signed.

Belongs here: the doors. ``model``: what a certificate says. ``signing``: the key and signatures. ``issue`` makes one,
``check`` verifies one, ``page`` shows one. Must not: erasing or scanning. A certificate holds no personal data: people
are references that only the vault can make again.
"""

from cenote.certificate.check import Checked, verify
from cenote.certificate.issue import issue, issued, reference
from cenote.certificate.model import Certificate, Outcome
from cenote.certificate.signing import public_key_pem

__all__ = ["Certificate", "Checked", "Outcome", "issue", "issued", "public_key_pem", "reference", "verify"]
