from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.paging import DEFAULT, Paging, paging_of
from proxy.errors import BadRequest

LISTED = [{"id": f"ws_{number}", "n": number} for number in range(5)]


def cut(paging: Paging, listed: list[dict[str, Any]]) -> tuple[list[int], bool]:
    """The numbers of a page, and whether more follows it."""
    page = paging.list_of(listed)
    shown = page["data"]
    assert page["object"] == "list"
    ends = (page["first_id"], page["last_id"])
    assert ends == ((shown[0]["id"], shown[-1]["id"]) if shown else (None, None))
    return [each["n"] for each in shown], page["has_more"]


def test_without_a_query_the_newest_come_first() -> None:
    assert paging_of({}) == Paging(DEFAULT, is_ascending=False)
    assert cut(Paging(), LISTED) == ([4, 3, 2, 1, 0], False)


@pytest.mark.parametrize(
    ("query", "page", "has_more"),
    [
        ({"limit": "2"}, [4, 3], True),
        ({"limit": "2", "order": "asc"}, [0, 1], True),
        ({"limit": "2", "after": "ws_3"}, [2, 1], True),
        ({"limit": "2", "after": "ws_2"}, [1, 0], False),
        ({"after": "ws_0"}, [], False),
        ({"limit": "2", "before": "ws_1"}, [3, 2], True),
        ({"limit": "2", "before": "ws_2"}, [4, 3], False),
        ({"limit": "2", "before": "ws_4"}, [], False),
        ({"limit": "1", "after": "ws_4", "before": "ws_1"}, [3], True),
        ({"after": "ws_1", "before": "ws_3"}, [], False),
    ],
)
def test_a_page_is_cut_as_the_query_says(
    query: dict[str, str], page: list[int], has_more: object
) -> None:
    assert cut(paging_of(query), LISTED) == (page, has_more)


@given(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["asc", "desc"]))
def test_pages_one_after_the_other_are_the_whole_list(count: int, limit: int, order: str) -> None:
    listed = [{"id": str(number), "n": number} for number in range(count)]
    query, heard, has_more = {"limit": str(limit), "order": order}, list[int](), True
    while has_more:
        page, has_more = cut(paging_of(query), listed)
        heard += page
        query["after"] = str(heard[-1]) if heard else ""
    assert heard == sorted(range(count), reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "ws_9"}, "after"),
        ({"before": "x"}, "before"),
    ],
)
def test_what_a_list_cannot_do_is_refused_and_named(query: dict[str, str], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        paging_of(query).list_of(LISTED)
    assert caught.value.param == param


def test_an_id_that_stands_twice_is_the_first_of_them() -> None:
    """A client makes the ids of its own items."""
    twice = [{"id": "a", "n": 0}, {"id": "b", "n": 1}, {"id": "a", "n": 2}]
    assert cut(Paging(is_ascending=True), twice) == ([0, 1, 2], False)
    assert cut(Paging(is_ascending=True, after="a"), twice) == ([1, 2], False)


def test_a_parameter_that_is_no_paging_is_for_others_to_read() -> None:
    assert paging_of({"include": "x", "limit": "3"}) == Paging(3)
