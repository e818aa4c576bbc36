"""Silver rows -> text passages to embed, as a contract declares them.

Belongs here: filling templates, cutting text into chunks, naming passages. Must not: models, stores, masking (rows come
masked).
"""

import hashlib
import re
from collections.abc import Iterator
from string import Formatter

import polars as pl

from transforms.consent import Withdrawn, allowed
from transforms.contract import Contract, Passage

SIZE = 900  # characters: about 200 of the 256 word pieces that all-MiniLM-L6-v2 reads
OVERLAP = 150
SCHEMA = pl.Schema(
    {
        "passage_id": pl.String(),
        "lineage_id": pl.String(),
        "namespace": pl.String(),
        "dataset": pl.String(),
        "subject_id": pl.String(),
        "mentions": pl.List(pl.String()),
        "chunk": pl.Int32(),
        "title": pl.String(),
        "text": pl.String(),
        "content_hash": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "metadata": pl.String(),
    }
)
_SENTENCE = re.compile(r"[.!?…。！？]+[\"'”’)\]]*\s+|\n\s*\n\s*")
_SPACE = re.compile(r"\s+")


class PassageError(ValueError):
    """A passage declaration names a column that the rows do not have, or a condition that cannot be evaluated."""


def passage_columns(contract: Contract) -> list[str]:
    """The top-level columns that the contract's passages are made of, without those that Cenote adds itself."""
    found: set[str] = set()
    for passage in contract.passages:
        found |= {name for _, name in _template(passage.text) if name}
        found |= {name for name in (passage.title, passage.at, *passage.metadata) if name}
        found |= set(_condition(passage).meta.root_names())
    return sorted({name.split(".")[0] for name in found})


def passages(
    rows: pl.DataFrame,
    contract: Contract,
    *,
    size: int = SIZE,
    overlap: int = OVERLAP,
    answers: Withdrawn = {},  # noqa: B006  # never written to
) -> pl.DataFrame:
    """Passages of silver rows; columns as :data:`SCHEMA`, in the order of the rows within each declaration.

    ``rows`` has ``lineage_id``, ``subject_id``, ``mentions`` and :func:`passage_columns`, and ``is_current`` where the
    dataset is keyed: only current rows have passages. A declaration's ``where`` is a Polars SQL expression over the
    row. A null in a template is empty text; a list is written with commas. A text longer than ``size`` characters is
    cut at sentence ends into chunks that share up to ``overlap`` characters; a blank text has no passage.
    ``content_hash`` is the hex SHA-256 of ``text``; ``metadata`` is a JSON object; ``passage_id`` is
    ``<lineage_id>#<namespace>#<chunk>``. ``answers``: who withdrew consent, by purpose; a declaration leaves out rows
    about them, and rows that name them, for its purposes. Raises ``PassageError``.
    """
    current = rows.filter("is_current") if "is_current" in rows.columns else rows
    try:
        found = [
            _passages_of(current.filter(allowed(contract.purposes_of(passage), answers)), passage, size, overlap)
            for passage in contract.passages
        ]
    except (pl.exceptions.ColumnNotFoundError, pl.exceptions.StructFieldNotFoundError) as error:
        raise PassageError(f"a passage of {contract.dataset} names an unknown column: {error}") from None
    if not found:
        return pl.DataFrame(schema=SCHEMA)
    return (
        pl.concat(found)
        .with_columns(
            # numbered over declarations, so that two of them may share a namespace
            pl.int_range(pl.len(), dtype=pl.Int32).over("lineage_id", "namespace").alias("chunk"),
            pl.lit(contract.dataset).alias("dataset"),
            _hashes(pl.col("text")),
        )
        .with_columns(pl.format("{}#{}#{}", "lineage_id", "namespace", "chunk").alias("passage_id"))
        .select(SCHEMA.names())
        .cast(dict(SCHEMA))  # type: ignore[arg-type]
    )


def chunks(text: str, size: int = SIZE, overlap: int = OVERLAP) -> list[str]:
    """Cut a text at sentence ends into pieces of at most ``size`` characters; neighbours share up to ``overlap``.

    Each piece is a part of the text as it stands; together they leave out nothing but white space. A sentence longer
    than ``size`` is cut at white space, and a word longer than that anywhere.
    """
    spans: list[tuple[int, int]] = []
    start = end = 0
    sentences = list(_sentences(text, size))
    for number, (begin, stop) in enumerate(sentences):
        if end and stop - start > size:
            spans.append((start, end))
            start = begin
            for earlier, _ in reversed(sentences[:number]):
                if end - earlier > overlap or stop - earlier > size:
                    break
                start = earlier
        end = stop
    spans.append((start, end))
    return [piece for begin, stop in spans if (piece := text[begin:stop].strip())]


def _sentences(text: str, size: int) -> Iterator[tuple[int, int]]:
    """Spans of sentences, each with the white space that follows it, none longer than ``size``."""
    begin = 0
    for stop in [*(m.end() for m in _SENTENCE.finditer(text)), len(text)]:
        while stop - begin > size:
            spaces = [m.end() for m in _SPACE.finditer(text, begin + 1, begin + size)]
            cut = spaces[-1] if spaces else begin + size
            yield begin, cut
            begin = cut
        if stop > begin:
            yield begin, stop
        begin = stop


def _passages_of(rows: pl.DataFrame, passage: Passage, size: int, overlap: int) -> pl.DataFrame:
    """One declaration's passages, without ids; ``text`` is one chunk."""
    told = (
        rows.filter(_condition(passage))
        .select(
            "lineage_id",
            "subject_id",
            "mentions",
            pl.lit(passage.namespace).alias("namespace"),
            (_text(rows, passage.title) if passage.title else pl.lit(None, pl.String)).alias("title"),
            _filled(rows, passage.text).str.strip_chars().alias("text"),
            (_path(passage.at).cast(SCHEMA["at"]) if passage.at else pl.lit(None, SCHEMA["at"])).alias("at"),
            _metadata(passage).alias("metadata"),
        )
        .filter(pl.col("text") != "")
        .with_row_index("order")
    )
    long = pl.col("text").str.len_chars() > size
    # greedy packing of sentences is sequential, so the few long texts are cut one by one
    cut = [chunks(text, size, overlap) for text in told.filter(long)["text"]]
    pieces = told.filter(long).with_columns(pl.Series("text", cut, pl.List(pl.String))).explode("text")
    return pl.concat([told.filter(~long), pieces]).sort("order", maintain_order=True).drop("order")


def _condition(passage: Passage) -> pl.Expr:
    if not passage.where:
        return pl.lit(True)
    try:
        return pl.sql_expr(passage.where)
    except pl.exceptions.PolarsError as error:
        raise PassageError(f"passage condition {passage.where!r} is not a SQL expression: {error}") from None


def _template(template: str) -> list[tuple[str, str | None]]:
    """A template's pieces: literal text and the column that follows it."""
    try:
        return [(literal, name) for literal, name, _, _ in Formatter().parse(template)]
    except ValueError as error:
        raise PassageError(f"passage text {template!r} is not a template: {error}") from None


def _filled(rows: pl.DataFrame, template: str) -> pl.Expr:
    parts: list[pl.Expr] = []
    for literal, name in _template(template):
        parts += [pl.lit(literal)] if literal else []
        parts += [_text(rows, name)] if name else []
    return pl.concat_str(parts)


def _path(name: str) -> pl.Expr:
    """A column, or a member of a struct column written ``shipping.city``."""
    top, *members = name.split(".")
    expression = pl.col(top)
    for member in members:
        expression = expression.struct.field(member)
    return expression


def _text(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A column as text; null is empty."""
    kind = rows.lazy().select(_path(name)).collect_schema().dtypes()[0]
    text = _path(name).cast(pl.List(pl.String)).list.join(", ") if isinstance(kind, pl.List) else _path(name)
    return text.cast(pl.String).fill_null("")


def _metadata(passage: Passage) -> pl.Expr:
    if not passage.metadata:
        return pl.lit("{}")
    return pl.struct(_path(name).alias(name) for name in passage.metadata).struct.json_encode()


def _hashes(text: pl.Expr) -> pl.Expr:
    """Hex SHA-256 of each text; Polars has no cryptographic hash of its own."""

    def digest(texts: pl.Series) -> pl.Series:
        return pl.Series([hashlib.sha256(text.encode()).hexdigest() for text in texts], dtype=pl.String)

    return text.map_batches(digest, return_dtype=pl.String).alias("content_hash")
