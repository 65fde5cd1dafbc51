from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.paging import DEFAULT, Paging, read_paging
from proxy.errors import BadRequest

LISTED = {f"ws_{number}": number for number in range(5)}


def test_without_a_query_the_newest_come_first() -> None:
    assert read_paging(()) == Paging(DEFAULT, is_ascending=False)
    assert Paging().page(LISTED) == ([4, 3, 2, 1, 0], False)


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
    assert read_paging(query.items()).page(LISTED) == (page, has_more)


@given(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["asc", "desc"]))
def test_pages_one_after_the_other_are_the_whole_list(count: int, limit: int, order: str) -> None:
    listed = {str(number): number for number in range(count)}
    query, heard, has_more = {"limit": str(limit), "order": order}, list[int](), True
    while has_more:
        page, has_more = read_paging(query.items()).page(listed)
        heard += page
        query["after"] = str(heard[-1]) if heard else ""
    assert heard == sorted(listed.values(), reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ([("limit", "0")], "limit"),
        ([("limit", "101")], "limit"),
        ([("limit", "ten")], "limit"),
        ([("limit", "²")], "limit"),
        ([("limit", "")], "limit"),
        ([("limit", "9" * 5000)], "limit"),
        ([("order", "up")], "order"),
        ([("after", "ws_9")], "after"),
        ([("before", "x")], "before"),
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("lighton", "1")], "lighton"),
    ],
)
def test_what_a_list_cannot_do_is_refused_and_named(
    query: list[tuple[str, str]], param: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        read_paging(query).page(LISTED)
    assert caught.value.param == param
