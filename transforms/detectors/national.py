"""National identity, tax, health and social security numbers.

Belongs here: a table of number formats and their check digits, written from the public specifications named at each.
Must not: records that an organisation numbers itself (records.py). ``strong`` formats carry a check digit that a random
number passes rarely (or letters in set places); others need a word nearby.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.detectors.cues import ISSUED
from transforms.detectors.numbers import Flags, digits, luhn, verhoeff, weighted
from transforms.detectors.patterns import TEXT, ask, has
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Spans
from transforms.detectors.tokens import ALNUM, DIGIT


@dataclass(frozen=True)
class Number:
    """A kind of number: its shape, its check on the compact form (letters upper case, no separators), its words.

    ``alone``: the score without a word nearby; ``worded``: with one. ``unchecked``: the score with a word where the
    check fails (0: not a finding).
    """

    kind: str
    shape: str
    check: Callable[[pl.Series], Flags]
    words: str
    alone: float
    worded: float
    unchecked: float = 0.0


def _nino(texts: pl.Series) -> Flags:
    """UK, National Insurance Manual: prefix letters without D F I Q U V (and O second), no BG GB KN NK NT TN ZZ;
    suffix A-D.
    """
    shaped = has(texts, r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$")
    return shaped & ~has(texts, "^(?:BG|GB|KN|NK|NT|TN|ZZ)")


def _ssn(texts: pl.Series) -> Flags:
    """US Social Security Administration: area not 000, 666 or 9xx; group not 00; serial not 0000."""
    return has(texts, r"^(?:[0-8]\d{2})\d{6}$") & ~has(texts, r"^(?:000|666)|^\d{3}00|0000$")


def _itin(texts: pl.Series) -> Flags:
    """US Internal Revenue Service: 9xx, fourth and fifth digits 50-65, 70-88, 90-92, 94-99."""
    return has(texts, r"^9\d{2}(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}$")


def _nhs(texts: pl.Series) -> Flags:
    """UK NHS: mod 11 with weights 10 to 2."""
    check = 11 - weighted(texts, range(10, 1, -1)) % 11
    return np.where(check == 11, 0, check) == digits(texts, 10)[:, 9]


def _dni(texts: pl.Series) -> Flags:
    """Spain, DNI and NIE: the letter is the number mod 23 (X, Y, Z stand for 0, 1, 2)."""
    number = TEXT.str.head(-1).str.replace("^X", "0").str.replace("^Y", "1").str.replace("^Z", "2").cast(pl.Int64) % 23
    letters = dict(enumerate("TRWAGMYFPDXBNJZSQVHLCKE"))
    return ask(texts, number.replace_strict(letters, return_dtype=pl.String) == TEXT.str.tail(1)).to_numpy()


def _nie(texts: pl.Series) -> Flags:
    """Spain, NIE: X, Y or Z first, then as the DNI."""
    shaped = has(texts, "^[XYZ]")
    return shaped & _dni(ask(texts, TEXT.str.replace("^[^XYZ]", "X")))


def _nir(texts: pl.Series) -> Flags:
    """France, INSEE: the key is 97 minus the number mod 97 (2A is 19, 2B is 18)."""
    body = TEXT.str.head(13).str.replace("2A", "19").str.replace("2B", "18").cast(pl.Int64, strict=False)
    shaped = has(texts, r"^[12]\d\d(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d\d|2[AB])")
    return shaped & ask(texts, (97 - body % 97 == TEXT.str.tail(2).cast(pl.Int64)).fill_null(False)).to_numpy()


def _iso7064_11_10(texts: pl.Series) -> Flags:
    """ISO 7064 mod 11,10 over 11 digits: the German tax id, the Croatian OIB."""
    matrix = digits(texts, 11)
    product = np.full(len(matrix), 10)
    for column in matrix[:, :10].T:
        total = (product + column) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    return (11 - product) % 10 == matrix[:, 10]


def _steuer_id(texts: pl.Series) -> Flags:
    """Germany, Bundeszentralamt für Steuern: mod 11,10; first digit not 0; one digit occurs twice or three times."""
    matrix = digits(texts, 11)
    counts = (matrix[:, :10, None] == np.arange(10)).sum(axis=1)
    return (
        _iso7064_11_10(texts)
        & (matrix[:, 0] > 0)
        & np.isin(counts.max(axis=1), (2, 3))
        & ((counts > 1).sum(axis=1) == 1)
    )


_CF_ODD = dict(
    zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)
) | dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True)
)  # fmt: skip

_CF_DIGITS = dict(zip("LMNPQRSTUV", "0123456789", strict=True))
_CF_NUMERIC = (6, 7, 9, 10, 12, 13, 14)


def _codice_fiscale(texts: pl.Series) -> Flags:
    """Italy, decree of 12 March 1974: odd places by table, even places by value, mod 26.

    Letters may stand for digits (L is 0, V is 9) to keep codes apart; the check over letters or digits is taken.
    """

    def good(text: str) -> bool:
        plain = "".join(_CF_DIGITS.get(c, c) if place in _CF_NUMERIC else c for place, c in enumerate(text))
        return fits(text) or fits(plain)

    def fits(text: str) -> bool:
        total = sum(_CF_ODD[c] for c in text[0:15:2]) + sum(
            int(c) if c.isdigit() else ord(c) - 65 for c in text[1:15:2]
        )
        return chr(65 + total % 26) == text[15]

    shaped = has(texts, r"^[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]$")
    return np.array([ok and good(text) for text, ok in zip(texts.to_list(), shaped.tolist(), strict=True)], dtype=bool)


def _cpf(texts: pl.Series) -> Flags:
    """Brazil, Receita Federal: two mod 11 digits; all digits equal is no number."""
    matrix = digits(texts, 11)
    first = matrix[:, :9] @ np.arange(10, 1, -1) * 10 % 11 % 10
    second = matrix[:, :10] @ np.arange(11, 1, -1) * 10 % 11 % 10
    return (first == matrix[:, 9]) & (second == matrix[:, 10]) & (matrix != matrix[:, :1]).any(axis=1)


def _cnpj(texts: pl.Series) -> Flags:
    """Brazil, company numbers: two mod 11 digits."""
    matrix = digits(texts, 14)
    weights = np.array([6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
    first = matrix[:, :12] @ weights[1:] % 11
    second = matrix[:, :13] @ weights % 11
    place = lambda rest: np.where(rest < 2, 0, 11 - rest)  # noqa: E731
    return (place(first) == matrix[:, 12]) & (place(second) == matrix[:, 13])


def _aadhaar(texts: pl.Series) -> Flags:
    """India, UIDAI: Verhoeff; the first digit is 2 to 9."""
    return verhoeff(texts) & (digits(texts, 12)[:, 0] >= 2)


def _naf(texts: pl.Series) -> Flags:
    """Spain, social security: the last two digits are the first ten mod 97 (short numbers are joined without
    padding).
    """
    number, rest = TEXT.str.head(10).cast(pl.Int64), TEXT.str.slice(2, 8).cast(pl.Int64)
    short = TEXT.str.head(2).cast(pl.Int64) * 10**7 + rest
    body = pl.when(rest < 10**7).then(short).otherwise(number)
    return ask(texts, body % 97 == TEXT.str.tail(2).cast(pl.Int64)).to_numpy()


def _bsn(texts: pl.Series) -> Flags:
    """Netherlands: the eleven test, with weight -1 for the last digit."""
    return weighted(texts, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _pesel(texts: pl.Series) -> Flags:
    """Poland: weights 1 3 7 9, mod 10, over a birth date."""
    dated = has(texts, r"^\d{2}(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])")
    return dated & ((10 - weighted(texts, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == digits(texts, 11)[:, 10])


def _niss(texts: pl.Series) -> Flags:
    """Belgium: 97 minus the first nine digits mod 97; for births from 2000, with a 2 put before."""
    number, key = TEXT.str.head(9).cast(pl.Int64), TEXT.str.tail(2).cast(pl.Int64)
    return ask(texts, (97 - number % 97 == key) | (97 - (number + 2 * 10**9) % 97 == key)).to_numpy()


def _ahv(texts: pl.Series) -> Flags:
    """Switzerland: 756 and the EAN-13 check digit."""
    good = (10 - weighted(texts, (1, 3) * 6) % 10) % 10 == digits(texts, 13)[:, 12]
    return good & ask(texts, TEXT.str.starts_with("756")).to_numpy()


def _curp(texts: pl.Series) -> Flags:
    """Mexico, RENAPO: values by place 18 to 2 over an alphabet with Ñ, mod 10."""
    alphabet = {letter: value for value, letter in enumerate("0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ")}
    return np.array(
        [
            (10 - sum(alphabet[c] * (18 - i) for i, c in enumerate(text[:17])) % 10) % 10 == int(text[17])
            for text in texts.to_list()
        ],
        dtype=bool,
    )


def _tfn(texts: pl.Series) -> Flags:
    """Australia, tax file number: weights, mod 11."""
    return weighted(texts, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _medicare(texts: pl.Series) -> Flags:
    """Australia, Medicare: weights, mod 10; the first digit is 2 to 6."""
    return (weighted(texts, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == digits(texts, 10)[:, 8]) & has(texts, "^[2-6]")


def _nif_pt(texts: pl.Series) -> Flags:
    """Portugal: weights 9 to 2, mod 11."""
    rest = weighted(texts, range(9, 1, -1)) % 11
    return has(texts, "^[1235689]") & (np.where(rest < 2, 0, 11 - rest) == digits(texts, 9)[:, 8])


def _personnummer(texts: pl.Series) -> Flags:
    """Sweden: Luhn over the last ten digits, which begin with a birth date."""
    ten = ask(texts, TEXT.str.replace_all("[-+]", "").str.tail(10))
    return luhn(ten) & has(ten, r"^\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|[6-8]\d|9[01])")


def _hetu(texts: pl.Series) -> Flags:
    """Finland: the check character is the nine digits mod 31."""
    letters = dict(enumerate("0123456789ABCDEFHJKLMNPRSTUVWXY"))
    number = TEXT.str.replace_all(r"^(\d{6})[-+A-FU-Y](\d{3}).$", "${1}${2}").cast(pl.Int64, strict=False).fill_null(0)
    return ask(texts, (number % 31).replace_strict(letters, return_dtype=pl.String) == TEXT.str.tail(1)).to_numpy()


def _pps(texts: pl.Series) -> Flags:
    """Ireland: weights 8 to 2 (and 9 for a second letter, W counting 0), mod 23."""
    total = weighted(ask(texts, TEXT.str.head(7)), range(8, 1, -1))
    second = ask(texts, TEXT.str.slice(8, 1))
    extra = np.array([9 * (ord(c) - 64) if c and c != "W" else 0 for c in second.to_list()])
    return np.array([ord(c) - 64 for c in ask(texts, TEXT.str.slice(7, 1)).to_list()]) % 23 == (total + extra) % 23


def _pan(texts: pl.Series) -> Flags:
    """India, PAN: the fourth letter is the kind of holder."""
    return has(texts, r"^[A-Z]{3}[ABCFGHLJPTK][A-Z]\d{4}[A-Z]$")


def _npi(texts: pl.Series) -> Flags:
    """US, National Provider Identifier: Luhn with 80840 before."""
    return luhn("80840" + texts) & has(texts, "^[12]")


_FAR = 160
_TAX = r"tax|steuer|fiscal|fisc|\btin\b|\bnif\b"
# In a shape 9 is any digit and A any letter; what stands in them is up to the check.
NUMBERS = (
    Number("SSN", r"999[- .]99[- .]9999", _ssn, r"\bss[ns]?\b|s\.s\.n|social|insured|seguro", 0.92, 0.96, 0.6),
    Number("SSN", r"9{9}", _ssn, r"\bssn\b|social sec[^\d]*$", 0.1, 0.9),
    Number("US_ITIN", r"999[- ]?99[- ]?9999", _itin, rf"\bitin\b|{_TAX}", 0.5, 0.92),
    Number("US_NPI", r"9{10}", _npi, r"\bnpi\b|provider", 0.1, 0.9),
    Number("UK_NINO", r"AA ?99 ?99 ?99 ?A", _nino, r"nino|national insurance|\bni\b", 0.85, 0.95),
    Number("UK_NHS", r"999[- ]?999[- ]?9999", _nhs, r"\bnhs\b", 0.3, 0.95),
    Number("ES_DNI", r"9{8}[- ]?A|9{1,2}\.999\.999[- ]?A", _dni, r"\bdni\b|\bnif\b|d\.n\.i|n\.i\.f"
                                                                 r"|identidad", 0.9, 0.95, 0.6),
    Number("ES_NIE", r"A[- ]?9{7}[- ]?A", _nie, r"\bnie\b|n\.i\.e|extranjero", 0.92, 0.95),
    Number("ES_NSS", r"99[ /-]?9{8}[ /-]?99", _naf, r"\bnass?\b|\bnss\b|\bnuss\b|seguridad social"
                                                    r"|afiliaci", 0.4, 0.95, 0.7),
    Number("FR_NIR", r"9 ?99 ?99 ?(?:99|9A) ?999 ?999 ?99", _nir,
           r"\bnir\b|sécurité sociale|securite sociale|\bsécu\b|insee", 0.92, 0.96),
    Number("DE_TAX_ID", r"99 ?999 ?999 ?999", _steuer_id, r"steuer|\bidnr\b|\btin\b|identifikation", 0.55, 0.95),
    Number("IT_CF", r"A{6}[9A]{2}A[9A]{2}A[9A]{3}A", _codice_fiscale, r"codice fiscale|\bcf\b|c\.f\.", 0.95, 0.97),
    Number("IN_AADHAAR", r"9999[ -]?9999[ -]?9999", _aadhaar, r"aadhaar|aadhar|uidai|\buid\b", 0.5, 0.95),
    Number("IN_PAN", r"AAAAA9999A", _pan, r"\bpan\b|permanent account", 0.75, 0.95),
    Number("BR_CPF", r"999\.999\.999-99|9{11}", _cpf, r"\bcpf\b|cadastro", 0.6, 0.95),
    Number("BR_CNPJ", r"99\.999\.999/9999-99", _cnpj, r"cnpj", 0.9, 0.95),
    Number("NL_BSN", r"9{9}|9999[. ]99[. ]999", _bsn, r"\bbsn\b|burgerservice|sofinummer", 0.1, 0.95),
    Number("PL_PESEL", r"9{11}", _pesel, r"pesel", 0.5, 0.95),
    Number("BE_NISS", r"99[. ]?99[. ]?99[- ]?999[. ]?99", _niss, r"\bniss\b|rijksregister|registre national"
                                                                 r"|\binsz\b", 0.6, 0.95),
    Number("CH_AHV", r"999[. ]?9999[. ]?9999[. ]?99", _ahv, r"\bahv\b|\bavs\b|sozialversicherung", 0.92, 0.96),
    Number("MX_CURP", r"AAAA9{6}A{6}[A9]9", _curp, r"curp", 0.95, 0.97),
    Number("AU_TFN", r"999 ?999 ?999", _tfn, r"\btfn\b|tax file", 0.1, 0.95),
    Number("AU_MEDICARE", r"9999 ?99999 ?9", _medicare, r"medicare", 0.3, 0.95),
    Number("CA_SIN", r"999[- ]999[- ]999|9{9}", luhn, r"\bsin\b|social insurance|\bnas\b", 0.3, 0.95),
    Number("PT_NIF", r"9{9}", _nif_pt, r"\bnif\b|contribuinte", 0.2, 0.9),
    Number("SE_PIN", r"(?:99)?9{6}[-+]9999", _personnummer, r"personnummer|personal identity", 0.85, 0.95),
    Number("FI_HETU", r"9{6}[-+A]999[9A]", _hetu, r"hetu|henkilötunnus", 0.93, 0.96),
    Number("IE_PPS", r"9{7}AA?", _pps, r"\bpps\b|\bppsn\b|personal public", 0.5, 0.95),
    Number("HR_OIB", r"9{11}", _iso7064_11_10, r"\boib\b", 0.1, 0.95),
)  # fmt: skip
KINDS = tuple(dict.fromkeys(number.kind for number in NUMBERS))


_ALONE = none_of(left=(ALNUM, ("-./_", ALNUM), "@+#$"), right=(ALNUM, "@", ("-./_@", DIGIT)))
_HALF = len(NUMBERS) // 2


def national_ids(scene: Scene) -> list[Spans]:
    """The numbers of the table above, by shape, check digits and words: its first half."""
    return [spans for number in NUMBERS[:_HALF] if (spans := _find(scene, number)) is not None]


def more_national_ids(scene: Scene) -> list[Spans]:
    """The other half: the patterns of all are more than one thread keeps (crew.py)."""
    return [spans for number in NUMBERS[_HALF:] if (spans := _find(scene, number)) is not None]


def _find(scene: Scene, number: Number) -> Spans | None:
    found = scene.shaped(rf"(?-u:\b)(?:{number.shape})(?-u:\b)", _ALONE)
    if number.alone < scene.least:  # it takes a word, which may come as near as this when spans between are gone
        found = found.where(found.said(ISSUED, _FAR))
    if not len(found):
        return None
    marks = "[ \t./]" if number.kind in ("FI_HETU", "SE_PIN") else "[ \t./-]"
    good = np.asarray(number.check(ask(found.text, TEXT.str.replace_all(marks, "").str.to_uppercase())))
    if not number.unchecked:
        found, good = found.where(good), good[good]
    if not len(found):
        return None
    worded = has(found.before(48), number.words)
    sure = np.where(worded, number.worded, number.alone)
    return found.spans(number.kind, np.where(good, sure, np.where(worded, number.unchecked, 0.0)))
