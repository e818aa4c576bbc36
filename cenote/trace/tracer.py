"""Tracing over all stores: up from any row to the raw records and files, down from any record to all made of it.

Belongs here: which store leads to which. Must not: how an SQL file is inverted, how rows are looked up, how a trace
is shown. A mart is traced against the table versions that the commit of its build recorded.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from cenote.errors import TableError
from cenote.trace.made import Made
from cenote.trace.model import Part, Trace
from cenote.trace.moments import Moments
from cenote.trace.records import Records, part
from cenote.views import ident, text
from cenote.workspace import Workspace

WHOLE_GRAPH = ("pagerank", "communities")
Base = dict[str, set[str]]  # ids by table in SQL


class Tracer:
    """Traces rows of one lake. A context manager: it keeps connections open between traces."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.moments = Moments(space)
        self.records = Records(space, self.moments)
        self.made = Made(space, self.moments, self.records)

    def __enter__(self) -> "Tracer":
        return self

    def __exit__(self, *error: object) -> None:
        self.moments.__exit__(*error)

    # up

    def up(self, table: str, ids: Sequence[str], version: int | None = None) -> Part:
        """Rows of a table and all that they were made of, up to the landed files."""
        layer, _, name = table.partition("/")
        if table in self.made.files:
            return self._up_made(table, ids, version)
        if layer == "silver":
            return self.records.silver(name, ids, version)
        if layer == "bronze":
            return self.records.raw(name, ids)
        if layer == "quarantine":
            found = part(self.moments, table, ids)
            found.made_of = [self.records.raw(name, ids)]
            return found
        if layer == "graph":
            return self._up_graph(table, ids, version)
        if layer == "vectors":
            found = Part(table, sorted(ids))
            found.made_of = self._up_records([i.partition("#")[0] for i in ids])
            return found
        raise TableError(f"rows of {table} are not traced", "ask for a row of bronze, silver, gold, graph or features")

    def _up_made(self, table: str, ids: Sequence[str], version: int | None) -> Part:
        found = part(self.moments, table, ids, version)
        by_build: dict[int, list[str]] = {}
        for lineage_id, added in self._added_by(table, ids, version).items():
            by_build.setdefault(added, []).append(lineage_id)
        for added, rows in by_build.items():
            build = self.made.build(table, added)
            if build is None:
                continue
            bases = self.made.made_of(build, rows)
            if not bases:
                found.note = (
                    "the SQL gives no such row at the versions that were read: what it told of has changed since"
                )
            for base, base_ids in bases.items():
                name = _table(base, build.commit.inputs)
                found.made_of.append(self.up(name, base_ids, build.commit.inputs.get(name)))
        return found

    def _added_by(self, table: str, ids: Sequence[str], version: int | None) -> dict[str, int]:
        """The table version that added each row: a mart is written anew, a feature view is added to."""
        newest = self.moments.present(table)
        if table.startswith("gold/"):
            return dict.fromkeys(ids, newest if version is None else version)
        return self._features_added(table, ids, newest)

    def _features_added(self, table: str, ids: Sequence[str], newest: int) -> dict[str, int]:
        opened = self.moments.table(table)
        files = opened.files() if opened else []
        listed, wanted = ", ".join(map(text, files)), ", ".join(map(text, ids))
        connection = self.moments.connection({table: newest})
        rows = connection.execute(
            f"SELECT lineage_id, max(filename) FROM read_parquet([{listed}], union_by_name = true, filename = true) "
            f"WHERE lineage_id IN ({wanted}) GROUP BY ALL"
        ).fetchall()
        if len(files) == 1:
            return {lineage_id: newest for lineage_id, _ in rows}
        added = {name: number for number in range(newest + 1) for name in _added(self.space.path(table), number)}
        return {lineage_id: added.get(file.rpartition("/")[2], newest) for lineage_id, file in rows}

    def _up_graph(self, table: str, ids: Sequence[str], version: int | None) -> Part:
        found = part(self.moments, table, ids, version)
        name = table.partition("/")[2]
        if name == "edges":
            found.made_of = self._up_records([i.partition("#")[0] for i in ids])
            return found
        if name in WHOLE_GRAPH:
            found.note = "computed over the whole graph; the edges at the node are shown"
        edges = self._edges_at(self._nodes_of(table, ids))
        if edges:
            found.made_of = [self.up("graph/edges", edges)]
        return found

    def _up_records(self, ids: Sequence[str]) -> list[Part]:
        return [self.records.silver(dataset, held) for dataset, held in self.records.by_dataset(ids).items()]

    # down

    def down(self, ids: Mapping[str, Sequence[str]]) -> list[Part]:
        """All that is made of records (lineage ids by dataset): silver or quarantine, and what lies behind them."""
        self.records.forget()
        found = [p for dataset, held in ids.items() for p in self.records.conformed(dataset, held)]
        silver = {p.table.partition("/")[2]: p for p in found if p.table.startswith("silver/")}
        records = sorted(i for p in silver.values() for i in p.ids)
        base: Base = {f"silver.{n}{suffix}": set(p.ids) for n, p in silver.items() for suffix in ("", "_records")}
        behind = self._passages(records) + self._graph(records, base)
        behind += self._files(base)
        for p in silver.values():
            p.makes = behind if len(silver) == 1 else [b for b in behind if self._is_from(b, p)]
        return (
            found if len(silver) < 2 else found + [b for b in behind if not any(b in p.makes for p in silver.values())]
        )

    def down_from(self, table: str, ids: Sequence[str]) -> list[Part]:
        """All that is made of rows of a mart or of the graph."""
        return self._files({table.replace("/", ".", 1): set(ids)})

    def _is_from(self, made: Part, source: Part) -> bool:
        """Whether a part is made row by row of one silver part, so that it is shown behind it."""
        held = set(source.ids)
        return made.table in ("vectors/passages", "graph/edges") and all(i.partition("#")[0] in held for i in made.ids)

    def _passages(self, records: Sequence[str]) -> list[Part]:
        found = self.records.passages(records)
        return [Part("vectors/passages", found)] if found else []

    def _graph(self, records: Sequence[str], base: Base) -> list[Part]:
        """Edges of records, and the rows of their ends in the tables over the graph; both are added to ``base``."""
        edges = self.records.edges(records)
        if edges.is_empty():
            return []
        base["graph.edges"] = set(edges["edge_id"])
        found = [part(self.moments, "graph/edges", edges["edge_id"])]
        nodes = sorted({*edges["source"], *edges["target"]})
        return found + self._node_rows(nodes, base)

    def _node_rows(self, nodes: Sequence[str], base: Base) -> list[Part]:
        found = []
        for name in ("nodes", *WHOLE_GRAPH):
            if self.moments.table(f"graph/{name}") and nodes:
                rows = self.rows(f"graph/{name}", "node", nodes)
                base[f"graph.{name}"] = set(rows)
                note = (
                    "computed over the whole graph; the rows of the edges' ends are shown"
                    if name in WHOLE_GRAPH
                    else ""
                )
                found.append(part(self.moments, f"graph/{name}", rows, note=note))
        return found

    def _files(self, base: Base) -> list[Part]:
        """Rows of marts and feature views in which base rows take part, marts feeding each other."""
        found = []
        for build in self.made.builds():
            ids = self.made.makes(build, base)
            if ids:
                base[build.table.replace("/", ".", 1)] = set(ids)
                found.append(part(self.moments, build.table, ids))
        self.made.forget()
        return found

    # a person

    def footprint(self, subject: str) -> Trace:
        """Everything about or naming a person: records in every layer, and all that is made of them.

        Raises ``TableError`` where nothing is known of the person.
        """
        self.records.forget()
        held = self.records.of_subject(subject, self.made.words)
        if not held:
            raise TableError(f"nothing is known of {subject!r}", "ask with the subject_id as silver has it")
        start = Part("subject", [subject])
        for dataset, records in held.items():
            raw = self.records.raw(dataset, records)
            start.makes.append(raw)
            raw.makes = self.records.conformed(dataset, records)
        silver = {
            p.table.partition("/")[2]: p for raw in start.makes for p in raw.makes if p.table.startswith("silver/")
        }
        ids = sorted(i for p in silver.values() for i in p.ids)
        base: Base = {f"silver.{n}{suffix}": set(p.ids) for n, p in silver.items() for suffix in ("", "_records")}
        start.makes += self._passages(ids) + self._graph(ids, base) + self._files(base)
        return Trace(subject, start, self.moments.notes)

    # looking up

    @cached_property
    def tables(self) -> list[str]:
        """Tables whose rows have an id of their own."""
        return [table.name for layer in ("gold", "features", "graph") for table in self.space.tables(layer)]

    def rows(self, table: str, column: str, values: Sequence[str]) -> list[str]:
        """Lineage ids of a table's rows whose column has one of some values."""
        layer, _, name = table.partition("/")
        version = self.moments.present(table)
        listed = ", ".join(map(text, values))
        sql = f"SELECT lineage_id FROM {layer}.{ident(name)} WHERE {ident(column)} IN ({listed})"
        return sorted(i for (i,) in self.moments.connection({table: version}).execute(sql).fetchall())

    def _nodes_of(self, table: str, ids: Sequence[str]) -> list[str]:
        layer, _, name = table.partition("/")
        version = self.moments.present(table)
        sql = f"SELECT node FROM {layer}.{ident(name)} WHERE lineage_id IN ({', '.join(map(text, ids))})"
        return [n for (n,) in self.moments.connection({table: version}).execute(sql).fetchall()]

    def _edges_at(self, nodes: Sequence[str]) -> list[str]:
        if not nodes:
            return []
        version = self.moments.present("graph/edges")
        listed = ", ".join(map(text, nodes))
        sql = f"SELECT edge_id FROM graph.edges WHERE source IN ({listed}) OR target IN ({listed})"
        return [i for (i,) in self.moments.connection({"graph/edges": version}).execute(sql).fetchall()]


def _table(base: str, versions: Mapping[str, int]) -> str:
    """The table that a name in SQL reads: ``silver.x_records`` is of ``silver/x``."""
    table = base.replace(".", "/", 1)
    return table if table in versions else table.removesuffix("_records")


def _added(table: Path, version: int) -> list[str]:
    """Names of the files that a commit added."""
    entry = table / "_delta_log" / f"{version:020d}.json"
    if not entry.exists():
        return []
    actions = [json.loads(line) for line in entry.read_text().splitlines() if line]
    return [unquote(a["add"]["path"]).rpartition("/")[2] for a in actions if "add" in a]
