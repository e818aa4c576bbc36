"""E-mail addresses and phone numbers.

Belongs here: how people are reached. Must not: addresses of machines (network.py) and of houses (places.py). Phone
numbers follow ITU-T E.164 (at most 15 digits); national forms are told by their grouping, their leading digits or
words nearby.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.detectors.cues import SPELT
from transforms.detectors.patterns import TEXT, ask, has, take, widths, without
from transforms.detectors.scene import Found, Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import ALNUM, DIGIT

EMAIL = (
    r"(?:\w[\w.!#$%&'*+/=?^`{|}~-]*|\"[^\"\n]+\")@"
    r"(?:[\p{L}\d](?:[\p{L}\d._-]*[\p{L}\d])?\.(?:\p{L}\p{L}+|xn--[A-Za-z0-9-]+)|\[(?:\d{1,3}\.){3}\d{1,3}\])"
)
_CLOSING = [ord(mark) for mark in ")]}"]
_SPELT = (
    r"(?i)[a-z0-9][\w.+-]* ?(?:\(at\)|\[at\]|\{at\}| at |@) ?(?:[a-z0-9][a-z0-9-]* ?(?:\(dot\)|\[dot\]|\{dot\}"
    r"| dot |\.) ?)+"
    r"(?:com|org|net|edu|gov|info|io|co|uk|de|es|fr|it|in|br|us|ca|au|nl|ch|at)(?-u:\b)"
)


def emails(scene: Scene) -> list[Spans]:
    """E-mail addresses, internationalised ones included, and those spelt ``name (at) host (dot) com``."""
    plain = search(scene.words_at(scene.marks_at("@")), EMAIL)
    words = scene.cued(SPELT)
    sizes = scene.ends[words] - scene.starts[words]
    words = words[(sizes == 3) | np.isin(scene.code(scene.ends[words]), _CLOSING)]
    spelt = search(scene.near(words, 60, 60), _SPELT)
    return [Spans("EMAIL", *plain, 0.97), Spans("EMAIL", *spelt, 0.8)]


_FAR = 80
_SEP = r"(?: ?[-./]? ?)"
_PHONE = (
    rf"(?:\+{_SEP}9{{1,4}}(?: ?[-./]? ?\(?9{{1,8}}\)?){{1,7}}"
    rf"|(?:(?-u:\b)9[-. ])?\(?(?-u:\b)999\)?{_SEP}999[-. ]9999"
    rf"|\(\+?9{{1,5}}\)(?: ?[-./]? ?9{{2,8}}){{1,4}}"
    rf"|(?-u:\b)9{{2,5}}(?:[-. /]9{{2,8}}){{1,5}}"
    rf"|(?-u:\b)9{{2,5}}[-. /]9(?:[-. /]9{{2,8}}){{2,5}}"
    rf"|(?-u:\b)9{{7,14}}"
    r")"
)
_ALONE = none_of(left=(ALNUM, ("-_./", ALNUM), "_@", (",.:", DIGIT)), right=(DIGIT, "_@", ("-_.,/:", DIGIT)))
_EXTENSION = r"^([ ,;]{0,2}(?:x|ext\.?|extension|extn|int\.|poste|dw)[ .:]{0,2}\d{1,6})(?:\D|$)"
_CALLING = (
    r"phone|\btel\b|tel[.:]|téle|tele?f|tlf|fono|\bfax|mobile|móvil|movil|portable|handy|mobil|cell|celular|whatsapp|\bcall"
    r"|contact|contac|dial|ring\b|reach|answer|messag|\btext\b|\bsms\b|hotline|helpline|desk\b|office|\bline\b|landline"
    r"|llam|rufnummer|\bruf|anruf|appel|joindre|\bn(?:ú|u)mero\b.{0,12}$|\bnumber\b.{0,12}$"
)
_CALLING_AFTER = r"^[-\s(]{0,3}(?:office|fax|mobile|home|work|cell|phone|desk|tel)"
_NOT_CALLING = (
    r"(?:card|account|acct|order|invoice|ticket|case|tracking|reference|\bref|passport|ssn|social|tax|iban|routing|sku|isbn|zip"
    r"|serial|version|model|pedido|factura|commande|facture|bestell|rechnung|\bid)\b[^a-z]{0,3}(?:number|no|nr|num|n°|nº|is|es|:|#)*[^a-z]{0,4}$"
    r"|[$€£¥#]\s?$"
)
_DATE_LIKE = (
    r"^(?:\d{4}[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|[12]\d|3[01])[-./](?:19|20)?\d\d)(?:$| )"
)
_GROUPED = (
    r"^(?:\(|0\d{1,4}(?:[-. /]\d{2,4}){2,4}$|\d{3}[-. ]\d{3}[-. ]\d{3,4}$|[6-9]\d{2}(?:[-. ]\d\d){3}$"
    r"|9\d[-. ]\d{3}[-. ]\d\d[-. ]\d\d$)"
)
_NATIONAL = r"^(?:[6789]\d{8}|0[1-9]\d{8}|07\d{9}|01[567]\d{8,9}|[2-9]\d{2}[2-9]\d{6}|1[2-9]\d{2}[2-9]\d{6})$"


def phones(scene: Scene) -> list[Spans]:
    """Phone and fax numbers: with a country code, in a usual grouping, or after a word that announces one."""
    found = scene.shaped(_PHONE, _ALONE)
    found = found.where((found.digits >= 7) & (found.digits <= 15))
    if not len(found):
        return []
    text, after = found.text, found.after(20)
    extension = widths(take(after, _EXTENSION))
    apart = ~has(after, r"^(?:\p{L}|[-_.,/:]?\d|@|_)") | (extension > 0)
    kept = apart & ~has(text, _DATE_LIKE)
    found = replace(found, end=found.end + extension).where(kept)
    score = _phone_score(found, text.filter(pl.Series(kept)), after.filter(pl.Series(kept)))
    kept = score >= scene.least
    if not kept.all():  # a word may come nearer when what stands between is gone
        kept[~kept] = has(found.where(~kept).before(_FAR), _CALLING)
    return [found.where(kept).spans("PHONE", score[kept])]


def _phone_score(found: Found, text: pl.Series, after: pl.Series) -> npt.NDArray[np.float64]:
    """How sure candidates are: first by their form, then the unsure ones by the words beside them."""
    count = found.digits
    international = has(text, r"^(?:\+|00[- ]?[1-9]\d{0,2}[-. (/]|00[1-9]\d{8}|\(\+)")
    usual = has(text, r"^(?:1[-. ]?)?\(?\d{3}\)?[-. ]{0,2}\d{3}[-. ]\d{4}")
    score = np.where(international & (count >= 8), 0.9, np.where(usual, 0.8, 0.3))
    rest = np.flatnonzero(score < 0.5)
    form = text.gather(rest)
    bare, groups = without(form, "[^0-9]"), ask(form, TEXT.str.count_matches("[0-9]+")).to_numpy()
    grouped, trunk = has(form, _GROUPED), has(form, r"^0\d{1,4}[ -/]\d{5,}$")
    national = has(bare, _NATIONAL)
    likely = (grouped & (count[rest] >= 8)) | (national & (groups == 2)) | trunk
    score[rest] = np.where(likely, 0.6, np.where(national & (groups == 1), 0.5, 0.3))
    rest = np.flatnonzero(score < 0.9)
    before = found.where(rest).before(48)
    foreign = has(before, _NOT_CALLING, ~international[rest])
    called = has(after.gather(rest), _CALLING_AFTER, ~foreign)
    called |= has(before, _CALLING, ~(foreign | called))
    score[rest] = np.where(foreign, 0.2, np.where(called, 0.85, score[rest]))
    return score
