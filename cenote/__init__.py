"""Cenote: a privacy-first lakehouse on one machine.

    import cenote
    lake = cenote.open()
    lake.sql("select * from gold.daily_cash order by day desc limit 7")

This module opens a lake; everything else stands in the modules beside it. Nothing heavy is imported before it is used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cenote.lake import Lake

__version__ = "0.1.0"


def open(**settings: object) -> "Lake":
    """Open the lake that the environment names; keyword arguments win over it (``cenote.open(home="elsewhere")``)."""
    from cenote.lake import Lake

    return Lake.open(**settings)
