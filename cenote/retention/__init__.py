"""Retention: what a lake no longer keeps is removed, from the present and from the files behind it.

Belongs here: the doors. ``limits``: how long what is kept. ``rules``: what has passed its limit. ``remove`` removes it.
``cold`` recompresses what is old and stays. Must not: erasure of a person, which follows lineage.
"""

from cenote.retention.limits import limit
from cenote.retention.remove import expire
from cenote.retention.rules import Expiry, plan

__all__ = ["Expiry", "expire", "limit", "plan"]
