"""What each tool is asked with: models that check arguments and give the JSON schemas that agents read.

Belongs here: names, types, limits and descriptions of arguments, written for who has only these to go by. Must not:
answering.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Arguments(BaseModel):
    """Arguments of a tool; what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Tables(Arguments):
    """No arguments, or one table."""

    table: Name | None = Field(
        None, description="A table, as gold.daily_cash, to see its columns. Without: every table."
    )


class Search(Arguments):
    """Words to search for."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(description="A question, or words.")
    k: int = Field(8, ge=1, le=50, description="How many passages.")
    namespace: Name | None = Field(None, description="Only this kind of text; the tool `tables` lists them.")
    mode: Literal["hybrid", "vector", "text"] = Field(
        "hybrid", description="By meaning and words, by meaning, by words."
    )
    features: list[Name] = Field(
        default_factory=list,
        max_length=20,
        description="Feature services, views or view:feature to put beside each passage, for whom or what it is about.",
    )


class Features(Arguments):
    """Features of entities."""

    features: list[Name] = Field(min_length=1, max_length=20, description="One feature service, or names view:feature.")
    entities: list[dict[Name, str | int]] = Field(
        min_length=1, max_length=100, description='Join keys of each entity, as [{"product_id": "P00001"}].'
    )


class Graph(Arguments):
    """A question to the relationship graph."""

    ask: Literal["neighbors", "similar", "common", "path", "pagerank", "community"] = Field(
        description="neighbors: nodes within k steps. similar: nodes that share neighbours. common: tied to both."
        " path: a shortest way to `other`. pagerank: the most central nodes (of an entity). community: who is in the "
        "node's."
    )
    node: Name | None = Field(None, description="A node, as product:P00001; needed by all but pagerank.")
    other: Name | None = Field(None, description="The second node, for common and path.")
    k: int = Field(1, ge=1, le=3, description="Steps, for neighbors.")
    entity: Name | None = Field(None, description="Only such nodes, for pagerank: product, customer ...")
    types: list[Name] | None = Field(None, max_length=20, description="Only edges of these types.")
    as_of: Name | None = Field(None, description="The graph as it was at this ISO 8601 moment; now if left out.")


class Recommend(Arguments):
    """Exactly one of the first three."""

    customer: Name | None = Field(None, description="Products for this customer (pseudonym).")
    product: Name | None = Field(None, description="Products that go with this one.")
    people: Name | None = Field(None, description="People like this customer (pseudonym).")
    k: int = Field(10, ge=1, le=50, description="How many.")


class Entity(Arguments):
    """One thing."""

    type: Name = Field(description="Kind of entity: customer, product, document ...")
    id: Name = Field(description="Its id as the tables have it; a person's is the pseudonym.")
    rows: int = Field(10, ge=1, le=50, description="Rows of each table at most.")


class Sql(Arguments):
    """One statement."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        description="One DuckDB SELECT. Tables are named schema.table (silver, gold, graph, features, meta). FROM "
        "search('words', k => 20), neighbors('product:P00001') and features('view') join the other stores."
    )


class Trace(Arguments):
    """A row."""

    id: Name = Field(description="A lineage id of any store, or a table as gold.daily_cash together with `key`.")
    key: list[Name] = Field(default_factory=list, max_length=10, description="The values of the table's key, in order.")


def schema(model: type[Arguments]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments."""
    found = model.model_json_schema()
    found.pop("title", None)
    found.pop("description", None)
    for one in found.get("properties", {}).values():
        one.pop("title", None)
    return found
