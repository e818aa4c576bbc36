"""Personal data inside free text: where it stands, and the text without it.

Belongs here: running the detectors over a column in chunks, texts hidden in texts, settling overlaps, and writing
placeholders. Must not: any pattern or word list (transforms/detectors), keys, strategies (transforms/mask.py). Kinds,
how each is found and measured figures stand in docs/detection.md.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import polars as pl

from transforms.detectors import contact, dates, money, names, national, network, places, records, secrets
from transforms.detectors.buffer import Buffer, Positions
from transforms.detectors.hidden import decode_runs, unescape
from transforms.detectors.known import terms_in
from transforms.detectors.scene import Scene
from transforms.detectors.spans import SCHEMA, no_spans, settle
from transforms.detectors.tokens import DIGIT, POINT, joined

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
_T = TypeVar("_T")
_CHUNK = 8 << 20
_DEPTH, _ROUNDS = 3, 8
_REACH = 64  # bytes that detectors look to either side, at most; some look less far
_REACHES = {"PERSON": 4, "DATE": 24, "POSTAL_CODE": 28}
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
    found = _in_chunks(distinct, lambda chunk, first: _by_row(*_scan(chunk, look), first, values))
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
    redacted = pl.concat(_in_chunks(distinct, lambda chunk, _: _redact(chunk, look)))
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


def _in_chunks(texts: pl.Series, work: Callable[[pl.Series, int], _T]) -> list[_T]:
    """Do work on chunks of texts and the position of their first text, on all cores; the results in order."""
    before = texts.str.len_bytes().cast(pl.Int64).cum_sum() // _CHUNK
    bounds = [0, *(before != before.shift(1)).fill_null(False).arg_true().to_list(), len(texts)]
    chunks = [(texts[low:high], low) for low, high in pairwise(bounds) if high > low]
    if len(chunks) < 2:
        return [work(*chunk) for chunk in chunks]
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        return list(pool.map(lambda chunk: work(*chunk), chunks))


def _scan(texts: pl.Series, look: Look, depth: int = 0) -> tuple[Buffer, pl.DataFrame]:
    """One chunk: its buffer and its settled spans. ``depth``: how often its text was decoded.

    A span is ``restless`` where something beside it may be seen otherwise once the span is gone: a letter or digit that
    it touches, or a candidate that was not sure enough.
    """
    scene = Scene(Buffer.of(texts), texts)
    wanted = [d for d, kinds in _DETECTORS.items() if look.kinds is None or look.kinds & set(kinds)]
    found = [detect(scene).select(*SCHEMA) for detect in wanted]
    found += _known(scene, look)
    found += [_recognized(recognizer, scene.buffer, texts) for recognizer in look.recognizers]
    if depth < _DEPTH:
        found += _hidden(scene, look, depth)
    every = pl.concat(found).filter(pl.col("end") > pl.col("start"))
    if look.kinds is not None:
        every = every.filter(pl.col("kind").is_in(list(look.kinds)))
    sure = pl.col("score") >= look.threshold
    spans = settle(every.filter(sure))
    return scene.buffer, spans.with_columns(restless=_restless(scene, spans, every.filter(~sure)))


def _restless(scene: Scene, spans: pl.DataFrame, doubts: pl.DataFrame) -> pl.Series:
    """Which spans are restless; ``doubts``: candidates that were not sure enough."""
    starts, ends = spans["start"].to_numpy(), spans["end"].to_numpy()
    classes = np.pad(scene.classes, 2)  # spaces around
    left = (classes[starts + 1] >= DIGIT) | ((classes[starts + 1] == POINT) & (classes[starts] >= DIGIT))
    right = (classes[ends + 2] >= DIGIT) | ((classes[ends + 2] == POINT) & (classes[ends + 3] >= DIGIT))
    restless = left | right
    if spans.is_empty() or doubts.is_empty():
        return pl.Series(restless, dtype=pl.Boolean)
    low, high = doubts["start"].to_numpy(), doubts["end"].to_numpy()
    reach = doubts["kind"].replace_strict(_REACHES, default=_REACH, return_dtype=pl.Int64).to_numpy()
    after = np.searchsorted(starts, low)
    before = np.maximum(after - 1, 0)
    outside = (after == 0) | (low >= ends[before])
    restless[before[~outside & (high > ends[before])]] = True
    restless[before[outside & (after > 0) & (low - ends[before] <= reach)]] = True
    ahead = np.minimum(after, len(starts) - 1)
    restless[ahead[outside & (after < len(starts)) & (starts[ahead] >= high) & (starts[ahead] - high <= reach)]] = True
    return pl.Series(restless)


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
    spans = spans.select(*SCHEMA)
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


def _redact(texts: pl.Series, look: Look) -> pl.Series:
    """One chunk's texts with placeholders.

    What stands beside a placeholder is looked at again, until nothing more shows: in ``a@b.org4111...`` the card is
    seen once the address is gone. So redacting a redacted text changes nothing.
    """
    buffer, spans = _scan(texts, look)
    for _ in range(_ROUNDS):
        if spans.is_empty():
            break
        restless = spans["restless"].to_numpy()
        buffer, starts, ends = _write(buffer, spans)
        spans = _look_beside(buffer, starts[restless], ends[restless], look)
    return buffer.cut(buffer.starts, buffer.ends, plain=True)


def _write(buffer: Buffer, spans: pl.DataFrame) -> tuple[Buffer, Positions, Positions]:
    """A buffer with placeholders written in place of spans, and where they stand in it."""
    starts, ends = spans["start"].to_numpy(), spans["end"].to_numpy()
    gaps = buffer.cut(np.concatenate([[0], ends[:-1]]), starts, plain=True)
    marks = "<" + spans["kind"] + ">"
    sizes = marks.str.len_bytes().to_numpy().astype(np.int64)
    written = (gaps + marks).str.join("").item().encode() + buffer.plain[int(ends[-1]) :]
    grown = np.bincount(buffer.rows(starts), weights=sizes - (ends - starts), minlength=len(buffer.starts))
    shift = np.cumsum(grown).astype(np.int64)
    after = Buffer(written, buffer.starts + shift - grown.astype(np.int64), buffer.ends + shift)
    begin = starts + np.cumsum(sizes - (ends - starts)) - (sizes - (ends - starts))
    return after, begin, begin + sizes


def _look_beside(buffer: Buffer, starts: Positions, ends: Positions, look: Look) -> pl.DataFrame:
    """Spans near placeholders. What lies within reach of where the text is cut for this look does not count."""
    if len(starts) == 0:
        return no_spans()
    begin, finish = joined(*buffer.around(starts, ends, 2 * _REACH, 2 * _REACH))
    inner, spans = _scan(buffer.cut(begin, finish, plain=True), look)
    piece = inner.rows(spans["start"].to_numpy())
    shift = begin[piece] - inner.starts[piece]
    low, high = spans["start"].to_numpy() + shift, spans["end"].to_numpy() + shift
    row = buffer.rows(low)
    whole = ((begin[piece] == buffer.starts[row]) | (low >= begin[piece] + _REACH)) & (
        (finish[piece] == buffer.ends[row]) | (high <= finish[piece] - _REACH)
    )
    return spans.with_columns(start=pl.Series(low), end=pl.Series(high)).filter(pl.Series(whole))
