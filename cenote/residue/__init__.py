"""Whether anything of a person stands anywhere below a folder, however it is encoded there.

Belongs here: the doors. ``model``: needles and hits. ``forms``: disguises. ``formats``: what stands in a file.
``searcher`` looks for forms, ``patterns`` is its first pass, ``meaning`` looks for embeddings, ``scan`` walks,
``readers`` are its processes, ``probe`` asks search, ``gather`` makes needles of a person's records, ``needlefile``
keeps them. Must not: how the lake writes or erases anything. So it proves, independently of the code that wrote a lake,
that canaries did not leak and that an erased person left no residue. Sealed payloads are ciphertext; nothing is found
in them.
"""

from cenote.residue.model import LEAST_CHARACTERS, Examined, Hit, Needle
from cenote.residue.scan import examine, scan
from cenote.residue.searcher import search

__all__ = ["LEAST_CHARACTERS", "Examined", "Hit", "Needle", "examine", "scan", "search"]
