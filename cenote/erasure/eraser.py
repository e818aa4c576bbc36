"""One request, from the first look to the last byte: the order of the stores, and going on after a stop.

Belongs here: the steps. Must not: how a store is purged (purge/). Every step is noted in the request when it is done,
and may be run twice. The order is what makes a stop harmless: first the tombstones, so that nothing new is sealed for
the people; then all that has to be read of their records, kept sealed in the request; then their keys, from which
moment nobody can open what is still on the disk; then the stores, in the order in which rows flow, vectors beside the
others.
"""

import json
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Lock

import polars as pl

from cenote import known
from cenote.erasure import marker, rebuild
from cenote.erasure.find import Found, find
from cenote.erasure.outcome import Hold, Outcome, Store
from cenote.erasure.people import People
from cenote.erasure.plans import holds, removed
from cenote.erasure.purge import bronze, derived, past, silver
from cenote.erasure.queue import ERASED, ERASING, Request, Requests
from cenote.tables import Table
from cenote.workspace import LAYERS, Workspace

Told = Callable[[str], None]
_NATURAL = "natural"


class Eraser:
    """Erases the people of one request. ``told`` hears the name of each step as it begins, ``done`` as it is done.

    ``last_look`` is called while the people's keys still live, after the lake was brought up to date: by whoever wants
    to know what to look for afterwards. It is not where an earlier run has destroyed them.
    """

    def __init__(
        self,
        space: Workspace,
        request: Request,
        told: Told = lambda _: None,
        last_look: Callable[[], None] = lambda: None,
        done: Told = lambda _: None,
    ) -> None:
        self._space, self._request, self._told, self._last_look = space, request, told, last_look
        self._done = done
        self._requests = Requests(space.settings)
        self._subjects = pl.Series("subject_id", request.subjects, dtype=pl.String)
        self._datasets = list(space.contracts)
        self._state = request.state
        self._noting = Lock()

    def run(self) -> Outcome:
        """Begin, or go on where it stopped. Raises ``CenoteError``; what is done stays done."""
        with self._space.lock("erasure"):
            self._begin()
            with ExitStack() as stack:
                for dataset in self._datasets:  # nothing lands between the look and the purge
                    stack.enter_context(self._space.lock(f"bronze/{dataset}"))
                with ThreadPoolExecutor(1, "erasure") as thread:
                    looked = thread.submit(self._last_look) if "keys" not in self._state["done"] else None
                    self._step("find", self._find)
                if looked is not None:
                    looked.result()
                self._step("keys", self._shred)
                self._step("bronze", self._purge_bronze)
            self._step("silver", self._purge_silver)
            with self._beside("vectors", self._purge_vectors):  # nothing else stands on them
                with self._beside("features-of-silver", lambda: self._purge_features(of_silver=True)):
                    self._step("graph", self._purge_graph)
                    self._step("gold", lambda: derived.gold(self._space))
                self._step("features", lambda: self._purge_features(of_silver=False))
                self._step("online", lambda: derived.online(self._space))
            with self._beside("catalog", lambda: derived.catalog(self._space)):  # which shows no past
                self._step("past", lambda: past.purge(self._space, self._subjects))
            return self._finish()

    # the frame

    def _begin(self) -> None:
        vault, request, state = self._space.vault, self._request, self._state
        if request.status == ERASED:
            self._begin_again()
        elif request.status != ERASING:
            request.status = ERASING
            self._save()
            vault.audit.record("erasure begun", about=list(request.subjects), reason=request.reason)
        if "done" not in state:
            rebuild.catch_up(self._space)
            state |= {"done": [], "seconds": {}}
        if not state.get("again"):
            vault.close(request.subjects)
        self._save()

    def _begin_again(self) -> None:
        """The lake was restored from a backup of before: all but the keys is to be done again.

        What is to be read of records was kept, so nothing is looked for. A tombstone that was lifted since stays so.
        """
        self._request.status = ERASING
        self._space.vault.audit.record("erasure repeated in a restored lake", about=list(self._request.subjects))
        self._state |= {"done": ["find", "keys"], "seconds": {}, "again": True, "before": self._versions()}
        self._state["batches"] = {d: bronze.touched(self._space, self._subjects, d) for d in self._datasets}

    def _step(self, name: str, work: Callable[[], None]) -> None:
        if name in self._state["done"]:
            return
        self._told(name)
        begun = time.perf_counter()
        work()
        with self._noting:
            seconds = self._state["seconds"]
            seconds[name] = round(seconds.get(name, 0.0) + time.perf_counter() - begun, 3)
            self._state["done"].append(name)
            self._save()
        self._done(name)

    @contextmanager
    def _beside(self, name: str, work: Callable[[], None]) -> Iterator[None]:
        """Do a step in a thread of its own while others are done; if it fails, that is told when they are."""
        with ThreadPoolExecutor(1, "erasure") as thread:
            step = thread.submit(self._step, name, work)
            yield
            step.result()

    def _save(self) -> None:
        self._requests.save(self._request)

    # the steps

    def _find(self) -> None:
        """Look once, and keep all that is needed later: counts, versions, and sealed records in the place of others."""
        found = find(self._space, self._people())
        self._requests.disown(self._request)
        rewritten = Counter(found.mentioning) + Counter(found.held)
        self._state |= {
            "removed": _bronze_counts(found) | removed(self._space, self._subjects),
            "rewritten": {f"bronze/{dataset}": rows for dataset, rows in rewritten.items()},
            "holds": [vars(hold) for hold in holds(self._space, found)],
            "before": self._versions(),
        }
        self._requests.replace(self._request, found.replaced)
        self._state["batches"] = {d: bronze.touched(self._space, self._subjects, d) for d in self._datasets}

    def _people(self) -> People:
        """The people, with the natural ids that were given, as long as their keys open them."""
        sealed, keys = self._state.get(_NATURAL), self._state.get("keys")
        known = People.of(self._request.subjects)
        if not sealed or not keys:
            return known
        (opened,) = self._space.vault.unseal([keys], [b64decode(sealed)], [self._request.request_id.encode()])
        natural = json.loads(opened) if opened else {}
        return People(known.pseudonyms, {entity: frozenset(ids) for entity, ids in natural.items()})

    def _shred(self) -> None:
        count = self._space.vault.shred(self._request.subjects, self._request.reason)
        self._state.pop(_NATURAL, None)
        self._state["removed"].setdefault("keys", count)

    def _purge_bronze(self) -> None:
        batches = self._state["batches"]
        self._each_dataset(lambda d: bronze.purge(self._space, self._subjects, d, batches.get(d, [])))

    def _purge_silver(self) -> None:
        known.forget(self._space, self._subjects)
        before = self._state["before"]
        self._each_dataset(lambda d: silver.purge(self._space, self._subjects, d, before.get(f"bronze/{d}", -1)))

    def _each_dataset(self, work: Callable[[str], None]) -> None:
        """Two at a time, as each waits for the disk by turns; memory holds a row group of each."""
        with ThreadPoolExecutor(2, "erasure") as threads:
            list(threads.map(work, self._datasets))

    def _purge_vectors(self) -> None:
        derived.vectors(self._space, self._subjects, self._changed(), self._silver())

    def _purge_graph(self) -> None:
        derived.graph(self._space, self._subjects, self._changed(), self._silver())

    def _purge_features(self, *, of_silver: bool) -> None:
        derived.features(self._space, self._subjects, of_silver=of_silver)

    def _silver(self) -> dict[str, int]:
        """Silver's versions before the purge, by dataset."""
        before = self._state["before"]
        return {dataset: before.get(f"silver/{dataset}", -1) for dataset in self._datasets}

    def _changed(self) -> dict[str, pl.Series]:
        """Lineage ids of replaced records, by dataset."""
        return {d: self._requests.replaced(d)["lineage_id"].alias("lineage_id") for d in self._datasets}

    def _finish(self) -> Outcome:
        request = self._request
        request.finished_at = self._space.clock()
        outcome = self._outcome(request.finished_at.isoformat())
        self._state["outcome"] = outcome.as_dict()
        marker.add(self._space, request.request_id)
        request.status = ERASED
        self._save()
        details = {"request": request.request_id, "removed": outcome.removed, "rewritten": outcome.rewritten}
        self._space.vault.audit.record("erasure done", about=list(request.subjects), details=details)
        derived.catalog(self._space)  # once more: meta.erasures tells that it is done
        return outcome

    def _outcome(self, finished_at: str) -> Outcome:
        state, request = self._state, self._request
        before, after = state["before"], self._versions()
        tables = {name: (before.get(name), after.get(name)) for name in sorted({*before, *after})}
        told = {*state["removed"], *state["rewritten"], *state["seconds"]}
        stores = {
            name: Store(state["removed"].get(name, 0), state["rewritten"].get(name, 0), state["seconds"].get(name, 0.0))
            for name in sorted(told)
        }
        return Outcome(
            request.request_id,
            request.received_at.isoformat(),
            finished_at,
            request.subjects,
            stores,
            tables,
            tuple(Hold(**hold) for hold in state["holds"]),
            len(self._space.vault.tombstones(request.subjects)),
        )

    def _versions(self) -> dict[str, int]:
        tables: list[Table] = [table for layer in LAYERS for table in self._space.tables(layer)]
        return {table.name: table.content_version or 0 for table in tables}


def _bronze_counts(found: Found) -> dict[str, int]:
    gone = {f"bronze/{d}": n - found.held.get(d, 0) for d, n in found.own.items()}
    return {store: rows for store, rows in gone.items() if rows}


def seal_natural(space: Workspace, request: Request, people: People) -> None:
    """Keep the natural ids that were given in the request, sealed under a key that dies with the people."""
    if not people.natural:
        return
    key = next((key for key in space.vault.keys_for(request.subjects).values() if key), None)
    if key is not None:
        told = json.dumps({entity: sorted(ids) for entity, ids in people.natural.items()}).encode()
        (box,) = space.vault.seal([key], [told], [request.request_id.encode()])
        request.state |= {_NATURAL: b64encode(box).decode(), "keys": key}
