"""The disguises in which a value may stand in a file.

Belongs here: how one value is written, encoded or digested. Must not: searching. Letters' case, separators, control
characters and a zero byte after each letter (UTF-16) need no form of their own: the searcher looks through them.
"""

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from cenote.residue.model import Needle

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    name: (lambda content, name=name: hashlib.new(name, content, usedforsecurity=False).digest())  # type: ignore[misc]
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b")
}
_DIGEST_KEPT = 16
"""Characters of a written digest that are looked for: systems shorten them, and 64 bits are not met by chance."""

_LEAST_ENCODED = 8
_WINDOW = 48
"""Characters of a long text that are looked for at once; three windows, so that a part of it is found too."""

_TRUNCATED = 30
"""Characters that statistics of columns keep of a longer value."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe",
                          "Ø": "Oe", "æ": "ae", "Æ": "Ae", "å": "aa", "Å": "Aa", "ł": "l", "Ł": "L"})  # fmt: skip


class Form(NamedTuple):
    """One way in which a needle may be written. ``exact``: bytes that mean nothing as text, compared one by one."""

    how: str
    content: bytes
    exact: bool = False


def forms(needle: Needle) -> list[Form]:
    """Every form of a needle, plain ones first; a text has forms for windows of it and digests of the whole."""
    value = needle.value
    parts = windows(value) if needle.kind in ("text", "phrase") else [value]
    found = dict.fromkeys((*(form for part in parts for form in written(part)), *_digests(value)))
    if len(value) > _TRUNCATED and len(parts) == 1 and "://" not in value:
        found[Form("beginning", value[:_TRUNCATED].encode())] = None
    return sorted(found, key=lambda form: form.how != "plain")


def windows(text: str) -> list[str]:
    """The beginning, the middle and the end of a text, or the whole of a short one."""
    if len(text) <= _WINDOW + 16:
        return [text]
    middle = (len(text) - _WINDOW) // 2
    return list(dict.fromkeys((text[:_WINDOW], text[middle : middle + _WINDOW], text[-_WINDOW:])))


def written(value: str) -> Iterator[Form]:
    """How a value is written down: plain, transliterated, escaped, in hexadecimal, in base64."""
    spelled = _spellings(value)
    for text in spelled:
        yield from (Form("plain", content) for content in _encoded(text))
        escaped = json.dumps(text)[1:-1]
        yield Form("json", escaped.encode())
        yield Form("json", json.dumps(escaped)[1:-1].encode())
        yield Form("html", html.escape(text).encode())
        yield Form("html", html.escape(text).encode("ascii", "xmlcharrefreplace"))
        yield Form("html", _entities(text, "&#{};").encode())
        yield Form("html", _entities(text, "&#x{:x};").encode())
        yield Form("url", quote(text, safe="").encode())
        yield Form("url", quote(quote(text, safe=""), safe="").encode())
    words = value.split()
    if 1 < len(words) <= 4 and all(w.isalpha() for w in words):
        yield Form("reordered", " ".join((words[-1], *words[:-1])).encode())
    for text in {value, value.lower(), value.upper(), *spelled}:
        for content in (text.encode(), text.encode("utf-16-le")):
            yield Form("hex", content.hex().encode())
            yield from (
                Form("base64", inner)
                for shift in range(3)
                if len(inner := _in_base64(content, shift)) >= _LEAST_ENCODED
            )


def _encoded(text: str) -> Iterator[bytes]:
    """A text in the encodings that make other bytes of it than UTF-8, zero bytes aside."""
    yield text.encode()
    for encoding in () if text.isascii() else ("latin-1", "utf-16-le", "utf-16-be"):
        with suppress(UnicodeEncodeError):  # what a script cannot write, nobody wrote in it
            yield text.encode(encoding)


def _spellings(value: str) -> set[str]:
    """A value composed and decomposed, and, beyond ASCII, in both cases and without its accents."""
    found = {unicodedata.normalize(form, value) for form in ("NFC", "NFD")} | {value}
    if value.isascii():
        return found
    plain = "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
    found |= {value.upper(), value.lower(), value.casefold(), value.title(), plain}
    composed = unicodedata.normalize("NFC", value).translate(_UMLAUTS)
    return found | {"".join(c for c in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(c))}


def _entities(text: str, written_as: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else written_as.format(ord(c)) for c in text)


def _in_base64(content: bytes, shift: int) -> bytes:
    """The characters of base64 that ``content`` alone decides when ``shift`` bytes stand before it."""
    encoded = base64.b64encode(bytes(shift) + content)
    return encoded[-(-shift * 8 // 6) : (shift + len(content)) * 8 // 6]


def _digests(value: str) -> Iterator[Form]:
    """Digests without a key, of the value in the normal forms that people digest, as bytes, hex and base64."""
    for content in sorted(_digested(value)):
        for name, digest in DIGESTS.items():
            raw = digest(content)
            yield Form(name, raw[:_DIGEST_KEPT], exact=True)
            yield Form(name, raw.hex()[:_DIGEST_KEPT].encode())
            yield Form(name, base64.b64encode(raw)[: _DIGEST_KEPT + 4])


def _digested(value: str) -> set[bytes]:
    trimmed = " ".join(value.split())
    found = {value, trimmed, trimmed.lower(), trimmed.upper(), trimmed.casefold()}
    found |= {unicodedata.normalize(form, text) for form in ("NFC", "NFKC") for text in (trimmed, trimmed.lower())}
    bare = re.sub(r"[\W_]", "", trimmed)
    found |= {bare, bare.lower(), bare.upper()}
    if value.startswith("+"):
        found |= {f"+{bare}", f"00{bare}"}
    lines = {f"{text}\n" for text in (value, trimmed.lower())}  # what `echo ... | sha256sum` digests
    return {text.encode() for text in found | lines if text} | {value.encode("utf-16-le")}
