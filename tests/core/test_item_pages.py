from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.item_pages import Page
from proxy.errors import BadRequest


def items(count: int) -> list[dict[str, Any]]:
    return [{"id": f"msg_{n}", "type": "message"} for n in range(count)]


def ids(listed: dict[str, Any]) -> list[str]:
    return [each["id"] for each in listed["data"]]


def test_a_page_has_the_latest_twenty_items_unless_told_otherwise() -> None:
    listed = Page.read({}).of(items(30))
    assert ids(listed) == [f"msg_{n}" for n in range(29, 9, -1)]
    assert (listed["object"], listed["has_more"]) == ("list", True)
    assert (listed["first_id"], listed["last_id"]) == ("msg_29", "msg_10")


def test_a_list_without_items_has_no_first_and_no_last_one() -> None:
    assert Page().of([]) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@given(st.integers(1, 30), st.integers(1, 7), st.sampled_from(["asc", "desc"]))
def test_whoever_asks_for_page_after_page_gets_each_item_once(
    count: int, limit: int, order: str
) -> None:
    found: list[str] = []
    given = {"limit": str(limit), "order": order}
    for _ in range(count):  # no more pages than items
        listed = Page.read(given).of(items(count))
        found += ids(listed)
        if not listed["has_more"]:
            break
        given["after"] = listed["last_id"]
    expected = [each["id"] for each in items(count)]
    assert found == (expected if order == "asc" else expected[::-1])


def test_a_page_ends_before_the_item_that_is_named() -> None:
    page = Page.read({"order": "asc", "after": "msg_0", "before": "msg_3"})
    listed = page.of(items(5))
    assert ids(listed) == ["msg_1", "msg_2"]
    assert not listed["has_more"]
    assert ids(Page.read({"order": "asc", "after": "msg_3", "before": "msg_1"}).of(items(5))) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("limit", ""),
        ("limit", "9" * 5_000),
        ("order", "up"),
        ("after", "msg_9"),
        ("before", "msg_9"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Page.read({name: value}).of(items(3))
    assert caught.value.param == name
    assert f"'{name}'" in caught.value.message
