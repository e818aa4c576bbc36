"""What contracts declare of columns: silver from raw JSON paths, passages and edges from silver, the graph from edges.

Belongs here: the columns of every table that no SQL file describes. Must not: SQL. A test compares these columns with
those of the tables that are written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from string import Formatter

import sqlglot
from sqlglot import exp

from transforms.columns.flow import NONE, Flow, Link, Links, Relation, Use, indirect, merged, transformed
from transforms.contract import Contract, Edge, Field, Passage

KEPT = "keep"
VALIDITY = ("valid_from", "valid_to", "is_current")


@dataclass(frozen=True)
class Raw:
    """A JSON path of a raw record, what the contract says it holds, and how it is masked on the way to silver."""

    path: str
    classification: str
    mask: str


# silver


def silver_columns(contract: Contract) -> tuple[Relation, dict[tuple[str, str], Raw]]:
    """The columns of ``silver/<dataset>``, linked to JSON paths in ``bronze/<dataset>``.

    Beside them, what the contract says of each pair of column and path.
    """
    fields = {f.name: made for f in contract.fields if (made := _of_field(contract.dataset, f, "$", KEPT)) is not None}
    columns = {**_lead(contract), **{name: flow for name, (flow, _) in fields.items()}}
    told = {(column, raw.path): raw for _, raws in fields.values() for column, raw in raws.items()}
    if contract.keyed:
        columns = {**_lead(contract), **_validity(contract, columns), **columns}
    by_path = {raw.path: raw for raw in told.values()}
    for column in ("subject_id", "mentions", "change_op", *VALIDITY):
        for link in columns[column].links if column in columns else ():
            told[column, link.column] = by_path.get(link.column) or Raw(link.column, "PUBLIC", KEPT)
    for column, subjects in (("subject_id", [contract.subject]), ("mentions", contract.mentions)):
        for subject in filter(None, subjects):
            told[column, subject.path] = Raw(subject.path, "HIGH", "token")
    return Relation(columns), told


def silver_views(contract: Contract, silver: Relation) -> dict[str, Relation]:
    """What SQL sees of ``silver/<dataset>``: the rows as people use them, and all of them."""
    table, name = f"silver/{contract.dataset}", f"silver.{contract.dataset}"
    hidden: Iterable[str] = ()
    by: tuple[str, ...] = ()
    if contract.change.mode == "scd1":
        hidden, by = (*VALIDITY, "change_op"), ("is_current",)
    elif contract.change.mode == "scd2":
        hidden, by = ("change_op",), ("change_op", "valid_from", "valid_to")
    whole = frozenset(Link(table, column, Use.FILTER) for column in by)
    shown = [column for column in silver.columns if column not in hidden]
    return {name: silver.as_stored(table, shown, whole), f"{name}_records": silver.as_stored(table)}


def _lead(contract: Contract) -> dict[str, Flow]:
    bronze = f"bronze/{contract.dataset}"
    subjects = [contract.subject.path] if contract.subject else []
    return {
        "lineage_id": Flow(frozenset({Link(bronze, "lineage_id", Use.IDENTITY)})),
        "subject_id": _pseudonyms(bronze, subjects),
        "mentions": Flow.of_items(_pseudonyms(bronze, [m.path for m in contract.mentions])),
        "landed_at": Flow(frozenset({Link(bronze, "landed_at", Use.IDENTITY)})),
    }


def _pseudonyms(bronze: str, paths: Iterable[str]) -> Flow:
    return Flow(frozenset(Link(bronze, path, Use.TRANSFORMATION, masking=True) for path in paths))


def _of_field(dataset: str, field: Field, at: str, outer: str) -> tuple[Flow, dict[str, Raw]] | None:
    """A field and what is said of its scalars, by column; None where nothing of it reaches silver."""
    strategy = field.mask.strategy if field.mask.strategy != KEPT else outer
    if strategy == "drop":
        return None
    return _of_type(dataset, field, field.name, _below(at, field.path), strategy)


def _of_type(dataset: str, field: Field, column: str, path: str, strategy: str) -> tuple[Flow, dict[str, Raw]] | None:
    if field.items and (field.items.properties or field.items.items):
        item = field.items
        inner = item.mask.strategy if item.mask.strategy != KEPT else strategy
        made = None if inner == "drop" else _of_type(dataset, item, f"{column}[]", f"{path}[]", inner)
        return made and (Flow.of_items(made[0]), made[1])
    if field.properties:
        members: dict[str, Flow] = {}
        told: dict[str, Raw] = {}
        for member in field.properties:
            made = _of_field(dataset, replace(member, name=f"{column}.{member.name}"), path, strategy)
            if made is not None:
                members[member.name] = made[0]
                told |= made[1]
        return (Flow.of_members(members), told) if members else None
    leaf = field.items or field
    own = leaf.mask.strategy if leaf.mask.strategy != KEPT else strategy
    if own == "drop":
        return None
    masked = own != KEPT
    use = Use.TRANSFORMATION if masked else Use.IDENTITY
    inside = path.removesuffix(field.path.removeprefix("$")) or "$"
    places = (path, *(_below(inside, former) for former in field.formerly))
    flow = Flow(frozenset(Link(f"bronze/{dataset}", place, use, masked) for place in places))
    level = leaf.classification if leaf.classification != "PUBLIC" else field.classification
    return (Flow.of_items(flow) if field.items else flow), {column: Raw(path, level, own)}


def _below(at: str, path: str) -> str:
    """A path from inside an object as a path from the record."""
    return path if at == "$" else at + path.removeprefix("$")


def _validity(contract: Contract, columns: Mapping[str, Flow]) -> dict[str, Flow]:
    """The columns by which versions of a row are told apart."""
    change = contract.change
    sequence = [columns[name] for name in change.sequence_by if name in columns]
    key = [columns[name] for name in contract.primary_key if name in columns]
    placed = indirect(merged([*sequence, *key]), Use.WINDOW)
    deleting = transformed(columns.get(change.delete_column or "", Flow()).links)
    if change.envelope:
        op = Link(f"bronze/{contract.dataset}", f"$envelope{change.envelope.op.removeprefix('$')}", Use.TRANSFORMATION)
        deleting |= {op}
    begun = sequence[0] if sequence else Flow()
    return {
        "change_op": Flow(deleting),
        "valid_from": begun,
        "valid_to": begun.changed().beside(placed),
        "is_current": Flow(placed | indirect(deleting, Use.CONDITIONAL)),
    }


# what is made of silver


def edge_columns(contract: Contract, silver: Relation) -> Relation:
    """The columns of the edges that a dataset makes, linked to ``silver/<dataset>``."""
    rows = silver.as_stored(f"silver/{contract.dataset}").columns
    part = {name: frozenset().union(*(_edge_part(rows, e, name) for e in contract.edges)) for name in _EDGE_PARTS}
    ends = part["source"] | part["target"]
    made = {
        "edge_id": transformed(rows["lineage_id"].links | ends),
        **{name: rows[name].links for name in ("lineage_id", "subject_id", "mentions")},
        "source": transformed(part["source"]),
        "target": transformed(part["target"]),
        **{name: transformed(part[name], Use.AGGREGATION) for name in ("weight", "valid_from", "valid_to")},
    }
    order = (
        "edge_id", "lineage_id", "dataset", "subject_id", "mentions", "type", "source", "target", "source_entity",
        "target_entity", "weight", "valid_from", "valid_to",
    )  # fmt: skip
    whole = indirect(ends, Use.FILTER) | _current(contract)
    return Relation({name: Flow(made.get(name, NONE)) for name in order}, whole)


_EDGE_PARTS = {
    "source": "source_column", "target": "target_column", "weight": "weight", "valid_from": "at", "valid_to": "until"
}  # fmt: skip


def _edge_part(rows: Mapping[str, Flow], edge: Edge, part: str) -> Links:
    path = getattr(edge, _EDGE_PARTS[part])
    return _at(rows, path).links if path else NONE


def passage_columns(contract: Contract, silver: Relation) -> Relation:
    """The columns of the passages that a dataset makes, linked to ``silver/<dataset>``."""
    rows = silver.as_stored(f"silver/{contract.dataset}").columns

    def told(names: Iterable[str | None], use: Use = Use.TRANSFORMATION) -> Flow:
        return Flow(merged(_at(rows, name) for name in names if name)).changed(use)

    declared = contract.passages
    text = told(name for p in declared for _, name, _, _ in Formatter().parse(p.text))
    columns = {
        "passage_id": rows["lineage_id"].changed(),
        **{name: rows[name] for name in ("lineage_id",)},
        **dict.fromkeys(("namespace", "dataset"), Flow()),
        **{name: rows[name] for name in ("subject_id", "mentions")},
        "chunk": text,
        "title": told(p.title for p in declared),
        "text": text,
        "content_hash": text,
        "at": told(p.at for p in declared),
        "metadata": told(name for p in declared for name in p.metadata),
        "vector": text,
    }
    chosen = indirect(merged(_at(rows, name) for p in declared for name in _condition(p)), Use.FILTER)
    return Relation(columns, chosen | _current(contract))


def _condition(passage: Passage) -> Iterator[str]:
    """The columns that a passage's ``where`` names."""
    if passage.where:
        for column in sqlglot.parse_one(passage.where).find_all(exp.Column):
            yield ".".join(part.name for part in column.parts)


def _current(contract: Contract) -> Links:
    """Only rows that hold now are linked and embedded."""
    table = f"silver/{contract.dataset}"
    return frozenset({Link(table, "is_current", Use.FILTER)}) if contract.keyed else NONE


def _at(rows: Mapping[str, Flow], path: str) -> Flow:
    """A column, or a member of it (``lines.product_id``), lists on the way taken apart."""
    top, *members = path.split(".")
    flow = rows.get(top, Flow())
    for member in members:
        while flow.item:
            flow = flow.item
        flow = flow.member(member)
    return flow


# the graph

_EDGES = "graph/edges"


def graph_columns() -> dict[str, Relation]:
    """The tables over the whole graph, linked to ``graph/edges``."""

    def of(*columns: str, use: Use = Use.TRANSFORMATION) -> Flow:
        return Flow(frozenset(Link(_EDGES, column, use) for column in columns))

    node = {
        "lineage_id": of("source", "target"),
        "node": of("source", "target"),
        "entity": of("source", "target"),
    }
    held = frozenset(Link(_EDGES, column, Use.FILTER) for column in ("valid_from", "valid_to"))
    measured = of("source", "target", "weight", use=Use.AGGREGATION)
    return {
        "graph/nodes": Relation(
            node
            | {
                "value": of("source", "target"),
                "first_seen": of("valid_from", use=Use.AGGREGATION),
                "last_seen": of("valid_from", use=Use.AGGREGATION),
                "degree_in": of("target", use=Use.AGGREGATION).changed(masking=True),
                "degree_out": of("source", use=Use.AGGREGATION).changed(masking=True),
            }
        ),
        "graph/pagerank": Relation(node | {"pagerank": measured.changed(masking=True)}, held),
        "graph/communities": Relation(
            node | {"community": measured.changed(masking=True), "size": measured.changed(masking=True)}, held
        ),
    }
