"""Who tied to what -> what goes with what: co-occurrence scores, and rankings fused into one that explains itself.

Belongs here: scores of candidates from ties (``person``, ``item``, ``lineage_ids``), as frames. Must not: reading the
graph or passages (cenote/door/recommend.py). All scores are 0 to 1, all orders are total, so equal input gives
equal output.
"""

from collections.abc import Mapping

import polars as pl

FUSION = 60  # reciprocal rank fusion, as for search: Cormack, Clarke, Büttcher 2009
_PROVEN = 20  # lineage ids told of a candidate
TIES = pl.Schema({"person": pl.String(), "item": pl.String(), "lineage_ids": pl.List(pl.String())})


def ties(edges: pl.LazyFrame, person: str, item: str) -> pl.DataFrame:
    """Distinct ties between nodes of two entities, whichever way the edges point; columns as :data:`TIES`."""
    ends = (pl.col("source_entity") == person) & (pl.col("target_entity") == item)
    back = (pl.col("target_entity") == person) & (pl.col("source_entity") == item)
    way = edges.filter(ends).select(pl.col("source").alias("person"), pl.col("target").alias("item"), "lineage_id")
    other = edges.filter(back).select(pl.col("target").alias("person"), pl.col("source").alias("item"), "lineage_id")
    told = pl.col("lineage_id").unique().sort().alias("lineage_ids")
    return (
        pl.concat([way, other] if person != item else [way])
        .group_by("person", "item")
        .agg(told)
        .sort("person", "item")
        .collect()
    )


def together(ties: pl.DataFrame, items: pl.Series) -> pl.DataFrame:
    """Items that share people with some items: item, score (mean cosine to each of ``items``), shared, lineage_ids.

    The cosine of two items: people they share over the geometric mean of the people each has (Sarwar et al. 2001).
    """
    degree = ties.group_by("item").agg(pl.len().alias("degree"))
    mine = ties.filter(pl.col("item").is_in(items.implode())).select("person", pl.col("item").alias("mine"))
    pairs = mine.join(ties, on="person").filter(pl.col("item") != pl.col("mine"))
    counted = pairs.group_by("mine", "item").agg(pl.len().alias("both"), "person", "lineage_ids")
    cosine = pl.col("both") / (pl.col("degree") * pl.col("degree_mine")).sqrt()
    return (
        counted.join(degree, on="item")
        .join(degree.select(pl.col("item").alias("mine"), pl.col("degree").alias("degree_mine")), on="mine")
        .group_by("item")
        .agg(
            (cosine.sum() / max(len(items), 1)).alias("score"),
            pl.col("person").explode().n_unique().alias("shared"),
            pl.col("lineage_ids").explode().explode().unique().sort().head(_PROVEN),
        )
        .sort("score", "item", descending=[True, False])
    )


def from_people(ties: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Items of some people: item, score (the weights of the people who have it, over all weights), lineage_ids.

    ``people``: person, weight.
    """
    total = people["weight"].sum() or 1.0
    return (
        ties.join(people, on="person")
        .group_by("item")
        .agg(
            (pl.col("weight").sum() / total).alias("score"),
            pl.col("lineage_ids").explode().unique().sort().head(_PROVEN),
        )
        .sort("score", "item", descending=[True, False])
    )


def swapped(ties: pl.DataFrame) -> pl.DataFrame:
    """The same ties with items as people and people as items, so that people can be compared by what they have."""
    return ties.select(pl.col("item").alias("person"), pl.col("person").alias("item"), "lineage_ids")


def fused(rankings: Mapping[str, pl.DataFrame], weights: Mapping[str, float], k: int) -> pl.DataFrame:
    """Candidates of several rankings (item, score, lineage_ids), best first.

    Columns: rank, item, score (sum of ``weight / (60 + rank)``), a column of raw scores for each ranking, null where it
    does not know the candidate, and the lineage ids of what speaks for it.
    """
    listed = []
    for name, ranking in rankings.items():
        ordered = ranking.sort("score", "item", descending=[True, False])
        part = pl.lit(weights[name]) / (FUSION + pl.int_range(1, pl.len() + 1))
        listed.append(ordered.select("item", "score", "lineage_ids", part.alias("part"), pl.lit(name).alias("by")))
    parts = pl.concat(listed)
    raw = [pl.col("score").filter(pl.col("by") == name).first().cast(pl.Float64).alias(name) for name in rankings]
    return (
        parts.group_by("item")
        .agg(
            pl.col("part").sort().sum().alias("fused"),
            *raw,
            pl.col("lineage_ids").explode().unique().drop_nulls().sort(),
        )
        .rename({"fused": "score"})
        .sort("score", "item", descending=[True, False])
        .head(k)
        .with_row_index("rank", offset=1)
        .select(pl.col("rank").cast(pl.Int64), "item", "score", *rankings, "lineage_ids")
    )
