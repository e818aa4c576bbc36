"""Looking for all needles at once in decoded content.

Belongs here: the search itself. Must not: file formats, walking folders. Content and patterns are squeezed first
(patterns.py): lower case, letters and digits only. So case, separators, line breaks, escapes and the zero bytes of
UTF-16 hide nothing. What is found is then verified in the content as it is: between two characters of a needle there
may be a few separators and nothing else.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from cenote.residue.forms import Form, forms
from cenote.residue.grams import Grams
from cenote.residue.model import LEAST_CHARACTERS, Hit, Needle, needles_of
from cenote.residue.patterns import Patterns, may_stand_in_runs, plain_runs, squeeze
from cenote.residue.piece import Piece

_KEPT = 24
"""Squeezed characters of a pattern that the first pass looks for; the rest is left to verification."""
_WEAK_LETTERS, _WEAK_DIGITS, _WHOLE_BELOW = 6, 10, 7
_DIGEST, _HEX = 24, b"0123456789abcdef"  # so many characters are the shortest of our ids
_CAPITAL_HEX = re.compile(rb"(?=.*[A-F])[0-9A-F]+")  # what has no capitals is looked for in digests as well
_BESIDE = re.compile(rb"[^0-9A-Za-z]")
_UNICODE_GAPS = re.compile(
    rb"\xc2\xa0|\xc2\xad|\xe2\x80[\x80-\xaf]|\xe2\x81\xa0|\xe2\x88\x92|\xe3\x80\x80|\xef\xbb\xbf"
)
# Unicode's spaces, hyphens and invisible signs.
_GAP_HEADS = (b"\xe2", b"\xc2\xa0", b"\xc2\xad", b"\xe3\x80\x80", b"\xef\xbb\xbf")
_ESCAPED = re.compile(rb"&#?[0-9A-Za-z]{2,6};|%[0-9A-Fa-f]{2}|\\[nrt]")
_BREAKS = re.compile(rb"\\\\?[nrt]")
_TEXT = bytes([9, 10, 13, *range(0x20, 0x7F), *range(0xA0, 0xF5)])
_SAMPLE = 2048
_PRINTABLE = re.compile(rb"[\x20-\x7e\t\r\n\0]")


class Searcher:
    """Looks for needles in pieces. Holds no state of a search, so threads may share it; it can be pickled.

    ``expected``: about how many bytes will be searched. Kept are patterns and whose they are; the forms of a needle
    are made again where a pattern of it was met.
    """

    def __init__(self, needles: Sequence[str | Needle], expected: int = 0) -> None:
        self.needles = needles_of(needles)
        self._written: dict[bytes, list[int]] = {}
        self._raw: dict[bytes, list[int]] = {}
        self._words: dict[bytes, int] = {}
        for number, needle in enumerate(self.needles):
            if needle.kind == "word":
                self._words[needle.value.lower().encode()] = number
                continue
            for owners, patterns in zip((self._written, self._raw), _patterns(needle), strict=True):
                for pattern in patterns:
                    owners.setdefault(pattern, []).append(number)
        in_runs = {pattern for pattern in self._written if may_stand_in_runs(pattern)}
        self._in_runs = Patterns(sorted(in_runs), expected)
        self._beyond_runs = Patterns(sorted(self._written.keys() - in_runs), expected)
        self._exact = Grams(list(self._raw))

    @property
    def patterns(self) -> int:
        """How many different patterns are looked for."""
        return len(self._written) + len(self._raw)

    def find(self, file: str, found: Iterable[Piece]) -> set[Hit]:
        """The hits in pieces of a file."""
        hits: set[Hit] = set()
        for piece in found:
            hits |= self.hits(file, piece)
        return hits

    def hits(self, file: str, piece: Piece) -> set[Hit]:
        """The hits in one piece."""
        if not piece.content:
            return set()
        found: set[tuple[int, str]] = set()
        for content in _views(piece.content):
            found |= self._search(content, found)
        for pattern in self._exact.find(piece.content):
            content = self._exact.patterns[pattern]
            for number in self._raw[content]:
                found |= {(number, form.how) for form in _patterns(self.needles[number]).exact[content]}
        forms_of: dict[int, list[str]] = {}
        for number, how in found:
            forms_of.setdefault(number, []).append(how)
        best = {number: min(hows, key=lambda how: (how != "plain", how)) for number, hows in forms_of.items()}
        hits = {Hit(file, piece.where, number, how) for number, how in best.items()}
        return hits | self._as_words(file, piece) if piece.tokens and self._words else hits

    def _search(self, content: bytes, known: set[tuple[int, str]]) -> set[tuple[int, str]]:
        """Numbers of needles and the names of their forms."""
        squeezed = squeeze(content) if _is_text(content) or self._beyond_runs else b""
        seen = self._in_runs.seen(squeezed if _is_text(content) else squeeze(plain_runs(content)))
        seen |= self._beyond_runs.seen(squeezed)
        found: set[tuple[int, str]] = set()
        for pattern in seen:
            for number in self._written[pattern]:
                for form in _patterns(self.needles[number]).written[pattern]:
                    told = (number, form.how)
                    if told not in known and told not in found and _stands_in(content, form):
                        found.add(told)
        return found

    def _as_words(self, file: str, piece: Piece) -> set[Hit]:
        """Words that a token dictionary holds, whole or as the stem that an index keeps."""
        by_head: dict[bytes, list[tuple[bytes, int]]] = {}
        for word, number in self._words.items():
            by_head.setdefault(word[:4], []).append((word, number))
        return {
            Hit(file, piece.where, number, "token")
            for token in piece.content.split(b"\n")
            for word, number in by_head.get(token[:4], ())
            if same_stem(word, token)
        }


class _Patterns(NamedTuple):
    """Forms of a needle by what is looked for: squeezed beginnings of written ones, bytes of exact ones."""

    written: dict[bytes, list[Form]]
    exact: dict[bytes, list[Form]]


@lru_cache(maxsize=256)
def _patterns(needle: Needle) -> _Patterns:
    found, known = _Patterns({}, {}), set[bytes]()
    for form in forms(needle):
        if form.exact:
            found.exact.setdefault(form.content, []).append(form)
            continue
        squeezed = squeeze(form.content)
        if len(squeezed) >= LEAST_CHARACTERS and squeezed not in known:
            known.add(squeezed)
            found.written.setdefault(squeezed[:_KEPT], []).append(form)
    return found


def _stands_in(content: bytes, form: Form) -> bool:
    """Whether a form stands in content, with a few separators between its characters at most."""
    squeezed, pattern = _verifier(form)
    weak = len(squeezed) < (_WEAK_DIGITS if squeezed.isdigit() else _WEAK_LETTERS)
    hexadecimal = len(squeezed) < _DIGEST // 2 and _CAPITAL_HEX.fullmatch(_BESIDE.sub(b"", form.content)) is not None
    if not weak and not hexadecimal:
        return pattern.search(content) is not None
    return any(
        (not weak or _in_text(content, *match.span())) and not (hexadecimal and _in_digest(content, *match.span()))
        for match in pattern.finditer(content)
    )


@lru_cache(maxsize=4096)
def _verifier(form: Form) -> tuple[bytes, re.Pattern[bytes]]:
    squeezed = squeeze(form.content)
    digits, short = squeezed.isdigit(), len(squeezed) < _WHOLE_BELOW
    between = rb"[^0-9A-Za-z\x80-\xff%s]{0,%d}?" % (b"\n" if digits else b"", 3 if short else 6)
    pattern = between.join(re.escape(squeezed[n : n + 1]) for n in range(len(squeezed)))
    if digits and len(squeezed) < _WEAK_DIGITS:
        # not a part of a longer number, but it may be written with zeros behind the point
        pattern = rb"(?<![0-9])(?<![0-9][.,])" + pattern + rb"(?![0-9]|[.,](?!0+(?![0-9]))[0-9])"
    elif short:
        pattern = rb"(?<![0-9A-Za-z])" + pattern + rb"(?![0-9A-Za-z])"
    return squeezed, re.compile(pattern, re.IGNORECASE)


def _in_text(content: bytes, start: int, end: int) -> bool:
    """Whether what stands around a short match looks like text; among compressed bytes it is met by chance."""
    around = content[max(0, start - 8) : start] + content[end : end + 8]
    return len(_PRINTABLE.findall(around)) >= 0.75 * len(around)


def _in_digest(content: bytes, start: int, end: int) -> bool:
    """Whether a match is a part of a digest or a lineage id, written small: a short number is met in many by chance."""
    before, found, after = content[max(0, start - _DIGEST) : start], content[start:end], content[end : end + _DIGEST]
    run = len(before) - len(before.rstrip(_HEX)) + len(after) - len(after.lstrip(_HEX)) + len(found)
    return run >= _DIGEST and not found.strip(_HEX)


def _views(content: bytes) -> Iterator[bytes]:
    """Content as it is, and text once more with the escapes resolved that may part a value."""
    if not _is_text(content):
        yield content
        return
    if not content.isascii() and any(head in content for head in _GAP_HEADS):
        content = _UNICODE_GAPS.sub(b" ", content)
    yield content
    if any(sign in content for sign in (b"%", b"&", b"\\")) and _ESCAPED.search(content):
        told = unquote_to_bytes(_BREAKS.sub(b" ", content)).decode("utf-8", "surrogateescape")
        yield html.unescape(told).encode("utf-8", "surrogatepass")


def _is_text(content: bytes) -> bool:
    """Whether content begins as text does."""
    sample = content[:_SAMPLE]
    return len(sample.translate(None, _TEXT)) <= 0.2 * len(sample)


def same_stem(word: bytes, token: bytes) -> bool:
    """Whether a token of an index may be the stem of a word: all but up to three last letters are the same."""
    shared = max(4, len(word) - 3)
    return len(token) <= len(word) and len(token) >= shared and word[:shared] == token[:shared]


def search(content: bytes, needles: Sequence[str | Needle] | Searcher) -> list[Hit]:
    """The needles that stand in ``content``, such as what a process printed."""
    searcher = needles if isinstance(needles, Searcher) else Searcher(needles)
    return sorted(searcher.find("", [Piece("content", content)]))
