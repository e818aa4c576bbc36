"""All words that detectors know, in one vocabulary: what each announces (cues.py) and what it is in names (lexicon.py).

Belongs here: putting the word lists together, so that each token is looked up once. Must not: the words.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from transforms.detectors.cues import flags
from transforms.detectors.lexicon import PARTICLES, roles
from transforms.detectors.vocabulary import Vocabulary

PARTICLE = 1 << 40
ROLE, _ROLES = 32, 15


@cache
def words() -> Vocabulary:
    """The vocabulary: cues in the lower 32 bits, above them the role, above that PARTICLE."""
    codes = {word: role << ROLE for word, role in roles().items()}
    for word in PARTICLES:
        codes[word] = codes.get(word, 0) | PARTICLE
    for word, cues in flags().items():
        codes[word] = codes.get(word, 0) | cues
    return Vocabulary(codes)


def role_of(meanings: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The role in each meaning: its place in lexicon.ROLES plus one; 0 for none."""
    return meanings >> ROLE & _ROLES
