"""How streets and postal addresses look in several countries.

Belongs here: street lines, units, postal codes, whole addresses in a line or in a block. Must not: lists of words
(values/), which slot takes which (slots.py).

A whole postal address inside a sentence is one mark; in a block of lines, as in a letterhead, each part is a mark
(unit, street line, town, country, postal code), as where parts stand alone.
"""

from training.values import Piece, Words

_PLAIN = ""


class Addresses:
    """Addresses at random."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._rng = words.rng

    def _of(self, name: str) -> str:
        return self._words.pick("streets", name)

    def _number(self) -> str:
        number = str(self._words.number(1, self._rng.choice((30, 300, 9999))))
        return number + (self._rng.choice(("a", "B", "-14", "/2")) if self._rng.random() < 0.06 else "")

    def _bare(self) -> str:
        number = self._words.number
        return str(number(1, 999)) if self._rng.random() < 0.6 else f"{number(0, 99999):05d}"

    def _person(self) -> str:
        return f"{self._words.first()} {self._words.last()}"

    # a street line

    def street(self) -> list[Piece]:
        """A street line of some country; now and then with another number before it, a mark of its own."""
        makers = (self.english,) * 4 + (
            self.german, self.dutch, self.nordic, self.french, self.spanish, self.italian, self.portuguese,
            self.slavic, self.hungarian,
        )  # fmt: skip
        draw = self._rng.random()
        line = (self._rng.choice(makers)(), "ADDRESS")
        if draw < 0.18:
            return [(self._bare(), "ADDRESS"), (" ", _PLAIN), line]
        if draw < 0.23:
            return [line, (self._rng.choice((", ", " ", "\n")), _PLAIN), (self.unit(), "ADDRESS")]
        return [line]

    def name(self) -> str:
        """A street without a number."""
        of = self._of
        if self._rng.random() < 0.65:
            return f"{self._english_word()} {of('english_kinds')}"
        return self._rng.choice((
            of("german_stems") + of("german_endings"),
            of("dutch_stems") + of("dutch_endings"),
            f"{of('french_kinds')} {of('french_words')}",
            f"{of('spanish_kinds')} {of('spanish_words')}",
            f"{of('italian_kinds')} {of('italian_words')}",
        ))  # fmt: skip

    def _english_word(self) -> str:
        draw = self._rng.random()
        if draw < 0.35:
            return self._words.last()
        return self._person() if draw < 0.45 else self._of("english_words")

    def english(self) -> str:
        """12 Rose Lane."""
        word = self._english_word()
        compass = self._rng.choice(("", "", "", "", "", "N ", "S. ", "West ", "NE "))
        if self._rng.random() < 0.12:  # two kinds, as in Oak Ridge Road
            word = f"{word} {self._of('english_kinds')}"
        kind = f" {self._of('english_kinds')}" if self._rng.random() < 0.93 else ""
        return f"{self._number()} {compass}{word}{kind}"

    def german(self) -> str:
        """Lindenstraße 5."""
        ending = self._of("german_endings")
        if self._rng.random() < 0.2:
            return f"{self._words.town()}er {ending.capitalize()} {self._number()}"
        return f"{self._stem('german_stems')}{ending} {self._number()}"

    def dutch(self) -> str:
        """Kerkstraat 12."""
        return f"{self._stem('dutch_stems')}{self._of('dutch_endings')} {self._number()}"

    def nordic(self) -> str:
        """Storgatan 3."""
        gap = self._rng.choice(("", "", "", " "))
        return f"{self._stem('nordic_stems')}{gap}{self._of('nordic_endings')} {self._number()}"

    def _stem(self, name: str) -> str:
        return self._of(name) if self._rng.random() < 0.6 else self._words.last()

    def french(self) -> str:
        """12, rue Victor Hugo."""
        return (
            f"{self._number()}{self._rng.choice(('', ',', ' bis,'))} {self._of('french_kinds')} {self._after('french')}"
        )

    def spanish(self) -> str:
        """Calle Mayor, 4."""
        tail = self._rng.choice(("", "", "", " 3º B", ", 2ºA", " bajo"))
        kind = self._of("spanish_kinds") + " " if self._rng.random() < 0.8 else ""
        return f"{kind}{self._after('spanish')}{self._rng.choice((', ', ' ', ' nº '))}{self._number()}{tail}"

    def italian(self) -> str:
        """Via Roma, 9."""
        return f"{self._of('italian_kinds')} {self._after('italian')}{self._rng.choice((', ', ' '))}{self._number()}"

    def portuguese(self) -> str:
        """Rua das Flores, 100."""
        comma = self._rng.choice((", ", " "))
        return f"{self._of('portuguese_kinds')} {self._after('portuguese')}{comma}{self._number()}"

    def _after(self, language: str) -> str:
        """Whom or what a street is named after."""
        return self._person() if self._rng.random() < 0.3 else self._of(f"{language}_words")

    def slavic(self) -> str:
        """ul. Polna 5."""
        kind = self._of("slavic_kinds") + " " if self._rng.random() < 0.5 else ""
        word = self._of("slavic_words") if self._rng.random() < 0.6 else self._words.town()
        return f"{kind}{word} {self._number()}{self._rng.choice(('', '', '/12', '/3', 'a'))}"

    def hungarian(self) -> str:
        """Kossuth Lajos utca 7."""
        stop = self._rng.choice(("", ".", "."))
        return f"{self._of('hungarian_words')} {self._of('hungarian_kinds')} {self._number()}{stop}"

    # parts

    def unit(self) -> str:
        """Apt. 12."""
        return self._of("units").replace("{n}", f"{self._words.number(1, 999):0{self._rng.choice((1, 1, 3))}d}")

    def code(self) -> str:
        """A postal code of some country."""
        number, letter, draw = self._words.number, self._words.letter, self._rng.random()
        if draw < 0.45:
            return self._zip(0.1)
        if draw < 0.60:
            return str(number(1000, 9999))
        if draw < 0.70:
            return f"{letter()}{number(1, 99)} {number(1, 9)}{letter()}{letter()}"
        if draw < 0.78:
            return f"{letter()}{number(1, 9)}{letter()} {number(1, 9)}{letter()}{number(1, 9)}"
        return self._rng.choice((
            str(number(100000, 999999)), f"{number(10, 99)}-{number(100, 999)}", f"{number(100, 999)} {number(10, 99)}",
            f"{number(1000, 9999)} {letter()}{letter()}", str(number(100, 999)),
            f"{number(10000, 99999)}-{number(100, 999)}",
        ))  # fmt: skip

    def _zip(self, longer: float) -> str:
        plus = f"-{self._words.number(0, 9999):04d}" if self._rng.random() < longer else ""
        return f"{self._words.number(501, 99950):05d}{plus}"

    # whole addresses

    def whole(self) -> str:
        """A whole postal address in one piece."""
        return self.american() if self._rng.random() < 0.4 else self._postal()

    def american(self) -> str:
        """12 Rose Lane, Springfield, IL 62701; with line breaks, units, boxes and army post."""
        rng = self._rng
        if rng.random() < 0.08:
            return self._army()
        line = self.english() if rng.random() < 0.9 else f"{rng.choice(('P.O. Box', 'PO Box'))} {self._bare()}"
        unit = rng.choice((" ", ", ", " ")) + self.unit() if rng.random() < 0.45 else ""
        town = f"{self._words.town()}{rng.choice((', ', ', ', ' '))}{self._of('states')} {self._zip(0.06)}"
        return f"{line}{unit}{rng.choice((chr(10), ', ', chr(10), ' '))}{town}"

    def _army(self) -> str:
        number, rng = self._words.number, self._rng
        where = rng.choice((
            f"PSC {number(1, 99)} Box {number(1, 9999)}", f"CMR {number(1, 999)}, Box {number(1, 999)}",
            f"Unit {number(100, 9999)} Box {number(1, 9999)}",
            f"{rng.choice(('USS', 'USNS', 'USCGC'))} {self._words.last()}",
        ))  # fmt: skip
        office = f"{rng.choice(('APO', 'FPO', 'DPO'))} {rng.choice(('AE', 'AP', 'AA'))} {self._zip(0)}"
        return f"{where}{rng.choice((chr(10), ', '))}{office}"

    def _postal(self) -> str:
        """Street, unit, town, state or country, code."""
        rng = self._rng
        brk = rng.choice((", ", ", ", " ", " ", "\n", "\n", "\n "))
        parts = ["".join(text for text, _ in self.street())] + ([self.unit()] if rng.random() < 0.5 else [])
        if rng.random() < 0.5:
            parts = [" ".join(parts)]
        town, code = self._words.town(), self.code()
        if rng.random() < 0.15:
            town = town.upper()
        land = self._words.place("countries") if rng.random() < 0.7 else self._of("states")
        parts += rng.choice((
            [town, f"{land} {code}"], [f"{code} {town}", land], [town, land], [town, land, code], [f"{town} {code}"],
            [f"{code} {town}"], [town, f"{land} {code}"], [town, land],
        ))  # fmt: skip
        return brk.join(parts)

    def block(self, org: str) -> list[Piece]:
        """An address in lines, each part a mark; now and then with an organisation above."""
        rng = self._rng
        lines: list[list[Piece]] = [[(org, "ORGANIZATION")]] if rng.random() < 0.25 else []
        lines.append(self.street())
        if rng.random() < 0.65:
            lines.append([(self.unit(), "ADDRESS")])
        town, code = (self._words.town(), "LOCATION"), (self.code(), "ADDRESS")
        land, state = (self._words.place("countries"), "LOCATION"), (self._of("states"), "LOCATION")
        gap, comma = (" ", _PLAIN), (", ", _PLAIN)
        lines += rng.choice((
            [[town], [land, gap, code]], [[code, gap, town], [land]], [[town, gap, code]], [[town], [land], [code]],
            [[town, comma, land]], [[town, gap, state, gap, code]], [[town, comma, state]], [[town], [land, gap, code]],
        ))  # fmt: skip
        brk = rng.choice(("\n", "\n", "\n", "\n ", "\n\n", "\n> "))
        found: list[Piece] = []
        for line in lines:
            found += [*([(brk, _PLAIN)] if found else []), *line]
        return found
