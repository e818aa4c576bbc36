"""Personal data inside free text: where it stands, and the text without it.

Belongs here: running the detectors over a column in chunks, texts hidden in texts, settling overlaps, and writing
placeholders. Must not: any pattern or word list (transforms/detectors), keys, strategies (transforms/mask.py). Kinds,
how each is found and measured figures stand in docs/detection.md.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain, count, pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import polars as pl

from transforms.detectors import contact, dates, money, names, national, network, places, records, secrets
from transforms.detectors.buffer import Buffer, Positions
from transforms.detectors.crew import Hand
from transforms.detectors.hidden import Hidden, hidden_in
from transforms.detectors.known import terms_in
from transforms.detectors.scene import Scene
from transforms.detectors.spans import Mask, Scores, Settled, Spans, doubts, settle
from transforms.detectors.tokens import DIGIT, joined

_Detectors = dict[Callable[[Scene], list[Spans]], tuple[str, ...]]
_BENCHES: tuple[_Detectors, ...] = (  # each has a thread of its own, which keeps the patterns compiled (crew.py)
    {
        contact.emails: ("EMAIL",),
        contact.phones: ("PHONE",),
        money.cards: ("CARD",),
        money.accounts: ("ACCOUNT",),
        money.wallets: ("WALLET",),
        secrets.secrets: ("SECRET",),
    },
    {
        places.addresses: ("ADDRESS",),
        places.postal_codes: ("POSTAL_CODE",),
        network.machines: ("IP", "MAC"),
        money.ibans: ("IBAN",),
    },
    {
        names.names: ("PERSON",),
        network.urls: ("URL",),
        records.labelled: records.KINDS,
    },
    {
        national.national_ids: national.KINDS,
    },
    {
        national.more_national_ids: national.KINDS,
    },
    {
        dates.dates: ("DATE", "BIRTH_DATE"),
        dates.ages: ("AGE",),
    },
)
_TURN = count()
KINDS = tuple(dict.fromkeys(kind for bench in _BENCHES for kinds in bench.values() for kind in kinds))
_T = TypeVar("_T")
_CHUNK, _LEAST = 16 << 20, 1 << 20  # bytes of text looked at together, at most and (about) at least
_DEPTH, _ROUNDS = 3, 8
_REACH = 64  # bytes that detectors look to either side, at most; some look less far
_YIELDING = ("PERSON", "ADDRESS", "POSTAL_CODE", "AGE")
_REACHES = {"PERSON": -1, "DATE": 24, "POSTAL_CODE": 28}  # -1: only where they overlap
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

    def wants(self, kinds: Collection[str]) -> bool:
        """Whether any of some kinds is looked for."""
        return self.kinds is None or not self.kinds.isdisjoint(kinds)


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
    found = _in_chunks(distinct, lambda chunk, first: _by_row(_seen(chunk, look), first, values))
    columns = [*_FOUND, *(["value"] if values else [])]
    if not found:
        return pl.DataFrame(schema=_FOUND | ({"value": pl.String} if values else {}))
    spans = pl.concat(found)
    if len(distinct) == place.height:  # each text occurs once, so the spans are in order
        return spans.with_columns(row=place["row"].gather(spans["text_id"])).select(columns)
    return place.join(spans, on="text_id").select(columns).sort("row", "start")


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
    if rows["text"].hash().n_unique() == rows.height:
        return rows["text"], rows.select("row", text_id=pl.int_range(rows.height, dtype=pl.UInt32))
    coded = rows["text"].to_arrow().dictionary_encode()
    return pl.Series(coded.dictionary), rows.select("row", text_id=pl.Series(coded.indices).cast(pl.UInt32))


def _in_chunks(texts: pl.Series, work: Callable[[pl.Series, int], _T]) -> list[_T]:
    """Do work on chunks of texts and the position of their first text, on all cores; the results in order."""
    sizes = texts.str.len_bytes().cast(pl.Int64).cum_sum()
    threads, whole = pl.thread_pool_size(), int(sizes.to_numpy()[-1:].sum())
    rounds = whole // (threads * _CHUNK) + 1
    before = sizes // max(_LEAST, whole // (rounds * threads) + 1)
    bounds = [0, *(before != before.shift(1)).fill_null(False).arg_true().to_list(), len(texts)]
    chunks = [(texts[low:high], low) for low, high in pairwise(bounds) if high > low]
    if len(chunks) < 2:
        return [work(*chunk) for chunk in chunks]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(lambda chunk: work(*chunk), chunks))


class _Seen(NamedTuple):
    """One chunk looked at: its scene, what every detector found, and what was settled on."""

    scene: Scene
    found: list[Spans]
    settled: Settled

    @property
    def kinds(self) -> pl.Series:
        """The name of the kind of each settled span."""
        return pl.Series([some.kind for some in self.found], dtype=pl.String).gather(self.settled.source)


class _Scan(NamedTuple):
    """A chunk's buffer, and its settled spans with the name of each one's kind, to be written over.

    ``restless`` is a span where something beside it may be seen otherwise once the span is gone: a letter or digit that
    it touches, or a candidate that was not sure enough.
    """

    buffer: Buffer
    start: Positions
    end: Positions
    kind: pl.Series
    score: Scores
    restless: Mask

    def where(self, mask: Mask) -> "_Scan":
        """The spans of a mask."""
        kind, restless = self.kind.filter(pl.Series(mask)), self.restless[mask]
        return _Scan(self.buffer, self.start[mask], self.end[mask], kind, self.score[mask], restless)


def _seen(texts: pl.Series, look: Look) -> _Seen:
    """Look at one chunk, and at what hides in it: spans of decoded text cover the encoded bytes that they came from."""
    scenes, layers = [Scene(Buffer.of(texts), texts, look.threshold)], list[Hidden]()
    while len(layers) < _DEPTH and (layer := hidden_in(scenes[-1], glue=not layers)):
        layers.append(layer)
        scenes.append(Scene(Buffer.of(layer.texts), layer.texts, look.threshold))
    found = _detect(scenes, look)
    for depth in range(len(layers), 0, -1):
        buffer = scenes[depth].buffer
        spans = settle(buffer, found[depth], look.threshold)
        start, end = layers[depth - 1].original(buffer, spans.start, spans.end)
        found[depth - 1] += [
            Spans(some.kind, start[at], end[at], spans.score[at])
            for place, some in enumerate(found[depth])
            if len(at := np.flatnonzero(spans.source == place))
        ]
    return _Seen(scenes[0], found[0], settle(scenes[0].buffer, found[0], look.threshold))


def _scan(texts: pl.Series, look: Look) -> _Scan:
    """Look at one chunk, and at which of its spans are restless."""
    seen = _seen(texts, look)
    spans, restless = seen.settled, _restless(seen.scene, seen.settled, seen.found, look.threshold)
    return _Scan(seen.scene.buffer, spans.start, spans.end, seen.kinds, spans.score, restless)


def _detect(scenes: Sequence[Scene], look: Look) -> list[list[Spans]]:
    """What each scene holds."""
    for scene in scenes:
        scene.prepare()
    crews = _crews()
    crew = crews[next(_TURN) % len(crews)]
    work = [hand.do(partial(_at_bench, bench, scenes, look)) for hand, bench in zip(crew, _BENCHES, strict=True)]
    found = [[*chain.from_iterable(some)] for some in zip(*(done.result() for done in work), strict=True)]
    for some, scene in zip(found, scenes, strict=True):
        recognized = [spans for recognizer in look.recognizers for spans in _recognized(recognizer, scene)]
        some[:] = [*_yielding(scene, some, recognized), *recognized]
        some += [terms_in(scene, kind, terms) for kind, terms in look.known.items() if terms]
    if look.kinds is not None:
        found = [[spans for spans in some if spans.kind in look.kinds] for some in found]
    return found


@cache
def _crews() -> list[list[Hand]]:
    """Crews of a hand per bench, one for each two cores. Made at first use: asking the engine starts its threads."""
    return [[Hand(f"detect-{n}-{m}") for m in range(len(_BENCHES))] for n in range(max(1, pl.thread_pool_size() // 2))]


def _at_bench(bench: _Detectors, scenes: Sequence[Scene], look: Look) -> list[list[Spans]]:
    """What the detectors of a bench find in each scene."""
    wanted = [detect for detect, kinds in bench.items() if look.wants(kinds)]
    return [[spans for detect in wanted for spans in detect(scene)] for scene in scenes]


def _restless(scene: Scene, spans: Settled, found: Sequence[Spans], threshold: float) -> Mask:
    """Which spans are restless."""
    starts, ends = spans.start, spans.end
    if len(starts) == 0:
        return np.zeros(0, bool)
    left = (scene.kind(starts - 1) >= DIGIT) | (scene.is_point(starts - 1) & (scene.kind(starts - 2) >= DIGIT))
    right = (scene.kind(ends) >= DIGIT) | (scene.is_point(ends) & (scene.kind(ends + 1) >= DIGIT))
    restless = left | right
    unsure = doubts(found, threshold)
    if len(unsure.start) == 0:
        return restless
    low, high = unsure.start, unsure.end
    reach = np.array([_REACHES.get(some.kind, _REACH) for some in found])[unsure.source]
    after = np.searchsorted(starts, low)
    before = np.maximum(after - 1, 0)
    outside = (after == 0) | (low >= ends[before])
    restless[before[~outside & (high > ends[before])]] = True
    restless[before[outside & (after > 0) & (low - ends[before] <= reach)]] = True
    ahead = np.minimum(after, len(starts) - 1)
    restless[ahead[outside & (after < len(starts)) & (starts[ahead] - high <= reach)]] = True
    return restless


def _recognized(recognizer: Recognizer, scene: Scene) -> list[Spans]:
    """A recognizer's spans, from characters in rows to bytes in the buffer."""
    found, buffer = recognizer(scene.texts), scene.buffer
    return [
        Spans(
            str(kind),
            buffer.positions(some["row"].to_numpy().astype(np.int64), some["start"].to_numpy()),
            buffer.positions(some["row"].to_numpy().astype(np.int64), some["end"].to_numpy()),
            some["score"].cast(pl.Float64).to_numpy(),
        )
        for (kind,), some in found.group_by("kind", maintain_order=True)
    ]


def _yielding(scene: Scene, found: list[Spans], recognized: list[Spans]) -> list[Spans]:
    """Without the names and addresses whose letters and digits recognizers cover: theirs tell better where one ends.

    What a recognizer covers only in part stays, so that nothing found is left in clear.
    """
    if not recognized:
        return found
    size = len(scene.classes) + 1
    opened, closed = (
        np.bincount(np.concatenate(side), minlength=size) for side in list(zip(*recognized, strict=True))[1:3]
    )
    bare = (scene.classes >= DIGIT) & (np.cumsum(opened - closed)[:-1] == 0)
    before = np.concatenate([[0], np.cumsum(bare)])
    return [
        spans if spans.kind not in _YIELDING else spans.where(before[spans.end] > before[spans.start])
        for spans in found
    ]


def _by_row(seen: _Seen, offset: int, values: bool) -> pl.DataFrame:
    """Spans in characters of their rows, with ``text_id``."""
    buffer, spans = seen.scene.buffer, seen.settled
    columns = {
        "text_id": pl.Series(buffer.rows(spans.start) + offset).cast(pl.UInt32),
        "start": buffer.characters(spans.start),
        "end": buffer.characters(spans.end),
        "kind": seen.kinds,
        "score": spans.score,
    }
    return pl.DataFrame(columns | ({"value": buffer.cut(spans.start, spans.end, plain=True)} if values else {}))


def _redact(texts: pl.Series, look: Look) -> pl.Series:
    """One chunk's texts with placeholders.

    What stands beside a placeholder is looked at again, until nothing more shows: in ``a@b.org4111...`` the card is
    seen once the address is gone. So redacting a redacted text changes nothing.
    """
    scan = _scan(texts, look)
    buffer = scan.buffer
    for _ in range(_ROUNDS):
        if len(scan.start) == 0:
            break
        buffer, starts, ends = _write(scan)
        scan = _look_beside(buffer, starts[scan.restless], ends[scan.restless], look)
    return buffer.cut(buffer.starts, buffer.ends, plain=True)


def _write(scan: _Scan) -> tuple[Buffer, Positions, Positions]:
    """A buffer with placeholders written in place of spans, and where they stand in it."""
    buffer, starts, ends = scan.buffer, scan.start, scan.end
    gaps = buffer.cut(np.concatenate([[0], ends[:-1]]), starts, plain=True)
    marks = "<" + scan.kind + ">"
    sizes = marks.str.len_bytes().to_numpy().astype(np.int64)
    written = (gaps + marks).str.join("").item().encode() + buffer.plain[int(ends[-1]) :]
    grown = np.bincount(buffer.rows(starts), weights=sizes - (ends - starts), minlength=len(buffer.starts))
    shift = np.cumsum(grown).astype(np.int64)
    after = Buffer(written, buffer.starts + shift - grown.astype(np.int64), buffer.ends + shift)
    begin = starts + np.cumsum(sizes - (ends - starts)) - (sizes - (ends - starts))
    return after, begin, begin + sizes


def _look_beside(buffer: Buffer, starts: Positions, ends: Positions, look: Look) -> _Scan:
    """Spans near placeholders. What lies within reach of where the text is cut for this look does not count."""
    begin, finish = joined(*buffer.around(starts, ends, 2 * _REACH, 2 * _REACH))
    inner = _scan(buffer.cut(begin, finish, plain=True), look)
    piece = inner.buffer.rows(inner.start)
    shift = begin[piece] - inner.buffer.starts[piece]
    low, high = inner.start + shift, inner.end + shift
    row = buffer.rows(low)
    whole = ((begin[piece] == buffer.starts[row]) | (low >= begin[piece] + _REACH)) & (
        (finish[piece] == buffer.ends[row]) | (high <= finish[piece] - _REACH)
    )
    return _Scan(buffer, low, high, *inner[3:]).where(whole)
