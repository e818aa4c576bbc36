"""Passages and their vectors: one LanceDB table for all datasets, told apart by namespace.

Belongs here: what the rest of Cenote may ask of vectors. Must not: how (the modules below). ``store`` keeps rows,
``stage`` brings a dataset's passages up to date, ``indexes`` keeps indexes current, ``search`` answers.
"""

from cenote.vectors.indexes import ensure_indexes
from cenote.vectors.search import search
from cenote.vectors.stage import build, is_stale, passages, renew

__all__ = ["build", "ensure_indexes", "is_stale", "passages", "renew", "search"]
