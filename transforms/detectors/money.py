"""Payment cards, IBANs, bank accounts and crypto wallets.

Belongs here: numbers that money moves by. Must not: the check-digit arithmetic (numbers.py). Sources: ISO/IEC 7812-1
(cards), ISO 13616 IBAN registry (lengths by country), Bitcoin BIP-173/350 (bech32) and base58check, ABA routing number
check.
"""

import hashlib

import numpy as np
import polars as pl

from transforms.detectors.cues import BANKING
from transforms.detectors.numbers import luhn, mod97, weighted
from transforms.detectors.patterns import TEXT, ask, has, take, widths, without
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Spans, search
from transforms.detectors.tokens import ALNUM, DIGIT

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 "
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 "
    "LC32 "
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 "
    "RO24 "
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
    "AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}
_SCHEME = (
    r"^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}"
    r"|6(?:011|4|5|2)\d{12,16}|81\d{14,17}|(?:50|5[6-9]|6\d)\d{10,17})$"
)
_CARD_WORDS = r"card|visa|master|amex|american express|credit|debit|tarjeta|carte|karte|maestro"
_CARD = (
    r"(?-u:\b)9999(?:[ -]9999){2}[ -]9{1,7}(?-u:\b)|(?-u:\b)9999[ -]999999[ -]9{4,5}(?-u:\b)"
    r"|(?-u:\b)9{12,19}(?-u:\b)"
)


_ALONE = none_of(left=(ALNUM, ("-.", DIGIT)), right=(ALNUM, ("-.", DIGIT)))
_HEAD, _TAIL = none_of(left=(ALNUM,)), none_of(right=(ALNUM,))


def cards(scene: Scene) -> list[Spans]:
    """Payment card numbers: 12 to 19 digits of a payment scheme, with a Luhn check digit; 0.6 where only words say
    so.
    """
    found = scene.shaped(_CARD, _ALONE)
    found = found.where(found.left_in("2345678", 0))
    if not len(found):
        return []
    plain = without(found.text, "[^0-9]")
    scheme = has(plain, _SCHEME) & ~has(plain, r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+)$")
    found, plain = found.where(scheme), plain.filter(pl.Series(scheme))
    if not len(found):
        return []
    good = luhn(plain)
    named = np.zeros(len(found), bool)
    named[~good] = has(found.where(~good).before(40), _CARD_WORDS) if not good.all() else False
    return [found.spans("CARD", np.where(good, 0.95, np.where(named, 0.6, 0.2)))]


_IBAN = r"^[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,4})?"


def ibans(scene: Scene) -> list[Spans]:
    """IBANs of every country's length with their check digits; 0.6 for a wrong check after the word IBAN."""
    heads = scene.shaped(r"(?-u:\b)AA99", _HEAD)
    if not len(heads):
        return []
    text = take(scene.buffer.after(heads.start, 48, lower=False), f"({_IBAN})")
    heads, text = heads.where(text.is_not_null()), text.drop_nulls()
    plain = ask(text, TEXT.str.replace_all("[ -]", "").str.to_uppercase())
    length = ask(plain, TEXT.str.head(2).replace_strict(IBAN_LENGTHS, default=99, return_dtype=pl.Int64)).to_numpy()
    extra = widths(plain) - length
    long = extra >= 0
    if not long.any():
        return []
    heads, extra, length = heads.where(long), extra[long], length[long]
    text, plain = (column.filter(pl.Series(long)) for column in (text, plain))
    sizes = widths(text).copy()
    for place in np.flatnonzero(extra).tolist():
        sizes[place] = len(_drop_last(text[place], int(extra[place])))
    whole = scene.found(heads.start, heads.start + sizes)
    good = mod97(ask(plain, TEXT.str.slice(4, pl.Series(length - 4)) + TEXT.str.head(4))) == 1
    named, apart = has(whole.before(40), r"iban|account|konto|cuenta|compte|bank"), whole.free(_TAIL)
    return [whole.where(apart).spans("IBAN", np.where(good, 0.97, np.where(named, 0.6, 0.3))[apart])]


def _drop_last(text: str, extra: int) -> str:
    """A number without so many letters and digits at its end: a word may follow after a space."""
    while extra:
        extra -= text[-1].isalnum()
        text = text[:-1]
    return text.rstrip(" -")


_ACCOUNT_WORDS = (
    r"(?:account|acct|a/c|bank account|checking|savings|sort code|routing|aba|bsb|cuenta|kontonummer|konto|compte"
    r"|ccc|clabe|giro)"
    r"\b[^\d\n]{0,24}$"
)
_ACCOUNT = r"(?-u:\b)9(?:[ -]?9){5,21}(?-u:\b)"


def accounts(scene: Scene) -> list[Spans]:
    """Bank account, routing (ABA check) and sort numbers: told by the words before them."""
    found = scene.shaped(_ACCOUNT, _HEAD)
    found = found.where(found.said(BANKING, 40))
    if len(found):
        found = found.where(has(found.before(40), _ACCOUNT_WORDS))
    if not len(found):
        return []
    plain = without(found.text, "[^0-9]")
    routing = (found.digits == 9) & (weighted(ask(plain, TEXT.str.pad_start(9, "0")), (3, 7, 1) * 3) % 10 == 0)
    return [found.spans("ACCOUNT", np.where(routing, 0.9, 0.75))]


_WALLET = (
    r"(?-u:\b)(?:0x[0-9a-fA-F]{40}|(?:bc1|tb1|ltc1|BC1)[a-zA-Z0-9]{11,87}|[123LMmn][1-9A-HJ-NP-Za-km-z]{25,34}"
    r"|4[0-9AB][1-9A-HJ-NP-Za-km-z]{93})(?-u:\b)"
)


def wallets(scene: Scene) -> list[Spans]:
    """Ethereum, Bitcoin, Litecoin and Monero addresses; Bitcoin's and Litecoin's by their checksums."""
    found = search(scene.long_tokens(26, DIGIT), _WALLET)
    texts = scene.buffer.cut(*found).to_list()
    return [Spans("WALLET", *found.where(np.array([_is_wallet(text) for text in texts], dtype=bool)), 0.95)]


_BASE58 = {letter: value for value, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BECH32 = {letter: value for value, letter in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}


def _is_wallet(text: str) -> bool:
    if text.startswith("0x") or len(text) == 95:
        return True
    return _bech32(text.lower()) if "1" in text[2:4] and text[:2].isalpha() else _base58check(text)


def _base58check(text: str) -> bool:
    value = 0
    for letter in text:
        value = value * 58 + _BASE58[letter]
    if value >= 1 << 200:
        return False
    raw = value.to_bytes(25)
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _bech32(text: str) -> bool:
    prefix, _, data = text.rpartition("1")
    if not set(data) <= _BECH32.keys():
        return False
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32[c] for c in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)
