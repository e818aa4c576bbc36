"""Outputs that are a column of a base table as it stands.

Belongs here: following a column's name down to its table. Must not: rows (paths.py). Who asks for such an output's
value need open only those files of the table that can hold it.
"""

from collections.abc import Mapping

from sqlglot import exp

from transforms.inversion.blocks import Block, Source


def bare(
    block: Block, shown: Mapping[str, exp.Expr], source: Source, below: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Of outputs of a SELECT, those that are a column of the base table ``source``, or of the one below it.

    ``below``: what is so of a derived source's own columns. Names of which it is not known are left out.
    """
    found = {}
    for name, expression in shown.items():
        node = expression.unnest()
        if not isinstance(node, exp.Column) or node.table.lower() != source.alias or block.owners(node) != [source]:
            continue
        column = node.name.lower()
        if source.columns is not None and column in source.columns and (below is None or column in below):
            found[name] = column if below is None else below[column]
    return found
