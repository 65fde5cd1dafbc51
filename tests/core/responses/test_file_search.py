from __future__ import annotations

from typing import Any

import pytest

from proxy.core.responses.file_search import FileSearch, read_file_search
from proxy.errors import BadRequest
from tests.core.responses.samples import FILE_SEARCH, FUNCTION

EQ = {"type": "eq", "key": "year", "value": 2026}


def fault(*tools: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read_file_search(list(tools))
    return caught.value


def test_a_file_search_says_what_it_may_reach() -> None:
    ranking = {"ranker": "auto", "score_threshold": 0.5}
    sent = {**FILE_SEARCH, "max_num_results": 8, "filters": EQ, "ranking_options": ranking}
    assert read_file_search([FUNCTION, sent]) == FileSearch(
        ("ws_42",), filters=EQ, ranking=ranking, max_results=8, param="tools[1]"
    )


def test_what_it_does_not_say_is_not_restricted() -> None:
    nulls = dict.fromkeys(("filters", "max_num_results", "ranking_options"))
    assert read_file_search([{**FILE_SEARCH, **nulls}]) == FileSearch(("ws_42",))


def test_there_may_be_none() -> None:
    assert read_file_search([]) is None
    assert read_file_search([FUNCTION, 1, {"type": ["file_search"]}]) is None


def test_there_may_not_be_two() -> None:
    refused = fault(FILE_SEARCH, FUNCTION, FILE_SEARCH)
    assert refused.param == "tools[2]"
    assert "Name all stores in the first" in refused.message


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"vector_store_ids": []}, "vector_store_ids"),
        ({"vector_store_ids": None}, "vector_store_ids"),
        ({"vector_store_ids": "ws_42"}, "vector_store_ids"),
        ({"vector_store_ids": ["ws_42", 42]}, "vector_store_ids[1]"),
        ({"vector_store_ids": ["ws_42"] * 1_001}, "vector_store_ids"),
        ({"vector_store_id": "ws_42"}, "vector_store_id"),
        ({"max_num_results": 0}, "max_num_results"),
        ({"max_num_results": 51}, "max_num_results"),
        ({"max_num_results": True}, "max_num_results"),
        ({"max_num_results": 1.5}, "max_num_results"),
        ({"max_results": 3}, "max_results"),
        ({"filters": [EQ]}, "filters"),
        ({"filter": EQ}, "filter"),
        ({"ranking_options": []}, "ranking_options"),
    ],
)
def test_what_cannot_be_read_would_widen_the_search_and_is_refused(more: Any, param: str) -> None:
    assert fault({**FILE_SEARCH, **more}).param == f"tools[0].{param}"
