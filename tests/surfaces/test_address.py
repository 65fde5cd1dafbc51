from __future__ import annotations

import pytest

from proxy.errors import BadRequest
from proxy.surfaces.address import parameters_of


def test_parameters_are_read_by_name() -> None:
    assert parameters_of(b"") == {}
    assert parameters_of(b"limit=2&after=", ("limit", "after")) == {"limit": "2", "after": ""}


def test_a_list_passes_as_every_sdk_writes_it() -> None:
    query = b"include=a&include[]=b&include[]=c&include[0]=d&limit=2"
    assert parameters_of(query, ("limit",), ("include",)) == {"limit": "2"}


@pytest.mark.parametrize(
    ("query", "param", "words"),
    [
        (b"limit=1&limit=1", "limit", "'limit' was sent more than once."),
        (b"lighton=1", "lighton", "The address takes no parameters but include, limit."),
        (b"limit[]=1", "limit[]", "no parameters but"),
        (b"x", "x", "no parameters but"),
    ],
)
def test_what_nobody_can_follow_is_refused_and_named(query: bytes, param: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        parameters_of(query, ("limit",), ("include",))
    assert caught.value.param == param


def test_a_route_without_parameters_says_so() -> None:
    with pytest.raises(BadRequest, match=r"takes no parameters\.") as caught:
        parameters_of(b"a=1")
    assert caught.value.param == "a"
