"""Commands that ask the relationship graph: graph neighbors, path, pagerank, communities, similar.

Belongs here: options and printing. Must not: answering; cenote/graph/door.py does.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    from cenote.graph import GraphDoor

app = typer.Typer(
    help="The relationship graph: who and what is tied to whom and what, as of any date.", no_args_is_help=True
)
Node = Annotated[str, typer.Argument(help="A node, as product:P00001 or customer:customer_3fa9...")]
Types = Annotated[list[str] | None, typer.Option("--type", "-t", help="Only edges of this type; may be repeated.")]
AsOf = Annotated[str | None, typer.Option(help="The graph as it was at this ISO 8601 moment. Default: now.")]


def _graph() -> "GraphDoor":
    import cenote

    return cenote.open().graph


@app.command()
def neighbors(
    node: Node,
    k: Annotated[int, typer.Option("-k", min=1, help="How many steps away.")] = 1,
    types: Types = None,
    as_of: AsOf = None,
    style: FormatOption = Format.table,
) -> None:
    """Show the nodes around a node, with the records that tie them.

    [bold]Examples[/bold]

      cenote graph neighbors product:P000001
      cenote graph neighbors customer:customer_3fa9c01d2b7e4455a1b2c3d4 -k 2 --type ordered
      cenote graph neighbors product:P000001 --as-of 2026-06-30 --format json
    """
    show(_graph().neighbours(node, k, types=types, as_of=as_of), style)


@app.command()
def path(
    start: Node,
    end: Node,
    weighted: Annotated[bool, typer.Option("--weighted", help="Strong ties are short.")] = False,
    types: Types = None,
    as_of: AsOf = None,
    style: FormatOption = Format.table,
) -> None:
    """Show a shortest way from one node to another; no rows where there is none.

    [bold]Examples[/bold]

      cenote graph path product:P000001 product:P000020
      cenote graph path product:P000001 tag:steel --weighted
    """
    show(_graph().shortest_path(start, end, weighted=weighted, types=types, as_of=as_of), style)


@app.command()
def similar(
    node: Node,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    measure: Annotated[str, typer.Option(help="jaccard (of neighbours) or cosine (of ties).")] = "jaccard",
    types: Types = None,
    as_of: AsOf = None,
    style: FormatOption = Format.table,
) -> None:
    """Show nodes of the same kind that share the most neighbours with a node.

    [bold]Examples[/bold]

      cenote graph similar product:P000001
      cenote graph similar product:P000001 --measure cosine --top 5 --format csv
    """
    show(_graph().similar(node, top, measure=measure, types=types, as_of=as_of), style)


@app.command()
def pagerank(
    entity: Annotated[str | None, typer.Argument(help="Only such nodes: product, customer ...")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_of: AsOf = None,
    style: FormatOption = Format.table,
) -> None:
    """Show the most central nodes.

    [bold]Examples[/bold]

      cenote graph pagerank
      cenote graph pagerank product --top 10
    """
    show(_graph().pagerank(entity, top, as_of=as_of), style)


@app.command()
def communities(
    node: Annotated[str | None, typer.Argument(help="Only the community of this node, with its members.")] = None,
    as_of: AsOf = None,
    style: FormatOption = Format.table,
) -> None:
    """Show the communities of the graph (Leiden) with their sizes, or the members of one.

    [bold]Examples[/bold]

      cenote graph communities
      cenote graph communities product:P000001
    """
    import polars as pl

    if node is not None:
        show(_graph().community(node, as_of=as_of), style)
        return
    members = _graph().communities(as_of=as_of)
    counted = members.group_by("community").agg(pl.len().alias("size"), pl.col("entity").value_counts(sort=True))
    told = pl.col("entity").list.eval(pl.format("{} {}", pl.element().struct[1], pl.element().struct[0])).list.sort()
    found = counted.select("community", "size", told.list.join(", ").alias("members"))
    show(found.sort("size", "community", descending=[True, False]), style)
