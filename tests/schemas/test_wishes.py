"""What a request may say of its search: schema and reader take the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.schemas.wishes import headers, narrowing_header
from proxy.upstreams.lighton.wish import WISH_FIELDS, parse_wish, parse_wish_headers
from tests.schemas.described import document, faults

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 60),
    st.floats(0, 2),
    st.sampled_from(["", "x", "tool", "off", "none", "keep", "reasoning"]),
)
VALUES: st.SearchStrategy[Any] = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({}))


def reads(wish: object) -> bool:
    try:
        parse_wish(wish)
    except BadRequest:
        return False
    return True


def test_it_has_the_fields_that_are_read() -> None:
    assert set(document()["components"]["schemas"]["Wish"]["properties"]) == set(WISH_FIELDS)


@given(st.one_of(VALUES, st.dictionaries(st.sampled_from([*WISH_FIELDS, "tags"]), VALUES)))
def test_schema_and_reader_agree(wish: Any) -> None:
    whole_as_float = any(
        isinstance(each, float) and each.is_integer()  # a whole number for a schema alone
        for value in (wish.values() if isinstance(wish, dict) else ())
        for each in (value if isinstance(value, list) else [value])
    )
    if not whole_as_float:
        assert reads(wish) == (not faults("Wish", wish))


@pytest.mark.parametrize("value", ["42", "42,43", " 42 , 43", "", "x", "42,", "1" * 19])
def test_the_header_takes_what_is_read(value: str) -> None:
    (header,) = narrowing_header()
    try:
        parse_wish_headers({header["name"].lower(): value})
        is_read = True
    except BadRequest:
        is_read = False
    assert is_read == bool(re.search(header["schema"]["pattern"], value))


def test_both_headers_are_those_that_are_read() -> None:
    names = {each["name"].lower() for each in headers()}
    assert names == {"x-lighton-workspace-id", "x-lighton-retrieval"}
