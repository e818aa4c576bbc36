"""Texts and words that a person used and nobody else did.

Belongs here: comparing a person's passages with all others. Must not: making needles of other values. A text that
somebody else wrote too, in letters or in meaning, would be found after any erasure, rightly.
"""

import unicodedata
from collections.abc import Sequence

import polars as pl

from cenote.residue.forms import windows
from cenote.residue.meaning import SAME, correlations, rows_of, standard
from cenote.residue.model import Needle
from cenote.workspace import Workspace
from transforms.subjects import ERASED

_LEAST_TEXT = 24
_LEAST_WORD = 6
_STEM = 3  # letters that stemming takes away at most
_SLICE = 5_000
_MARGIN = 0.004  # what is nearly the same for others is not asked for by its meaning
_WORD = r"[a-z]{%d,}"


def unique_texts(space: Workspace, subjects: Sequence[str]) -> list[Needle]:
    """Passages of the people: ``text`` where no other passage means the same, ``phrase`` where one does."""
    mine, others = _passages(space, subjects)
    own = mine.filter(mine.str.len_chars() >= _LEAST_TEXT).unique(maintain_order=True)
    own = unwritten(own, others)
    own = own.gather(own.str.len_chars().arg_sort(descending=True))
    if not len(own):
        return []
    shared = _meant_by_others(space, own.to_list(), subjects)
    return [Needle(text, "phrase" if same else "text") for text, same in zip(own, shared, strict=True)]


def unique_words(space: Workspace, subjects: Sequence[str]) -> list[Needle]:
    """Words of the people's passages whose stem stands in no other passage; what an erasure writes is nobody's."""
    mine, others = _passages(space, subjects)
    own = _words(mine.str.replace_all(ERASED, "", literal=True), _LEAST_WORD)
    heads = _heads(_words(others, _LEAST_WORD - _STEM))
    return [Needle(word, "word") for word in sorted(own) if word[: max(4, len(word) - _STEM)] not in heads]


def _passages(space: Workspace, subjects: Sequence[str]) -> tuple[pl.Series, pl.Series]:
    """Texts of the people's passages that an erasure takes away, and of all others."""
    from cenote.vectors.store import Store

    store = Store(space)
    if store.identity is None:
        return pl.Series(dtype=pl.String), pl.Series(dtype=pl.String)
    rows = store.rows(["subject_id", "dataset", "text"])
    whose = rows["subject_id"].is_in(list(subjects)).fill_null(False)
    held = [c.dataset for c in space.contracts.values() if c.erasure == "anonymize"]  # rows that stay keep their texts
    goes = whose & ~rows["dataset"].is_in(held)
    return rows.filter(goes)["text"], rows.filter(~goes)["text"]


def unwritten(own: pl.Series, others: pl.Series) -> pl.Series:
    """Texts of which no part that is looked for stands in other texts."""
    parts = sorted({part for text in own for part in windows(text)})
    found: set[str] = set()
    for begin in range(0, len(others) if parts else 0, _SLICE):
        hits = others.slice(begin, _SLICE).str.extract_many(parts, ascii_case_insensitive=True, overlapping=True)
        found |= {hit.lower() for hit in hits.explode().drop_nulls()}
    kept = [not any(part.lower() in found for part in windows(text)) for text in own]
    return own.filter(pl.Series(kept, dtype=pl.Boolean))


def _meant_by_others(space: Workspace, texts: list[str], subjects: Sequence[str]) -> list[bool]:
    """Whether a passage of somebody else says the same as each text, by the vectors that the lake keeps of them."""
    import numpy as np

    from cenote.vectors.store import Store, one_of

    mine = one_of("subject_id", subjects)
    lance = Store(space).table.to_lance()
    own = lance.to_table(columns=["text", "vector"], filter=mine)
    places = {text: row for row, text in enumerate(own["text"].to_pylist())}
    asked = standard(rows_of(own["vector"].combine_chunks()))[[places[text] for text in texts]]
    nearest = np.full(len(texts), -1.0)
    others = lance.scanner(columns=["vector"], filter=f"subject_id IS NULL OR NOT ({mine})", batch_size=_SLICE)
    for batch in others.to_batches():
        nearest = np.fmax(nearest, np.fmax.reduce(correlations(rows_of(batch["vector"]), asked), axis=0, initial=-1.0))
    return [bool(alike >= SAME - _MARGIN) for alike in nearest]


def _words(texts: pl.Series, least: int) -> set[str]:
    """Words of ASCII letters, accents dropped, as a full-text index keeps them before stemming."""
    found: set[str] = set()
    for begin in range(0, len(texts), _SLICE):
        part = pl.Series([_plain(t) for t in texts.slice(begin, _SLICE)], dtype=pl.String)
        found |= set(part.str.extract_all(_WORD % least).explode().drop_nulls().unique())
    return found


def _plain(text: str) -> str:
    folded = text.lower()
    if folded.isascii():
        return folded
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


def _heads(words: set[str]) -> set[str]:
    """Every beginning of four letters and more of every word."""
    return {word[:length] for word in words for length in range(4, len(word) + 1)}
