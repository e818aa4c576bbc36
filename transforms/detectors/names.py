"""Names of people: by dictionary, titles and the words around.

Belongs here: how capitalised words make a name. Must not: the word lists (lexicon.py), names of places and
organisations (only used to tell what is no person). A model does better on unknown names; see ``Recognizer`` in
transforms/detect.py.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.cues import NAMING, SAID
from transforms.detectors.lexicon import ROLES, lexicon, particles, word_sets
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.spans import no_spans, search, spans
from transforms.detectors.tokens import DIGIT, LOWER, UNDER, UPPER, WIDE

_MARKS = [ord(mark) for mark in ":,\n"]
_INITIAL, _UNKNOWN = len(ROLES) + 1, len(ROLES) + 2
_GIVEN, _SURNAME, _EITHER, _WORDLIKE, _TITLE = (
    ROLES.index(r) + 1 for r in ("given", "surname", "either", "wordlike", "title")
)
_NAMES = (_GIVEN, _SURNAME, _EITHER, _WORDLIKE, _INITIAL, _UNKNOWN)
_THINGS = (ROLES.index("organisation") + 1, ROLES.index("street") + 1)
_COUNTS = {
    "given": _GIVEN,
    "surname": _SURNAME,
    "either": _EITHER,
    "wordlike": _WORDLIKE,
    "initial": _INITIAL,
    "unknown": _UNKNOWN,
}
_STRONG = (
    r"(?:name(?: is|'s)?|named|i am called|nombre|apellidos?|me llamo|se llama|je m'appelle|mon nom est|ich heiße"
    r"|ich heisse|mein name ist"
    r"|nom|prénom|vorname|nachname|first name|last name|surname|signed|médico|medico|doctor|doctora|patient"
    r"|paciente|remitido por|responsable clínico|attn|account holder|beneficiary|cardholder)"
    r"(?:\s*[:=]+|\s*\"\s*:\s*\"|\s)\s*\"?$"
)
_WEAK = (
    r"(?:\bi am|\bi'm|\bim|this is|\bdear|\bhi|\bhello|\bhey|regards,?|sincerely,?|thanks,?|cheers,?|love,?|contact"
    r"|from:|to:|cc:|spoke (?:to|with)|ask for|speak(?:ing)? (?:to|with)"
    r"|customer|client|employee|hola|estimad[oa]|querid[oa]|bonjour|chère?|liebe[r]?|geehrte[r]? (?:herr|frau)|soy"
    r"|saludos,?|cordialement,?|grüße,?|grüßen,?|written by|author:?|by:|for|with|met|and)\s*$"
)
_SAID = (
    r"(?i)(?P<pre>(?:name is|me llamo|m'appelle|ich hei(?:ß|ss)e"
    r"|am called) )(?P<value>\p{Ll}[\p{L}'’-]+(?: \p{Ll}[\p{L}'’-]+){0,2})"
)


def names(scene: Scene) -> pl.DataFrame:
    """PERSON spans: runs of capitalised words that names, titles or context show to be a person."""
    found = [_said(scene)]
    index, role = _words(scene)
    if len(index):
        found.append(_people(scene, _runs(scene, index, role)))
    return pl.concat(found)


def _words(scene: Scene) -> tuple[Positions, npt.NDArray[np.int16]]:
    """Indexes of the tokens that begin with a capital (or a letter without one, if the lexicon has it), and their
    roles.
    """
    first = scene.classes[scene.starts] if len(scene.starts) else np.zeros(0, np.uint8)
    index = np.flatnonzero(((first == UPPER) | (first == WIDE)) & ((scene.bits & (DIGIT | UNDER)) == 0))
    role = lexicon().codes(scene.hashes[index])
    wide = np.flatnonzero(first[index] == WIDE)
    if len(wide):
        text = scene.buffer.cut(scene.starts[index[wide]], scene.ends[index[wide]])
        capital = has(text, r"^[\p{Lu}\p{Lt}]").to_numpy()
        other = has(text, r"^\p{Lo}").to_numpy() & (role[wide] > 0)
        keep = np.ones(len(index), bool)
        keep[wide] = capital | other
        index, role = index[keep], role[keep]
    unknown = role == 0
    role[unknown] = np.where(scene.ends[index[unknown]] - scene.starts[index[unknown]] <= 2, _INITIAL, _UNKNOWN)
    return index, role


def _joined(scene: Scene, index: Positions, role: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Whether each word and the one after it may be parts of one name: a space, a hyphen, a dot after initials,
    particles.
    """
    starts, ends, raw = scene.starts, scene.ends, scene.buffer.codes
    left, right = index[:-1], index[1:]
    end = ends[left]
    gap = starts[right] - end
    first, second = raw[end], raw[np.minimum(end + 1, len(raw) - 1)]
    short = (role[:-1] == _INITIAL) | (role[:-1] == _TITLE)
    one = (gap == 1) & ((first == 32) | (first == 45) | (first == 39) | ((first == 46) & short))
    two = short & (((gap == 2) & (first == 46) & (second == 32)) | ((gap == 3) & (first == 39)))
    joined = (right - left == 1) & (one | two)
    apart = np.flatnonzero((right - left >= 2) & (right - left <= 3) & (gap <= 12) & (first == 32))
    if len(apart):
        middle, other = left[apart] + 1, right[apart] - 1
        both = np.concatenate([middle, other])
        known = particles().codes(scene.hashes[both]) > 0
        tight = (
            gap[apart]
            == (ends[middle] - starts[middle]) + np.where(other > middle, ends[other] - starts[other] + 1, 0) + 2
        )
        joined[apart] = known[: len(apart)] & known[len(apart) :] & tight
    return joined


def _runs(scene: Scene, index: Positions, role: npt.NDArray[np.int16]) -> pl.DataFrame:
    """Runs of adjacent words that may be names, with counts of roles and what stands next to them."""
    joined = _joined(scene, index, role)
    nameable = np.isin(role, _NAMES)
    opens = np.concatenate([[True], ~(joined & nameable[1:] & nameable[:-1])])[nameable]
    before = np.concatenate([[0], np.where(joined, role[:-1], 0)])[nameable]
    after = np.concatenate([np.where(joined, role[1:], 0), [0]])[nameable]
    index, role = index[nameable], role[nameable]
    heads = np.flatnonzero(opens)
    if len(heads) == 0:
        return pl.DataFrame(schema={"start": pl.Int64})
    tails = np.append(heads[1:], len(index)) - 1
    counts = {name: np.add.reduceat((role == code).astype(np.int16), heads) for name, code in _COUNTS.items()}
    cue = scene.cues[np.maximum(index[heads] - 1, 0)] & NAMING
    return pl.DataFrame(
        {
            "start": scene.starts[index[heads]], "end": scene.ends[index[tails]], "size": tails - heads + 1, **counts,
            "titled": before[heads] == _TITLE, "thing": np.isin(after[tails], _THINGS),
            "marked": (cue > 0) | np.isin(scene.buffer.codes[np.maximum(scene.starts[index[heads]] - 2, 0)], _MARKS),
        }
    )  # fmt: skip


def _people(scene: Scene, runs: pl.DataFrame) -> pl.DataFrame:
    """Runs scored: by what names they hold, the title before them and, for the doubtful ones, the words before them."""
    if runs.is_empty():
        return no_spans()
    known = pl.col("given") + pl.col("surname") + pl.col("either") + pl.col("wordlike")
    named = (pl.col("given") + pl.col("either")) > 0
    family = (pl.col("surname") + pl.col("either")) > 0
    many = pl.col("size") > 1
    base = (
        pl.when(pl.col("titled") & (pl.col("size") <= 5)).then(0.9)
        .when((pl.col("size") > 6) | pl.col("thing")).then(0.2)
        .when(many & named).then(0.8)
        .when(many & family).then(0.65)
        .when(many & (pl.col("wordlike") > 0)).then(0.45)
        .when(pl.col("given") > 0).then(0.6)
        .when(pl.col("either") > 0).then(0.5)
        .when(pl.col("surname") > 0).then(0.4)
        .when(pl.col("wordlike") > 0).then(0.25)
        .otherwise(0.15)
    )  # fmt: skip
    runs = runs.with_columns(score=base, known=known)
    sure = runs.filter(pl.col("score") >= 0.5)
    unsure = runs.filter((pl.col("score") < 0.5) & pl.col("marked") & ~pl.col("thing") & (pl.col("size") <= 5))
    if unsure.height:
        unsure = unsure.with_columns(before=scene.buffer.before(unsure["start"].to_numpy(), 28))
        strong = has("before", _STRONG)
        weak = has("before", _WEAK) & (pl.col("known") > 0)
        unsure = unsure.with_columns(score=pl.when(strong).then(0.85).when(weak).then(0.7).otherwise("score")).drop(
            "before"
        )
    return spans(pl.concat([sure, unsure]), "PERSON", pl.col("score"))


def _said(scene: Scene) -> pl.DataFrame:
    """Names in lower case after "my name is": the first word, and those after it that are names."""
    index = scene.cued(SAID)
    index = index[index + 1 < len(scene.starts)]
    index = index[scene.classes[scene.starts[index + 1]] == LOWER]
    found = search(scene.near(index, 12, 48), _SAID).unique("start", maintain_order=True)
    if found.is_empty():
        return no_spans()
    known, stops = word_sets()
    kept = []
    for start, text in found.select("start", "text").iter_rows():
        words = text.split(" ")
        size = 0 if words[0].lower() in stops else 1
        while 0 < size < len(words) and words[size].lower() in known:
            size += 1
        if size:
            kept.append((start, start + len(" ".join(words[:size]).encode()), "PERSON", 0.75))
    return pl.DataFrame(kept, schema=no_spans().schema, orient="row")
