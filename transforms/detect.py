"""Personal data inside free text: where it stands, and the text without it.

Belongs here: running the detectors over a column in chunks, texts hidden in texts, settling overlaps, and writing
placeholders. Must not: any pattern or word list (transforms/detectors), keys, strategies (transforms/mask.py). Kinds,
how each is found and measured figures stand in docs/detection.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
import polars as pl

from transforms.detectors import contact, dates, money, names, national, network, places, records, secrets
from transforms.detectors.buffer import Buffer, strings
from transforms.detectors.hidden import decode_runs, unescape
from transforms.detectors.known import terms_in
from transforms.detectors.scene import Scene
from transforms.detectors.spans import SCHEMA, settle
from transforms.detectors.tokens import DIGIT, POINT

_DETECTORS = {
    contact.emails: ("EMAIL",),
    contact.phones: ("PHONE",),
    network.urls: ("URL",),
    network.machines: ("IP", "MAC"),
    money.cards: ("CARD",),
    money.ibans: ("IBAN",),
    money.accounts: ("ACCOUNT",),
    money.wallets: ("WALLET",),
    national.national_ids: national.KINDS,
    dates.dates: ("DATE", "BIRTH_DATE"),
    dates.ages: ("AGE",),
    records.labelled: records.KINDS,
    places.addresses: ("ADDRESS",),
    places.postal_codes: ("POSTAL_CODE",),
    secrets.secrets: ("SECRET",),
    names.names: ("PERSON",),
}
KINDS = tuple(kind for kinds in _DETECTORS.values() for kind in kinds)
_CHUNK = 8 << 20
_DEPTH, _ROUNDS = 3, 8
_FOUND = {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "kind": pl.String, "score": pl.Float64}


class Recognizer(Protocol):
    """Another way of finding personal data, such as a model; plugged in through ``recognizers=``.

    Called with distinct texts (no nulls), it gives a frame with ``row`` (position in the texts), ``start`` and ``end``
    (characters), ``kind`` (capitals) and ``score`` (0 to 1).
    """

    def __call__(self, texts: pl.Series) -> pl.DataFrame:
        """Find spans in texts."""
        ...


@dataclass(frozen=True)
class Look:
    """What to look for: kinds (None: all), the least score, known terms by kind, further recognizers."""

    kinds: frozenset[str] | None = None
    threshold: float = 0.5
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    recognizers: tuple[Recognizer, ...] = ()


def find_spans(
    texts: pl.Series,
    kinds: Collection[str] | None = None,
    *,
    known: Mapping[str, Iterable[str]] | None = None,
    recognizers: Sequence[Recognizer] = (),
    threshold: float = 0.5,
    values: bool = False,
) -> pl.DataFrame:
    """Find personal data in texts.

    ``kinds``: some of ``KINDS`` (default: all). ``known``: terms by kind to find as whole words in any case, such as
    the names of known subjects. ``recognizers``: see ``Recognizer``. ``threshold``: the least score. Returns ``row``
    (position in ``texts``), ``start``, ``end`` (characters), ``kind``, ``score`` (0 to 1), in order and not
    overlapping; with ``values=True`` also ``value``, the clear text: keep that out of logs and tables. Null texts have
    no spans. Raises ``ValueError`` for an unknown kind.
    """
    look = _look(kinds, known, recognizers, threshold)
    distinct, place = _distinct(texts)
    found = [
        frame
        for buffer, offset, spans in _scan_all(distinct, look)
        for frame in [_by_row(buffer, spans, offset, values)]
    ]
    columns = [*_FOUND, *(["value"] if values else [])]
    if not found:
        return pl.DataFrame(schema=_FOUND | ({"value": pl.String} if values else {}))
    return place.join(pl.concat(found), on="text_id").select(columns).sort("row", "start")


def redact_text(
    texts: pl.Series,
    kinds: Collection[str] | None = None,
    *,
    known: Mapping[str, Iterable[str]] | None = None,
    recognizers: Sequence[Recognizer] = (),
    threshold: float = 0.5,
) -> pl.Series:
    """Texts with each span of personal data replaced by its kind: ``write to <EMAIL>``.

    Options as for ``find_spans``. Nulls stay null; the same text gives the same result; redacting again changes
    nothing. A text that already holds placeholders is read like any other.
    """
    look = _look(kinds, known, recognizers, threshold)
    distinct, place = _distinct(texts)
    if distinct.is_empty():
        return texts.cast(pl.String)
    redacted = pl.concat([_write(buffer, spans) for buffer, _, spans in _scan_all(distinct, look)])
    frame = place.with_columns(text=redacted.gather(place["text_id"]))
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    return rows.join(frame, on="row", how="left", maintain_order="left")["text"].alias(texts.name)


def _look(
    kinds: Collection[str] | None,
    known: Mapping[str, Iterable[str]] | None,
    recognizers: Sequence[Recognizer],
    threshold: float,
) -> Look:
    terms = {kind: [t for t in words if len(t.strip()) > 1] for kind, words in (known or {}).items()}
    strange = sorted(set(kinds or ()) - set(KINDS) - set(terms)) if not recognizers else []
    if strange:
        raise ValueError(f"there is no kind {strange[0]!r}; known kinds: {', '.join(KINDS)}")
    return Look(frozenset(kinds) if kinds is not None else None, threshold, terms, tuple(recognizers))


def _distinct(texts: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """The distinct texts, and for each row that has one (``row``) which it is (``text_id``)."""
    rows = pl.DataFrame({"text": texts.cast(pl.String)}).with_row_index("row").drop_nulls()
    distinct = rows["text"].unique(maintain_order=True)
    ids = pl.DataFrame({"text": distinct}).with_row_index("text_id")
    return distinct, rows.join(ids, on="text", maintain_order="left").select("row", "text_id")


def _scan_all(texts: pl.Series, look: Look) -> list[tuple[Buffer, int, pl.DataFrame]]:
    """Scan texts in chunks on all cores: per chunk its buffer, the position of its first text, and its spans."""
    if texts.is_empty():
        return []
    before = texts.str.len_bytes().cast(pl.Int64).cum_sum() // _CHUNK
    bounds = [0, *(before != before.shift(1)).fill_null(False).arg_true().to_list(), len(texts)]
    chunks = [(low, texts[low:high]) for low, high in pairwise(bounds) if high > low]

    def scan(chunk: tuple[int, pl.Series]) -> tuple[Buffer, int, pl.DataFrame]:
        buffer, spans = _scan(chunk[1], look)
        return buffer, chunk[0], spans

    if len(chunks) == 1:
        return [scan(chunks[0])]
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        return list(pool.map(scan, chunks))


def _scan(texts: pl.Series, look: Look, depth: int = 0, again: int = 0) -> tuple[Buffer, pl.DataFrame]:
    """One chunk: its buffer and its settled spans. ``depth``: how far decoded; ``again``: how often blotted out."""
    buffer = Buffer.of(texts)
    scene = Scene(buffer, texts)
    wanted = [d for d, kinds in _DETECTORS.items() if look.kinds is None or look.kinds & set(kinds)]
    found = [detect(scene).select(*SCHEMA) for detect in wanted]
    found += _known(scene, look)
    found += [_recognized(recognizer, buffer, texts) for recognizer in look.recognizers]
    if depth < _DEPTH:
        found += _hidden(scene, look, depth)
    spans = pl.concat(found).filter((pl.col("score") >= look.threshold) & (pl.col("end") > pl.col("start")))
    if look.kinds is not None:
        spans = spans.filter(pl.col("kind").is_in(list(look.kinds)))
    spans = settle(spans)
    return buffer, settle(pl.concat([spans, _uncovered(scene, spans, look, depth, again)]))


def _uncovered(scene: Scene, spans: pl.DataFrame, look: Look, depth: int, again: int) -> pl.DataFrame:
    """What shows itself once its neighbours are gone: in ``a@b.org4111...`` the card touches the address.

    Rows with a span that touches a letter or digit, or has but a mark between, are scanned again with their spans blotted out.
    """
    classes = np.pad(scene.classes, 2)  # spaces around
    starts, ends = spans["start"].to_numpy() + 2, spans["end"].to_numpy() + 2
    left = (classes[starts - 1] >= DIGIT) | ((classes[starts - 1] == POINT) & (classes[starts - 2] >= DIGIT))
    right = (classes[ends] >= DIGIT) | ((classes[ends] == POINT) & (classes[ends + 1] >= DIGIT))
    starts, ends, touching = starts - 2, ends - 2, left | right
    rows = np.unique(scene.buffer.rows(starts[touching]))
    if len(rows) == 0 or again > _ROUNDS:
        return spans.clear()
    blotted = bytearray(scene.buffer.plain)
    beside = np.isin(scene.buffer.rows(starts), rows)
    for start, end in zip(starts[beside].tolist(), ends[beside].tolist(), strict=True):
        blotted[start:end] = b"<".ljust(end - start - 1, b"*") + b">" if end - start > 1 else b"*"
    texts = scene.buffer.cut(scene.buffer.starts[rows], scene.buffer.ends[rows], data=bytes(blotted))
    inner, found = _scan(texts, look, depth, again + 1)
    row = inner.rows(found["start"].to_numpy())
    shift = pl.Series(scene.buffer.starts[rows[row]] - inner.starts[row])
    return found.with_columns(pl.col("start") + shift, pl.col("end") + shift)


def _known(scene: Scene, look: Look) -> list[pl.DataFrame]:
    """Terms that the caller knows, as whole words."""
    return [terms_in(scene, kind, terms) for kind, terms in look.known.items() if terms]


def _recognized(recognizer: Recognizer, buffer: Buffer, texts: pl.Series) -> pl.DataFrame:
    """A recognizer's spans, from characters in rows to bytes in the buffer."""
    found = recognizer(texts)
    rows = found["row"].to_numpy().astype(np.int64)
    return found.with_columns(
        start=pl.Series(buffer.positions(rows, found["start"].to_numpy())),
        end=pl.Series(buffer.positions(rows, found["end"].to_numpy())),
        score=pl.col("score").cast(pl.Float64),
    ).select(*SCHEMA)


def _hidden(scene: Scene, look: Look, depth: int) -> list[pl.DataFrame]:
    """What stands in encoded text: spans of the decoded text cover the encoded bytes that they came from."""
    starts, ends, runs = decode_runs(scene)
    decoded = unescape(scene, glue=depth == 0)
    if not len(runs) and not decoded:
        return []
    inner, spans = _scan(pl.concat([runs, pl.Series([d.text for d in decoded], dtype=pl.String)]), look, depth + 1)
    rows = inner.rows(spans["start"].to_numpy())
    whole = spans.filter(pl.Series(rows < len(runs)))
    found = [
        whole.with_columns(start=pl.Series(starts[rows[: whole.height]]), end=pl.Series(ends[rows[: whole.height]]))
    ]
    parts, rows = spans[whole.height :], rows[whole.height :]
    base = inner.starts[rows]
    ranges = [
        decoded[row - len(runs)].original(begin, end)
        for row, begin, end in zip(
            rows.tolist(), (parts["start"] - base).to_list(), (parts["end"] - base).to_list(), strict=True
        )
    ]
    at = pl.DataFrame(ranges, schema={"start": pl.Int64, "end": pl.Int64}, orient="row")
    found.append(parts.with_columns(at["start"], at["end"]))
    return found


def _by_row(buffer: Buffer, spans: pl.DataFrame, offset: int, values: bool) -> pl.DataFrame:
    """Spans in characters of their rows, with ``text_id``."""
    starts, ends = spans["start"].to_numpy(), spans["end"].to_numpy()
    frame = spans.with_columns(
        text_id=pl.Series(buffer.rows(starts) + offset).cast(pl.UInt32),
        start=pl.Series(buffer.characters(starts)),
        end=pl.Series(buffer.characters(ends)),
    )
    return frame.with_columns(value=buffer.cut(starts, ends, plain=True)) if values else frame


def _write(buffer: Buffer, spans: pl.DataFrame) -> pl.Series:
    """The chunk's texts with placeholders in place of spans: written over the whole buffer, then cut into rows
    again.
    """
    if spans.is_empty():
        return buffer.cut(buffer.starts, buffer.ends, plain=True)
    starts, ends = spans["start"].to_numpy(), spans["end"].to_numpy()
    gaps = buffer.cut(np.concatenate([[0], ends[:-1]]), starts, plain=True)
    marks = "<" + spans["kind"] + ">"
    tail = buffer.plain[int(ends[-1]) :]
    written = (gaps + marks).str.join("").item().encode() + tail
    grown = np.bincount(
        buffer.rows(starts),
        weights=marks.str.len_bytes().to_numpy() - (ends - starts),
        minlength=len(buffer.starts),
    ).astype(np.int64)
    bounds = np.cumsum(buffer.ends - buffer.starts + grown + 1)
    return strings(np.column_stack([np.concatenate([[0], bounds[:-1]]), bounds - 1]).ravel(), written).gather_every(2)
