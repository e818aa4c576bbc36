"""A path without the table that names the output's keys, where the rows joined to it hold the same keys.

Belongs here: when that can be. Must not: other rules of tracing (paths.py).

Of ``SELECT c.id FROM c LEFT JOIN b ON b.c_id = c.id WHERE c.alive`` the rows of ``b`` behind a row that is known to be
in the result are those with its ``c_id``: that there is such a ``c``, and that it is alive, is known. So a scan is
spared, and a whole GROUP BY where ``c`` is one.
"""

from collections.abc import Mapping

from sqlglot import exp

from transforms.inversion.blocks import Block, Columns, Source
from transforms.inversion.nodes import conditions_of


def spared(
    block: Block, shown: Mapping[str, exp.Expr], target: Source, columns: Columns
) -> tuple[Block, dict[str, exp.Expr], Source] | None:
    """The block over ``target`` alone, its outputs, and the target in it; None where the first table is needed.

    The rows asked for must be known to be in the result, and ``shown`` must name them.
    """
    others = [s for s in block.sources if s is not target and not s.optional]
    join, on = target.join, block.conditions.get(target.alias)
    if join is None or on is None or join.side not in ("", "LEFT") or others != block.sources[:1] or block.partitions:
        return None
    first = others[0]
    pairs = [_pair(block, part, first, target) for part in conditions_of(exp.Where(this=on))]
    same = dict(filter(None, pairs))
    outputs = {name: same.get(block.key(e), e) for name, e in shown.items()}
    where = conditions_of(exp.Where(this=block.where) if block.where is not None else None)
    kept = [part for part in where if _named(block, part) - {first.alias}]
    named = {block.key(e) for e in shown.values()}
    if (
        len(same) < len(pairs)
        or not set(same) <= named
        or any(_named(block, e) - {target.alias} for e in (*outputs.values(), *kept))
    ):
        return None
    real = [exp.Not(this=exp.Is(this=e.copy(), expression=exp.null())) for e in same.values()]
    select = exp.select(*(exp.alias_(e.copy(), n, quoted=True) for n, e in outputs.items())).from_(target.node.copy())
    alone = columns.block(select.where(*(e.copy() for e in kept), *real))
    return alone, outputs, alone.sources[0]


def _pair(block: Block, part: exp.Expr, first: Source, target: Source) -> tuple[str, exp.Expr] | None:
    """Of an equality of a column of the first table: the column, and what it is equal to in the target."""
    if not isinstance(part, exp.EQ):
        return None
    for one, other in ((part.this, part.expression), (part.expression, part.this)):
        if isinstance(one.unnest(), exp.Column) and _named(block, one) == {first.alias}:
            return (block.key(one), other) if _named(block, other) == {target.alias} else None
    return None


def _named(block: Block, expression: exp.Expr) -> set[str]:
    return set(block.referred([expression]))
