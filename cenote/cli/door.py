"""Commands whose answers combine the stores: ask, recommend, entity.

Belongs here: options and printing. Must not: answering; cenote/door does.
"""

from typing import Annotated

import typer

from cenote.cli.show import Format, FormatOption, show


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(ask)
    app.command()(recommend)
    app.command()(entity)


def ask(
    question: Annotated[str, typer.Argument(help="A question in plain words.")],
    features: Annotated[
        list[str] | None,
        typer.Option("--features", "-F", help="Feature service, view or view:feature; may be repeated."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages.")] = 3,
    namespace: Annotated[str | None, typer.Option(help="Only this kind of text: documents, reviews, turns ...")] = None,
    style: FormatOption = Format.table,
) -> None:
    """Answer a question with the passages that say it best, what is known of whom and what they are about, and sources.

    Nothing is made up: every line is a passage or a feature of the lake, with the record that it came from.

    [bold]Examples[/bold]

      cenote ask "how long may I take to return something?"
      cenote ask "who complains about late delivery?" --features customer_churn --namespace reviews
      cenote ask "is the kettle any good?" -F product_ranking --format json
    """
    import cenote

    found = cenote.open().search_and_retrieve(question, features or (), k=k, namespace=namespace)
    if style is not Format.table:
        show(found, style)
        return
    if found.is_empty():
        typer.echo("no passage answers this")
    known = found.columns[found.columns.index("metadata") + 1 :]
    for hit in found.iter_rows(named=True):
        typer.secho(f"[{hit['rank']}] {hit['title'] or hit['namespace']}", bold=True)
        typer.echo(f"    {hit['text']}".replace("\n", "\n    "))
        for name in known:
            if hit[name] is not None and not name.endswith("__lineage_id"):
                typer.echo(f"      {name.replace('__', '.')}: {hit[name]}")
        sources = [hit["lineage_id"], *(hit[name] for name in known if name.endswith("__lineage_id") and hit[name])]
        typer.secho(f"    from {', '.join(sources)}", dim=True)


def recommend(
    customer: Annotated[str | None, typer.Option(help="Products for this customer (pseudonym).")] = None,
    product: Annotated[str | None, typer.Option(help="Products that go with this one.")] = None,
    people: Annotated[str | None, typer.Option(help="People like this customer (pseudonym).")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
    style: FormatOption = Format.table,
) -> None:
    """Recommend products or people, with the score that every signal gave.

    [bold]Examples[/bold]

      cenote recommend --product P000001
      cenote recommend --customer customer_3fa9c01d2b7e4455a1b2c3d4 -k 5
      cenote recommend --people customer_3fa9c01d2b7e4455a1b2c3d4 --format json
    """
    import cenote

    found = cenote.open().recommend(customer=customer, product=product, people=people, k=k)
    show(found.drop("lineage_ids", "node", "score") if style is Format.table else found, style)


def entity(
    type: Annotated[str, typer.Argument(help="Kind of entity: customer, product, document ...")],
    id: Annotated[str, typer.Argument(help="Its id as silver has it; a person's is the subject_id.")],
    limit: Annotated[int, typer.Option(min=1, help="Rows of each table at most.")] = 100,
    style: Annotated[
        Format, typer.Option("--format", "-f", help="table: where it is spoken of; json: all of it; csv: as table.")
    ] = Format.table,
) -> None:
    """Show where the lake speaks of one thing, or with --format json everything that it says, masked.

    [bold]Examples[/bold]

      cenote entity product P000001
      cenote entity customer customer_3fa9c01d2b7e4455a1b2c3d4 --format json
    """
    import json

    import cenote

    found = cenote.open().entity(type, id, limit=limit)
    if style is Format.json:
        typer.echo(json.dumps(found.as_dict() | {"lineage_ids": found.lineage_ids}, indent=2, default=str))
    else:
        show(found.summary, style, title=f"{type} {id}" if style is Format.table else None)
