"""Who may be seen: the one place that rows of every door pass on their way out.

Belongs here: leaving out rows about people who are hidden. Must not: deciding who is hidden (cenote/erasure).
Tables that SQL reads are not passed through here; their views say what they show.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from cenote.workspace import Workspace


def hidden(space: "Workspace") -> Collection[str]:
    """Pseudonyms of the people whom no door shows: their erasure was asked for (cenote/erasure/suppression.py)."""
    from cenote.erasure.suppression import hidden

    return hidden(space)


def visible(space: "Workspace", frame: "pl.DataFrame") -> "pl.DataFrame":
    """The rows that are not about hidden people: by ``subject_id``, ``mentions`` and the value of a ``node``."""
    people = list(hidden(space))
    if not people:
        return frame
    import polars as pl

    about = []
    if "subject_id" in frame.columns:
        about.append(pl.col("subject_id").is_in(people))
    if "mentions" in frame.columns:
        about.append(pl.col("mentions").list.eval(pl.element().is_in(people)).list.any())
    if "node" in frame.columns:
        about.append(pl.col("node").str.replace("^[^:]*:", "").is_in(people))
    return frame.filter(~pl.any_horizontal(test.fill_null(False) for test in about)) if about else frame
