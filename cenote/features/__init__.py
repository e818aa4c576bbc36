"""Features: what is known of an entity at a moment, for training without leakage and for serving.

Belongs here: the doors. ``build`` writes feature tables from SQL files (offline.py); ``apply`` tells Feast about
them (definitions.py); ``sync_online`` and ``online`` fill and read the online store, ``parity`` compares it with
the tables (serving.py); ``training_set`` joins features to moments (training.py), ``save`` keeps one (saved.py).
Feast is imported only when one of them needs it.
"""

from cenote.features.definitions import apply, feast_store
from cenote.features.offline import build, forget, is_stale, views
from cenote.features.saved import forget as forget_saved
from cenote.features.saved import load, save, saved
from cenote.features.serving import online, online_stale, parity, sync_online
from cenote.features.training import training_set

__all__ = [
    "apply",
    "build",
    "feast_store",
    "forget",
    "forget_saved",
    "is_stale",
    "load",
    "online",
    "online_stale",
    "parity",
    "save",
    "saved",
    "sync_online",
    "training_set",
    "views",
]
