"""The table of operations."""

from __future__ import annotations

import pytest

from proxy.core.paging import PARAMETERS
from proxy.schemas.operations import OPERATIONS, Operation
from tests.schemas.described import document


def named(name: str) -> Operation:
    (found,) = (each for each in OPERATIONS if each.name == name)
    return found


@pytest.mark.parametrize("name", ["listVectorStores", "listInputItems"])
def test_lists_are_paged_as_the_code_pages_them(name: str) -> None:
    query = {each["name"] for each in named(name).parameters if each["in"] == "query"}
    assert query - {"include"} == set(PARAMETERS)


def test_what_has_a_body_demands_it_and_refers_to_a_schema() -> None:
    for each in OPERATIONS:
        made = document()["paths"][each.path][each.method.lower()]
        assert ("requestBody" in made) == bool(each.takes)
        if each.takes:
            assert made["requestBody"]["required"]
            assert each.takes in document()["components"]["schemas"]


def test_what_always_refuses_has_no_reply_that_went_well() -> None:
    made = document()["paths"]["/v1/responses/{response_id}/cancel"]["post"]["responses"]
    assert "200" not in made
    assert {"400", "404"} <= set(made)


def test_a_proxy_that_is_not_ready_says_so_in_the_same_words() -> None:
    made = document()["paths"]["/ready"]["get"]["responses"]
    assert made["200"] == made["503"]
