"""Choosing and filling templates: what one customer says, reviews, notes, and what a clerk writes about them.

Belongs here: texts about and by a person, and the record of which personal data was planted in them. Must not:
templates (words.py), records.
"""

from random import Random

from cenote.sample.goods import THINGS, Thing
from cenote.sample.people import People, Person, card, iban, national_id, pick
from cenote.sample.truth import Truth
from cenote.sample.words import (
    CLOSINGS,
    MEMOS,
    MEMOS_PERSONAL,
    NOTES,
    NOTES_PERSONAL,
    OPENERS,
    REVIEWS,
    REVIEWS_ELSEWHERE,
    REVIEWS_PERSONAL,
    TALK,
    TALK_PERSONAL,
)

# How often a question has an opener, a review a closing sentence, a memo two; and how often a text holds personal data
OPENED_TURNS, CLOSED_REVIEWS, LONG_MEMOS = 0.25, 0.4, 0.15
PERSONAL_TURNS, PERSONAL_REVIEWS, PERSONAL_MEMOS, PERSONAL_NOTES = 0.12, 0.05, 0.35, 0.4
_RATINGS = (5,) * 9 + (4,) * 5 + (3,) * 3 + (2,) + (1,) * 2
_DAYS = (3, 5, 7, 14)
_ELSEWHERE_THINGS = THINGS[::3]  # fewer of them in other languages


class Texts:
    """Writes the texts of a sample; what is planted goes to ``truth``."""

    def __init__(self, people: People, truth: Truth) -> None:
        self._people = people
        self._truth = truth

    def talk(self, rng: Random, person: Person, language: str, topic: int, thing: Thing) -> tuple[str, str]:
        """A question of the customer and the assistant's answer, on one topic of the language."""
        topics = TALK[language]
        asked, answered = topics[topic % len(topics)]
        answer = _fill(rng, pick(rng, answered), language, thing)
        if rng.random() < PERSONAL_TURNS:
            return self._plant(rng, pick(rng, TALK_PERSONAL[language]), person, "turns"), answer
        question = _fill(rng, pick(rng, asked), language, thing)
        if rng.random() < OPENED_TURNS:
            question = f"{pick(rng, OPENERS[language])} {question}"
        return question, answer

    def review(self, rng: Random, person: Person, thing: Thing) -> tuple[int, str, str]:
        """Rating, title and text of a review."""
        if person.language == "en":
            rating = pick(rng, _RATINGS)
            title, body = pick(rng, REVIEWS["good" if rating > 3 else "fair" if rating == 3 else "bad"])
            if rng.random() < CLOSED_REVIEWS:
                body = f"{body} {pick(rng, CLOSINGS)}"
        else:
            rating, title, body = pick(rng, REVIEWS_ELSEWHERE[person.language])
        body = _fill(rng, body, person.language, thing)
        if rng.random() < PERSONAL_REVIEWS:
            body = f"{body} {self._plant(rng, pick(rng, REVIEWS_PERSONAL), person, 'reviews')}"
        return rating, title, body

    def memo(self, rng: Random, person: Person) -> str:
        """What a clerk notes on an invoice."""
        if rng.random() < PERSONAL_MEMOS:
            return self._plant(rng, pick(rng, MEMOS_PERSONAL), person, "invoices")
        memo = pick(rng, MEMOS)
        if rng.random() < LONG_MEMOS:
            memo = f"{memo} {pick(rng, MEMOS)}"
        return memo.format(days=pick(rng, _DAYS))

    def note(self, rng: Random, person: Person) -> str:
        """What a customer writes on an order."""
        if rng.random() < PERSONAL_NOTES:
            return self._plant(rng, pick(rng, NOTES_PERSONAL), person, "orders")
        return pick(rng, NOTES)

    def _plant(self, rng: Random, template: str, person: Person, dataset: str) -> str:
        """Fill slots of personal data, one value per slot occurrence, and take note of each."""
        other: Person | None = None
        parts = template.split("{")
        out = [parts[0]]
        for part in parts[1:]:
            slot, rest = part.split("}", 1)
            owner = person
            if slot.startswith("other_"):
                owner = other = other or self._people.other(person, rng)
                slot = slot.removeprefix("other_")
            value = _personal(slot, owner, rng)
            self._truth.planted(dataset, slot, value, other=owner is not person)
            out += (value, rest)
        return "".join(out)


def _personal(slot: str, owner: Person, rng: Random) -> str:
    """The owner's value for a slot of personal data."""
    if slot == "card":
        return card(rng)
    if slot == "iban":
        return iban(rng)
    if slot == "national_id":
        return owner.national_id or national_id(owner.country, rng)  # not every customer has one on file
    return str(getattr(owner, "name" if slot == "person" else slot))


def _fill(rng: Random, template: str, language: str, thing: Thing) -> str:
    """Fill ``{thing}`` and ``{days}``."""
    if "{" not in template:
        return template
    if language != "en":
        thing = pick(rng, _ELSEWHERE_THINGS)
    return template.format(thing=getattr(thing, language), days=pick(rng, _DAYS))
