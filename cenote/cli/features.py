"""The command that shows and reads features: features.

Belongs here: options and printing. Must not: serving; cenote/features does.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    import polars as pl

    from cenote.lake import Lake


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(features)


def features(
    names: Annotated[
        list[str] | None, typer.Argument(help="A feature service, or names view:feature. Without: list what there is.")
    ] = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(
            "--entity", "-e", help="Join keys of an entity, as product_id=P000001; repeat it for more entities."
        ),
    ] = None,
    style: FormatOption = Format.table,
) -> None:
    """List feature views and services, or read the newest values of some entities online.

    [bold]Examples[/bold]

      cenote features
      cenote features product_ranking --entity product_id=P000001 --entity product_id=P000002
      cenote features shop_assistant -e customer_id=customer_3fa9c01d2b7e4455a1b2c3d4,product_id=P000001 -f json
    """
    import cenote
    from cenote.errors import FeatureError

    lake = cenote.open()
    if not names:
        show(_listed(lake), style)
        return
    if not entity:
        raise FeatureError(
            "no entity is named", "add --entity product_id=P000001, say; `cenote features` shows the keys"
        )
    rows = [dict(pair.partition("=")[::2] for pair in one.split(",")) for one in entity]
    show(lake.features(names[0] if len(names) == 1 else names, rows), style)


def _listed(lake: "Lake") -> "pl.DataFrame":
    """One row for each view and service."""
    import polars as pl

    from cenote.features.definitions import described

    rows = [
        {
            "name": view.name,
            "kind": view.kind,
            "keys": ", ".join(view.keys),
            "features": ", ".join(view.features),
            "ttl": "" if view.ttl is None else f"{view.ttl:g} s",
            "owner": view.owner,
            "description": view.description,
        }
        for view in described(lake.space).values()
    ]
    return pl.DataFrame(rows)
