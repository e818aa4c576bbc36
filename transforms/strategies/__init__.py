"""The masking strategies by name: what a contract's ``mask`` may say.

Belongs here: the register. Must not: how a strategy works (a file per family), walking nested fields
(transforms/mask.py). ``keep`` and ``drop`` change no values, so transforms/mask.py handles them itself.
"""

from transforms.strategies.base import Context, MaskKeys, Strategy
from transforms.strategies.dates import shift_dates
from transforms.strategies.generalize import generalize
from transforms.strategies.hiding import partial, redact, text
from transforms.strategies.pseudonyms import pseudonym_name, token

STRATEGIES: dict[str, Strategy] = {
    "redact": redact,
    "partial": partial,
    "token": token,
    "pseudonym_name": pseudonym_name,
    "generalize": generalize,
    "shift_dates": shift_dates,
    "text": text,
}

__all__ = ["STRATEGIES", "Context", "MaskKeys", "Strategy"]
