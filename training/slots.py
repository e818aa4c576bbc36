"""What stands in a slot of a template: ``{person}``, ``{street}`` and so on, as pieces of text with their kinds.

Belongs here: what each slot takes; names of people and organisations in their many forms. Must not: addresses
(addresses.py), lists of words (values.py), templates (templates.py).
"""

import random
from collections.abc import Callable

from training.addresses import Addresses
from training.values import Piece, Words, titled

PLAIN = ""


class Slots:
    """Fills slots with values drawn at random."""

    def __init__(self, rng: random.Random, dev: bool = False) -> None:
        self.rng = rng
        self.words = Words(rng, dev)
        self.addresses = Addresses(self.words)
        pick, person = self.words.pick, "PERSON"
        self._fillers: dict[str, Callable[[], list[Piece]]] = {
            "person": lambda: [(self.person(), person)],
            "person_up": lambda: [(self.person().upper() if rng.random() < 0.5 else self.person(), person)],
            "first": lambda: [(self.words.first(), person)],
            "last": lambda: [(self.last(), person)],
            "initials": lambda: [(self.initials(), person)],
            "initials2": lambda: [(f"{self.words.letter()}.", person)],
            "title": lambda: [(pick("things", "titles"), "TITLE")],
            "city": lambda: [(self.words.town(), "LOCATION")],
            "city_up": lambda: [(self.words.town().upper(), "LOCATION")],
            "country": lambda: [(self.words.place("countries"), "LOCATION")],
            "country_code": lambda: [(rng.choice(_COUNTRY_CODES), "LOCATION")],
            "region": lambda: [(self.words.place(rng.choice(("regions", "regions", "landmarks"))), "LOCATION")],
            "landmark": lambda: [(self.words.place("landmarks"), "LOCATION")],
            "state": lambda: [(pick("streets", "states"), "LOCATION")],
            "state_long": lambda: [(self.words.place("regions"), "LOCATION")],
            "nrp_adj": lambda: [(self.words.place("adjectives"), "NRP")],
            "nrp_adj_o": lambda: [(self.words.place("adjectives"), PLAIN)],
            "nrp_people": lambda: [(self.words.place("people"), "NRP")],
            "party": lambda: [(self.words.place("adjectives"), "NRP")],
            "org": lambda: [(self.org(), "ORGANIZATION")],
            "org_news": lambda: [(self.words.mine("organisations", "known"), "ORGANIZATION")],
            "brand_o": lambda: [(pick("things", "products"), PLAIN)],
            "school": lambda: [(self.institute(), "ORGANIZATION")],
            "hospital": lambda: [(self.institute(), "ORGANIZATION")],
            "age": lambda: [(str(self.words.number(1, 99)), "AGE")],
            "street": self.addresses.street,
            "street_up": lambda: [(text.upper(), kind) for text, kind in self.addresses.street()],
            "street_name": lambda: [(self.addresses.name(), "ADDRESS")],
            "street_es": lambda: [(self.addresses.spanish(), "ADDRESS")],
            "street_de": lambda: [(self.addresses.german(), "ADDRESS")],
            "street_fr": lambda: [(self.addresses.french(), "ADDRESS")],
            "street_it": lambda: [(self.addresses.italian(), "ADDRESS")],
            "unit": lambda: [(self.addresses.unit(), "ADDRESS")],
            "zip": lambda: [(self.addresses.code(), "ADDRESS")],
            "addr": lambda: [(self.addresses.whole(), "ADDRESS")],
            "block": lambda: self.addresses.block(self.org()),
            "name_block": self.letterhead,
            "usaddr": lambda: [(self.addresses.american(), "ADDRESS")],
        }
        self._plain: dict[str, Callable[[], str]] = {
            "job": lambda: pick("things", "jobs"),
            "product": lambda: pick("things", "products"),
            "work": self.work,
            "goods": lambda: pick("things", "goods"),
            "food": lambda: pick("things", "food"),
            "he": lambda: rng.choice(("he", "she", "they")),
            "he_c": lambda: rng.choice(("He", "She")),
            "weekday": lambda: rng.choice(_WEEKDAYS),
            "month": lambda: rng.choice(_MONTHS),
            "date": self.date,
            "time": lambda: (
                f"{self.words.number(0, 23)}:{self.words.number(10, 59)}" + rng.choice(("", "", " am", " pm"))
            ),
            "year": lambda: str(self.words.number(1940, 2026)),
            "num": lambda: str(self.words.number(2, 400)),
            "num4": lambda: str(self.words.number(1000, 9999)),
            "money": lambda: (
                rng.choice("$€£") + f"{self.words.number(1, 9000)}" + rng.choice(("", ".50", " million", ",00"))
            ),
            "phone": self.phone,
            "email": self.email,
            "url": lambda: rng.choice(("www.", "https://", "")) + self.words.last().lower().replace(" ", "") + ".com",
            "handle": lambda: self.words.first().lower() + str(self.words.number(1, 99)),
            "city_tag": lambda: self.words.town().replace(" ", "").lower(),
            "id": lambda: self.words.letter() + self.words.letter() + "-" + str(self.words.number(1000, 999999)),
            "card": lambda: " ".join(str(self.words.number(1000, 9999)) for _ in range(4)),
            "iban": lambda: (
                f"{self.words.letter()}{self.words.letter()}{self.words.number(10, 99)}"
                + str(self.words.number(10**15, 10**16))
            ),
            "ip": lambda: ".".join(str(self.words.number(1, 254)) for _ in range(4)),
        }

    def fill(self, slot: str) -> list[Piece]:
        """Pieces for a slot. Raises ``KeyError`` for one that is not known."""
        if slot in self._plain:
            return [(self._plain[slot](), PLAIN)]
        return self._fillers[slot]()

    # people

    def last(self) -> str:
        """A surname, some with two parts or a particle."""
        draw = self.rng.random()
        name = self.words.last()
        if draw < 0.04:
            return f"{name}-{self.words.last()}"
        if draw < 0.08:
            return f"{self.rng.choice(_PARTICLES)} {name}"
        if draw < 0.10:
            return f"{self.rng.choice(('O’', 'D’', chr(39)))}{name}" if draw > 0.095 else f"O'{name}"
        return f"{self.rng.choice(('Mc', 'Mac'))}{name}" if draw < 0.12 else name

    def initials(self) -> str:
        """A name with initials."""
        name = self.last()
        first, second = self.words.letter(), self.words.letter()
        return self.rng.choice(
            (f"{first}. {name}", f"{first}.{second}. {name}", f"{first} {name}", f"{first}. {second}. {name}")
        )

    def person(self) -> str:
        """A whole name in one of its many forms."""
        first, last, draw = self.words.first(), self.last(), self.rng.random()
        if draw < 0.62:
            return f"{first} {last}"
        if draw < 0.72:
            return f"{first} {self.words.letter()}{self.rng.choice(('.', '.', ''))} {last}"
        if draw < 0.80:
            return f"{first} {self.words.first()} {last}"
        if draw < 0.86:
            return f"{first} {self.words.last()} {last}"
        if draw < 0.90:
            return f"{first}-{self.words.first()} {last}"
        if draw < 0.93:
            return f"{first} {last}{self.rng.choice(_AFTER_NAMES)}"
        return self.initials() if draw < 0.97 else first

    def letterhead(self) -> list[Piece]:
        """A name above an address in lines."""
        brk = self.rng.choice(("\n", "\n", "\n\n"))
        return [(self.person(), "PERSON"), (brk, PLAIN), *self.addresses.block(self.org())]

    # organisations

    def org(self) -> str:
        """An organisation: known, invented, of surnames, of a place."""
        rng, pick = self.rng, self.words.pick
        draw = rng.random()
        if draw < 0.28:
            return self.words.mine("organisations", "known")
        if draw < 0.36:
            return self.words.mine("organisations", "brands")
        kind, form = pick("organisations", "kinds"), pick("organisations", "forms")
        if draw < 0.50:
            return f"{pick('organisations', 'openers')} {kind}" + (f" {form}" if rng.random() < 0.4 else "")
        if draw < 0.60:
            return f"{self.words.last()} {form}"
        if draw < 0.66:
            return f"{self.words.last()}{rng.choice((' & ', ' & ', '-'))}{self.words.last()}"
        if draw < 0.70:
            partners = rng.choice((" & ", ", ", " and ")).join((self.words.last(), self.words.last()))
            return f"{partners} {rng.choice(('LLP', 'LLC', 'Inc', 'Associates', '& Co', 'Ltd', '& Sons'))}"
        if draw < 0.82:
            return f"{self.words.last()} {kind}" + (f" {form}" if rng.random() < 0.4 else "")
        if draw < 0.88:
            return f"{self.words.mine('organisations', 'brands')} {rng.choice((kind, form))}"
        return self.institute() if draw < 0.96 else f"{self.words.town()} {kind}"

    def institute(self) -> str:
        """A school, hospital, authority or paper."""
        what = self.words.pick("organisations", "institutes")
        if what == "University" and self.rng.random() < 0.5:
            return f"University of {self.words.town()}"
        draw = self.rng.random()
        if draw < 0.15:
            return f"St. {titled(self.words.first())} {what}"
        return f"{self.words.town() if draw < 0.65 else self.words.last()} {what}"

    # what is not marked

    def work(self) -> str:
        """The title of a song, film or book."""
        words = [self.words.pick("things", "work_words") for _ in range(self.words.number(1, 3))]
        return self.rng.choice(("", "", "The ", "A ")) + " ".join(words)

    def date(self) -> str:
        """A date in one of several forms."""
        d, m, y = self.words.number(1, 28), self.words.number(1, 12), self.words.number(1940, 2026)
        month = _MONTHS[m - 1]
        return self.rng.choice(
            (
                f"{y}-{m:02d}-{d:02d}",
                f"{d:02d}/{m:02d}/{y}",
                f"{month} {d}, {y}",
                f"{d} {month} {y}",
                f"{d}.{m}.{y}",
                f"{month} {y}",
            )
        )

    def phone(self) -> str:
        """A telephone number in one of several forms."""
        a, b, c = self.words.number(200, 999), self.words.number(200, 999), self.words.number(1000, 9999)
        return self.rng.choice(
            (
                f"({a}) {b}-{c}",
                f"{a}-{b}-{c}",
                f"+{self.words.number(1, 99)} {a} {b}{c}",
                f"0{a} {b} {c}",
                f"{a}.{b}.{c}",
            )
        )

    def email(self) -> str:
        """An address of e-mail."""
        first, last, host = self.words.first(), self.words.last(), self.words.last()
        top = self.rng.choice(("com", "org", "de", "net"))
        return f"{first}.{last}@{host}.{top}".lower().replace(" ", "")


# fmt: off
_AFTER_NAMES = (" Jr.", " Sr.", " III", ", Jr.", " II", " Jr", " MD", " PhD", ", MD", ", Esq.", " DDS", " CPA")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COUNTRY_CODES = ("US", "UK", "DE", "FR", "ES", "IT", "SE", "PL", "NL", "JP", "CN", "IN", "CA", "AU", "BR")
_PARTICLES = (
    "van", "de", "van der", "von", "de la", "del", "di", "El", "bin", "al", "dos", "da", "Le", "La", "Ben", "ter",
)
# fmt: on
