"""The scanner is proved by planting: a leftover of each sort in each store, in each disguise; every one is found."""

import random
from pathlib import Path

import pytest

from cenote.residue import examine
from cenote.residue.searcher import Searcher
from tests.leftovers import DISGUISES, ONE_WORD, STORES, UNCERTAIN, WORDS

_CONSONANTS = "bcdfghjklmnpqrstvwxz"


def people(count: int, word: bool) -> list[str]:
    """Names that stand nowhere else."""
    chance = random.Random(count)
    made = ["".join(chance.choices(_CONSONANTS, k=9)) for _ in range(count)]
    return [f"zq{name}" if word else f"Zoë O'{name.title()}-{n:02d}" for n, name in enumerate(made)]


NAMES = people(len(DISGUISES), False)
ONE_WORDS = people(len(WORDS), True)


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    """All names at once, and one that is never planted."""
    return Searcher([*NAMES, *ONE_WORDS, "never planted anywhere"])


@pytest.mark.parametrize("store", STORES)
def test_a_leftover_is_found_in_every_disguise(store: str, tmp_path: Path, searcher: Searcher) -> None:
    disguises, names = (WORDS, ONE_WORDS) if store in ONE_WORD else (tuple(DISGUISES), NAMES)
    STORES[store](tmp_path, [DISGUISES[d](name) for d, name in zip(disguises, names, strict=True)])
    found = examine(tmp_path, searcher)
    seen = {searcher.needles[hit.needle].value for hit in found.hits}
    assert [d for d, name in zip(disguises, names, strict=True) if name not in seen] == []
    assert seen <= set(names)
    assert not found.opaque or store in UNCERTAIN
    shown = str([(h.file, h.where, h.form) for h in found.hits])
    assert not [name for name in names if name in shown]


@pytest.mark.parametrize("store", STORES)
def test_what_was_not_planted_is_not_found(store: str, tmp_path: Path, searcher: Searcher) -> None:
    STORES[store](tmp_path, ["some other text", "and another one"])
    assert examine(tmp_path, searcher).hits == []
