"""Names of people: by dictionary, titles and the words around.

Belongs here: how capitalised words make a name. Must not: the word lists (lexicon.py), names of places and
organisations (only used to tell what is no person). A model does better on unknown names; see ``Recognizer`` in
transforms/detect.py.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.detectors.buffer import Positions
from transforms.detectors.cues import IS, NAME, NAMING, SAID
from transforms.detectors.lexicon import ROLES, word_sets
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.spans import Mask, Spans, search
from transforms.detectors.tokens import LOWER, WIDE
from transforms.detectors.words import PARTICLE, role_of

_INITIAL, _UNKNOWN = len(ROLES) + 1, len(ROLES) + 2
_GIVEN, _SURNAME, _EITHER, _WORDLIKE, _TITLE = (
    ROLES.index(r) + 1 for r in ("given", "surname", "either", "wordlike", "title")
)
_COUNTED = {"given": _GIVEN, "surname": _SURNAME, "either": _EITHER, "wordlike": _WORDLIKE}
_NAMEABLE, _THING, _IDLE = np.zeros((3, _UNKNOWN + 1), dtype=bool)
_NAMEABLE[[*_COUNTED.values(), _INITIAL, _UNKNOWN]] = True
_THING[[ROLES.index("organisation") + 1, ROLES.index("street") + 1]] = True
_IDLE[[ROLES.index("stop") + 1, ROLES.index("place") + 1]] = True
_PACKED = np.zeros(_UNKNOWN + 1, dtype=np.int64)
_PACKED[[*_COUNTED.values()]] = 1 << 15 * np.arange(len(_COUNTED))
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


def names(scene: Scene) -> list[Spans]:
    """PERSON spans: runs of capitalised words that names, titles or context show to be a person."""
    found = [_said(scene)]
    index, role = _words(scene)
    if len(index):
        found += _people(scene, index, role)
    return found


def _words(scene: Scene) -> tuple[Positions, npt.NDArray[np.int64]]:
    """Indexes of the tokens that begin with a capital (or a letter without one, if the lexicon has it), and their
    roles. Words that are in no name and say nothing of their neighbours are left out.
    """
    meanings = scene.meanings[scene.capitals]
    role = role_of(meanings)
    telling = ~_IDLE[role] | ((meanings & PARTICLE) > 0)
    index, role = scene.capitals[telling], role[telling]
    wide = np.flatnonzero(scene.classes[scene.starts[index]] == WIDE) if len(scene.buffer.wide) else index[:0]
    if len(wide):
        text = scene.buffer.cut(scene.starts[index[wide]], scene.ends[index[wide]], plain=True)
        capital = text.str.contains(r"^[\p{Lu}\p{Lt}]").to_numpy()
        other = text.str.contains(r"^\p{Lo}").to_numpy() & (role[wide] > 0)
        keep = np.ones(len(index), bool)
        keep[wide] = capital | other
        index, role = index[keep], role[keep]
    unknown = role == 0
    role[unknown] = np.where(scene.sizes[index[unknown]] <= 2, _INITIAL, _UNKNOWN)
    return index, role


def _joined(scene: Scene, index: Positions, role: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
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
        known = scene.meanings[both] & PARTICLE > 0
        tight = (
            gap[apart]
            == (ends[middle] - starts[middle]) + np.where(other > middle, ends[other] - starts[other] + 1, 0) + 2
        )
        joined[apart] = known[: len(apart)] & known[len(apart) :] & tight
    return joined


class _Runs(NamedTuple):
    """Runs of adjacent words that may be names: how many words they have, and of which roles."""

    head: Positions
    tail: Positions
    size: Positions
    counts: Mapping[str, Positions]
    titled: Mask
    thing: Mask


def _runs(index: Positions, role: Positions, joined: Mask) -> _Runs:
    """Runs of words; the positions of their first and last word in ``index``; ``joined``: with the word after."""
    nameable = _NAMEABLE[role]
    opens = np.concatenate([[True], ~(joined & nameable[1:] & nameable[:-1])])[nameable]
    before = np.concatenate([[0], np.where(joined, role[:-1], 0)])[nameable]
    after = np.concatenate([np.where(joined, role[1:], 0), [0]])[nameable]
    index, role = index[nameable], role[nameable]
    heads = np.flatnonzero(opens)
    tails = np.append(heads[1:], len(index))[: len(heads)] - 1
    # how often each role occurs in a run, as digits of one number: fifteen bits each
    sums = np.add.reduceat(_PACKED[role], heads) if len(heads) else np.zeros(0, np.int64)
    counts = {name: (sums >> 15 * place) & 0x7FFF for place, name in enumerate(_COUNTED)}
    return _Runs(index[heads], index[tails], tails - heads + 1, counts, before[heads] == _TITLE, _THING[after[tails]])


def _people(scene: Scene, index: Positions, role: Positions) -> list[Spans]:
    """Runs scored: by what names they hold, the title before them and, for the doubtful ones, the words before them."""
    runs = _runs(index, role, _joined(scene, index, role))
    given, surname, either, wordlike = (runs.counts[name] for name in _COUNTED)
    named, many = (given + either) > 0, runs.size > 1
    score = np.select(
        [
            runs.titled & (runs.size <= 5),
            (runs.size > 6) | runs.thing,
            many & named,
            many & ((surname + either) > 0),
            many & (wordlike > 0),
            given > 0,
            either > 0,
            surname > 0,
            wordlike > 0,
        ],
        [0.9, 0.2, 0.8, 0.65, 0.45, 0.6, 0.5, 0.4, 0.25],
        0.15,
    )
    found = scene.found(scene.starts[runs.head], scene.ends[runs.tail])
    marked = scene.announced(runs.head - 1, NAMING) | found.left_in(":,\n", 2)
    unsure = np.flatnonzero((score < 0.5) & marked & ~runs.thing & (runs.size <= 5))
    if len(unsure):
        before = found.where(unsure).before(28)
        known = (given + surname + either + wordlike)[unsure] > 0
        score[unsure] = np.where(has(before, _STRONG), 0.85, np.where(has(before, _WEAK) & known, 0.7, score[unsure]))
    kept = score >= 0.5
    kept[unsure] = True
    return [found.where(kept).spans("PERSON", score[kept])]


def _said(scene: Scene) -> Spans:
    """Names in lower case after "my name is": the first word, and those after it that are names."""
    index = scene.cued(SAID)
    index = index[index + 2 < len(scene.starts)]
    index = index + (scene.announced(index, NAME) & scene.announced(index + 1, IS))
    index = index[scene.classes[scene.starts[index + 1]] == LOWER]
    found = search(scene.near(index, 24, 48), _SAID)
    known, stops = word_sets()
    kept = []
    texts = scene.buffer.cut(*found, plain=True).to_list()
    for start, text in zip(found.start.tolist(), texts, strict=True):
        words = text.split(" ")
        size = 0 if words[0].lower() in stops else 1
        while 0 < size < len(words) and words[size].lower() in known:
            size += 1
        if size:
            kept.append((start, start + len(" ".join(words[:size]).encode())))
    ranges = np.array(kept, dtype=np.int64).reshape(-1, 2)
    return Spans("PERSON", ranges[:, 0], ranges[:, 1], 0.75)
