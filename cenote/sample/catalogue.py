"""The shop's own data: products, documents and media. None of it is about customers.

Belongs here: their records. Must not: mishaps, files.
"""

import hashlib
from array import array
from random import Random

from cenote.sample.feed import Feed, Version
from cenote.sample.goods import THINGS, Thing, document_texts, product_texts
from cenote.sample.moments import DAY, HOUR, utc
from cenote.sample.people import pick

_BLOCK = 5_000
_AUTHORS = 24
_LICENSES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "royalty-free", "rights-managed", "in-house")
_SOURCES = ("studio", "agency north", "photo library", "customer contest", "brand")
_KINDS = (("image", "jpg"),) * 7 + (("video", "mp4"),) * 2 + (("audio", "ogg"),)


class Catalogue:
    """Products with their prices, which orders draw from; those of the ``first`` customers are not written again."""

    def __init__(self, seed: int, customers: int, start: int, end: int, first: int = 0) -> None:
        self._seed, self._start, self._end = seed, start, end
        self.size = max(len(THINGS), round(customers * 0.16))
        self._products = range(round(first * 0.16), self.size)
        self._documents = range(round(first * 0.1), max(10, round(customers * 0.1)))
        self._media = range(round(first * 0.24), max(10, round(customers * 0.24)))
        rng = Random(f"{seed}/prices")
        kinds = (THINGS[number % len(THINGS)] for number in range(self.size))
        # prices end in .90, .95 or .49, as prices do
        self.cents = array(
            "l", (100 * int(t.low + rng.random() * (t.high - t.low)) + pick(rng, (90, 95, 49)) for t in kinds)
        )

    def thing(self, number: int) -> Thing:
        """What kind of product it is."""
        return THINGS[number % len(THINGS)]

    def popular(self, chance: float) -> int:
        """A product number; ``chance`` from 0 to 1; low numbers come more often."""
        return int(self.size * chance**1.6)

    def write_products(self, feed: Feed) -> None:
        """Every product, a quarter of them with a change of price and stock."""
        rng = Random(f"{self._seed}/products")
        for number in self._products:
            texts = product_texts(self.thing(number), rng)
            price = self.cents[number]
            cost = int(price * (0.4 + 0.3 * rng.random()))
            moments = [self._start + int(rng.random() * 100 * DAY)]
            if rng.random() < 0.25:
                moments.append(moments[0] + DAY + int(rng.random() * (self._end - moments[0] - DAY)))
            versions = []
            for at in moments:
                record = {
                    "product_id": product_id(number),
                    **texts,
                    "pricing": {"price_eur": price / 100, "cost_eur": cost / 100},
                    "stock": {"units": int(rng.random() ** 2 * 400), "warehouse": pick(rng, ("north", "south"))},
                    "active": rng.random() > 0.04,
                    "updated_at": utc(at),
                }
                versions.append(Version(at, record, record))
            feed.put(product_id(number), versions)
            _flush_at_times(feed, number)
        feed.flush()

    def write_documents(self, feed: Feed) -> None:
        """Knowledge-base documents; some are revised, archived or deleted."""
        rng = Random(f"{self._seed}/documents")
        for number in self._documents:
            created = self._start + int(rng.random() * 330 * DAY)
            author = f"staff_{1 + int(rng.random() ** 1.5 * _AUTHORS):02d}"
            fate = rng.random()
            ends = ["draft" if fate < 0.06 else "published"]
            if fate > 0.75:
                ends.append("deleted" if fate > 0.95 else "archived" if fate > 0.9 else "published")
            versions = []
            for revision, status in enumerate(ends):
                at = created + revision * (2 * DAY + int(rng.random() * (self._end - created - 3 * DAY)))
                record = {
                    "document_id": f"D{number + 1:06d}",
                    **document_texts(number, rng, revision),
                    "author": {"id": author, "team": "knowledge"},
                    "status": status,
                    "created_at": utc(created),
                    "updated_at": utc(at),
                }
                versions.append(Version(at, record, record, status == "deleted", status))
            feed.put(f"D{number + 1:06d}", versions)
            _flush_at_times(feed, number)
        feed.flush()

    def write_media(self, feed: Feed) -> None:
        """Media assets; a quarter of them get their rights extended or corrected."""
        rng = Random(f"{self._seed}/media")
        for number in self._media:
            kind, ending = pick(rng, _KINDS)
            shown = product_id(int(rng.random() * self.size)) if rng.random() < 0.85 else None
            license_ = pick(rng, _LICENSES)
            at = self._start + int(rng.random() * 300 * DAY)
            expires = at + int((0.2 + rng.random()) * 500 * DAY) if license_ == "rights-managed" else None
            digest = hashlib.sha256(f"{self._seed}/{number}".encode()).hexdigest()
            versions = []
            for change in range(1 + (rng.random() < 0.25)):
                at += change * (HOUR + int(rng.random() * (self._end - at - HOUR)))
                expires = expires + change * 180 * DAY if expires else None
                record = {
                    "media_id": f"M{number + 1:06d}",
                    "uri": f"s3://shop-media/{kind}/{digest[:2]}/{digest[:16]}.{ending}",
                    "source": pick(rng, _SOURCES),
                    "license": license_,
                    "product_id": shown,
                    "kind": kind,
                    "hash": {"sha256": digest},
                    "expires_at": utc(expires) if expires else None,
                    "updated_at": utc(at),
                }
                versions.append(Version(at, record, record))
            feed.put(f"M{number + 1:06d}", versions)
            _flush_at_times(feed, number)
        feed.flush()


def product_id(number: int) -> str:
    """The article number of product ``number``."""
    return f"P{number + 1:06d}"


def _flush_at_times(feed: Feed, number: int) -> None:
    if number % _BLOCK == _BLOCK - 1:
        feed.flush()
