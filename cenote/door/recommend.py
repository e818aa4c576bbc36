"""Recommendations from three signals: what people have together, what reads alike, who stands alike in the graph.

Belongs here: gathering the signals for a node and naming the answer's columns. Must not: scores
(transforms/recommend.py), ranking passages. Nothing is trained and nothing random: the same tables
give the same answer, and each row says what every signal gave it and which records speak for it.
"""

from collections.abc import Sequence

import polars as pl

from cenote.door.keys import known, own_passages
from cenote.door.people import visible
from cenote.door.retrieve import search
from cenote.errors import GraphError, SearchError
from cenote.graph import GraphDoor
from cenote.workspace import Workspace
from transforms import recommend as scores

WEIGHTS = {"co_purchase": 1.0, "similarity": 0.5, "graph": 1.0}
_RECENT = 5  # of a customer's products, those that texts are compared with
_DEEP = 50  # candidates that a signal gives at most, besides k
_EMPTY = pl.DataFrame(schema={"item": pl.String, "score": pl.Float64, "lineage_ids": pl.List(pl.String)})


def recommend(
    space: Workspace,
    *,
    customer: str | None = None,
    product: str | None = None,
    people: str | None = None,
    k: int = 10,
    person: str = "customer",
    item: str = "product",
    types: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Products for a customer, products that go with a product, or people like a person: give exactly one of the three.

    ``person`` and ``item``: what the graph calls people and things. ``types``: the edges that tie them (default: all
    between the two). Columns: rank, node, id, score, co_purchase, similarity, graph (0 to 1; null: that signal does not
    know the candidate), lineage_ids of records that speak for it. What a customer has, and people already tied to a
    person, are left out. A customer without ties gets the most central products, by ``graph`` alone. Raises
    ``GraphError``.
    """
    given = {"customer": customer, "product": product, "people": people}
    asked = [name for name, value in given.items() if value is not None]
    if len(asked) != 1:
        raise GraphError("recommend takes exactly one of customer, product and people", "name one of them")
    if k < 1:
        raise GraphError(f"k is {k}", "ask for at least one")
    known(space, person), known(space, item)
    signals = _Signals(space, person, item, types, max(_DEEP, 2 * k))
    node = f"{item if product is not None else person}:{given[asked[0]]}"
    ask = {"customer": signals.for_person, "product": signals.with_item, "people": signals.like_person}[asked[0]]
    rankings = ask(node)
    found = scores.fused(rankings, WEIGHTS, k).rename({"item": "node"})
    value = pl.col("node").str.replace("^[^:]*:", "").alias("id")
    return visible(space, found.insert_column(2, found.select(value).to_series()))


class _Signals:
    """The signals about nodes of one graph, as rankings (item, score, lineage_ids)."""

    def __init__(self, space: Workspace, person: str, item: str, types: Sequence[str] | None, deep: int) -> None:
        self._space, self._deep, self._person, self._item, self._types = space, deep, person, item, types
        self._graph = GraphDoor(space)
        self._ties = scores.ties(self._graph.edges(types=types), person, item)

    def for_person(self, node: str) -> dict[str, pl.DataFrame]:
        """Items that a person does not have."""
        mine = self._ties.filter(pl.col("person") == node)["item"]
        if mine.is_empty():
            return {"co_purchase": _EMPTY, "similarity": _EMPTY, "graph": self._central()}
        like = self._graph.similar(node, self._deep).select(
            pl.col("node").alias("person"), pl.col("similarity").alias("weight")
        )
        rankings = {
            "co_purchase": scores.together(self._ties, mine),
            "similarity": self._reads_like(self._recent(node)),
            "graph": scores.from_people(self._ties, like),
        }
        return self._without(rankings, mine)

    def with_item(self, node: str) -> dict[str, pl.DataFrame]:
        """Items that go with an item."""
        alike = self._graph.similar(node, self._deep)
        rankings = {
            "co_purchase": scores.together(self._ties, pl.Series([node])),
            "similarity": self._reads_like([node]),
            "graph": self._plain(alike),
        }
        return self._without(rankings, pl.Series([node]))

    def like_person(self, node: str) -> dict[str, pl.DataFrame]:
        """People who are like a person and not tied to the person yet."""
        alike = self._graph.similar(node, self._deep, measure="cosine")
        known = scores.ties(self._graph.edges(), self._person, self._person)
        tied = known.filter((pl.col("person") == node) | (pl.col("item") == node)).select("person", "item")
        met = pl.concat([tied["person"], tied["item"], pl.Series([node])]).unique()
        both_ways = pl.concat([known, scores.swapped(known)])
        rankings = {
            "co_purchase": scores.together(scores.swapped(self._ties), pl.Series([node])),
            "similarity": self._plain(alike),
            "graph": scores.together(both_ways, pl.Series([node])),
        }
        return self._without(rankings, met)

    def _without(self, rankings: dict[str, pl.DataFrame], nodes: pl.Series) -> dict[str, pl.DataFrame]:
        kept = ("item", "score", "lineage_ids")
        return {
            name: ranking.select(kept).filter(~pl.col("item").is_in(nodes.implode())).head(self._deep)
            for name, ranking in rankings.items()
        }

    def _plain(self, similar: pl.DataFrame) -> pl.DataFrame:
        nothing = pl.lit([], dtype=pl.List(pl.String)).alias("lineage_ids")
        return similar.select(pl.col("node").alias("item"), pl.col("similarity").alias("score"), nothing)

    def _central(self) -> pl.DataFrame:
        ranked = self._graph.pagerank(self._item, self._deep)
        top = pl.col("pagerank") / pl.col("pagerank").max()
        return ranked.select(
            pl.col("node").alias("item"), top.alias("score"), pl.concat_list("lineage_id").alias("lineage_ids")
        )

    def _recent(self, node: str) -> list[str]:
        """The items that a person was tied to last."""
        mine = self._graph.edges(types=self._types).filter((pl.col("source") == node) | (pl.col("target") == node))
        other = pl.when(pl.col("source") == node).then("target").otherwise("source").alias("item")
        last = mine.select(other, "valid_from").group_by("item").agg(pl.col("valid_from").max())
        found = last.filter(pl.col("item").str.starts_with(f"{self._item}:"))
        return (
            found.sort("valid_from", "item", descending=[True, False], nulls_last=True)
            .head(_RECENT)
            .collect()["item"]
            .to_list()
        )

    def _reads_like(self, nodes: Sequence[str]) -> pl.DataFrame:
        """Items whose own text is near that of some items: the best cosine, with the record that the text came from."""
        own = own_passages(self._space, self._item, [node.partition(":")[2] for node in nodes])
        found = [_EMPTY]
        for query in own.texts:
            try:
                hits = search(self._space, query, own.where, k=self._deep, mode="vector")
            except SearchError:
                return _EMPTY
            named = pl.col("metadata").str.json_path_match(f"$.{own.key}")
            found.append(
                hits.select(
                    pl.format(f"{self._item}:{{}}", named).alias("item"),
                    pl.col("score").clip(0, 1),
                    pl.concat_list("lineage_id").alias("lineage_ids"),
                )
            )
        best = pl.concat(found).sort("score", "item", descending=[True, False])
        return best.drop_nulls("item").unique("item", keep="first", maintain_order=True)
