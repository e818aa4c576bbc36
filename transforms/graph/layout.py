"""Where to put the nodes of a neighbourhood in a picture.

Belongs here: coordinates. Must not: drawing them (cenote/graph).
"""

import numpy as np
import polars as pl


def rings(around: pl.DataFrame, node: str) -> pl.DataFrame:
    """Put ``node`` in the middle and each hop on a circle around it: ``node, hops, x, y``.

    ``around`` has node and hops. On a circle nodes stand in order of their names, so those of one entity are
    together.
    """
    centre = pl.DataFrame({"node": [node], "hops": [0]}, schema_overrides={"hops": pl.Int64})
    placed = pl.concat([centre, around.select("node", pl.col("hops").cast(pl.Int64))]).sort("hops", "node")
    turn = 2 * np.pi * (pl.int_range(pl.len()) / pl.len() + pl.col("hops") * 0.07)
    return placed.with_columns(turn.over("hops").alias("turn")).select(
        "node",
        "hops",
        (pl.col("hops") * pl.col("turn").cos()).alias("x"),
        (pl.col("hops") * pl.col("turn").sin()).alias("y"),
    )
