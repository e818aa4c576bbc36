"""E-mail addresses and phone numbers.

Belongs here: how people are reached. Must not: addresses of machines (network.py) and of houses (places.py). Phone
numbers follow ITU-T E.164 (at most 15 digits); national forms are told by their grouping, their leading digits or
words nearby.
"""

import numpy as np
import polars as pl

from transforms.detectors.cues import SPELT
from transforms.detectors.patterns import has, take
from transforms.detectors.scene import Scene
from transforms.detectors.spans import no_spans, search, spans

_EMAIL = (
    r"(?:\w[\w.!#$%&'*+/=?^`{|}~-]*|\"[^\"\n]+\")@"
    r"(?:[\p{L}\d](?:[\p{L}\d._-]*[\p{L}\d])?\.(?:\p{L}\p{L}+|xn--[A-Za-z0-9-]+)|\[(?:\d{1,3}\.){3}\d{1,3}\])"
)
_CLOSING = [ord(mark) for mark in ")]}"]
_SPELT = (
    r"(?i)[a-z0-9][\w.+-]* ?(?:\(at\)|\[at\]|\{at\}| at |@) ?(?:[a-z0-9][a-z0-9-]* ?(?:\(dot\)|\[dot\]|\{dot\}"
    r"| dot |\.) ?)+"
    r"(?:com|org|net|edu|gov|info|io|co|uk|de|es|fr|it|in|br|us|ca|au|nl|ch|at)(?-u:\b)"
)


def emails(scene: Scene) -> pl.DataFrame:
    """E-mail addresses, internationalised ones included, and those spelt ``name (at) host (dot) com``."""
    plain = search(scene.words_at(scene.bytes_at("@")), _EMAIL)
    words = scene.cued(SPELT)
    sizes = scene.ends[words] - scene.starts[words]
    follows = scene.buffer.codes[np.minimum(scene.ends[words], len(scene.classes) - 1)]
    words = words[(sizes == 3) | np.isin(follows, _CLOSING)]
    spelt = search(scene.near(words, 60, 60), _SPELT)
    return pl.concat([spans(plain, "EMAIL", 0.97), spans(spelt, "EMAIL", 0.8)])


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


def phones(scene: Scene) -> pl.DataFrame:
    """Phone and fax numbers: with a country code, in a usual grouping, or after a word that announces one."""
    found = scene.shaped(_PHONE)
    found = found.with_columns(count=pl.col("text").str.count_matches("[0-9]")).filter(
        pl.col("count").is_between(7, 15)
    )
    if found.is_empty():
        return no_spans()
    found = found.with_columns(
        before=scene.buffer.before(found["start"].to_numpy()),
        after=scene.buffer.after(found["end"].to_numpy(), 20),
    )
    found = found.filter(
        ~has("before", r"[\p{L}\d_@][-_./]?$|\d[,.:]$")
        & ~(has("after", r"^(?:\p{L}|[-_.,/:]?\d|@|_)") & ~has("after", _EXTENSION))
        & ~has("text", _DATE_LIKE)
    )
    extension = take("after", _EXTENSION).str.len_bytes().fill_null(0)
    found = found.with_columns(
        end=pl.col("end") + extension,
        groups=pl.col("text").str.count_matches("[0-9]+"),
        bare=pl.col("text").str.replace_all("[^0-9]", ""),
    )
    called = has("before", _CALLING) | has("after", _CALLING_AFTER)
    foreign = has("before", _NOT_CALLING)
    international = has("text", r"^(?:\+|00[- ]?[1-9]\d{0,2}[-. (/]|00[1-9]\d{8}|\(\+)")
    grouped = has("text", _GROUPED)
    usual = has("text", r"^(?:1[-. ]?)?\(?\d{3}\)?[-. ]{0,2}\d{3}[-. ]\d{4}")
    national = has("bare", _NATIONAL)
    trunk = has("text", r"^0\d{1,4}[ -/]\d{5,}$")
    score = (
        pl.when(foreign & ~international).then(0.2)
        .when(international & (pl.col("count") >= 8)).then(0.9)
        .when(called).then(0.85)
        .when(usual).then(0.8)
        .when(grouped & (pl.col("count") >= 8)).then(0.6)
        .when((national & (pl.col("groups") == 2)) | trunk).then(0.6)
        .when(national & (pl.col("groups") == 1)).then(0.5)
        .otherwise(0.3)
    )  # fmt: skip
    return spans(found, "PHONE", score)
