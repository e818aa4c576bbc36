"""Which columns name an entity: contracts read as a map from kinds of things to where they are spoken of.

Belongs here: deriving that map, and the texts that an entity's own dataset tells of it. Must not: anything a
contract does not say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from cenote.errors import GraphError, unknown
from cenote.workspace import Workspace
from transforms.contract import Contract, Field


@dataclass(frozen=True)
class Own:
    """Texts of an entity's own dataset: a few of them, the metadata key that names the entity, where the others are."""

    texts: tuple[str, ...] = ()
    key: str = ""
    where: str = "false"


def entities(space: Workspace) -> set[str]:
    """Every kind of entity that the contracts know."""
    return {entity for contract in space.contracts.values() for entity, _ in _named(contract)}


def known(space: Workspace, entity: str) -> str:
    """The entity, if the contracts know it. Raises ``GraphError`` with near names."""
    if entity not in (every := entities(space)):
        raise GraphError(unknown("kind of entity", entity, every), "name an entity that a contract speaks of")
    return entity


def key_columns(space: Workspace, entity: str) -> dict[str, list[str]]:
    """The columns that name such an entity, by dataset; one in a list of objects is written ``lines.product_id``."""
    found = {
        name: list(dict.fromkeys(column for kind, column in _named(contract) if kind == entity))
        for name, contract in space.contracts.items()
    }
    return {name: columns for name, columns in found.items() if columns}


def own_dataset(space: Workspace, entity: str) -> tuple[str, str] | None:
    """The dataset that has a row for each such entity, and its key; None where there is none."""
    for name, columns in key_columns(space, entity).items():
        key = space.contracts[name].primary_key
        if len(key) == 1 and key[0] in columns:
            return name, key[0]
    return None


def own_passages(space: Workspace, entity: str, ids: Sequence[str], limit: int = 5) -> Own:
    """What the entity's own dataset says of some entities in words; empty where it has no passages that name them."""
    from cenote.vectors.store import Store, equals

    home = own_dataset(space, entity)
    store = Store(space)
    if not home or store.identity is None:
        return Own()
    dataset, key = home
    if not any(key in passage.metadata for passage in space.contracts[dataset].passages):
        return Own()
    where = equals("dataset", dataset)
    rows = store.rows(["passage_id", "text", "metadata"], where)
    named = rows.filter(pl.col("metadata").str.json_path_match(f"$.{key}").is_in(list(ids)))
    return Own(tuple(named.sort("passage_id")["text"].head(limit)), key, where)


def _named(contract: Contract) -> Iterable[tuple[str, str]]:
    """Kinds of entities and the columns that name them."""
    if contract.subject:
        yield contract.subject.entity, "subject_id"
    for mention in contract.mentions:
        yield mention.entity, "mentions"
    yield from _tokens(contract.fields, "")
    for edge in contract.edges:
        yield edge.source_entity, edge.source_column
        yield edge.target_entity, edge.target_column


def _tokens(fields: Iterable[Field], within: str) -> Iterable[tuple[str, str]]:
    for field in fields:
        entity = field.mask.options.get("entity")
        if field.mask.strategy == "token" and entity:
            yield str(entity), within + field.name
        if field.items:
            yield from _tokens(field.items.properties, f"{within}{field.name}.")
        yield from _tokens(field.properties, f"{within}{field.name}.")
