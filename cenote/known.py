"""The people that the lake knows, for finding them in free text: keyed digests of their names, addresses and numbers.

Belongs here: the table of digests (``meta/known_people``): bringing it up to date with bronze, reading it, forgetting
people. Must not: which fields tell of people and how they are found (transforms/known_people.py). No clear text is
kept; the key derives from the vault's pseudonym key.

Whoever masks text first brings the table up to date, from what bronze holds of every register of people, so the order
in which datasets are conformed does not matter. A text is masked with those who are known when it is conformed; one
that came before a person was known is masked with them when its dataset is built anew (``--rebuild``).
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

import polars as pl

from cenote.records import read
from cenote.rewrite import PURGE, drop_history, edit, holding
from cenote.spool import Spool, stream
from cenote.tables import Commit, Table
from cenote.workspace import Workspace
from transforms.conform import conform
from transforms.contract import Contract, leaves
from transforms.detectors.people import Digester
from transforms.known_people import KINDS, KNOWN, KnownPeople, tells, terms
from transforms.strategies import MaskKeys

TABLE = "known_people"
_TERM, _PAIR = ("words", "head", "digest"), ["subject_id", "digest"]
CODE_VERSION = 1
"""Raised when the terms of the same record become others, so that they are read again."""


def registers(contracts: Sequence[Contract]) -> list[Contract]:
    """The contracts that tell who people are."""
    return [contract for contract in contracts if tells(contract)]


def masks_text(contract: Contract) -> bool:
    """Whether a contract has free text to mask, in which known people are looked for."""
    return any(leaf.mask.strategy == "text" for leaf in leaves(contract.fields))


def people(space: Workspace, contract: Contract) -> KnownPeople | None:
    """Who is known, for masking a dataset's texts, up to date with bronze; None where it has none, or nobody is known.

    Raises ``VaultError``, ``TableError``.
    """
    if not masks_text(contract):
        return None
    refresh(space)
    table = space.table("meta", TABLE)
    if not table.exists:
        return None
    gone = pl.Series(sorted(space.vault.tombstones()), dtype=pl.String)
    rows = table.scan().filter(~pl.col("subject_id").is_in(gone.implode()))
    each = pl.Enum(rows.select(pl.col("subject_id").unique().sort()).collect().to_series())  # so each is kept once
    known = rows.select(pl.col("subject_id").cast(each), pl.col("kind").cast(KINDS), *_TERM).collect()
    return KnownPeople(known, _digester(space)) if known.height else None


def refresh(space: Workspace) -> int:
    """Add the terms of records that bronze gained; returns how many terms are new."""
    table = space.table("meta", TABLE)
    if not any(_is_stale(space, table, contract) for contract in registers([*space.contracts.values()])):
        return 0
    with space.lock(table.name):
        return sum(_add(space, table, c) for c in registers([*space.contracts.values()]) if _is_stale(space, table, c))


def forget(space: Workspace, subject_ids: Sequence[str] | pl.Series) -> int:
    """Take people's terms out of the table, its files and its past; returns how many there were.

    Safe to call again: an interrupted call is finished. Those whose key was shredded are never added again.
    """
    table = space.table("meta", TABLE)
    if not table.exists:
        return 0
    theirs = pl.col("subject_id").is_in(pl.Series(subject_ids, dtype=pl.String).implode())
    with space.lock(table.name):
        held = holding(table, theirs)
        if held.height:
            files = held["file"].unique().to_list()
            edit(table, files, lambda rows: rows.filter(~theirs), Commit(PURGE, run_id=space.run_id))
        drop_history(table)
    return held.height


def _is_stale(space: Workspace, table: Table, contract: Contract) -> bool:
    bronze = space.table("bronze", contract.dataset)
    if bronze.version is None:
        return False
    seen = table.progress(bronze.name) if table.exists else None
    return seen != bronze.version or table.progress(_read_as(contract)) != _code(contract)


def _add(space: Workspace, table: Table, contract: Contract) -> int:
    """The terms of one register's new records, in one commit that says how far bronze was read."""
    bronze = space.table("bronze", contract.dataset)
    with space.lock(bronze.name):  # the version must be that of the records
        version = bronze.version
        again = not table.exists or table.progress(_read_as(contract)) != _code(contract)
        chunks = read(space, contract.dataset, None if again else table.progress(bronze.name))
        first = next(chunks, None)
    if version is None:
        return 0
    digester, before = _digester(space), table.count()
    with Spool(space.path(".spool", table.name)) as spool:
        spool.add(KNOWN.to_frame())
        for records in chain([] if first is None else [first], chunks):
            spool.add(terms(conform(records, contract).valid, contract, digester))
        progress = {bronze.name: version, _read_as(contract): _code(contract)}
        commit = Commit("known people", {bronze.name: version}, contract.digest, space.run_id, progress)
        there = table.scan().select(_PAIR) if table.exists else None
        table.append(stream(_new(spool, there, space.vault.tombstones()), KNOWN), commit)
    return table.count() - before


def _new(spool: Spool, there: pl.LazyFrame | None, gone: Collection[str]) -> Iterator[pl.DataFrame]:
    """The terms that the table has not (``there``), each once for a person, without those of people who are gone."""
    for part in spool.parts(["subject_id"]):
        new = part.unique(_PAIR, keep="first", maintain_order=True).filter(~pl.col("subject_id").is_in(sorted(gone)))
        if there is not None:
            theirs = there.join(new.lazy().select("subject_id").unique(), on="subject_id", how="semi").collect()
            new = new.join(theirs, on=_PAIR, how="anti")
        yield new


def _read_as(contract: Contract) -> str:
    """The source under which the table records how a register was read."""
    return f"contract/{contract.dataset}"


def _code(contract: Contract) -> int:
    """The contract and this code's version as a number that fits a Delta application transaction."""
    return int(hashlib.sha256(f"{CODE_VERSION}/{contract.digest}".encode()).hexdigest()[:15], 16)


def _digester(space: Workspace) -> Digester:
    return Digester(MaskKeys(space.vault.pseudonym_key).derive("known people"))
