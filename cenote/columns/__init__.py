"""Column lineage of a lake: from raw JSON paths to every column of silver, gold, graph, features and passages.

Belongs here: the doors. Must not: how SQL or contracts are read (transforms/columns). It is derived from contracts
and SQL files whenever somebody asks; nothing is stored and no table is read.
"""

from cenote.columns.lake import ColumnLineage, column_lineage
from cenote.columns.origins import Origin, Reach

__all__ = ["ColumnLineage", "Origin", "Reach", "column_lineage"]
