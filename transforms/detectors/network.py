"""Addresses of machines: URLs, domains, IPv4, IPv6, MAC.

Belongs here: names and numbers on networks. Must not: e-mail (contact.py). Sources: RFC 3986, RFC 1035, RFC 4291, IEEE
802; top-level domains: the country codes of ISO 3166-1 and the generic ones in common use.
"""

import ipaddress

import numpy as np
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.patterns import has, take
from transforms.detectors.scene import Scene
from transforms.detectors.spans import search, spans
from transforms.detectors.tokens import DIGIT

_GENERIC = (
    "com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post app dev shop "
    "store "
    "online site website xyz tech blog cloud club live news space fun top vip work world today life email agency "
    "digital "
    "media studio design group company solutions services systems network software finance bank health care clinic "
    "hospital legal law page web wiki art eco green energy global international city london paris berlin tokyo nyc"
)
_COUNTRIES = (
    "ac ad ae af ag ai al am ao ar as at au aw az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf "
    "cg ch "
    "ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg "
    "gh gi "
    "gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn "
    "kr kw "
    "ky kz la lb lc li lk lr ls lt lu lv ly ma mc me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne "
    "nf ng "
    "ni nl no np nr nu nz om pa pe pf pg ph pk pm pn pr pt pw qa re ro ru rw sa sb sc sd se sg si sk sl sm sn so sr "
    "ss st "
    "su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye "
    "yt za "
    "zm zw"
)
_WORDS = "is it in so to me at be as us am my no do by"
_FILES = "py rs sh pl md zip cc ps"
_TOP = [*_GENERIC.split(), *_COUNTRIES.split(), "onion", "local", "internal"]
_TAIL = r"[^\s<>\"'`)\]}]"
_LAST = r"[^\s<>\"'`)\]}.,;:!?]"
_URL = rf"(?i)(?:(?:https?|ftps?|sftp|wss?)://[\p{{L}}\d\[]|(?-u:\b)www\d?\.\w)(?:{_TAIL}*{_LAST})?"
_BARE = rf"[\p{{L}}\d-]+(?:\.[\p{{L}}\d-]+)+(?::\d+)?(?:[/?#]{_TAIL}*{_LAST})?/?"


def urls(scene: Scene) -> pl.DataFrame:
    """URLs with a scheme or ``www.``, and bare domains under a known top-level domain, with their paths."""
    dotted = scene.words_at(scene.dots)
    schemes = scene.words_at(scene.bytes_at(":")).filter(has("text", "://"))
    www = dotted.filter(has("text", r"(?i)www"))
    schemed = spans(search(pl.concat([schemes, www]), _URL), "URL", 0.93)
    bare = search(dotted.filter(has("text", r"[^\W\d]\.[^\W\d]|\d\.[^\W\d]")), _BARE)
    if bare.is_empty():
        return schemed
    host = take("text", r"^([^/?#:]+)")
    bare = bare.with_columns(
        before=scene.buffer.before(bare["start"].to_numpy(), 4),
        after=scene.buffer.after(bare["end"].to_numpy(), 4),
        host=host, top=take(host, r"\.([^.]+)$"), labels=host.str.count_matches(r"\."),
    )  # fmt: skip
    path = has("text", "[/?#]")
    lower = pl.col("top").str.to_lowercase()
    doubtful = lower.is_in(_WORDS.split()) & (pl.col("labels") == 1) & ~has("host", r"[\d-]|^\w{7,}\.")
    shouted = has("host", r"[A-Z]\.[A-Z]+$") & ~lower.is_in(["com", "org", "net", "edu", "gov"])
    sentence = has("top", r"^[A-Z][a-z]")
    short = has("host", r"^(?:\w\.)+\w{2}$")
    keep = (
        lower.is_in(_TOP) & ~shouted & ~sentence & (path | ~(doubtful | short | lower.is_in(_FILES.split())))
        & ~has("before", r"[\w@.-]$")
        & ~has("after", r"^(?:[\w@-]|\.\w)")
        & ~has("host", r"^-|-\.|\.-|[^.]{64}")
        & has("host", r"\p{L}.*\.")
    )  # fmt: skip
    return pl.concat([schemed, spans(bare.filter(keep), "URL", 0.85)])


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_V6 = r"(?i)(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?"
_MAC = r"(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}"


def machines(scene: Scene) -> pl.DataFrame:
    """IPv4, IPv6 and MAC addresses."""
    dots = scene.dots
    between = dots[(scene.classes[dots - 1] == DIGIT) & (scene.classes[dots + 1] == DIGIT)]
    dotted = scene.words_at(between).filter(has("text", r"[0-9]\.[0-9]+\.[0-9]"))
    v4 = _apart(scene, search(dotted, _V4), r"[\w.]$", r"^(?:\w|\.\d)")
    if v4.height:
        v4 = v4.filter(~has(scene.buffer.before(v4["start"].to_numpy(), 12), r"(?:version|release|\bv)[ .:]*$"))
    colons = scene.words_at(_repeated(scene, ":", 5))
    dashed = scene.words_at(_repeated(scene, "-", 3)).filter(has("text", "(?i)[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}-"))
    cisco = scene.words_at(dots).filter(has("text", r"(?i)[0-9a-f]{4}\.[0-9a-f]{4}\."))
    mac = _apart(scene, search(pl.concat([colons, dashed, cisco]), _MAC), r"[\w:-]$", r"^[\w:-]")
    mac = mac.filter(has("text", r"\d|:"))
    v6 = _apart(scene, search(colons, _V6), r"[\w:.]$", r"^(?:\w|:\w)").filter(has("text", r"\d"))
    v6 = v6.filter(pl.Series([_is_v6(text) for text in v6["text"].to_list()], dtype=pl.Boolean))
    return pl.concat([spans(v4, "IP", 0.9), spans(mac, "MAC", 0.9), spans(v6, "IP", 0.9)])


def _repeated(scene: Scene, mark: str, reach: int) -> Positions:
    """Positions of a mark that stands again within some bytes."""
    at = scene.bytes_at(mark)
    return at[:-1][np.diff(at) <= reach] if len(at) else at


def _is_v6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.count(":") >= 2 and len(text) >= 3


def _apart(scene: Scene, found: pl.DataFrame, left: str, right: str) -> pl.DataFrame:
    """Matches that no character of ``left`` precedes and none of ``right`` follows."""
    if found.is_empty():
        return found
    before = scene.buffer.before(found["start"].to_numpy(), 4)
    after = scene.buffer.after(found["end"].to_numpy(), 4)
    return found.filter(~has(before, left) & ~has(after, right))
