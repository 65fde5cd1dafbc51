"""The items of a request's `input`. `test_requests.py` holds them against what the proxy takes."""

from __future__ import annotations

import pytest

from proxy.core.responses.items import _READERS
from tests.schemas.described import document, faults
from tests.schemas.test_requests import ITEMS, takes_response


def test_each_type_of_item_that_is_read_is_described() -> None:
    described = document()["components"]["schemas"]["InputItem"]["anyOf"]
    types = {str(each["properties"]["type"]) for each in described}
    assert len(types) == len(_READERS)
    assert all(any(repr(kind) in each for each in types) for kind in _READERS)
    assert set(_READERS) == {each.get("type", "message") for each in ITEMS}


@pytest.mark.parametrize("place", range(len(ITEMS)))
def test_each_item_is_one(place: int) -> None:
    assert not faults("InputItem", ITEMS[place])


def test_a_call_may_have_a_name_that_no_tool_could_have() -> None:
    call = {**ITEMS[5], "name": "f" * 300}
    assert not faults("InputItem", call)
    assert takes_response({"model": "m", "input": [call]})
