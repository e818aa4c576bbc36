"""What the lake knows of people from structured fields, and where it stands in other texts.

Belongs here: which fields of a contract tell a person's name, e-mail address or phone number; the terms of records;
what texts hold of known people, as a recognizer (transforms/detect.py) and as mentions. Must not: digests
(detectors/people.py), where terms are kept (cenote/known.py). Only a register of people tells: a dataset whose key is
its data subject.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from transforms.classification.words import words
from transforms.contract import LEVELS, Contract, Field
from transforms.detectors.buffer import Buffer
from transforms.detectors.people import TERMS, Digester, Finder, digested
from transforms.detectors.scene import Scene

KINDS = pl.Enum(["PERSON", "EMAIL", "PHONE"])
KNOWN = pl.Schema([("lineage_id", pl.String), ("subject_id", pl.String), *TERMS.items()])
"""Terms of people: the record that told them, whose they are, and the term (detectors/people.py)."""
SHARED = 3
"""A name that more people have names nobody: it is masked, and makes no mention."""

_SPANS = {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "kind": pl.String, "score": pl.Float64}
_SEEN = pl.Schema({"text": pl.String, "start": pl.Int64, "end": pl.Int64, "kind": pl.String, "digest": pl.Int64})
_TOLD = {"row": pl.UInt32, "kind": pl.String, "value": pl.String}
_SCORE = 0.96
_CHUNK = 16 << 20
_EMAILS, _PHONES = frozenset({"email", "mail"}), frozenset({"phone", "mobile", "telephone", "tel", "cell", "fax"})
_PARTS = frozenset({"first", "given", "middle", "last", "family", "sur", "surname", "forename", "maiden"})
_ALONE = frozenset({"given", "family", "surname", "forename", "maiden"})
_OTHER = (
    "user login nick display company business organization organisation product brand file host domain country city "
    "street bank store shop project account"
)
_OTHERS = frozenset(_OTHER.split())
_HIDDEN = ("token", "redact", "partial", "pseudonym_name", "drop", "keep")


def tells(contract: Contract) -> bool:
    """Whether a dataset is a register of people that tells names, e-mail addresses or phone numbers."""
    key = [field for field in contract.fields if field.primary_key]
    owned = contract.subject is not None and [field.path for field in key] == [contract.subject.path]
    return owned and any(_kind(leaf) for leaf in _leaves(contract.fields))


def terms(valid: pl.DataFrame, contract: Contract, digester: Digester) -> pl.DataFrame:
    """What conformed records (not masked) tell of their subjects: columns of :data:`KNOWN`."""
    rows = valid.select("lineage_id", "subject_id").with_row_index("row")
    values = list(_values(valid, contract.fields, rows["row"]))
    told = pl.concat([pl.DataFrame(schema=_TOLD), *values])
    parts = told.filter(pl.col("kind") == "PART")
    names = parts.group_by("row", maintain_order=True).agg(kind=pl.lit("PERSON"), value=pl.col("value").str.join(" "))
    last = parts.with_columns(kind=pl.lit("PERSON"))
    told = pl.concat([told.filter(pl.col("kind") != "PART"), names, last]).unique(maintain_order=True)
    return rows.drop_nulls("subject_id").join(digested(told, digester), on="row").select(KNOWN.names())


def texts_in(valid: pl.DataFrame, fields: tuple[Field, ...]) -> pl.DataFrame:
    """The free texts of conformed records: ``row`` and ``text``."""
    rows = pl.int_range(valid.height, dtype=pl.UInt32, eager=True)
    found = [
        pl.DataFrame({"row": of, "text": column.cast(pl.String)})
        for field in fields
        for leaf, of, column in _columns(valid[field.name], field, rows)
        if leaf.mask.strategy == "text" and column.dtype == pl.String
    ]
    return pl.concat(found).drop_nulls() if found else pl.DataFrame(schema={"row": pl.UInt32, "text": pl.String})


class KnownPeople:
    """The people that a lake knows. ``known``: columns of :data:`KNOWN`, a term of a person once; ``subject_id`` and
    ``kind`` may be enumerations.
    """

    def __init__(self, known: pl.DataFrame, digester: Digester) -> None:
        people = known.select("digest", "subject_id").sort("digest")
        counts = people["digest"].rle().struct.field("len")
        few = np.repeat(counts.to_numpy() <= SHARED, counts.to_numpy())
        self._people = people.filter(pl.Series(few, dtype=pl.Boolean))
        self._finder = Finder(known, digester)

    def look(self, texts: pl.Series) -> "Sightings":
        """What texts hold of known people."""
        return Sightings(self, texts)

    def find(self, texts: pl.Series) -> pl.DataFrame:
        """Where terms stand in distinct texts: ``text``, ``start``, ``end`` (characters), ``kind``, ``digest``."""
        sizes = texts.str.len_bytes().cast(pl.Int64).cum_sum() // _CHUNK
        parts = pl.DataFrame({"text": texts, "part": sizes}).partition_by("part", maintain_order=True)
        return pl.concat([_SEEN.to_frame(), *(self._find(part["text"]) for part in parts)])

    def _find(self, texts: pl.Series) -> pl.DataFrame:
        scene = Scene(Buffer.of(texts), texts)
        found = self._finder.find(scene)
        buffer = scene.buffer
        start, end = buffer.whole(found["start"].to_numpy(), found["end"].to_numpy())
        rows = buffer.rows(start)
        found = found.with_columns(
            text=texts.gather(rows), start=pl.Series(buffer.characters(start)), end=pl.Series(buffer.characters(end))
        )
        return found.filter(pl.Series(end <= buffer.ends[rows])).select(_SEEN.names())

    def who(self, digests: pl.DataFrame) -> pl.DataFrame:
        """Rows with a ``digest``, with the ``subject_id`` of each person it stands for; common names stand for none."""
        return digests.join(self._people, on="digest", how="inner").cast({"subject_id": pl.String})


class Sightings:
    """Known people in some texts; a ``Recognizer`` of transforms/detect.py."""

    def __init__(self, people: KnownPeople, texts: pl.Series) -> None:
        self._people, self._texts = people, texts.drop_nulls().unique(maintain_order=True)
        self._seen = people.find(self._texts)

    def __call__(self, texts: pl.Series) -> pl.DataFrame:
        """Spans in texts; those that were not looked at yet are now."""
        rows = pl.DataFrame({"text": texts}).with_row_index("row")
        new = rows.filter(~pl.col("text").is_in(self._texts.implode()))["text"].unique(maintain_order=True)
        seen = pl.concat([self._seen, self._people.find(new)]) if len(new) else self._seen
        return rows.join(seen, on="text", maintain_order="left").with_columns(score=pl.lit(_SCORE)).select(*_SPANS)

    def mentions(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Who stands in texts (``row``, ``text``): ``row`` and ``subject_id``, each pair once."""
        named = self._people.who(self._seen.select("text", "digest").unique())
        return texts.join(named, on="text").select("row", "subject_id").unique().sort("row", "subject_id")


def _kind(field: Field) -> str | None:
    """What a field tells of a person: PERSON (a name), PART (of a name), EMAIL, PHONE; None where nothing."""
    if field.type != "string" or field.classification != "HIGH" or field.mask.strategy not in _HIDDEN:
        return None
    spoken = frozenset(words(field.name))
    if spoken & _EMAILS or field.options.get("format") == "email":
        return "EMAIL"
    if spoken & _PHONES:
        return "PHONE"
    if spoken & _OTHERS or not spoken & (_PARTS | {"name"}):
        return None
    if spoken & _PARTS:
        return "PART" if "name" in spoken or spoken & _ALONE else None
    return "PERSON"


def _leaves(fields: tuple[Field, ...]) -> Iterator[Field]:
    for field in fields:
        inner = (*field.properties, *((field.items,) if field.items else ()))
        yield from _leaves(tuple(_inherit(part, field) for part in inner)) if inner else (field,)


def _values(valid: pl.DataFrame, fields: tuple[Field, ...], rows: pl.Series) -> Iterator[pl.DataFrame]:
    """What records tell: ``row``, ``kind``, ``value``."""
    for field in fields:
        for leaf, of, column in _columns(valid[field.name], field, rows):
            kind = _kind(leaf)
            if kind and column.dtype == pl.String:
                yield pl.DataFrame({"row": of, "kind": kind, "value": column}).drop_nulls()


def _columns(values: pl.Series, field: Field, rows: pl.Series) -> Iterator[tuple[Field, pl.Series, pl.Series]]:
    """A field's scalar columns, members and items of nested ones included, each beside the rows it belongs to."""
    if isinstance(values.dtype, pl.Struct) and field.properties:
        for member in field.properties:
            yield from _columns(values.struct.field(member.name), _inherit(member, field), rows)
    elif isinstance(values.dtype, pl.List) and field.items:
        frame = pl.DataFrame({"row": rows, "item": values}).drop_nulls().explode("item", empty_as_null=False)
        yield from _columns(frame["item"], _inherit(field.items, field), frame["row"])
    else:
        yield field, rows, values


def _inherit(inner: Field, outer: Field) -> Field:
    """A member that declares no masking is masked as the field it stands in, and classed as it where it says less."""
    mask = inner.mask if inner.mask.strategy != "keep" else outer.mask
    level = min(inner.classification, outer.classification, key=LEVELS.index)
    return replace(inner, name=f"{outer.name}_{inner.name}", mask=mask, classification=level)
