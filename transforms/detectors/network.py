"""Addresses of machines: URLs, domains, IPv4, IPv6, MAC.

Belongs here: names and numbers on networks. Must not: e-mail (contact.py). Sources: RFC 3986, RFC 1035, RFC 4291, IEEE
802; top-level domains: the country codes of ISO 3166-1 and the generic ones in common use.
"""

import ipaddress

import numpy as np
import polars as pl

from transforms.detectors.buffer import Positions
from transforms.detectors.patterns import TEXT, ask, has, take
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Mask, Spans, search
from transforms.detectors.tokens import ALNUM, DIGIT, LETTER, UNDER

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
_WORD = ALNUM | UNDER
_ALONE = none_of(left=(_WORD, "@.-"), right=(_WORD, "@-", (".", _WORD)))
_URL = rf"(?i)(?:(?:https?|ftps?|sftp|wss?)://[\p{{L}}\d\[]|(?-u:\b)www\d?\.\w)(?:{_TAIL}*{_LAST})?"
_BARE = rf"[\p{{L}}\d-]+(?:\.[\p{{L}}\d-]+)+(?::\d+)?(?:[/?#]{_TAIL}*{_LAST})?/?"


def urls(scene: Scene) -> list[Spans]:
    """URLs with a scheme or ``www.``, and bare domains under a known top-level domain, with their paths."""
    dots = scene.dots
    dotted = scene.words_at(dots[(scene.kind(dots + 1) & (LETTER | UNDER)) > 0])
    colons = scene.marks_at(":")
    schemes = scene.words_at(colons[scene.code(colons + 1) == ord("/")])
    www = dotted.filter(pl.Series(has(dotted["text"], "(?i)www")))
    schemed = Spans("URL", *search(pl.concat([schemes, www]), _URL), 0.93)
    bare = search(dotted, _BARE)
    found = scene.found(*bare)
    found = found.where(found.free(_ALONE))
    return [schemed, found.where(_is_domain(found.text)).spans("URL", 0.85)] if len(found) else [schemed]


def _is_domain(texts: pl.Series) -> Mask:
    """Whether texts that look like domains are some: the top level is known, and they are no words of a sentence."""
    host = ask(take(texts, r"^([^/?#:]+)"), TEXT.fill_null(""))
    top = ask(take(host, r"\.([^.]+)$"), TEXT.fill_null(""))
    lower, single = top.str.to_lowercase(), ask(host, TEXT.str.count_matches(".", literal=True) == 1).to_numpy()
    among = lambda some: ask(lower, TEXT.is_in(some)).to_numpy()  # noqa: E731
    known, worded = among(_TOP), among(_WORDS.split()) & single
    doubtful = worded & ~has(host, r"[\d-]|^\w{7,}\.")
    shouted = has(host, r"[A-Z]\.[A-Z]+$") & ~among(["com", "org", "net", "edu", "gov"])
    short = has(host, r"^(?:\w\.)+\w{2}$") | among(_FILES.split())
    likely = ~(shouted | has(top, r"^[A-Z][a-z]")) & (has(texts, "[/?#]") | ~(doubtful | short))
    return known & likely & ~has(host, r"^-|-\.|\.-|[^.]{64}") & has(host, r"\p{L}.*\.")


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_V6 = r"(?i)(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?"
_V4_ALONE = none_of(left=(_WORD, "."), right=(_WORD, (".", _WORD)))
_V6_ALONE = none_of(left=(_WORD, ":."), right=(_WORD, (":", _WORD)))
_MAC_ALONE = none_of(left=(_WORD, ":-"), right=(_WORD, ":-"))
_MAC = r"(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}"


def machines(scene: Scene) -> list[Spans]:
    """IPv4, IPv6 and MAC addresses."""
    dots = scene.dots
    between = dots[(scene.kind(dots - 1) == DIGIT) & (scene.kind(dots + 1) == DIGIT)]
    v4 = scene.found(*search(scene.words_at(_repeated(between, 2, 8)), _V4))
    v4 = v4.where(v4.free(_V4_ALONE))
    if len(v4):
        v4 = v4.where(~has(v4.before(12), r"(?:version|release|\bv)[ .:]*$"))
    colons = scene.words_at(_repeated(scene.marks_at(":"), 1, 5))
    dashed = scene.words_at(_repeated(scene.marks_at("-"), 4, 12))
    cisco = scene.words_at(_repeated(dots, 1, 5))
    mac = scene.found(*search(pl.concat([colons, dashed, cisco]), _MAC))
    mac = mac.where(mac.free(_MAC_ALONE))
    mac = mac.where(has(mac.text, r"\d|:")) if len(mac) else mac
    v6 = scene.found(*search(colons, _V6))
    v6 = v6.where(v6.free(_V6_ALONE))
    v6 = v6.where(np.array([_is_v6(text) for text in v6.text.to_list()], dtype=bool))
    return [v4.spans("IP", 0.9), mac.spans("MAC", 0.9), v6.spans("IP", 0.9)]


def _repeated(at: Positions, times: int, reach: int) -> Positions:
    """Positions of marks of which so many more stand within some bytes."""
    return at[:-times][at[times:] - at[:-times] <= reach] if len(at) > times else at[:0]


def _is_v6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.count(":") >= 2 and len(text) >= 3 and any(c.isdigit() for c in text)
