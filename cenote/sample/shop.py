"""What one customer does: registers, orders, pays, reviews, follows, agrees; talks are in assistant.py.

Belongs here: a customer's records, with money that adds up. Must not: mishaps, files, texts.

Everything happens between ``start`` and ``end`` of the sample; a status that would come later has not come yet. A total
is the sum of its lines, an invoice's amount the total of its order.
"""

from collections.abc import Mapping
from itertools import count
from math import log
from random import Random
from typing import Any

from cenote.sample.assistant import Assistant
from cenote.sample.catalogue import Catalogue, product_id
from cenote.sample.feed import Feed, Version
from cenote.sample.moments import DAY, HOUR, MINUTE, stamp
from cenote.sample.people import People, Person, fill, ip_address, pick
from cenote.sample.texts import Texts
from cenote.sample.truth import Truth

MOST_OF_ONE = 64  # more records of one kind than any customer has; customers have 31 of all kinds
_SEGMENTS = ("consumer",) * 17 + ("small_business",) * 2 + ("enterprise",)
_CHANNELS = ("web",) * 5 + ("app",) * 4 + ("assistant", "store")
_PURPOSES = ("marketing", "analytics", "personalisation")


class Shop:
    """Writes the records of customers, one customer at a time; running numbers go on beyond those of ``first``."""

    def __init__(
        self, seed: int, people: People, catalogue: Catalogue, texts: Texts, feeds: Mapping[str, Feed], truth: Truth,
        start: int, end: int, first: int = 0,
    ) -> None:  # fmt: skip
        self._seed, self._start, self._end = seed, start, end
        self._people, self._catalogue, self._texts, self._feeds = people, catalogue, texts, feeds
        self._truth = truth
        begin = 1 + MOST_OF_ONE * first
        self._assistant = Assistant(catalogue, texts, feeds, begin)
        self._numbers = {letter: count(begin) for letter in "OIRS"}
        self._changes = count(begin)

    def customer(self, number: int) -> None:
        """Write everything about customer ``number``."""
        person = self._people.person(number)
        rng = Random(f"{self._seed}/life/{number}")
        joined = self._start + int(rng.random() ** 1.7 * 385 * DAY)
        leaves = rng.random() < 0.015
        left = joined + int((self._end - joined) * (0.5 + rng.random() / 2)) if leaves else self._end
        self._registrations(rng, person, joined, left, leaves)
        self._consents(rng, person, joined, left)
        self._follows(rng, person, joined, left)
        self._orders(rng, person, joined, left)
        for _ in range(several(rng, 1.75)):
            started = joined + int(rng.random() ** 0.75 * max(left - joined - HOUR, 1))
            self._assistant.conversation(rng, person, started)

    def _id(self, letter: str) -> str:
        """A running number: it says nothing about the customer."""
        return f"{letter}{next(self._numbers[letter]):08d}"

    def _registrations(self, rng: Random, person: Person, joined: int, left: int, leaves: bool) -> None:
        """CRM versions: registration, changes of contact or preferences, and perhaps removal."""
        chance = rng.random()
        changes = 2 if chance < 0.08 else 1 if chance < 0.42 else 0
        moments = sorted(joined + HOUR + int(rng.random() * max(left - joined - 2 * HOUR, 1)) for _ in range(changes))
        facts: dict[str, Any] = {
            "phone": person.phone, "street": person.street, "postal_code": person.postal_code, "ip": person.ip,
            "segment": pick(rng, _SEGMENTS), "opt_in": rng.random() < 0.55,
        }  # fmt: skip
        created = stamp(joined, rng.random(), person.offset)
        versions = [self._registered(rng, person, facts, created, joined, False)]
        for at in moments:
            self._change(rng, person, facts)
            at = max(at, versions[-1].at + MINUTE)
            versions.append(self._registered(rng, person, facts, created, at, False))
        if leaves:
            at = max(left, versions[-1].at + MINUTE)
            versions.append(self._registered(rng, person, facts, created, at, True))
        self._feeds["customers"].put(person.customer_id, versions)

    def _change(self, rng: Random, person: Person, facts: dict[str, Any]) -> None:
        chance = rng.random()
        if chance < 0.35:
            facts["street"], facts["postal_code"] = person.street.replace("1", "2"), person.postal_code[::-1]
        elif chance < 0.6:
            facts["phone"] = person.phone[:-4] + fill("####", rng)
        elif chance < 0.8:
            facts["opt_in"] = not facts["opt_in"]
        else:
            facts["segment"] = pick(rng, _SEGMENTS)
        facts["ip"] = ip_address(rng)

    def _registered(
        self, rng: Random, person: Person, facts: dict[str, Any], created: str, at: int, deleted: bool
    ) -> Version:
        record = {
            "id": person.customer_id,
            "name": person.name,
            "contact": {"email": person.email, "phone": facts["phone"]},
            "birth_date": person.birth_date,
            "national_id": person.national_id,
            "address": {
                "street": facts["street"],
                "city": person.city,
                "postal_code": facts["postal_code"],
                "country": person.country,
            },
            "last_ip": facts["ip"],
            "segment": facts["segment"],
            "marketing_opt_in": facts["opt_in"],
            "created_at": created,
            "updated_at": stamp(at, rng.random(), person.offset),
            "is_deleted": deleted,
        }
        if self._truth.with_values:
            for kind in ("name", "email", "birth_date", "national_id"):
                self._truth.known(kind, getattr(person, kind))
            for kind in ("phone", "street", "ip"):
                self._truth.known(kind, facts[kind])
        return Version(at, record, record, deleted)

    def _consents(self, rng: Random, person: Person, joined: int, left: int) -> None:
        """Answers at registration, and a change of mind at times."""
        for purpose in _PURPOSES:
            if rng.random() > 0.75:
                continue
            granted = rng.random() < 0.6
            for turn in range(1 + (rng.random() < 0.13)):
                at = joined + (1 + int(rng.random() * max(left - joined - 1, 1)) if turn else int(rng.random() * 30))
                consent_id = self._id("S")
                record = {
                    "consent_id": consent_id, "customer_id": person.customer_id, "purpose": purpose,
                    "granted": granted ^ bool(turn), "given_at": stamp(at, rng.random(), person.offset),
                }  # fmt: skip
                self._feeds["consents"].put(consent_id, [Version(at, record, record)])

    def _follows(self, rng: Random, person: Person, joined: int, left: int) -> None:
        """Whom the customer follows; some of it has ended."""
        wanted = min(several(rng, 1.75), self._people.count - 1)
        others = {self._people.other(person, rng).customer_id: None for _ in range(wanted)}
        for other in others:
            since = joined + int(rng.random() * max(left - joined - HOUR, 1))
            written = stamp(since, rng.random(), person.offset)
            pair = {"follower": person.customer_id, "followed": other, "since": written}
            record: dict[str, Any] = {**pair, "until": None, "updated_at": written}
            versions = [Version(since, record, record)]
            until = since + HOUR + int(rng.random() * 200 * DAY)
            if rng.random() < 0.35 and until < left:
                written = stamp(until, rng.random(), person.offset)
                record = {**pair, "until": written, "updated_at": written}
                versions.append(Version(until, record, record))
            self._feeds["follows"].put(f"{person.customer_id}>{other}", versions)

    def _orders(self, rng: Random, person: Person, joined: int, left: int) -> None:
        for _ in range(several(rng, 4.2)):
            placed = joined + int(rng.random() ** 0.75 * max(left - joined - HOUR, 1))
            self._order(rng, person, placed, left)

    def _order(self, rng: Random, person: Person, placed: int, left: int) -> None:
        """One order through its statuses, its invoice and perhaps a review."""
        order_id = self._id("O")
        drawn = [self._catalogue.popular(rng.random()) for _ in range(pick(rng, (1, 1, 1, 2, 2, 3)))]
        bought = list(dict.fromkeys(drawn))
        cents, lines = 0, []
        for product in bought:
            quantity = 1 if rng.random() < 0.8 else 2 + int(rng.random() * 2)
            price = self._catalogue.cents[product] * (9 if rng.random() < 0.1 else 10) // 10
            cents += price * quantity
            lines.append({"product_id": product_id(product), "quantity": quantity, "unit_price_eur": price / 100})
        base = {
            "order_id": order_id,
            "customer_id": person.customer_id,
            "channel": pick(rng, _CHANNELS),
            "currency": person.currency,
            "ordered_at": stamp(placed, rng.random(), person.offset),
            "total_eur": cents / 100,
            "shipping": {"city": person.city, "country": person.country, "postal_code": person.postal_code},
            "lines": lines,
            "note": self._texts.note(rng, person) if rng.random() < 0.12 else None,
        }
        steps = [(status, at) for status, at in _statuses(rng, placed) if at <= left]
        told = [step for step in steps[:-1] if rng.random() < 0.62] + steps[-1:]  # the feed misses some steps
        versions = []
        for status, at in told:
            record = {**base, "status": status, "updated_at": stamp(at, rng.random(), person.offset)}
            versions.append(Version(at, record, record, state=status, cents=cents))
        self._feeds["orders"].put(order_id, versions)
        self._invoice(rng, person, order_id, cents, dict(steps), left)
        reached = dict(steps).get("delivered")
        if reached and rng.random() < 0.42:
            self._review(rng, person, pick(rng, bought), reached, left)

    def _invoice(
        self, rng: Random, person: Person, order_id: str, cents: int, steps: dict[str, int], left: int
    ) -> None:
        """The invoice of an order as change events of the accounting system."""
        issued = steps["placed"] + MINUTE + int(rng.random() * 30 * MINUTE)
        if issued > left:
            return
        paid, cancelled = steps.get("paid"), steps.get("cancelled")
        row: dict[str, Any] = {
            "invoice_id": self._id("I"),
            "order_id": order_id,
            "customer_id": person.customer_id,
            "status": "open",
            "amount_eur": cents / 100,
            "tax_eur": round(cents * 21 / 121) / 100,
            "issued_at": stamp(issued, rng.random(), person.offset),
            "due_at": stamp(issued + 14 * DAY, rng.random(), person.offset),
            "paid_at": None,
            "memo": self._texts.memo(rng, person) if rng.random() < 0.5 else None,
        }
        changes: list[tuple[str, int, dict[str, Any] | None]] = [("insert", issued, row)]
        if paid or cancelled:
            # one in fourteen is booked in the same second: the change number decides
            at = issued if rng.random() < 0.07 else max(paid or cancelled or 0, issued + MINUTE)
            if at <= left:
                moment = stamp(at, rng.random(), person.offset) if paid else None
                settled = {**row, "status": "paid" if paid else "void", "paid_at": moment}
                changes.append(("update", at, settled))
        if rng.random() < 0.008:
            changes.append(("delete", min(changes[-1][1] + HOUR, self._end), None))
        self._feeds["invoices"].put(row["invoice_id"], self._booked(rng, person, changes, cents))

    def _booked(
        self, rng: Random, person: Person, changes: list[tuple[str, int, dict[str, Any] | None]], cents: int
    ) -> list[Version]:
        """Envelopes: operation, row before and after, number and moment of the change."""
        versions, before = [], None
        for op, at, after in changes:
            image = dict(after or before or {})
            record = {
                "op": op, "seq": next(self._changes), "at": stamp(at, rng.random(), person.offset),
                "before": before if after else image, "after": image if after else None,
            }  # fmt: skip
            versions.append(Version(at, record, image, op == "delete", image["status"], cents))
            before = dict(image)
        return versions

    def _review(self, rng: Random, person: Person, product: int, delivered: int, left: int) -> None:
        at = delivered + HOUR + int(rng.random() * 20 * DAY)
        if at > left:
            return
        rating, title, body = self._texts.review(rng, person, self._catalogue.thing(product))
        review_id = self._id("R")
        record = {
            "review_id": review_id, "customer_id": person.customer_id, "product_id": product_id(product),
            "rating": rating, "title": title, "body": body, "reviewed_at": stamp(at, rng.random(), person.offset),
        }  # fmt: skip
        self._feeds["reviews"].put(review_id, [Version(at, record, record)])


def several(rng: Random, mean: float) -> int:
    """A number of things: mostly few, at times many (geometric; a little under ``mean`` on average)."""
    return int(-log(1.0 - rng.random()) * mean)


def _statuses(rng: Random, placed: int) -> list[tuple[str, int]]:
    """An order's statuses and when it takes them."""
    steps = [("placed", placed)]
    if rng.random() < 0.06:
        return [*steps, ("cancelled", placed + HOUR + int(rng.random() * 30 * HOUR))]
    at = placed + 5 * MINUTE + int(rng.random() ** 3 * 20 * HOUR)
    for status, least, most in (("paid", 0, 1), ("shipped", 4 * HOUR, 3 * DAY), ("delivered", DAY, 5 * DAY)):
        at += least + int(rng.random() * (most - least))
        steps.append((status, at))
    if rng.random() < 0.05:
        steps.append(("returned", at + 2 * DAY + int(rng.random() * 20 * DAY)))
    return steps
