"""Taking people's names out of texts: many terms at once find what each of them would."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from transforms.redaction import _AFTER, _BEFORE, ERASED, Terms, _folded


def test_letters_that_an_expression_holds_for_the_same_are_folded_to_the_same() -> None:
    letters = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000]
    cased = "".join(c for c in letters if (c.lower(), c.upper(), c.casefold()) != (c, c, c)) + "\u0307"
    for letter in cased:
        assert {_folded(same) for same in re.findall(re.escape(letter), cased, re.IGNORECASE)} == {_folded(letter)}


_NAMES = st.sampled_from(
    ["Zoë İnan", "zoe\u0308 inan", "STRAßE 12345", "Jane Roe-Smith", "Jane Roe", "+43 660 1234567"]
)


@given(st.lists(_NAMES, unique=True), st.lists(st.one_of(_NAMES, st.text(max_size=4), st.just(" or ")), max_size=6))
def test_terms_are_taken_out_as_one_expression_of_all_would(names: list[str], parts: list[str]) -> None:
    terms, text = Terms(names), "".join(parts)
    every = "|".join(f"{_BEFORE}{re.escape(pattern)}{_AFTER}" for pattern in terms.patterns)
    for told in (text, text.upper(), text.lower()):
        assert terms.redacted(told) == (re.sub(every, ERASED, told, flags=re.IGNORECASE) if names else told)


def test_many_terms_cost_little_more_than_one() -> None:
    terms = Terms(f"person{n}@shop.example" for n in range(5_000))
    begun = time.process_time()
    told = [terms.redacted(f"ask person{n}@Shop.example, or wait") for n in range(2_000)]
    assert time.process_time() - begun < 2
    assert set(told) == {f"ask {ERASED}, or wait"}
