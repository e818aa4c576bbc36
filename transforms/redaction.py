"""Raw records without a person: what of their own record may stay, and other people's records without mention of them.

Belongs here: bytes of one record -> bytes of the record that takes its place. Must not: finding the records among many
(cenote/erasure/find.py), keys, sealing. A value that is taken out is written ``"<ERASED>"``; conforming reads that as a
value that is missing and may be (transforms/conform.py), so a redacted record keeps its contract as far as it can.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import permutations
from unicodedata import normalize
from urllib.parse import quote

import ahocorasick_rs
import msgspec
import polars as pl

from transforms.contract import Field
from transforms.json_columns import EACH, Steps, extract
from transforms.jsonscan import Scalar, scalars
from transforms.jsontext import is_json
from transforms.shape import PERSONAL, Shape
from transforms.subjects import ERASED, ERASED_TOKEN

_SEPARATORS = ("", " ", "-", ".", "/")
_LEAST, _LEAST_CJK, _MOST_WORDS = 5, 3, 8
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DOTS = {0x131: "i", 0x307: None}  # beyond case folding: an i with and without its dot are one to an expression
# In raw text that is no JSON, a word may follow an escape such as \n, whose letter is no part of it.
_BEFORE = r"(?:(?<!\w)|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4}))"
_AFTER = r"(?!\w)"


# the person's own records


def identifying(payload: bytes, shape: Shape) -> set[str]:
    """Values of a person's own record that name them: ids, addresses, numbers, and names, also put together.

    Single words are used in pairs only, since a first name alone names many people.
    """
    strong: set[str] = set()
    words: list[str] = []
    for scalar, text in _strings(payload):
        if shape.is_subject(scalar.path) or shape.identifies(scalar.path):
            value = " ".join(text.split())
            if _is_strong(value):
                strong.add(value)
            elif len(value) >= 2 and value.isalpha() and not shape.is_subject(scalar.path):
                words.append(value)
    distinct = list(dict.fromkeys(words))[:_MOST_WORDS]
    for first, second in permutations(distinct, 2):
        strong |= {f"{first} {second}", f"{first}, {second}"}
    return strong


def natural_id(payload: bytes, shape: Shape) -> str | None:
    """The natural id of a record's owner, as it is written there."""
    if not is_json(payload):
        return None
    text = payload.decode()
    return next((_plain(text[s.start : s.end]) for s in scalars(text) if shape.is_subject(s.path)), None)


def anonymized(payload: bytes, shape: Shape, terms: "Terms", surrogate: Callable[[str], str]) -> bytes:
    """A person's own record under legal hold: what the contract calls LOW or PUBLIC stays, all else goes.

    Fields that may name or describe a person (HIGH, MEDIUM), and members that the contract does not name, are taken
    out; a primary key that does gets ``surrogate`` of its value. ``terms`` are taken out of the texts that stay.
    """

    def kept(raw: bytes, path: Steps) -> bytes | None:
        raw = raw.strip()
        if raw[:1] == b"{":
            members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            inner = {name: kept(bytes(value), (*path, name)) for name, value in members.items()}
            parts = [json.dumps(name).encode() + b":" + value for name, value in inner.items() if value is not None]
            return b"{" + b",".join(parts) + b"}" if parts or not path else None
        if raw[:1] == b"[":
            elements = msgspec.json.decode(raw, type=list[msgspec.Raw])
            found = [kept(bytes(value), (*path, EACH)) for value in elements]
            stays = [value for value in found if value is not None]
            return b"[" + b",".join(stays) + b"]" if stays or not elements else None
        return _kept_scalar(raw, path, shape, terms, surrogate)

    return kept(payload, ()) or b"{}"


def _kept_scalar(
    raw: bytes, path: Steps, shape: Shape, terms: "Terms", surrogate: Callable[[str], str]
) -> bytes | None:
    field = shape.field(path)
    if shape.is_operation(path):
        return raw
    if field is None:
        return None
    if _is_personal(field) or shape.is_subject(path) or shape.entity(path):
        if not field.primary_key:
            return ERASED_TOKEN.encode()
        stand_in = surrogate(raw.decode())
        return json.dumps(stand_in).encode() if raw[:1] == b'"' else _as_number(stand_in)
    if raw[:1] != b'"':
        return raw
    told = json.loads(raw)
    return raw if (clean := terms.redacted(told)) == told else json.dumps(clean, ensure_ascii=False).encode()


def _is_personal(field: Field) -> bool:
    return field.classification in PERSONAL or field.mask.strategy == "text"


def _as_number(text: str) -> bytes:
    """A surrogate where the record has a number: fifteen digits of the text's hex digits."""
    return str(int(re.sub("[^0-9a-f]", "", text) or "1", 16) % 10**15).encode()


# other people's records


class Terms:
    """Values that name erased people, in the forms in which a raw JSON text may hold them."""

    def __init__(self, terms: Iterable[str]) -> None:
        forms = {form for term in terms for spelled in _spellings(term) for form in _written(spelled)}
        self.patterns = sorted(forms, key=lambda form: (-len(form), form))
        self._finder = ahocorasick_rs.AhoCorasick([_folded(form) for form in self.patterns])

    def redacted(self, text: str) -> str:
        """The text with each term taken out, where it stands as a whole word."""
        matches = self._finder.find_matches_as_indexes(_folded(text), overlapping=True)
        present = sorted({number for number, *_ in matches})  # an expression of all would be tried letter by letter
        return _whole_words(tuple(self.patterns[number] for number in present)).sub(ERASED, text) if present else text

    @cached_property
    def latin(self) -> "Terms":
        """The terms as UTF-8 looks that is read as Latin-1."""
        return Terms(form.encode().decode("latin-1") for form in self.patterns)

    def suspects(self, texts: pl.Series) -> pl.Series:
        """Which JSON texts may hold a term, however they are escaped: true too often rather than too seldom."""
        if not self.patterns:
            return texts.is_null() & False
        found = texts.str.contains_any(self.patterns, ascii_case_insensitive=True).fill_null(False)
        escaped = texts.str.contains("\\", literal=True).fill_null(False) & ~found
        if not escaped.any():
            return found
        spelled = extract(texts.filter(escaped), [()])[0]["0"]  # as DuckDB writes it: with as few escapes as can be
        again = spelled.str.contains_any(self.patterns, ascii_case_insensitive=True).fill_null(False)
        return found.scatter(escaped.arg_true().filter(again), True)


def redacted(
    payload: bytes, shape: Shape, terms: Terms, people: Mapping[str, Collection[str]], *, owned: bool
) -> bytes | None:
    """Another person's record without mention of erased people; None where it mentions none.

    ``people``: natural ids of erased people by entity; where the record names one of them by id, the id is taken out.
    ``terms`` are taken out of free text, and where nobody owns the record (``owned`` is false), of every text.
    """
    if not is_json(payload):
        text = payload.decode("latin-1")
        clean = terms.latin.redacted(text)
        return clean.encode("latin-1") if clean != text else None
    text = payload.decode()
    cuts: list[tuple[int, int, str]] = []
    for scalar in scalars(text):
        entity, value = shape.entity(scalar.path), text[scalar.start : scalar.end]
        if entity and _plain(value) in people.get(entity, ()):
            cuts.append((scalar.start, scalar.end, ERASED_TOKEN))
        elif value[0] == '"' and (not owned or shape.is_text(scalar.path)):
            told = json.loads(value)
            if (clean := terms.redacted(told)) != told:
                cuts.append((scalar.start, scalar.end, json.dumps(clean, ensure_ascii=False)))
    if not cuts:
        return None
    for begin, end, instead in reversed(cuts):
        text = text[:begin] + instead + text[end:]
    return text.encode()


# words


def _strings(payload: bytes) -> Iterator[tuple[Scalar, str]]:
    """Scalars of a record that are text or number, decoded."""
    if is_json(payload):
        text = payload.decode()
        for scalar in scalars(text):
            if (plain := _plain(text[scalar.start : scalar.end])) is not None:
                yield scalar, plain


def _plain(value: str) -> str | None:
    """The text of a JSON string or number; None for other values."""
    if value[0] == '"':
        return str(json.loads(value))
    return value if value[0] in "-0123456789" else None


def _is_strong(term: str) -> bool:
    """Whether a value names few enough people to be looked for wherever it stands."""
    if term == ERASED:
        return False
    if _CJK.search(term):
        return len(term) >= _LEAST_CJK
    digits = sum(c.isdigit() for c in term)
    return len(term) >= _LEAST and (digits >= 4 or "@" in term or (" " in term and any(c.isalpha() for c in term)))


def _spellings(term: str) -> set[str]:
    """A term as people write it: other separators in a number, other composition of accents, other case of these."""
    found = {term, normalize("NFC", term), normalize("NFD", term)}
    digits = re.sub(r"\D", "", term)
    if len(digits) >= 7 and not any(c.isalpha() for c in term):
        groups = [group for group in re.split(r"\D+", term) if group]
        plus = "+" if term.lstrip("( ").startswith("+") else ""
        found |= {plus + separator.join(groups) for separator in _SEPARATORS} | {digits}
    return found | {form(text) for text in set(found) if not text.isascii() for form in (str.lower, str.upper)}


@lru_cache(maxsize=256)
def _whole_words(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Any of some patterns, the first that fits; one in a script without spaces wherever it stands."""
    bounded = [re.escape(p) if _CJK.search(p) else f"{_BEFORE}{re.escape(p)}{_AFTER}" for p in patterns]
    return re.compile("|".join(bounded), re.IGNORECASE)


def _folded(text: str) -> str:
    """A text in which whatever ``re.IGNORECASE`` holds for the same letter is the same."""
    return text if text.isascii() and text.islower() else text.casefold().translate(_DOTS)


def _written(text: str) -> set[str]:
    """A text as JSON, HTML forms and URLs may spell it."""
    escaped = json.dumps(text)[1:-1]
    return {text, escaped, json.dumps(text, ensure_ascii=False)[1:-1], escaped.replace("/", "\\/"), quote(text)}
