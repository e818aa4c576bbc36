"""Names of fields and datasets as English words: ``fechaNacimiento`` -> birth date.

Belongs here: taking names apart. Must not: which words there are (translations.py, lexicon.py), what they mean for
privacy (kinds.py).
"""

import re
import unicodedata
from functools import cache

from transforms.classification.kinds import VOCABULARY
from transforms.classification.translations import PHRASES, TRANSLATIONS

_SHORTEST = 4  # letters of a word within a compound
_SHORT_TAILS = ("id", "nr")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def _read() -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    known = {word: word for word in VOCABULARY}
    for line in re.sub(r"\n ", " ", TRANSLATIONS).strip().splitlines():
        english, others = line.split(": ")
        known |= dict.fromkeys(others.split(), english)
        known |= {word: word for word in english.split() if word not in known}
    pairs = (pair.split(": ") for line in PHRASES.strip().splitlines() for pair in line.split(" | "))
    return known, tuple((f" {found} ", f" {meant} ") for found, meant in pairs)


_WORDS, _JOINED = _read()


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name, in English and lower case: ``billingPostalCode`` -> billing, postal, code.

    Words that nothing is known of stay as they are, without accents.
    """
    spelled = unicodedata.normalize("NFC", name).replace("IDs", "Ids").replace("URLs", "Urls").translate(_UMLAUTS)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    parted = re.findall(r"[a-z]+|\d+", _SEAM.sub(" ", plain).lower())
    return tuple(_joined(" ".join(_english(word) for word in _joined(" ".join(parted)).split())).split())


def _joined(text: str) -> str:
    """Phrases put into the words that they mean."""
    text = f" {text} "
    for found, meant in _JOINED:
        text = text.replace(found, meant)
    return text


def _english(word: str) -> str:
    for form in (word, *_singulars(word)):
        if form in _WORDS:
            return _WORDS[form]
    return _compound(word) or word


def _singulars(word: str) -> list[str]:
    """What a word may be the plural of."""
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    forms = [word.removesuffix(ending) + instead for ending, instead in endings if word.endswith(ending)]
    return [form for form in forms if len(form) > 1]


def _compound(word: str) -> str | None:
    """``geburtsdatum`` -> birth date, ``phonenumber`` -> phone number, ``userid`` -> user id: two known words."""
    for cut in range(len(word) - 2, _SHORTEST - 1, -1):
        head, tail = word[:cut], word[cut:]
        if tail in _WORDS and (len(tail) >= _SHORTEST or tail in _SHORT_TAILS):
            for form in (head, *(head.removesuffix(link) for link in ("s", "en", "n"))):
                if form in _WORDS and len(form) >= _SHORTEST:
                    return f"{_WORDS[form]} {_WORDS[tail]}"
    return None
