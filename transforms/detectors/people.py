"""People that the lake knows, found in text by keyed digests of their names, e-mail addresses and phone numbers.

Belongs here: what is digested, and finding it again. Must not: where digests are kept, which fields tell of people
(transforms/known_people.py). A name is digested as the words it is made of, whatever stands between them and whatever
their case; a phone number by its last digits. The digest is the first half of an AES-256 block, or a keyed BLAKE2b: who
has not the key cannot try names out.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from transforms.detectors.buffer import Buffer, Positions
from transforms.detectors.contact import EMAIL
from transforms.detectors.lexicon import TITLE
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import search
from transforms.detectors.tokens import ALNUM, LETTER, UPPER, WIDE
from transforms.detectors.vocabulary import PADDING, Hashes, hash_ranges
from transforms.detectors.words import role_of

TERMS = pl.Schema({"kind": pl.String, "words": pl.Int8, "head": pl.Int64, "digest": pl.Int64})
"""A term: PERSON, EMAIL or PHONE; how many words a name has, and the digest of its first; the digest of all."""
FOUND = pl.Schema({"start": pl.Int64, "end": pl.Int64, "kind": pl.String, "digest": pl.Int64})
_LONGEST = 6  # words of a name
_RARE = 5  # bytes that a name of a single word has at least
_GAP = 3  # bytes between two words of a name
_DIGITS = 9  # of a phone number, from its end
_PHONE = r"\(?\+?9(?:[ ()./-]{0,3}9){6,17}"
_ALONE = none_of(left=(ALNUM,))
_MIX = np.array([[0x9E3779B97F4A7C15], [0xD6E8FEB86659FD93]], dtype=np.uint64)
_SLOTS = 20


class Digester:
    """Digests under a key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())

    def __repr__(self) -> str:
        return "Digester(...)"

    def words(self, hashes: Hashes) -> Positions:
        """Digests of sequences of words: ``hashes`` has a row for each word of a sequence and a column for each."""
        blocks = np.full((2, hashes.shape[1]), len(hashes), dtype=np.uint64)
        for row in hashes:
            blocks = (blocks ^ row ^ (blocks >> np.uint64(29))) * _MIX
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(np.ascontiguousarray(blocks.T).tobytes()) + encryptor.finalize()
        return np.frombuffer(sealed, dtype="<i8")[::2].astype(np.int64)

    def values(self, kind: str, values: Iterable[str]) -> Positions:
        """Digests of whole values of a kind."""
        found = (hashlib.blake2b(v.encode(), digest_size=8, key=self._key, person=kind.encode()) for v in values)
        return np.frombuffer(b"".join(digest.digest() for digest in found), dtype="<i8").astype(np.int64)


def digested(values: pl.DataFrame, digester: Digester) -> pl.DataFrame:
    """The terms of values (``row``, ``kind``, ``value``): ``row`` and the columns of :data:`TERMS`.

    A name is entered as it is, its first and last word, and its last word first; a name of one word only where no list
    knows the word.
    """
    found = [pl.DataFrame(schema={"row": values.schema["row"]} | TERMS)]
    names = values.filter(pl.col("kind") == "PERSON")
    if names.height:
        found += _names(names["row"], names["value"], digester)
    for kind, plain in (("EMAIL", _email), ("PHONE", _phone)):
        some = values.filter(pl.col("kind") == kind).with_columns(value=plain(pl.col("value"))).drop_nulls("value")
        if some.height:
            digests = digester.values(kind, some["value"].to_list())
            terms = some.select("row", "kind", pl.lit(0, pl.Int8).alias("words"), pl.lit(0, pl.Int64).alias("head"))
            found.append(terms.with_columns(digest=pl.Series(digests)))
    return pl.concat([some.select("row", *TERMS) for some in found]).unique(maintain_order=True)


def _email(value: pl.Expr) -> pl.Expr:
    value = value.str.strip_chars().str.to_lowercase()
    return pl.when(value.str.contains("^[^@ ]+@[^@ ]+$")).then(value)


def _phone(value: pl.Expr) -> pl.Expr:
    digits = value.str.replace_all("[^0-9]", "")
    return pl.when(digits.str.len_bytes().is_between(7, 18)).then(digits.str.tail(_DIGITS))


def _names(rows: pl.Series, values: pl.Series, digester: Digester) -> Iterator[pl.DataFrame]:
    """Terms of names. Letters beyond ASCII are hashed as they are, so a name is entered in three cases."""
    forms = [values, values.str.to_uppercase(), values.str.to_titlecase()] if not _ascii(values) else [values]
    for form in forms:
        scene = Scene(Buffer.of(form), form)
        of_row = scene.buffer.rows(scene.starts)
        spoken = role_of(scene.meanings) != TITLE
        hashes, of_row = _hashes(scene)[spoken], of_row[spoken]
        rare = (scene.meanings == 0)[spoken] & (scene.sizes[spoken] >= _RARE)
        heads = np.flatnonzero(np.diff(of_row, prepend=-1))
        counts = np.diff(np.append(heads, len(of_row)))
        for count in range(1, _LONGEST + 1):
            first = heads[(counts == count) & ((count > 1) | rare[np.minimum(heads, len(rare) - 1)])]
            for order in _orders(count):
                chosen = np.stack([hashes[first + place] for place in order]) if len(first) else hashes[:0, None]
                if chosen.size:
                    yield pl.DataFrame(
                        {
                            "row": rows.gather(of_row[first]),
                            "kind": pl.Series(["PERSON"]).new_from_index(0, len(first)),
                            "words": pl.Series([len(order)], dtype=pl.Int8).new_from_index(0, len(first)),
                            "head": digester.words(chosen[:1]),
                            "digest": digester.words(chosen),
                        }
                    )


def _orders(count: int) -> list[list[int]]:
    """The words of a name that stand together in text: all, the last one first, first and last."""
    every = list(range(count))
    orders = [every, [count - 1, *every[:-1]], [0, count - 1], [count - 1, 0]]
    return [
        order for place, order in enumerate(orders) if order not in orders[:place] and len(set(order)) == len(order)
    ]


def _hashes(scene: Scene) -> Hashes:
    return hash_ranges(scene.buffer.lower + PADDING, scene.starts, scene.ends)


def _ascii(values: pl.Series) -> bool:
    return bool((values.str.len_bytes() == values.str.len_chars()).all())


class Finder:
    """Finds terms in scenes. ``terms``: the columns of :data:`TERMS`, each digest once."""

    def __init__(self, terms: pl.DataFrame, digester: Digester) -> None:
        self._digester = digester
        names = terms.lazy().filter(pl.col("kind") == "PERSON").select("words", "head", "digest").collect()
        self._lengths = sorted(names["words"].unique().to_list())
        self._heads = _Set(names["head"].unique().to_numpy())
        self._names = _Set(names["digest"].unique().to_numpy())
        values = {kind: terms.lazy().filter(pl.col("kind") == kind).select("digest") for kind in ("EMAIL", "PHONE")}
        self._values = {kind: _Set(some.unique().collect()["digest"].to_numpy()) for kind, some in values.items()}

    def find(self, scene: Scene) -> pl.DataFrame:
        """Where terms stand, in no order: columns of :data:`FOUND`."""
        return pl.concat([*self._find_names(scene), self._find_emails(scene), self._find_phones(scene)])

    def _find_names(self, scene: Scene) -> Iterator[pl.DataFrame]:
        if not self._lengths or not len(scene.starts):
            return
        hashes = _hashes(scene)
        letters = np.flatnonzero((scene.bits & LETTER) > 0)
        at = letters[self._heads.has(self._digester.words(hashes[None, letters]))]
        for count in self._lengths:
            first = at[at + count <= len(hashes)]
            for step in range(1, count):
                gap = scene.starts[first + step] - scene.ends[first + step - 1]
                first = first[gap <= _GAP]
            if count == 1:
                first = first[(scene.kind(scene.starts[first]) & (UPPER | WIDE)) > 0]
            digests = self._digester.words(np.stack([hashes[first + step] for step in range(count)]))
            known = self._names.has(digests)
            yield _found(scene.starts[first[known]], scene.ends[first[known] + count - 1], "PERSON", digests[known])

    def _find_emails(self, scene: Scene) -> pl.DataFrame:
        start, end = search(scene.words_at(scene.marks_at("@")), EMAIL)
        texts = scene.buffer.cut(start, end, plain=True).str.to_lowercase()
        return self._known("EMAIL", start, end, texts)

    def _find_phones(self, scene: Scene) -> pl.DataFrame:
        found = scene.shaped(_PHONE, _ALONE)
        found = found.where(found.digits >= 7)
        digits = found.text.str.replace_all("[^0-9]", "").str.tail(_DIGITS)
        return self._known("PHONE", found.start, found.end, digits)

    def _known(self, kind: str, start: Positions, end: Positions, texts: pl.Series) -> pl.DataFrame:
        digests = self._digester.values(kind, texts.to_list())
        known = self._values[kind].has(digests)
        return _found(start[known], end[known], kind, digests[known])


class _Set:
    """Digests, asked for many at a time: a table of their low bits rules most out."""

    def __init__(self, digests: Positions) -> None:
        self._sorted = np.sort(digests)
        self._seen = np.zeros(1 << _SLOTS, dtype=bool)
        self._seen[digests & ((1 << _SLOTS) - 1)] = True

    def has(self, digests: Positions) -> npt.NDArray[np.bool_]:
        """Which digests are in the set."""
        known = self._seen[digests & ((1 << _SLOTS) - 1)]
        maybe = np.flatnonzero(known)
        if len(maybe):
            at = np.minimum(np.searchsorted(self._sorted, digests[maybe]), len(self._sorted) - 1)
            known[maybe] = self._sorted[at] == digests[maybe]
        return known


def _found(start: Positions, end: Positions, kind: str, digest: Positions) -> pl.DataFrame:
    kinds = pl.Series([kind], dtype=pl.String).new_from_index(0, len(start))
    return pl.DataFrame({"start": start, "end": end, "kind": kinds, "digest": digest}, schema=FOUND)
