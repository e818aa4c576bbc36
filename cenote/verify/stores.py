"""Whether what is made from silver and gold is whole: views, passages, indexes, features.

Belongs here: opening each store and comparing counts. Must not: how well a search finds (asset checks measure it).
"""

from collections.abc import Iterator

import polars as pl

from cenote.verify.model import Check, Told
from cenote.workspace import Workspace

RUN = "run `cenote run`; if it stays, `cenote run --rebuild --select {}`"


def broken_views(space: Workspace) -> Iterator[Told]:
    """Views of the catalog file that cannot be opened, and a catalog that does not show the present tables."""
    import duckdb

    from cenote import catalog

    file = space.settings.catalog
    if not file.exists():
        if any(space.tables(layer) for layer in ("bronze", "silver")):
            yield Told("catalog", "there is no catalog file", RUN.format("catalog/duckdb"))
        return
    with duckdb.connect(str(file), read_only=True) as connection:
        views = connection.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        broken = [f"{schema}.{name}" for schema, name in views if not _opens(connection, schema, name)]
    if broken:
        yield Told("catalog", f"{len(broken)} views cannot be opened: {_some(broken)}", RUN.format("catalog/duckdb"))
    if catalog.is_stale(space):
        yield Told("catalog", "it does not show the present tables", RUN.format("catalog/duckdb"))


def _opens(connection: object, schema: str, name: str) -> bool:
    import duckdb

    try:
        connection.execute(f'SELECT * FROM "{schema}"."{name}" LIMIT 1').fetchall()  # type: ignore[attr-defined]
    except duckdb.Error:
        return False
    return True


def passages_astray(space: Workspace) -> Iterator[Told]:
    """Passages without their silver row, indexes that lag behind, and vectors that are no vectors."""
    from cenote.vectors.store import Store

    store = Store(space)
    if store.identity is None:
        return
    for name in sorted(store.rows(["dataset"])["dataset"].unique()):
        held = store.rows(["lineage_id"], f"dataset = '{name}'").lazy()
        silver = space.table("silver", name)
        kept = silver.scan().select("lineage_id") if silver.exists else held.clear()
        lost = held.join(kept, on="lineage_id", how="anti").collect().height
        if lost:
            yield Told(f"vectors/{name}", f"{lost:,} passages have no silver row", RUN.format(f"vectors/{name}"))
    for index in store.table.list_indices():
        statistics = store.table.index_stats(index.name)
        if statistics and statistics.num_indexed_rows + statistics.num_unindexed_rows != store.count():
            yield Told("vectors", f"index {index.name} does not know all passages", RUN.format("vectors/indexes"))


def features_apart(space: Workspace) -> Iterator[Told]:
    """Values of a sample that are served other than they were computed."""
    from cenote import features

    if not space.tables("features"):
        return
    compared = features.parity(space)
    wrong = compared.filter(~pl.col("equal"))
    if wrong.height:
        views = _some(sorted(wrong["view"].unique()))
        yield Told("features/online", f"{wrong.height} of {compared.height} values differ, in {views}",
                   RUN.format("features/online"))  # fmt: skip


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


CHECKS = (
    Check("views_open", "The catalog shows the present tables, and every view opens.", RUN.format("catalog/duckdb"),
          broken_views),
    Check("passages_held", "Every passage has its row, and every index all passages.",
          "remove the folder `vectors` of the lake and run `cenote run`", passages_astray),
    Check("features_served", "Features are served as they were computed.", RUN.format("features/online"),
          features_apart),
)  # fmt: skip
