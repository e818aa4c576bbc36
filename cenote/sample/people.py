"""Invented customers: who they are, in sixteen countries and five scripts.

Belongs here: a person as a function of seed and number, and identifiers that pass their check digits (cards by Luhn,
IBANs by mod 97, national ids by their country's rule). Must not: what customers do. Nobody is real: names are drawn
from short lists of common ones, e-mail domains are reserved (RFC 2606), IP addresses are of documentation and benchmark
ranges (RFC 5737, 3849, 2544).
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TypeVar

from cenote.sample.countries import COUNTRIES

T = TypeVar("T")
_UNDECOMPOSED = str.maketrans("łŁıø", "lLio")
_IBANS = ("DE##################", "ES####################", "FR#######################", "GBNWBK##############")
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org", "correo.example.net")
_WEIGHTED = [code for code, country in COUNTRIES.items() for _ in range(country.weight)]
_POOLS = {
    code: (c.given.split(), c.family.split(), c.cities.split(";"), c.streets.split(";"))
    for code, c in COUNTRIES.items()
}


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as the CRM knows them."""

    number: int
    customer_id: str
    name: str
    email: str
    phone: str
    birth_date: str
    national_id: str | None
    street: str
    city: str
    postal_code: str
    country: str
    ip: str
    language: str
    currency: str
    offset: int


class People:
    """All customers of a sample; person ``n`` is a function of seed and ``n`` alone."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self.count = count
        self.person: Callable[[int], Person] = lru_cache(maxsize=4096)(self._make)

    def other(self, person: Person, rng: Random) -> Person:
        """Some other customer (the same one where there is no other)."""
        return self.person((person.number + 1 + int(rng.random() * (self.count - 1))) % self.count)

    def _make(self, number: int) -> Person:
        rng = Random(f"{self._seed}/person/{number}")
        code = pick(rng, _WEIGHTED)
        country, (given_names, families, cities, streets) = COUNTRIES[code], _POOLS[code]
        given, given_latin = _spellings(pick(rng, given_names))
        family, family_latin = _spellings(pick(rng, families))
        second, _ = _spellings(pick(rng, families))
        return Person(
            number=number,
            customer_id=f"C{number + 1:07d}",
            name=country.order.format(given=given, family=family, second=second),
            email=f"{_slug(given_latin)}.{_slug(family_latin)}{number + 1}@{pick(rng, _DOMAINS)}",
            phone=fill(country.phone, rng),
            birth_date=f"{_within(rng, 1935, 72)}-{_within(rng, 1, 12):02d}-{_within(rng, 1, 28):02d}",
            national_id=national_id(code, rng) if rng.random() < 0.7 else None,
            street=pick(rng, streets).format(n=_within(rng, 1, 180)),
            city=pick(rng, cities),
            postal_code=fill(country.postal, rng),
            country=code,
            ip=ip_address(rng),
            language=country.language,
            currency=country.currency,
            offset=country.offset,
        )


def pick(rng: Random, pool: Sequence[T]) -> T:
    """One of the pool, evenly."""
    return pool[int(rng.random() * len(pool))]


def fill(pattern: str, rng: Random) -> str:
    """The pattern with wildcards filled: ``#`` a digit, ``+`` (but for the first) one from 2 to 9, ``@`` a letter."""
    out = []
    for at, char in enumerate(pattern):
        if char == "#":
            char = str(int(rng.random() * 10))
        elif char == "+" and at:
            char = str(2 + int(rng.random() * 8))
        elif char == "@":
            char = pick(rng, "ABCDEFGHJKLMNPRSTUVWXYZ")
        out.append(char)
    return "".join(out)


def national_id(country: str, rng: Random) -> str:
    """A national id of the country's form; US, ES, FR, BR and GB ones keep the rules of their check digits and ranges.

    Other countries get a number in the form of a US social security number, as sloppy CRMs have it.
    """
    if country == "ES":
        number = int(rng.random() * 1e8)
        return f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
    if country == "FR":
        digits = f"{_within(rng, 1, 2)}{fill('##', rng)}{_within(rng, 1, 12):02d}{fill('75######', rng)}"
        return f"{digits}{97 - int(digits) % 97:02d}"
    if country == "BR":
        digits = fill("#########", rng)
        for _ in range(2):
            rest = sum(int(d) * w for d, w in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) * 10 % 11
            digits += str(rest % 10)
        return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
    if country == "GB":
        return f"{pick(rng, ('AB', 'CE', 'HJ', 'JK', 'SR', 'WM'))} {fill('## ## ##', rng)} {pick(rng, 'ABCD')}"
    return f"{_within(rng, 100, 550):03d}-{_within(rng, 1, 99):02d}-{_within(rng, 1, 9999):04d}"


def card(rng: Random) -> str:
    """A payment card number that passes the Luhn check, written in one of the usual ways."""
    digits = fill(pick(rng, ("4##############", "51#############", "54#############")), rng)
    total = sum(d if at % 2 else d * 2 - 9 * (d > 4) for at, d in enumerate(map(int, digits)))
    digits += str(-total % 10)
    gap = pick(rng, ("", " ", " ", "-"))
    return gap.join(digits[at : at + 4] for at in range(0, 16, 4))


def iban(rng: Random) -> str:
    """An IBAN (DE, ES, FR or GB) that passes mod 97 (ISO 13616), with or without blanks."""
    form = pick(rng, _IBANS)
    country, account = form[:2], fill(form[2:], rng)
    as_number = int("".join(str(int(c, 36)) for c in account + country + "00"))
    whole = f"{country}{98 - as_number % 97:02d}{account}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if rng.random() < 0.7 else whole


def ip_address(rng: Random) -> str:
    """An address of a range that is never routed: IPv4 mostly, IPv6 at times."""
    if rng.random() < 0.12:
        return f"2001:db8:{_within(rng, 0, 65536):x}:{_within(rng, 0, 65536):x}::{_within(rng, 1, 65535):x}"
    if rng.random() < 0.3:
        return f"{pick(rng, ('192.0.2', '198.51.100', '203.0.113'))}.{_within(rng, 1, 254)}"
    return f"198.{_within(rng, 18, 2)}.{_within(rng, 0, 256)}.{_within(rng, 1, 254)}"


def _within(rng: Random, least: int, size: int) -> int:
    """One of ``size`` whole numbers from ``least`` on."""
    return least + int(rng.random() * size)


def _spellings(entry: str) -> tuple[str, str]:
    native, _, latin = entry.replace("_", " ").partition("|")
    return native, latin or native


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_UNDECOMPOSED).casefold())
    return "".join(c for c in plain if c.isascii() and c.isalpha())
