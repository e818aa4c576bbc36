"""Street addresses and postal codes.

Belongs here: where somebody lives. Must not: names of towns and countries alone (a model's task, not a pattern's).
"""

import numpy as np
import polars as pl

from transforms.detectors.buffer import count_before
from transforms.detectors.cues import HOME, POSTAL, STREET_FIRST, STREET_LAST, UNIT
from transforms.detectors.patterns import TEXT, ask, fast, has, take, widths
from transforms.detectors.scene import Found, Scene
from transforms.detectors.sides import marked, none_of, other_than
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import ALNUM, DIGIT

_COMPOUND = (
    r"^\p{L}.+(?:stra(?:ß|ss)e|str\.?|gasse|weg|platz|allee|[^aeiou]ring|ufer|damm|straat|laan|gracht|kade|plein"
    r"|gata|gatan|vägen|vej|gade|veien|tie|katu)$"
)
_ENDINGS = np.zeros((256, 256), dtype=np.uint8)
_LAST = "se tr r. eg tz ee ng er mm at an ht de in ta en ej ie tu \x7fe"
for _end in _LAST.split(" "):
    _ENDINGS[ord(_end[0]), ord(_end[1])] = 1
_WORD = r"[^\s,;:<>()]+"
_NUMBER = r"(?:s/n|(?:n[º°o]\.? ?|num\. ?)?\d{1,5}(?:[ -]?[a-z](?:[^\p{L}]|$))?(?:[-/]\d{1,4}[a-z]?)?)"
_UNIT = (
    r"(?:,? ?(?:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building|piso|puerta|pta|bajo|bloque|esc"
    r"|escalera|planta|portal"
    r"|dcha|izda|izq|étage|bât|appt|#)\.? ?#?\d{1,5}[a-z]?)?"
)
_HOUSE = r"(?:^|[^\d\p{L}.,/-])\d{1,6}[a-zA-Z]?(?:[-/ ]\d{1,6})?,? "
_LEFT_OF_TYPE = rf"({_HOUSE}(?:(?:[\p{{Lu}}\d][^\s,;:<>()]*|of|the|de|la|du|von|van) ){{1,5}})$"
_LEFT_OF_PLAIN_TYPE = rf"({_HOUSE}(?:[\p{{L}}\d][\p{{L}}\d.'’-]* ){{1,2}})$"
_PLAIN_TYPES = ["street", "avenue", "road", "boulevard", "lane", "blvd", "parkway", "highway", "ave", "rd"]
_LEFT_OF_STREET = r"((?:^|[^\d\p{L}.,/-])\d{1,5}(?: \d{1,5})?(?: ?(?:bis|ter))?,? )$"
_RIGHT_OF_TYPE = rf"^(\.?{_UNIT})"
_RIGHT_OF_STREET = (
    rf"^((?:[./]? ?(?:{_WORD}[ ,]{{1,2}}){{1,7}}?{_NUMBER})"
    r"(?:(?:[ ,]{1,2}| - ?)(?:\d{1,2} ?[ºªo°]|\d{1,2}(?: ?,? (?:izda|izq|dcha|[a-h])(?-u:\b))|(?:bajo|piso|izda|izq"
    r"|dcha|puerta|portal|esc)\.?(?: \d{1,3}(?-u:\b))?)){0,2}(?: ?(?:izda|izq|dcha|[a-h])(?-u:\b)\.?)?)"
)
_SMALL = r"(?:de la|de l'|de|du|des|la|le|les|da|do|dos|das|del|della|di|d'|l')"
_PART = r"[^\s,;:<>()]"
_NAME_OF_STREET = rf"^([.]? (?:{_SMALL} ?{_PART}+|\p{{Lu}}{_PART}*)(?: (?:{_SMALL} {_PART}+|\p{{Lu}}{_PART}*)){{0,3}})"


_LABELLED = (
    r"(?i)(?P<pre>(?-u:\b)(?:domicilio|dirección|domicile|adresse|anschrift|indirizzo|residencia)"
    r"(?: (?:postal|particular|habitual|postale))? ?: {0,3})"
    r"(?P<value>[\p{L}\d][^\n:;<>@|]{2,100}?(?:\d ?[a-z]?|[ºª]|s/n|\p{L}{2}))(?P<post>[ .,]{0,3}\n|\. |[ .]{0,3}$)"
)
_NUMERALS = "0123456789"
# What the patterns below ask for first, so that they are tried on few.
_SORT = 3 * marked(_NUMERALS).astype(np.uint8) + 2 * marked("srSR").astype(np.uint8)
_BEFORE_UNIT = none_of(right=(other_than(". #" + _NUMERALS), (". ", other_than(" #dD" + _NUMERALS))))
_SURE = 0.81  # above a name alone, which a street may be called by; below dates


def addresses(scene: Scene) -> list[Spans]:
    """Street addresses with a house number, in the orders of English, Spanish, French, German and neighbours; PO
    boxes.
    """
    return [*_typed(scene), *_streets(scene), *_compounds(scene), *_units(scene), *_labelled(scene)]


def _typed(scene: Scene) -> list[Spans]:
    """``12 Long Lane, Apt. 3``: number, words, kind of street."""
    hits = _hits(scene, STREET_LAST, before=9)
    hits = hits.where(hits.left_in(" "))
    if not len(hits):
        return []
    before = scene.buffer.before(hits.start, 60, lower=False)
    left = take(before, _LEFT_OF_TYPE)
    plain = left.is_null() & ask(hits.text, TEXT.str.to_lowercase().is_in(_PLAIN_TYPES))
    left = left.zip_with(~plain, take(ask(before, pl.when(plain).then(TEXT)), _LEFT_OF_PLAIN_TYPE))
    kept = left.is_not_null()
    hits = hits.where(kept)
    return [_widened(hits, left.filter(kept), take(hits.after(28), _RIGHT_OF_TYPE), _SURE)] if len(hits) else []


def _streets(scene: Scene) -> list[Spans]:
    """``Calle Mayor 12, 3º B`` and ``12 rue de la Paix``: kind of street, words, and a number after or before."""
    hits = _hits(scene, STREET_FIRST, before=4, after=12)
    if not len(hits):
        return []
    numbered = take(hits.after(72), _RIGHT_OF_STREET)
    is_numbered, long = numbered.is_not_null().to_numpy(), hits.size > 2
    spanish = is_numbered & (long | hits.right_in("./"))
    behind = hits.where(~is_numbered & long & hits.left_in(" "))
    left = take(behind.before(20), _LEFT_OF_STREET)
    behind, left = behind.where(left.is_not_null()), left.drop_nulls()
    name = take(behind.after(72, lower=False), _NAME_OF_STREET)
    named = name.is_not_null()
    return [
        _widened(hits.where(spanish), None, numbered.filter(pl.Series(spanish)), _SURE),
        _widened(
            behind.where(named),
            left.filter(named),
            ask(name.filter(named), TEXT.str.strip_chars_end(" .")),
            0.65,
        ),
    ]


def _compounds(scene: Scene) -> list[Spans]:
    """``Lange Hauptstraße 12``: a word that ends in the kind of street, and a number after or before."""
    from transforms.detectors.compiled.beside import ending

    index = ending(scene.buffer.codes, scene.starts, scene.ends, scene.sizes, scene.capitals, _SORT, _ENDINGS, 6)
    index = scene.beside_number(index, 2)
    words = scene.found(scene.starts[index], scene.ends[index])
    words = words.where(has(words.text, _COMPOUND)) if len(words) else words
    if not len(words):
        return []
    right = take(words.after(28), r"^( \d{1,4}(?: ?[a-z](?:[^\p{L}]|$))?(?:[-/]\d{1,4})?)")
    left = take(words.before(20), _LEFT_OF_STREET)
    kept = left.is_not_null() | right.is_not_null()
    return [_widened(words.where(kept), left.filter(kept), right.filter(kept), 0.7)]


def _units(scene: Scene) -> list[Spans]:
    """``Apt. 12``, ``Suite 300``, ``PO Box 99``."""
    hits = _hits(scene, UNIT, before=0, after=4)
    hits = hits.where(hits.free(_BEFORE_UNIT))
    if not len(hits):
        return []
    right = take(hits.after(16), r"^(\.? ?(?:de correos )?#?\d{1,7}[a-z]?)(?:\W|$)")
    kept = right.is_not_null()
    hits = hits.where(kept)
    return [_widened(hits, take(hits.before(8), r"(p\.? ?o\.? ?)$"), right.filter(kept), 0.65)] if len(hits) else []


def _hits(scene: Scene, cue: int, before: int, after: int = 0) -> Found:
    """The tokens of a cue that have a token with digits within so many tokens before or after."""
    index = scene.cued(cue)
    if len(index) == 0 or len(scene.numeric) == 0:
        return scene.found(index[:0], index[:0])
    at = count_before(scene.numeric, index)
    right = scene.numeric[np.minimum(at, len(scene.numeric) - 1)] - index
    left = index - scene.numeric[np.maximum(at - 1, 0)]
    index = index[((left > 0) & (left <= before)) | ((right > 0) & (right <= after))]
    return scene.found(scene.starts[index], scene.ends[index])


def _widened(hits: Found, left: pl.Series | None, right: pl.Series, score: float) -> Spans:
    """Hits with the text left and right of them, without a mark that the left part begins with."""
    before = widths(ask(left, TEXT.str.replace(fast(r"^[^\p{L}\d]+"), ""))) if left is not None else 0
    return Spans("ADDRESS", hits.start - before, hits.end + widths(ask(right, TEXT.str.strip_chars_end(" \n"))), score)


def _labelled(scene: Scene) -> list[Spans]:
    """``Domicilio: Los Alisos, 12.``: what stands behind a label and a colon, up to the end of the line or sentence."""
    return [Spans("ADDRESS", *search(scene.near(scene.cued(HOME), 0, 160), _LABELLED), _SURE)]


_UNSURE, _FAR = 0.2, 64
_POSTAL = r"(?-u:\b)(?:9{5}(?:-9{3,4})?|9999|999 99|99-999|9{6}|9999 ?AA|AA?9[9A]? ?9AA|A9A ?9A9)(?-u:\b)"
_ALONE = none_of(left=(ALNUM, ("-./_", ALNUM), "$#", (" ", "$#")), right=(ALNUM, "%", ("-./:,", DIGIT)))
_POSTAL_WORDS = (
    r"(?:\bzip|postal|post ?code|\bcp\b|c\.p\.?|\bplz\b|código postal|code postal|postleitzahl|\bcep\b)[^\d\n]{0,16}$"
)
_STATE = (
    r"(?:\b(?:al|ak|az|ar|ca|co|ct|de|dc|fl|ga|hi|id|il|in|ia|ks|ky|la|me|md|ma|mi|mn|ms|mo|mt|ne|nv|nh|nj|nm|ny|nc|nd|oh|ok|or|pa|ri|sc|sd|tn|tx|ut|vt|va|wa"
    r"|wv|wi|wy|nsw|vic|qld|tas))\.?,? $"
)


def postal_codes(scene: Scene) -> list[Spans]:
    """Postal codes: after a word or a US state, before a town, or of the British or Canadian form."""
    found = scene.shaped(_POSTAL, _ALONE)
    rare = ((found.size == 4) | ((found.size == 6) & (found.digits >= 5))) & (scene.least > _UNSURE)
    found = found.where(~rare | found.said(POSTAL, _FAR))
    if not len(found):
        return []
    before, cased, text = found.before(28), found.after(12, lower=False), found.text
    lettered = has(text, r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$|^[A-Z]\d[A-Z] \d[A-Z]\d$", ~found.left_in(_NUMERALS, 0))
    state = has(before, _STATE, has(text, r"^\d{5}"))
    town = has(cased, r"^ \p{Lu}\p{L}+", has(text, r"^\d{5}$|^\d{4} ?[A-Z]{2}$"))
    listed = has(before, r"\p{L}, ?$|\n ?$|(?:\d|º)(?:º|ª|\.)?,? $|\p{L}{3,} $", town)
    forms = [has(before, _POSTAL_WORDS), lettered, state, listed]
    scores = np.select(forms, [0.85, 0.75, 0.7, 0.6], _UNSURE)
    kept = (scores >= scene.least) | found.said(POSTAL, _FAR)  # a word may come nearer when a span between is gone
    return [found.where(kept).spans("POSTAL_CODE", scores[kept])]
