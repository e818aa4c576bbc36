"""The audit log: who revealed, exported or erased what, and every operation on keys, in an order nobody can rewrite.

Belongs here: appending entries, proving the log whole, pruning old ones. Must not: deciding what is audited; values of
personal data. The log is ``audit.jsonl`` in the vault folder, a line per entry. Each entry holds the MAC of the one
before, under a secret of the vault; the vault holds, sealed, how many entries there are and the MAC of the last. So
without the root key no entry can be forged, changed, moved or cut off the end unseen. See docs/decisions/0013-audit.md.
"""

import fcntl
import hashlib
import hmac
import json
import os
import pwd
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

RETENTION = timedelta(days=6 * 365 + 2)
"""How long entries are kept: six years, as HIPAA asks of such documentation (45 CFR 164.316(b)(2)(i))."""

FILE = "audit.jsonl"
BEGINNING = "0" * 64
_TAIL_BYTES = 64 * 1024
_SHOWN_PROBLEMS = 20


class Keeper(Protocol):
    """What keeps the log's secret and its anchor: the vault."""

    def audit_secret(self) -> bytes:
        """The secret under which entries are chained."""

    def anchor(self) -> bytes:
        """What :meth:`set_anchor` kept last; empty where the log was never written to."""

    def set_anchor(self, anchor: bytes) -> None:
        """Keep a few bytes, sealed."""


@dataclass(frozen=True)
class Entry:
    """One thing that was done: its number from 1, when (UTC), which OS user, what, to which ids, and why."""

    n: int
    at: str
    who: str
    what: str
    about: tuple[str, ...] = ()
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What :meth:`AuditLog.verify` found. ``head`` names the log's end, ``<number>:<MAC>``: write it down elsewhere."""

    entries: int
    first: int
    head: str
    beyond_anchor: int
    problems: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was altered, removed, moved or cut off."""
        return not self.problems


@dataclass(frozen=True)
class _Anchor:
    """The log's end as the vault knows it, and the last entry that was pruned."""

    count: int = 0
    head: str = BEGINNING
    pruned: int = 0
    pruned_head: str = BEGINNING


class AuditLog:
    """The audit log of a vault. Safe with several threads and processes; an entry is on the disk before it counts."""

    def __init__(self, file: Path, keeper: Keeper, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.file = file
        self._keeper = keeper
        self._clock = clock

    # writing

    def record(
        self, what: str, *, about: Sequence[str] = (), reason: str = "", details: dict[str, Any] | None = None
    ) -> Entry:
        """Append an entry. ``about``: lineage or subject ids; ``details``: counts and names of tables, never values.

        Personal data that a ``reason`` quotes by mistake is replaced by placeholders.
        """
        reason = _without_personal_data(reason)
        with self._lock():
            anchor = self._anchor()
            end = self._end(anchor)
            entry = Entry(end.count + 1, self._now(), _user(), what, tuple(about), reason, details or {})
            head = self._append(entry, end.head)
            self._keep(replace(end, count=entry.n, head=head))
        return entry

    def _append(self, entry: Entry, before: str) -> str:
        body = asdict(entry) | {"before": before}
        mac = self._mac(body)
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, _canonical(body | {"mac": mac}) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        return mac

    def _end(self, anchor: _Anchor) -> _Anchor:
        """Where the next entry goes: behind what the anchor names, or behind a whole entry that is newer.

        An entry is newer after a kill between the two writes, or when an older vault was restored. A torn line behind
        it is removed. A log that lost entries goes on from the anchor: the gap stays there to be seen.
        """
        if not self.file.exists():
            return anchor
        with self.file.open("rb+") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            tail = log.read()
            whole, _, torn = tail.rpartition(b"\n")
            last = self._read(whole.rpartition(b"\n")[2])
            known = last is not None and last[0].n >= anchor.count
            if torn and known:
                log.truncate(size - len(torn))
            elif torn:
                log.write(b"\n")
        return replace(anchor, count=last[0].n, head=last[1]) if last and known else anchor

    # reading

    def entries(self) -> Iterator[Entry]:
        """The entries whose MAC holds, oldest first; :meth:`verify` tells of the others."""
        for line in self._lines():
            if found := self._read(line):
                yield found[0]

    def verify(self) -> Verdict:
        """Read the whole log and tell whether it is whole."""
        with self._lock():
            anchor = self._anchor()
            return _Check(anchor).run(self._chained(line) for line in self._lines())

    def leads_to(self, head: str) -> bool:
        """Whether the log holds what an earlier verification called its head (``<number>:<MAC>``)."""
        return any((found := self._read(line)) and f"{found[0].n}:{found[1]}" == head for line in self._lines())

    def prune(self, older_than: timedelta = RETENTION) -> int:
        """Remove entries of more than ``older_than`` ago and return how many; the rest still proves itself whole."""
        limit = (self._clock() - older_than).isoformat(timespec="seconds")
        old = [entry.n for entry in self._before(limit)]
        if not old:
            return 0
        self.record("audit log pruned", details={"entries": len(old), "through": old[-1]})
        with self._lock():
            heads = [found[1] for line in self._lines() if (found := self._read(line)) and found[0].n == old[-1]]
            # The anchor goes first: entries before it may be there or not, so a kill in between harms nothing.
            self._keep(replace(self._anchor(), pruned=old[-1], pruned_head=heads[0]))
            self._rewrite(old[-1])
        return len(old)

    def _before(self, limit: str) -> Iterator[Entry]:
        for entry in self.entries():
            if entry.at >= limit:
                return
            yield entry

    def _rewrite(self, pruned: int) -> None:
        draft = self.file.with_name(f".{self.file.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for line in self._lines():
                found = self._read(line)
                if found is None or found[0].n > pruned:  # a line that cannot be read stays as evidence
                    out.write(line + b"\n")
            out.flush()
            os.fsync(out.fileno())
        draft.rename(self.file)

    # inner workings

    def _lines(self) -> Iterator[bytes]:
        if self.file.exists():
            with self.file.open("rb") as log:
                for line in log:
                    yield line.rstrip(b"\n")

    def _read(self, line: bytes) -> tuple[Entry, str] | None:
        """An entry and its MAC; None where the line is no entry of this log."""
        chained = self._chained(line)
        return (chained[0], chained[2]) if chained else None

    def _chained(self, line: bytes) -> tuple[Entry, str, str] | None:
        """An entry, the MAC before it and its own, if that holds."""
        try:
            body = json.loads(line)
            mac = body.pop("mac")
            if not hmac.compare_digest(mac, self._mac(body)):
                return None
            before = body.pop("before")
            return Entry(**body | {"about": tuple(body["about"])}), before, mac
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def _mac(self, body: dict[str, Any]) -> str:
        return hmac.new(self._keeper.audit_secret(), _canonical(body), hashlib.sha256).hexdigest()

    def _anchor(self) -> _Anchor:
        kept = self._keeper.anchor()
        return _Anchor(**json.loads(kept)) if kept else _Anchor()

    def _keep(self, anchor: _Anchor) -> None:
        self._keeper.set_anchor(_canonical(asdict(anchor)))

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self.file.with_name(".audit.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


class _Check:
    """One pass over the log, against the anchor."""

    def __init__(self, anchor: _Anchor) -> None:
        self.anchor = anchor
        self.problems: list[str] = []
        self.count, self.first, self.last, self.head = 0, 0, 0, BEGINNING

    def run(self, lines: Iterable[tuple[Entry, str, str] | None]) -> Verdict:
        for number, chained in enumerate(lines, 1):
            if chained is None:
                self.tell(f"line {number} was altered, or is no entry")
            else:
                self.take(*chained)
        if self.last < self.anchor.count:
            self.tell(f"the log ends at entry {self.last}; entries up to {self.anchor.count} were removed")
        beyond = max(0, self.last - self.anchor.count)
        return Verdict(self.count, self.first, f"{self.last}:{self.head}", beyond, tuple(self.problems))

    def take(self, entry: Entry, before: str, mac: str) -> None:
        if not self.count:
            self.first = entry.n
            if entry.n > self.anchor.pruned + 1:
                self.tell(f"entries {self.anchor.pruned + 1} to {entry.n - 1} were removed")
            elif entry.n == self.anchor.pruned + 1 and before != self.anchor.pruned_head:
                self.tell(f"entry {entry.n} does not follow the last one that was pruned")
        elif entry.n <= self.last:
            self.tell(f"entry {entry.n} stands behind entry {self.last}")
        elif entry.n > self.last + 1:
            self.tell(f"entries {self.last + 1} to {entry.n - 1} were removed")
        elif before != self.head:
            self.tell(f"entry {entry.n} does not follow entry {self.last}")
        if entry.n == self.anchor.count and mac != self.anchor.head:
            self.tell(f"entry {entry.n} is not the one that the vault knows as the last")
        self.count += 1
        self.last, self.head = entry.n, mac

    def tell(self, problem: str) -> None:
        if len(self.problems) < _SHOWN_PROBLEMS:
            self.problems.append(problem)


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _user() -> str:
    """The OS user by number, not by the environment, which anyone can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


_WELCOME = ("DATE", "AGE", "URL", "ACCOUNT", "ID_NUMBER")  # what a reason cites: deadlines, tickets


def _without_personal_data(reason: str) -> str:
    if not reason:
        return ""
    import polars as pl

    from transforms.detect import KINDS, redact_text

    return str(redact_text(pl.Series([reason]), [kind for kind in KINDS if kind not in _WELCOME])[0])
