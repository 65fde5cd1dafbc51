"""Ids of a response and of its items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.ids import Ids, response_of

RANDOM = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(RANDOM, st.lists(st.sampled_from(["msg", "fc", "rs", "fs", "ctc"]), max_size=50))
def test_each_item_has_an_id_of_its_own_that_tells_the_response(
    random: str, prefixes: list[str]
) -> None:
    ids = Ids(random)
    items = [ids.mint(each) for each in prefixes]
    assert len(set(items)) == len(items)
    assert [each.partition("_")[0] for each in items] == prefixes
    assert {response_of(each) for each in items} <= {ids.response}


def test_a_response_may_have_more_items_than_four_digits_count() -> None:
    ids = Ids("0" * 32)
    last = [ids.mint("msg") for _ in range(70_000)][-1]
    assert response_of(last) == ids.response


@pytest.mark.parametrize("other", ["", "msg_1", "msg_" + "g" * 36, "call_" + "1" * 24 + "_1_1"])
def test_an_id_that_the_proxy_did_not_make_tells_no_response(other: str) -> None:
    assert response_of(other) is None
