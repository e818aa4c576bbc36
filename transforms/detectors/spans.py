"""Spans: where personal data stands, of which kind, how sure.

Belongs here: the frame of spans, searching a pattern over many pieces of text with positions, and settling overlaps.
Must not: any pattern. A span frame has ``start``, ``end`` (bytes in the buffer), ``kind``, ``score`` (0 to 1).
"""

import numpy as np
import polars as pl

from transforms.detectors.buffer import CLOSE, OPEN
from transforms.detectors.patterns import fast

SCHEMA = {"start": pl.Int64, "end": pl.Int64, "kind": pl.String, "score": pl.Float64}
_MATCHES = {"start": pl.Int64, "end": pl.Int64, "text": pl.String}


def no_spans() -> pl.DataFrame:
    """An empty frame of spans."""
    return pl.DataFrame(schema=SCHEMA)


def search(pieces: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """All matches of a Rust regex in pieces of text: ``start``, ``end``, ``text``.

    ``pieces``: ``start`` (position of the piece in the buffer) and ``text``. A pattern with the named groups ``pre``
    and ``value`` (and nothing outside them) finds the value only. The engine gives no positions, so it marks the
    matches, the texts are split at the marks, and positions are sums of lengths: columnar, in linear time.
    """
    if pieces.is_empty():
        return pl.DataFrame(schema=_MATCHES)
    mark = f"${{pre}}{OPEN}${{value}}{CLOSE}" if "(?P<value>" in pattern else f"{OPEN}${{0}}{CLOSE}"
    marked = pieces.select("start", text=pl.col("text").str.replace_all(fast(pattern), mark))
    marked = marked.filter(pl.col("text").str.contains(OPEN, literal=True))
    if marked.is_empty():
        return pl.DataFrame(schema=_MATCHES)
    parts = marked["text"].str.split(OPEN)
    counts = parts.list.len().to_numpy().astype(np.int64)
    heads = np.cumsum(counts) - counts
    flat = parts.list.explode()
    sizes = flat.str.len_bytes().to_numpy().astype(np.int64) - 1  # every part but the first of a piece has one CLOSE
    sizes[heads] += 1
    ahead = np.cumsum(sizes) - sizes
    starts = ahead - np.repeat(ahead[heads] - marked["start"].to_numpy(), counts)
    matched = np.ones(len(flat), dtype=bool)
    matched[heads] = False
    found = pl.DataFrame({"start": starts, "text": flat}).filter(pl.Series(matched))
    text = pl.col("text").str.splitn(CLOSE, 2).struct.field("field_0").alias("text")
    return found.select("start", text).select(
        "start", (pl.col("start") + pl.col("text").str.len_bytes()).alias("end"), "text"
    )


def spans(found: pl.DataFrame, kind: str | pl.Expr, score: float | pl.Expr) -> pl.DataFrame:
    """Matches as spans of a kind."""
    kinds = pl.lit(kind) if isinstance(kind, str) else kind
    scores = score if isinstance(score, pl.Expr) else pl.lit(score)
    return found.select("start", "end", kinds.alias("kind"), scores.cast(pl.Float64).alias("score"))


def settle(found: pl.DataFrame) -> pl.DataFrame:
    """Overlapping spans as one span that covers them all, of the kind of the surest (then longest) of them.

    Covering all of them leaves no rest of a beaten span in clear.
    """
    if found.is_empty():
        return found
    found = found.sort("start", "end")
    reach = np.maximum.accumulate(found["end"].to_numpy())
    opens = np.concatenate([[True], found["start"].to_numpy()[1:] >= reach[:-1]])
    if opens.all():
        return found
    found = found.with_columns(group=pl.Series(np.cumsum(opens)), size=pl.col("end") - pl.col("start"))
    ranked = found.sort("score", "size", descending=True, maintain_order=True)
    settled = ranked.group_by("group", maintain_order=True).agg(
        pl.col("start").min(), pl.col("end").max(), pl.col("kind").first(), pl.col("score").first()
    )
    return settled.sort("start").select(*SCHEMA)
