"""Street addresses and postal codes.

Belongs here: where somebody lives. Must not: names of towns and countries alone (a model's task, not a pattern's).
"""

import numpy as np
import polars as pl

from transforms.detectors.cues import STREET_FIRST, STREET_LAST, UNIT
from transforms.detectors.patterns import has, take
from transforms.detectors.scene import Scene
from transforms.detectors.spans import no_spans, spans
from transforms.detectors.tokens import LOWER

_COMPOUND = (
    r"^\p{L}.+(?:stra(?:ß|ss)e|str\.?|gasse|weg|platz|allee|ring|ufer|damm|straat|laan|gracht|kade|plein"
    r"|gata|gatan|vägen|vej|gade|veien|tie|katu)$"
)
_WORD = r"[^\s,;:<>()]+"
_NUMBER = r"(?:n[º°o]\.? ?)?\d{1,5}(?:[ -]?[a-z](?:[^\p{L}]|$))?(?:[-/]\d{1,4}[a-z]?)?"
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
    rf"^((?:[./]? ?(?:{_WORD}[ ,]{{1,2}}){{1,7}}?{_NUMBER})(?:[ ,]{{1,2}}\d{{1,2}} ?[ºªo°]|[ ,]{{1,2}}(?:bajo|piso"
    rf"|izda|izq|dcha|puerta|esc)\.?)?"
    r"(?: ?(?:izda|izq|dcha|[a-h])(?-u:\b)\.?)?)"
)
_SMALL = r"(?:de la|de l'|de|du|des|la|le|les|da|do|dos|das|del|della|di|d'|l')"
_PART = r"[^\s,;:<>()]"
_NAME_OF_STREET = rf"^([.]? (?:{_SMALL} ?{_PART}+|\p{{Lu}}{_PART}*)(?: (?:{_SMALL} {_PART}+|\p{{Lu}}{_PART}*)){{0,3}})"


def addresses(scene: Scene) -> pl.DataFrame:
    """Street addresses with a house number, in the orders of English, Spanish, French, German and neighbours; PO
    boxes.
    """
    return pl.concat([_typed(scene), _streets(scene), _compounds(scene), _units(scene)])


def _typed(scene: Scene) -> pl.DataFrame:
    """``12 Long Lane, Apt. 3``: number, words, kind of street."""
    hits = _hits(scene, STREET_LAST)
    before = scene.buffer.before(hits["start"].to_numpy(), 60, lower=False)
    plain = pl.when(pl.col("word").is_in(_PLAIN_TYPES)).then(take(before, _LEFT_OF_PLAIN_TYPE))
    hits = hits.with_columns(left=pl.coalesce(take(before, _LEFT_OF_TYPE), plain)).drop_nulls("left")
    if hits.is_empty():
        return no_spans()
    right = take(scene.buffer.after(hits["end"].to_numpy(), 28), _RIGHT_OF_TYPE)
    return _widened(hits.with_columns(right=right), 0.75)


def _streets(scene: Scene) -> pl.DataFrame:
    """``Calle Mayor 12, 3º B`` and ``12 rue de la Paix``: kind of street, words, and a number after or before."""
    hits = _hits(scene, STREET_FIRST)
    if hits.is_empty():
        return no_spans()
    after = scene.buffer.after(hits["end"].to_numpy(), 72)
    before = scene.buffer.before(hits["start"].to_numpy(), 20)
    cased = scene.buffer.after(hits["end"].to_numpy(), 72, lower=False)
    hits = hits.with_columns(
        numbered=take(after, _RIGHT_OF_STREET),
        name=take(cased, _NAME_OF_STREET),
        left=take(before, _LEFT_OF_STREET),
        marked=has(after, r"^[./]"),
    )
    long = pl.col("word").str.len_chars() > 2
    spanish = hits.filter(pl.col("numbered").is_not_null() & (long | pl.col("marked"))).with_columns(right="numbered")
    french = hits.filter(pl.col("numbered").is_null() & long).drop_nulls(["left", "name"])
    return pl.concat(
        [
            _widened(spanish, 0.7),
            _widened(french.with_columns(right=pl.col("name").str.strip_chars_end(" .")), 0.65),
        ]
    )


def _compounds(scene: Scene) -> pl.DataFrame:
    """``Lange Hauptstraße 12``: a word that ends in the kind of street, and a number after or before."""
    index = np.flatnonzero(scene.ends - scene.starts >= 6)
    index = index[scene.classes[scene.starts[index]] != LOWER]
    words = pl.DataFrame({"start": scene.starts[index], "end": scene.ends[index]})
    words = words.with_columns(text=scene.buffer.cut(scene.starts[index], scene.ends[index]))
    words = words.filter(has("text", _COMPOUND))
    if words.is_empty():
        return no_spans()
    words = words.with_columns(
        right=take(
            scene.buffer.after(words["end"].to_numpy(), 28),
            r"^( \d{1,4}(?: ?[a-z](?:[^\p{L}]|$))?(?:[-/]\d{1,4})?)",
        ),
        left=take(scene.buffer.before(words["start"].to_numpy(), 20), _LEFT_OF_STREET),
    )
    return _widened(words.filter(pl.col("right").is_not_null() | pl.col("left").is_not_null()), 0.7)


def _units(scene: Scene) -> pl.DataFrame:
    """``Apt. 12``, ``Suite 300``, ``PO Box 99``."""
    hits = _hits(scene, UNIT)
    right = take(scene.buffer.after(hits["end"].to_numpy(), 16), r"^(\.? ?(?:de correos )?#?\d{1,7}[a-z]?)(?:\W|$)")
    hits = hits.with_columns(right=right).filter(right.is_not_null())
    if hits.is_empty():
        return no_spans()
    left = take(scene.buffer.before(hits["start"].to_numpy(), 8), r"(p\.? ?o\.? ?)$")
    return _widened(hits.with_columns(left=left), 0.65)


def _hits(scene: Scene, cue: int) -> pl.DataFrame:
    """The tokens of a cue that have a number within six tokens: ``start``, ``end``, ``word``."""
    index = scene.cued(cue)
    if len(index) and len(scene.numeric):
        at = np.searchsorted(scene.numeric, index)
        right = scene.numeric[np.minimum(at, len(scene.numeric) - 1)]
        left = scene.numeric[np.maximum(at - 1, 0)]
        index = index[(np.abs(right - index) <= 8) | (np.abs(index - left) <= 8)]
    else:
        index = index[:0]
    starts, ends = scene.starts[index], scene.ends[index]
    return pl.DataFrame({"start": starts, "end": ends, "word": scene.buffer.cut(starts, ends).str.to_lowercase()})


def _widened(hits: pl.DataFrame, score: float) -> pl.DataFrame:
    """Hits with the text ``left`` and ``right`` of them, without a mark that the left part begins with."""
    left = pl.col("left").str.replace(r"^[^\p{L}\d]+", "").str.len_bytes().fill_null(0)
    right = pl.col("right").str.strip_chars_end(" \n").str.len_bytes().fill_null(0)
    return spans(hits.with_columns(start=pl.col("start") - left, end=pl.col("end") + right), "ADDRESS", score)


_POSTAL = r"(?-u:\b)(?:9{5}(?:-9{3,4})?|9999|999 99|99-999|9{6}|9999 ?AA|AA?9[9A]? ?9AA|A9A ?9A9)(?-u:\b)"
_POSTAL_WORDS = (
    r"(?:\bzip|postal|post ?code|\bcp\b|c\.p\.?|\bplz\b|código postal|code postal|postleitzahl|\bcep\b)[^\d\n]{0,16}$"
)
_STATE = (
    r"(?:\b(?:al|ak|az|ar|ca|co|ct|de|dc|fl|ga|hi|id|il|in|ia|ks|ky|la|me|md|ma|mi|mn|ms|mo|mt|ne|nv|nh|nj|nm|ny|nc|nd|oh|ok|or|pa|ri|sc|sd|tn|tx|ut|vt|va|wa"
    r"|wv|wi|wy|nsw|vic|qld|tas))\.?,? $"
)


def postal_codes(scene: Scene) -> pl.DataFrame:
    """Postal codes: after a word or a US state, before a town, or of the British or Canadian form."""
    found = scene.shaped(_POSTAL)
    if found.is_empty():
        return no_spans()
    found = found.with_columns(
        before=scene.buffer.before(found["start"].to_numpy(), 28),
        raw=scene.buffer.after(found["end"].to_numpy(), 12, lower=False),
    ).filter(~has("before", r"[\d\p{L}][-./_]?$|[$€£#]\s?$") & ~has("raw", r"^(?:[-./:,]?\d|\p{L}|%)"))
    worded = has("before", _POSTAL_WORDS)
    state = has("before", _STATE) & has("text", r"^\d{5}")
    town = has("raw", r"^ \p{Lu}\p{L}+") & has("text", r"^\d{5}$|^\d{4} ?[A-Z]{2}$")
    listed = has("before", r"\p{L}, ?$|\n ?$|[\dº][ºª.]?,? $|\p{L}{3,} $") & town
    lettered = has("text", r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$|^[A-Z]\d[A-Z] \d[A-Z]\d$")
    score = (
        pl.when(worded).then(0.85).when(lettered).then(0.75).when(state).then(0.7).when(listed).then(0.6).otherwise(0.2)
    )
    return spans(found, "POSTAL_CODE", score)
