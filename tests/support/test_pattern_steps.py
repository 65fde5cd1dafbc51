from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pattern_steps import hard_texts, spans
from tests.test_patterns import PATTERNS


def steps(pattern: str, text: str) -> int:
    return spans(re.compile(pattern), text)[1]


@cache
def pieces_of(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*dict.fromkeys(hard_texts(PATTERNS[name], 12))]) | st.text(max_size=3)


@pytest.mark.parametrize("name", PATTERNS)
@given(st.data())
def test_what_is_found_is_what_pythons_own_matcher_finds(name: str, data: st.DataObject) -> None:
    pattern = PATTERNS[name]
    text = "".join(data.draw(st.lists(pieces_of(name), max_size=4)))
    if isinstance(pattern.pattern, bytes):
        text = text.encode("ascii", "ignore").decode()
        found = [match.span() for match in pattern.finditer(text.encode())]
    else:
        found = [match.span() for match in pattern.finditer(text)]
    assert [span for span in spans(pattern, text)[0] if span[0] < span[1]] == [
        span for span in found if span[0] < span[1]
    ]


def test_each_try_is_a_step() -> None:
    assert steps("ab", "a" * 100) < 10 * 100
    assert steps("a*b", "a" * 100) > 100 * 100 / 2


def test_hard_texts_begin_matches_and_do_not_end_them() -> None:
    texts = {text[:-1] for text in hard_texts(re.compile("<t[^>]*>"), 60)}
    assert {"<t" * 30, "<" + "x" * 60, "<t" + "x" * 60} <= texts
