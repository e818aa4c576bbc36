"""What a trace is: parts of tables, and what each part was made of and makes.

Belongs here: the tree and its plain form. Must not: finding anything, colours. Nothing here holds a value of the
data: a part has ids, counts, times, digests, rule names and versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Part:
    """Rows of one table that a trace reaches.

    ``ids``: their lineage ids (of passages and edges, their own ids; of landing, batch ids), sorted. ``version``,
    ``run_id`` and ``at``: the table's version that was looked at, the run that wrote it and when. ``facts``: by id,
    what is told of a row. ``note``: what must be known to read the part.
    """

    table: str
    ids: Sequence[str] = ()
    version: int | None = None
    run_id: str = ""
    at: datetime | None = None
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""
    made_of: list["Part"] = field(default_factory=list)
    makes: list["Part"] = field(default_factory=list)

    def as_dict(self, limit: int | None = None) -> dict[str, Any]:
        """Plain values for JSON, with at most ``limit`` ids of each part (None: all); ``count`` counts them all."""
        shown = list(self.ids if limit is None else self.ids[:limit])
        found: dict[str, Any] = {"table": self.table, "count": len(self.ids), "ids": shown}
        if self.version is not None:
            found |= {"version": self.version, "run_id": self.run_id, "committed_at": _text(self.at)}
        facts = {i: {k: _text(v) for k, v in self.facts[i].items()} for i in shown if i in self.facts}
        found |= {"facts": facts} if facts else {}
        found |= {"note": self.note} if self.note else {}
        for name, parts in (("made_of", self.made_of), ("makes", self.makes)):
            if parts:
                found[name] = [part.as_dict(limit) for part in parts]
        return found

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in both directions."""
        yield self
        for part in (*self.made_of, *self.makes):
            yield from part.walk()


@dataclass
class Trace:
    """The answer: where it starts, and what must be known to trust it."""

    what: str
    start: Part
    notes: list[str] = field(default_factory=list)

    def as_dict(self, limit: int | None = None) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"what": self.what, "notes": self.notes, "start": self.start.as_dict(limit)}

    def parts(self, table: str) -> list[Part]:
        """Every part of one table (``silver/orders``)."""
        return [part for part in self.start.walk() if part.table == table]

    def ids(self, table: str) -> list[str]:
        """All ids that the trace reaches in one table, sorted."""
        return sorted({i for part in self.parts(table) for i in part.ids})

    def mermaid(self, limit: int = 5) -> str:
        """The trace as a Mermaid flowchart, what is made standing below what it is made of."""
        lines = ["flowchart TD"]
        numbers: dict[int, str] = {}
        for part in self.start.walk():
            numbers[id(part)] = f"n{len(numbers)}"
            lines.append(f'  {numbers[id(part)]}["{_label(part, limit)}"]')
        lines.append(f"  style {numbers[id(self.start)]} stroke-width:3px")
        for part in self.start.walk():
            lines += [f"  {numbers[id(source)]} --> {numbers[id(part)]}" for source in part.made_of]
            lines += [f"  {numbers[id(part)]} --> {numbers[id(made)]}" for made in part.makes]
        return "\n".join(lines) + "\n"


def _label(part: Part, limit: int) -> str:
    head = part.table + (f" v{part.version}" if part.version is not None else "")
    more = [f"... {len(part.ids) - limit} more"] if len(part.ids) > limit else []
    return "<br/>".join([head, *part.ids[:limit], *more]).replace('"', "'").replace("#", "&#35;")


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
