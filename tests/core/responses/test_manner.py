from __future__ import annotations

from typing import Any

import pytest

from proxy.core.responses.manner import Manner
from tests.core.responses.samples import CUSTOM, FILE_SEARCH, read


def manner(**fields: Any) -> Manner:
    return Manner.of(read(**fields))


def test_a_client_that_asks_for_nothing_sees_text_thoughts_and_calls() -> None:
    one = manner()
    assert [one.has_file_search, one.has_results, one.thoughts_as_summary] == [False] * 3
    assert one.called_as("get").kind == "function"


def test_whoever_hosts_the_search_sees_it_and_its_results_if_included() -> None:
    assert manner(tools=[FILE_SEARCH]).has_file_search
    assert manner(tools=[FILE_SEARCH], include=["file_search_call.results"]).has_results


@pytest.mark.parametrize(
    ("reasoning", "is_asked"),
    [
        ({"summary": "auto"}, True),
        ({"generate_summary": "concise"}, True),
        ({"summary": None, "effort": "low"}, False),
        (None, False),
    ],
)
def test_thoughts_are_a_summary_where_one_is_asked_for(reasoning: Any, is_asked: bool) -> None:  # noqa: FBT001  # a table
    assert manner(reasoning=reasoning).thoughts_as_summary == is_asked


def test_calls_are_told_as_the_client_declared_its_tools() -> None:
    assert manner(tools=[CUSTOM]).called_as(CUSTOM["name"]).kind == "custom"
