"""A picture of a neighbourhood, for notebooks.

Belongs here: drawing with matplotlib. Must not: choosing what is drawn (door.py), coordinates
(transforms/graph/layout.py).
"""

from typing import TYPE_CHECKING

import polars as pl

from transforms.graph import rings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = 40
_LABEL_LENGTH = 12


def draw(node: str, around: pl.DataFrame, ties: pl.DataFrame, *, found: int, ax: "Axes | None" = None) -> "Axes":
    """Draw ``node`` in the middle, ``around`` (node, hops) on circles, coloured by entity, with their ``ties``.

    ``found``: how many neighbours there are, to say so where not all are drawn. Labels are shortened
    pseudonyms and ids.
    """
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection

    if ax is None:
        _, ax = plt.subplots(figsize=(8, 8))
    placed = rings(around, node)
    ends = [
        placed.select(pl.col("node").alias(end), pl.col("x", "y").name.suffix(f"_{end}"))
        for end in ("source", "target")
    ]
    lines = (
        ties.join(ends[0], on="source")
        .join(ends[1], on="target")
        .select("x_source", "y_source", "x_target", "y_target")
    )
    segments = list(lines.to_numpy().reshape(-1, 2, 2))
    ax.add_collection(LineCollection(segments, colors="0.75", linewidths=0.8, zorder=1))
    entity = pl.col("node").str.extract("^([^:]*):", 1)
    for (name,), dots in placed.group_by(entity, maintain_order=True):
        ax.scatter(dots["x"], dots["y"], s=90 - 15 * dots["hops"].clip(0, 4), label=name, zorder=2)
    if placed.height <= _LABELS:
        for name, x, y in placed.select(_label(), "x", "y").iter_rows():
            ax.annotate(name, (x, y), xytext=(4, 4), textcoords="offset points", fontsize=7)
    ax.legend(loc="upper right", frameon=False)
    ax.set_title(f"{around.height:,} of {found:,} neighbours" if around.height < found else f"{found:,} neighbours")
    ax.set_axis_off()
    ax.set_aspect("equal")
    return ax


def _label() -> pl.Expr:
    """The value of a node; a pseudonym by its last digits."""
    value = pl.col("node").str.replace("^[^:]*:", "")
    return pl.when(value.str.len_chars() > _LABEL_LENGTH).then("…" + value.str.tail(6)).otherwise(value)
