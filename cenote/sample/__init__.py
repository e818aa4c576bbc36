"""The sample: a shop whose customers talk to assistants, as raw files in the landing zone, with a truth file beside it.

Belongs here: the public entry. The parts: who (countries, people), what is sold and written (goods, words, texts), what
happens (catalogue, shop, assistant), what goes wrong (mess, feed), bytes (files, moments), and what is true of it all
(truth). Must not: anything that a lake without the sample needs.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cenote.errors import CenoteError

DAYS = 400
_BLOCK = 1_000


@dataclass(frozen=True)
class SampleSummary:
    """What was written: records, files and bytes by dataset, and where the truth about it stands."""

    records: dict[str, int]
    rejected: dict[str, int]
    files: int
    bytes: int
    truth: Path

    @property
    def total(self) -> int:
        """Records of all datasets."""
        return sum(self.records.values())


def generate(
    out: Path,
    customers: int,
    seed: int,
    until: datetime,
    progress: Callable[[int, int], None] | None = None,
    *,
    truth_values: bool = False,
    first: int = 0,
) -> SampleSummary:
    """Write the sample below ``out/<dataset>/``, and ``truth.json`` beside ``out``.

    The same arguments give the same bytes. About 31 records per customer over the 400 days before ``until``, made and
    written in blocks of customers, so memory does not grow with their number (but for the prices of products and the
    keys of deleted invoices). ``progress`` is called with customers done and in all. ``truth_values`` adds every
    personal value to the truth file: for tests. ``first``: how many of the customers, and of what is sold to them, are
    left out since they are there already; running numbers go on beyond theirs. Raises ``CenoteError``.
    """
    from cenote.sample.catalogue import Catalogue
    from cenote.sample.feed import Feed
    from cenote.sample.files import FORMS
    from cenote.sample.moments import DAY
    from cenote.sample.people import People
    from cenote.sample.shop import Shop
    from cenote.sample.texts import Texts
    from cenote.sample.truth import Truth

    if customers - first < 1:
        raise CenoteError(f"a sample of {customers - first} customers is empty", "ask for one customer at least")
    if until.tzinfo is None:
        raise CenoteError("the end of the sample has no time zone", "give a moment with an offset, or in UTC")
    end = int(until.timestamp())
    start = end - DAYS * DAY
    truth = Truth(with_values=truth_values)
    # who left is personal data; deleted invoices and documents are not
    feeds = {name: Feed(out, name, truth, seed, name_deleted=name not in ("customers", "follows")) for name in FORMS}
    people = People(seed, customers)
    catalogue = Catalogue(seed, customers, start, end, first)
    catalogue.write_products(feeds["products"])
    catalogue.write_documents(feeds["documents"])
    catalogue.write_media(feeds["media_assets"])
    shop = Shop(seed, people, catalogue, Texts(people, truth), feeds, truth, start, end, first)
    with _no_cycles():
        for begin in range(first, customers, _BLOCK):
            done = min(begin + _BLOCK, customers)
            for number in range(begin, done):
                shop.customer(number)
            for feed in feeds.values():
                feed.flush()
            if progress:
                progress(done, customers)
    for feed in feeds.values():
        feed.close()
    file = out.parent / "truth.json"
    truth.write(file, customers=customers, seed=seed, until=until.astimezone(UTC).isoformat())
    return SampleSummary(
        records={name: truth.dataset(name).records for name in FORMS},
        rejected={name: truth.dataset(name).rejected for name in FORMS},
        files=sum(truth.dataset(name).files for name in FORMS),
        bytes=sum(truth.dataset(name).bytes for name in FORMS),
        truth=file,
    )


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Stop looking for reference cycles: millions of records hold none, and looking takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
