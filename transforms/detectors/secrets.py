"""Secrets: API keys, tokens, private keys, passwords.

Belongs here: what opens a door. Must not: wallet addresses (money.py). Key prefixes as their issuers publish them.
"""

import polars as pl

from transforms.detectors.cues import SECRET
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import DIGIT, UPPER

_KEYS = (
    r"(?-u:\b)(?:"
    r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[A-Za-z0-9_-]{20,}"
    r"|sk-(?:proj-|ant-|live-|test-)?[A-Za-z0-9_-]{20,}|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|hf_[A-Za-z0-9]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|(?:AC|SK)[0-9a-f]{32}|dop_v1_[0-9a-f]{64}|shpat_[0-9a-fA-F]{32}"
    r")"
)
_SAID = (
    r"(?i)(?P<pre>(?:password|passwd|pwd|passphrase|secret(?:[_ -]key)?|client_secret|(?:api|access"
    r"|auth)[ _-]?(?:key|token)|token|contraseña|clave|mot de passe"
    r"|passwort|kennwort)[\"']?(?: is| es| est| ist|[ ]?[:=])[ ]?[\"']?)(?P<value>[^\s\"'<>,;]{4,128}[^\s\"'<>,;.!?])"
)
_BEARER = r"(?P<pre>(?i:bearer) )(?P<value>[A-Za-z0-9._~+/-]{16,}=*)"
_PIN = r"(?i)(?P<pre>\b(?:pin|cvv|cvc2?)(?: code| number)?[\"']?(?: is|[ ]?[:=])?[ ]?[\"']?)(?P<value>\d{3,8})(?-u:\b)"
_PEM = r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)"


def secrets(scene: Scene) -> list[Spans]:
    """Keys with their issuers' prefixes, JSON web tokens, private key blocks, and values that words call a secret."""
    found = [Spans("SECRET", *search(scene.long_tokens(16, DIGIT | UPPER), _KEYS), 0.97)]
    words = scene.cued(SECRET)
    near = scene.near(words, 16, 160)
    if near.height:
        said = search(near, _SAID)
        text = scene.buffer.cut(*said)
        said = said.where(has(text, r"\d|[^\p{L}\d]|[a-z][A-Z]") | (text.str.len_bytes() >= 16).to_numpy())
        found += [
            Spans("SECRET", *said, 0.8),
            Spans("SECRET", *search(near, _BEARER), 0.9),
            Spans("SECRET", *search(near, _PIN), 0.75),
        ]
    if (scene.code(scene.starts[words] - 1) == ord("-")).any() and b"-----BEGIN" in scene.buffer.searched.tobytes():
        rows = scene.pieces(scene.buffer.starts, scene.buffer.ends)
        whole = rows.filter(pl.col("text").str.contains("-----BEGIN", literal=True))
        found.append(Spans("SECRET", *search(whole, _PEM), 0.99))
    return found
