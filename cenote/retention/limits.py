"""How long each layer keeps a dataset's rows.

Belongs here: reading limits out of contracts. Must not: tables. A record that leaves bronze takes all that was made of
it along, since every row must lead back to a raw record; so the limits of the layers before bind a layer too.
"""

from datetime import timedelta

from transforms.contract import Contract

FOLLOWS = {
    "bronze": (),
    "silver": ("bronze",),
    "quarantine": ("bronze", "silver"),
    "passages": ("bronze", "silver"),
    "features": ("bronze", "silver"),
}
OWNERLESS = timedelta(days=30)
"""Records whose owner cannot be told may be anybody's, so they are kept briefly, unless the contract says otherwise."""

ANALYTICS = timedelta(days=395)
"""Exports for analytics: thirteen months, which data protection authorities accept for measuring audiences."""


def limit(contract: Contract, layer: str) -> timedelta | None:
    """How long ``layer`` keeps a dataset's rows: its own limit or that of a layer that it follows, the shorter one."""
    limits = [kept for name in (layer, *FOLLOWS[layer]) if (kept := contract.keep_for(name)) is not None]
    return min(limits, default=None)


def ownerless(contract: Contract) -> timedelta | None:
    """How long records without an owner are kept, in a dataset whose records have one."""
    if contract.subject is None:
        return None
    days = contract.retention.get("ownerless")
    return OWNERLESS if days is None else timedelta(days=days)


def analytics(contract: Contract) -> timedelta:
    """How long change events of a dataset may be given to analytics."""
    days = contract.retention.get("analytics")
    kept = ANALYTICS if days is None else timedelta(days=days)
    return min(kept, limit(contract, "silver") or kept)
