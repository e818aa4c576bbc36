"""Whether what contracts call HIGH stays masked wherever it goes.

Belongs here: finding paths that reach a column readable, and the check that says so. Must not: Dagster. It names
paths and columns, never a value: nothing but contracts and SQL is read.
"""

from cenote.columns.lake import ColumnLineage, column_lineage, table_of
from cenote.columns.origins import Origin
from cenote.quality import Check, Finding
from cenote.workspace import Workspace

STAYS_MASKED = Check(
    "high_stays_masked", "No path that its contract classes HIGH can be read in a column.", essential=True
)


def exposures(lineage: ColumnLineage, asset: str) -> list[tuple[str, Origin]]:
    """Columns of an asset in which a path of class HIGH can be read, each with the path; sorted."""
    table = table_of(asset)
    return sorted(
        (column, origin)
        for (of, column), reached in lineage.origins.items()
        if of == table and column is not None
        for origin, reach in reached.items()
        if origin.classification == "HIGH" and reach.is_readable
    )


def check_columns(space: Workspace, asset: str) -> Finding:
    """The check of one asset; passes where nothing of class HIGH can be read in it."""
    lineage = column_lineage(space)
    found = [f"{o.dataset} {o.path} -> {column}" for column, o in exposures(lineage, asset)]
    columns = len(list(lineage.tables[table_of(asset)].leaves()))
    told = f"readable: {'; '.join(found)}. Mask the path in its contract" if found else f"{columns} columns traced"
    counts = {"columns": columns} | dict.fromkeys(found, 1)
    return Finding(STAYS_MASKED.name, not found, STAYS_MASKED.essential, told, counts)
