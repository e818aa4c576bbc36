"""Bronze into silver and quarantine: conform, mask, and give every version its place in history.

Belongs here: which records are new, and the two commits. Must not: what conforming, masking and placing mean
(transforms). A pass reads the bronze commits that silver has not seen, writes quarantine first and silver second,
each in one commit that records how far bronze was consumed. Killed in between, the next pass sees that quarantine is
ahead and adds only what is missing there. Another contract, or a bronze log that no longer reaches back, means
building anew from bronze.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import polars as pl

from cenote import known
from cenote.errors import ContractError
from cenote.lineage import BATCH_DIGITS
from cenote.names import names
from cenote.records import ANONYMOUS, BRONZE, OPENED, open_records, read
from cenote.repeats import repeats
from cenote.report import StageReport
from cenote.spool import Spool, stream
from cenote.tables import Commit, HistoryGone, Table
from cenote.versions import Written, write_versions
from cenote.workspace import Workspace
from transforms.conform import Conformed, conform
from transforms.contract import Contract
from transforms.history import DELETE, VALIDITY
from transforms.known_people import texts_in
from transforms.mask import MaskKeys, mask_frame, mask_problems
from transforms.rules import DUPLICATE_KEY, ERASED_SUBJECT

CODE_VERSION = 2
"""Raised when conforming or masking makes something else of the same record, so that tables are built anew."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_SHOWN_PATHS = 100
_NAMED_FROM = 5  # a member that fewer records of a pass carry is counted but not named: its name may be somebody's
_RULES = pl.List(pl.Struct({"rule": pl.String, "path": pl.String}))
_CONTRACT = "contract"  # the source under which tables record which contract made them
_LEAD = ("lineage_id", "subject_id", "mentions", "landed_at")


def is_stale(space: Workspace, dataset: str) -> bool:
    """Whether bronze has commits that silver or quarantine have not seen, or the contract changed. Reads logs only."""
    contract = space.contract(dataset)
    version = space.table("bronze", dataset).version
    return not all(_is_done(space.table(layer, dataset), contract, version) for layer in ("silver", "quarantine"))


def build(space: Workspace, dataset: str, *, rebuild: bool = False) -> tuple[StageReport, StageReport]:
    """Bring silver and quarantine of a dataset up to date with bronze; returns their reports.

    Without any bronze, both are made empty, so that marts over them run. ``rebuild`` makes both anew from bronze.
    Raises ``ContractError`` where the contract asks for what cannot be done, ``VaultError`` where bronze cannot be
    opened, ``TableError``.
    """
    contract = space.contract(dataset)
    _check(contract)
    silver, quarantine = space.table("silver", dataset), space.table("quarantine", dataset)
    with space.lock(silver.name), ExitStack() as stack:
        if not rebuild and not is_stale(space, dataset):
            return StageReport.unchanged(silver), StageReport.unchanged(quarantine)
        names = silver.name, quarantine.name, f"keys/{dataset}"
        good, bad, keyed = (stack.enter_context(Spool(space.path(".spool", name))) for name in names)
        return _Pass(space, contract, good, bad, keyed).run(rebuild)


def reconform(space: Workspace, dataset: str, lineage_ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The silver rows and the quarantine rows that records of bronze make now; validity columns aside. Writes nothing.

    Raises ``ContractError``, ``VaultError``.
    """
    contract = space.contract(dataset)
    records = open_records(space, dataset, lineage_ids)
    with Spool(space.path(".spool", "none")) as spool:
        masked, conformed = _Pass(space, contract, spool, spool, spool).conform(records)
    return masked, conformed.rejected


def progress(contract: Contract, bronze_version: int) -> dict[str, int]:
    """What a commit says that makes silver or quarantine up to date with a version of bronze."""
    return {_CONTRACT: _code(contract), f"bronze/{contract.dataset}": bronze_version}


def _is_done(table: Table, contract: Contract, version: int | None) -> bool:
    return (
        table.exists
        and table.progress(_CONTRACT) == _code(contract)
        and table.progress(f"bronze/{contract.dataset}") == version
    )


def _code(contract: Contract) -> int:
    """The contract and this code's version as a number that fits a Delta application transaction."""
    return int(hashlib.sha256(f"{CODE_VERSION}/{contract.digest}".encode()).hexdigest()[:15], 16)


def _check(contract: Contract) -> None:
    """Refuse masks that cannot be, and masks that would take a keyed table its keys or its order."""
    problems = mask_problems(contract.fields)
    if contract.keyed:
        strategies = {f.name: f.mask.strategy for f in contract.fields}
        problems += [
            f"{name}: of a primary key only the mask token keeps rows apart"
            for name in contract.primary_key
            if strategies[name] not in ("keep", "token")
        ]
        problems += [
            f"{name}: a column that orders changes cannot be masked"
            for name in contract.change.sequence_by
            if strategies[name] != "keep"
        ]
    if problems:
        raise ContractError(
            f"contract of {contract.dataset}: {'; '.join(problems)}", "correct the masks; see docs/contracts.md"
        )


class _Pass:
    """One pass over what is new in bronze."""

    def __init__(self, space: Workspace, contract: Contract, good: Spool, bad: Spool, keyed: Spool) -> None:
        self.space, self.contract = space, contract
        self.bronze = space.table("bronze", contract.dataset)
        self.silver = space.table("silver", contract.dataset)
        self.quarantine = space.table("quarantine", contract.dataset)
        self.good, self.bad, self.keyed = good, bad, keyed
        self.anew = ""  # why the tables are made anew; empty where they are continued
        self.records, self.deletes = 0, 0
        self.rules: Counter[str] = Counter()
        self.drift: Counter[str] = Counter()
        self.once = bool(contract.primary_key) and not contract.keyed  # an append dataset that takes each key once
        self.repeated = pl.Series(dtype=pl.String)  # lineage ids of good rows that repeat a key
        self.keys = MaskKeys(space.vault.pseudonym_key)
        self.people = known.people(space, contract)
        self.erased = pl.Series(sorted(space.vault.tombstones()), dtype=pl.String)

    def run(self, rebuild: bool) -> tuple[StageReport, StageReport]:
        version, chunks = self._open_bronze(rebuild)
        for masked, conformed in _ahead(self.conform, chunks):
            self._take(masked, conformed)
        self.people = None  # they take much memory, and so does writing
        if self.once:
            self._set_repeats_aside()
        rejected = self._write_quarantine(version)
        written = self._write_silver(version)
        details: dict[str, Any] = {"records": self.records, "quarantined": self.bad.rows}
        details["drift_paths"] = len(self.drift)
        if self.contract.keyed:
            details |= {"deletes": self.deletes, "superseded": written.superseded}
        if self.anew:
            details["rebuilt"] = self.anew
        return _report(self.silver, written.rows, details), _report(self.quarantine, rejected, self.rules)

    # reading

    def _open_bronze(self, rebuild: bool) -> tuple[int | None, Iterator[pl.DataFrame]]:
        """Bronze's version, and the records to read: those that silver has not seen, or all."""
        nothing = iter([BRONZE.to_frame().select(OPENED)])  # so that even an empty pass knows its columns
        with self.space.lock(self.bronze.name):  # the version must be that of the records
            self.anew = "asked for" if rebuild else self._why_anew()
            version = self.bronze.version
            if version is None:
                return None, nothing
            chunks = read(self.space, self.contract.dataset, None if self.anew else self._consumed(self.silver))
            first = next(chunks, None)
        return version, chain(nothing, [] if first is None else [first], chunks)

    def _why_anew(self) -> str:
        tables = (self.silver, self.quarantine)
        if not all(table.exists for table in tables):
            return "first build"
        if any(table.progress(_CONTRACT) != _code(self.contract) for table in tables):
            return "the contract changed"
        try:
            self.bronze.added_since(self._consumed(self.silver))
        except HistoryGone:
            return "bronze was rewritten"
        return ""

    def _consumed(self, table: Table) -> int | None:
        return table.progress(self.bronze.name)

    # conforming

    def conform(self, records: pl.DataFrame) -> tuple[pl.DataFrame, Conformed]:
        """Records, typed and masked; what was rejected of them is with the rest of what conforming tells."""
        records = records.with_columns(pl.col("subject_id").replace(ANONYMOUS, None))
        try:
            conformed = conform(records, self.contract)
        except ValueError as error:
            raise ContractError(f"contract of {self.contract.dataset}: {error}", "correct the contract") from None
        texts = texts_in(conformed.valid, self.contract.fields) if self.people else None
        seen = self.people.look(texts["text"]) if self.people and texts is not None else None
        masked = mask_frame(conformed.valid, self.contract.fields, self.keys, names=names(), known=seen)
        told = seen.mentions(texts) if seen is not None and texts is not None else None
        masked = masked.with_columns(self._mentions(conformed, told))
        masked = masked.select(*_LEAD, pl.exclude(_LEAD))
        return self._without_erased(masked, conformed) if len(self.erased) else (masked, conformed)

    def _without_erased(self, masked: pl.DataFrame, conformed: Conformed) -> tuple[pl.DataFrame, Conformed]:
        """Rows that are about erased people, or name them, go to quarantine: a replay brings nobody back."""
        erased = self.erased.implode()
        owned = pl.col("subject_id").is_in(erased).fill_null(False)
        named = pl.col("mentions").list.set_intersection(self.erased.to_list()).list.len() > 0
        path = self.contract.subject.path if self.contract.subject else "$"
        places = {rule: [{"rule": ERASED_SUBJECT, "path": rule}] for rule in (path, "$mentions")}
        gone = masked.filter(owned | named).select(
            "lineage_id",
            pl.col("lineage_id").str.head(BATCH_DIGITS).alias("batch_id"),
            "subject_id",
            "landed_at",
            pl.when(owned)
            .then(pl.lit(places[path], _RULES))
            .otherwise(pl.lit(places["$mentions"], _RULES))
            .alias("rules"),
        )
        rejected = pl.concat([conformed.rejected, gone.select(conformed.rejected.columns)])
        return masked.filter(~(owned | named)), replace(conformed, rejected=rejected)

    def _mentions(self, conformed: Conformed, told: pl.DataFrame | None) -> pl.Series:
        """The subject ids of the people whom each valid record names, sorted: where its contract says so, and in its
        texts (``told``: row, subject_id), its owner aside.
        """
        ids = conformed.valid.get_column("lineage_id")
        found = [
            people.select(
                "lineage_id", self.space.vault.subject_ids(str(entity), people["natural_id"]).alias("mentions")
            )
            for (entity,), people in conformed.named.group_by("entity")
        ]
        if told is not None and told.height:
            owners = conformed.valid.select("lineage_id", "subject_id")[told["row"]]
            others = owners.with_columns(told["subject_id"].alias("mentions"))
            found.append(others.filter(pl.col("mentions").ne_missing(pl.col("subject_id"))).drop("subject_id"))
        if not found:
            return pl.Series("mentions", [[]], dtype=pl.List(pl.String)).new_from_index(0, len(ids))
        lists = pl.concat(found).group_by("lineage_id").agg(pl.col("mentions").unique().sort())
        return ids.to_frame().join(lists, on="lineage_id", how="left", maintain_order="left")["mentions"].fill_null([])

    def _take(self, masked: pl.DataFrame, conformed: Conformed) -> None:
        self.records += masked.height + conformed.rejected.height
        self.good.add(masked)
        self._reject(conformed.rejected)
        if self.once:
            self.keyed.add(masked.select("lineage_id", *self.contract.primary_key))
        if "change_op" in masked.columns:
            self.deletes += masked.filter(pl.col("change_op") == DELETE).height
        self.drift.update(dict(conformed.drift.iter_rows()))

    def _set_repeats_aside(self) -> None:
        """Rows whose key an append dataset has already are rejected: a redelivery changes nothing."""
        stored = None if self.anew else self.silver.scan()
        self.repeated = repeats(self.keyed, list(self.contract.primary_key), stored)
        if self.repeated.is_empty():
            return
        broken = [{"rule": DUPLICATE_KEY, "path": f.path} for f in self.contract.fields if f.primary_key]
        for frame in self.good.frames():
            rows = frame.filter(pl.col("lineage_id").is_in(self.repeated.implode()))
            rules = pl.Series("rules", [broken], dtype=_RULES).new_from_index(0, rows.height)
            batch = pl.col("lineage_id").str.head(BATCH_DIGITS).alias("batch_id")
            self._reject(rows.with_columns(batch, rules).select(self.bad.schema.names()))

    def _reject(self, rows: pl.DataFrame) -> None:
        self.bad.add(rows)
        broken = rows.select(pl.col("rules").explode()).unnest("rules")
        self.rules.update({f"{rule} {path}": n for rule, path, n in broken.group_by("rule", "path").len().iter_rows()})

    # writing

    def _commit(self, stage: str, version: int | None, details: dict[str, Any]) -> Commit:
        consumed = {} if version is None else {self.bronze.name: version}
        progress = {**consumed, _CONTRACT: _code(self.contract)}
        return Commit(stage, consumed, self.contract.digest, self.space.run_id, progress, details)

    def _write_quarantine(self, version: int | None) -> int:
        rules = {name: self.rules[name] for name in sorted(self.rules)}
        commit = self._commit("quarantine", version, {"records": self.records, "rules": rules})
        frames = self.bad.frames()
        if self.anew:
            self.quarantine.overwrite(stream(frames, self.bad.schema), commit)
            return self.bad.rows
        before = self.quarantine.count()
        if self._consumed(self.quarantine) != self._consumed(self.silver):  # the last pass was killed in between
            there = self.quarantine.scan().select("lineage_id").collect()
            frames = (frame.join(there, on="lineage_id", how="anti") for frame in frames)
        self.quarantine.append(stream(frames, self.bad.schema), commit)
        return self.quarantine.count() - before

    def _write_silver(self, version: int | None) -> Written:
        details: dict[str, Any] = {"records": self.records, "quarantined": self.bad.rows, "drift": _told(self.drift)}
        commit = self._commit("silver", version, details | ({"rebuilt": self.anew} if self.anew else {}))
        if self.contract.keyed:
            lead = (*_LEAD, "change_op", *VALIDITY)
            columns = [*lead, *(c for c in self.good.schema if c not in lead)]
            return write_versions(self.silver, self.good, self.contract, columns, commit, anew=bool(self.anew))
        write = self.silver.overwrite if self.anew else self.silver.append
        new = ~pl.col("lineage_id").is_in(self.repeated.implode())
        write(stream((frame.filter(new) for frame in self.good.frames()), self.good.schema), commit)
        return Written(self.good.rows - len(self.repeated))


def _told(drift: Counter[str]) -> dict[str, int]:
    """Paths that the contract does not name, as they may be written into the log in clear text."""
    told: Counter[str] = Counter()
    for path, count in drift.items():
        told[path if count >= _NAMED_FROM else f"{path.rpartition('.')[0]}.*"] += count
    return dict(told.most_common(_SHOWN_PATHS))


def _report(table: Table, written: int, details: Mapping[str, Any]) -> StageReport:
    return StageReport(table.name, table.count(), written, table.version, details=dict(details))


def _ahead(work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int = 2) -> Iterator[_Result]:
    """The results of ``work`` in order, a few items ahead on threads while the caller and the source do theirs."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
