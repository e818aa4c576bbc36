"""What bronze holds of people: their own records, and other people's records that mention them.

Belongs here: reading bronze, in two passes. Must not: writing to the lake, or any decision. The first pass opens the
people's own records and learns what names them; the second reads everything else and finds where that stands. Both hold
opened records in memory only. What comes out are lineage ids, counts and sealed records that may take the place of
others; names and natural ids end here.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex

import polars as pl

from cenote.erasure.people import People
from cenote.erasure.queue import REPLACED
from cenote.records import ANONYMOUS, open_payloads, sealed_as
from cenote.workspace import Workspace
from transforms.contract import Contract
from transforms.json_columns import EACH, Steps, elements, extract
from transforms.pseudonyms import without_prefix
from transforms.redaction import Terms, anonymized, identifying, natural_id, redacted
from transforms.shape import Shape
from transforms.subjects import natural_ids

CHUNK_ROWS = 50_000
_COLUMNS = ("lineage_id", "landed_at", "subject_id", "key_id", "payload")


@dataclass
class Found:
    """What was found, by dataset.

    ``own``: how many records the people own. ``held``: how many of these stay without the person (``erasure:
    anonymize``). ``mentioning``: how many of other people's records mention them. ``replaced``: the sealed records that
    take the place of held and mentioning ones (:data:`cenote.erasure.queue.REPLACED`).
    """

    own: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    mentioning: dict[str, int] = field(default_factory=dict)
    replaced: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REPLACED))


def find(space: Workspace, people: People) -> Found:
    """Look through all of bronze. Raises ``VaultError``, ``TableError``."""
    return _Finder(space, people).run()


def late_mentions(space: Workspace, dataset: str, lineage_ids: pl.Series) -> pl.DataFrame:
    """Sealed records in the place of some that name people with a tombstone by id (:data:`REPLACED`)."""
    everybody = People.of(space.vault.tombstones())
    return _Finder(space, everybody).named(dataset, lineage_ids)


class _Finder:
    def __init__(self, space: Workspace, people: People) -> None:
        self._space, self._people = space, people
        contracts = space.contracts.values()
        kinds = {who.entity for c in contracts for who in (*c.mentions, *([c.subject] if c.subject else []))}
        self._shapes = {c.dataset: Shape(c, frozenset(kinds)) for c in contracts}
        self._ids: dict[str, set[str]] = defaultdict(set, {e: set(ids) for e, ids in people.natural.items()})
        self._strong: set[str] = {i for ids in people.natural.values() for i in ids if len(i) >= 5}
        self._found = Found()

    def run(self) -> Found:
        owned = {contract.dataset: self._own(contract) for contract in self._space.contracts.values()}
        terms = Terms(self._strong)
        replaced = [self._anonymous(dataset, rows, terms) for dataset, rows in owned.items()]
        replaced += [part for dataset in self._shapes for part in self._mentioning(dataset, terms)]
        self._found.replaced = pl.concat([pl.DataFrame(schema=REPLACED), *replaced])
        return self._found

    def named(self, dataset: str, lineage_ids: pl.Series) -> pl.DataFrame:
        """Some records of a dataset, redacted where they name the people by id."""
        wanted = pl.col("lineage_id").is_in(lineage_ids.implode())
        rows = self._opened(
            dataset, self._space.table("bronze", dataset).scan().select(_COLUMNS).filter(wanted).collect()
        )
        nothing = Terms([])
        return self._redacted(dataset, rows.filter(self._suspects(dataset, rows["payload"], nothing)), nothing)

    def _opened(self, dataset: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with their payloads opened; those whose key was shredded are left out."""
        opened = pl.Series("payload", open_payloads(self._space, dataset, rows), dtype=pl.Binary)
        return rows.with_columns(opened).drop_nulls("payload")

    # their own records

    def _own(self, contract: Contract) -> pl.DataFrame:
        """The people's records of a dataset, opened, where they stay under legal hold; all teach what names them."""
        table, dataset = self._space.table("bronze", contract.dataset), contract.dataset
        if not table.exists or contract.subject is None:
            return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))
        rows = (
            table.scan()
            .select(_COLUMNS)
            .filter(pl.col("subject_id").is_in(self._people.pseudonyms.implode()))
            .collect()
        )
        if rows.height:
            self._found.own[dataset] = rows.height
        rows = self._opened(dataset, rows)
        shape = self._shapes[dataset]
        for payload in rows["payload"]:
            self._strong |= identifying(payload, shape)
            if (who := natural_id(payload, shape)) is not None:
                self._ids[contract.subject.entity].add(who)
        return rows if contract.erasure == "anonymize" else rows.clear()

    def _anonymous(self, dataset: str, rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
        if rows.is_empty():
            return pl.DataFrame(schema=REPLACED)
        self._found.held[dataset] = rows.height
        stand_ins: dict[str, str] = defaultdict(lambda: f"erased-{token_hex(8)}")
        shape, key = self._shapes[dataset], self._space.vault.dataset_key(dataset)
        payloads = [anonymized(payload, shape, terms, stand_ins.__getitem__) for payload in rows["payload"]]
        return self._sealed(dataset, rows.with_columns(subject_id=pl.lit(ANONYMOUS), key_id=pl.lit(key)), payloads)

    # records of others

    def _mentioning(self, dataset: str, terms: Terms) -> Iterator[pl.DataFrame]:
        table = self._space.table("bronze", dataset)
        if not table.exists:
            return
        others = pl.col("subject_id").is_in(self._people.pseudonyms.implode()).fill_null(False)
        for rows in table.scan().select(_COLUMNS).filter(~others).collect_batches(chunk_size=CHUNK_ROWS):
            rows = self._opened(dataset, rows)
            part = self._redacted(dataset, rows.filter(self._suspects(dataset, rows["payload"], terms)), terms)
            if part.height:
                self._found.mentioning[dataset] = self._found.mentioning.get(dataset, 0) + part.height
                yield part

    def _suspects(self, dataset: str, payloads: pl.Series, terms: Terms) -> pl.Series:
        """Which records may mention the people: a term stands somewhere, an id where ids stand, or it is no text."""
        texts = payloads.cast(pl.String, strict=False)
        found = texts.is_null() | terms.suspects(texts)
        for entity, path in self._shapes[dataset].named:
            if entity in self._people.entities:
                found |= self._named_at(entity, path, texts, self._shapes[dataset].strip(entity))
        return found

    def _named_at(self, entity: str, path: Steps, texts: pl.Series, strip: tuple[str, ...]) -> pl.Series:
        """Records that name one of the people by id at a path; learns the ids that are theirs, as they are written."""
        if EACH in path:
            rows = pl.DataFrame([pl.int_range(len(texts), eager=True).alias("at"), elements(texts, path).alias("raw")])
            rows = rows.explode("raw")
        else:
            rows = pl.DataFrame([pl.int_range(len(texts), eager=True).alias("at"), extract(texts, [path])[0]["0"]])
            rows.columns = ["at", "raw"]
        rows = rows.select("at", natural_ids(rows["raw"]).alias("id")).drop_nulls()
        distinct = rows["id"].unique()
        pseudonyms = self._space.vault.subject_ids(entity, without_prefix(distinct, strip))
        theirs = distinct.filter(pseudonyms.is_in(self._people.pseudonyms.implode()))
        self._ids[entity] |= set(theirs)
        at = rows.filter(pl.col("id").is_in(theirs.implode()))["at"]
        return pl.int_range(len(texts), eager=True).is_in(at.implode())

    def _redacted(self, dataset: str, rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
        shape, ids = self._shapes[dataset], self._ids
        # An owned record's own fields are its owner's: only texts, and places that name others, are touched.
        private = self._space.contract(dataset).sealed
        made = [
            redacted(payload, shape, terms, ids, owned=private and subject is not None)
            for subject, payload in rows.select("subject_id", "payload").iter_rows()
        ]
        changed = pl.Series([clean is not None for clean in made], dtype=pl.Boolean)
        return self._sealed(dataset, rows.filter(changed), [clean for clean in made if clean is not None])

    def _sealed(self, dataset: str, rows: pl.DataFrame, payloads: list[bytes]) -> pl.DataFrame:
        """Rows with new payloads, sealed under the keys that the rows name, as they are kept."""
        under = rows["key_id"].is_not_null()
        boxes = list(payloads)
        if under.any():
            places = under.arg_true().to_list()
            keys, aads = rows["key_id"].filter(under).to_list(), sealed_as(dataset, rows["lineage_id"].filter(under))
            for place, box in zip(places, self._seal(keys, [payloads[p] for p in places], aads), strict=True):
                boxes[place] = box
        return rows.select(
            pl.lit(dataset).alias("dataset"),
            "lineage_id",
            pl.col("landed_at").map_elements(lambda at: at.isoformat(), return_dtype=pl.String),
            "subject_id",
            "key_id",
            pl.Series("payload", boxes, dtype=pl.Binary),
        ).cast(dict(REPLACED))  # type: ignore[arg-type]

    def _seal(self, keys: list[str], payloads: list[bytes], aads: list[bytes]) -> list[bytes]:
        return self._space.vault.seal(keys, payloads, aads) if keys else []
