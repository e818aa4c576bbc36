"""Names of people: by dictionary, titles and the words around.

Belongs here: how capitalised words make a name. Must not: the word lists (lexicon.py), names of places and
organisations (only used to tell what is no person). A model does better on unknown names; see ``Recognizer`` in
transforms/detect.py.
"""

import numpy as np
import numpy.typing as npt

from transforms.detectors.buffer import Positions
from transforms.detectors.cues import IS, NAME, NAMING, SAID
from transforms.detectors.folding import MORE
from transforms.detectors.lexicon import ROLES, word_sets
from transforms.detectors.patterns import TEXT, ask, has
from transforms.detectors.scene import Scene
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import LOWER
from transforms.detectors.words import PARTICLE, ROLE

_INITIAL, _UNKNOWN = len(ROLES) + 1, len(ROLES) + 2
_GIVEN, _SURNAME, _EITHER, _WORDLIKE, _TITLE = (
    ROLES.index(r) + 1 for r in ("given", "surname", "either", "wordlike", "title")
)
_COUNTED = {"given": _GIVEN, "surname": _SURNAME, "either": _EITHER, "wordlike": _WORDLIKE}
_NAMEABLE, _THING, _IDLE = np.zeros((3, _UNKNOWN + 1), dtype=bool)
_NAMEABLE[[*_COUNTED.values(), _INITIAL, _UNKNOWN]] = True
_THING[[ROLES.index("organisation") + 1, ROLES.index("street") + 1]] = True
_IDLE[[ROLES.index("stop") + 1, ROLES.index("place") + 1]] = True
_COUNT_OF = np.full(_UNKNOWN + 1, -1, dtype=np.int64)
_COUNT_OF[[*_COUNTED.values()]] = np.arange(len(_COUNTED))
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
    from transforms.detectors.compiled.names import name_words

    index, role, wide = name_words(
        scene.buffer.codes, scene.starts, scene.meanings, scene.sizes, scene.capitals, _IDLE, ROLE, PARTICLE,
        _INITIAL, ord(MORE),
    )  # fmt: skip
    if len(wide):
        text = scene.buffer.cut(scene.starts[index[wide]], scene.ends[index[wide]], plain=True)
        capital = ask(text, TEXT.str.contains(r"^[\p{Lu}\p{Lt}]")).to_numpy()
        other = ask(text, TEXT.str.contains(r"^\p{Lo}")).to_numpy() & (role[wide] < _INITIAL)
        keep = np.ones(len(index), bool)
        keep[wide] = capital | other
        index, role = index[keep], role[keep]
    return index, role


def _people(scene: Scene, index: Positions, role: Positions) -> list[Spans]:
    """Runs scored: by what names they hold, the title before them and, for the doubtful ones, the words before them."""
    from transforms.detectors.compiled.names import name_runs

    runs = name_runs(
        scene.buffer.codes, scene.starts, scene.ends, scene.meanings, index, role, _NAMEABLE, _THING, _COUNT_OF,
        _INITIAL, _TITLE, PARTICLE,
    )  # fmt: skip
    found, score = scene.found(scene.starts[runs.head], scene.ends[runs.tail]), runs.score
    kept = score >= 0.5
    unsure = np.flatnonzero(runs.open & ~kept)
    unsure = unsure[scene.announced(runs.head[unsure] - 1, NAMING) | found.where(unsure).left_in(":,\n", 2)]
    if len(unsure):
        before = found.where(unsure).before(28)
        strong = has(before, _STRONG)
        named = has(before, _WEAK, runs.known[unsure] & ~strong)
        score[unsure] = np.where(strong, 0.85, np.where(named, 0.7, score[unsure]))
    kept[unsure] = True
    return [found.where(kept).spans("PERSON", score[kept])]


def _said(scene: Scene) -> Spans:
    """Names in lower case after "my name is": the first word, and those after it that are names."""
    index = scene.cued(SAID)
    index = index[index + 2 < len(scene.starts)]
    index = index + (scene.announced(index, NAME) & scene.announced(index + 1, IS))
    index = index[scene.kind(scene.starts[index + 1]) == LOWER]
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
