"""The newest rows of feature tables in SQL, and which rows the values that are served come from.

Belongs here: the rule of :mod:`cenote.features.training` for one moment and all entities, as a SELECT. Must not: Feast.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from cenote import catalog
from cenote.features.definitions import Described
from cenote.views import ident, text
from cenote.workspace import Workspace


def newest_rows(view: str, keys: Sequence[str], moment: datetime, ttl: float | None) -> str:
    """A SELECT of the row of each entity that holds at a moment; those that expired are left out.

    A filter on the keys passes through it to the files.
    """
    now = f"{text(moment.astimezone(UTC).isoformat())}::TIMESTAMPTZ"
    alive = f"WHERE event_timestamp >= {now} - INTERVAL {ttl:f} SECONDS" if ttl else ""
    return f"""SELECT * FROM (
        SELECT * FROM features.{ident(view)}
        WHERE event_timestamp <= {now} AND created_timestamp <= {now}
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(map(ident, keys))} ORDER BY event_timestamp DESC, created_timestamp DESC
        ) = 1
    ) {alive}"""


def lineage_ids(space: Workspace, view: Described, entities: pl.DataFrame) -> pl.DataFrame:
    """The entities with ``<view>__lineage_id``: the row of a stored view that the online store serves now, or null.

    ``entities``: the join keys of the view. Rows are those of the version that was synced last.
    """
    from cenote.features.synced import synced_version

    table, keys = f"features/{view.name}", list(view.keys)
    version = synced_version(space, view.name)
    with catalog.connect(space, [table], {table: version} if version is not None else None) as connection:
        connection.register("asked", entities.select(keys).unique().to_arrow(compat_level=pl.CompatLevel.oldest()))
        newest = newest_rows(view.name, keys, space.clock(), view.ttl)
        found = connection.sql(
            f"SELECT {', '.join(map(ident, keys))}, lineage_id AS {ident(view.name + '__lineage_id')} FROM ({newest}) "
            f"SEMI JOIN asked USING ({', '.join(map(ident, keys))})"
        ).to_arrow_table()
    return entities.join(pl.DataFrame(pl.from_arrow(found)), on=keys, how="left", maintain_order="left")
