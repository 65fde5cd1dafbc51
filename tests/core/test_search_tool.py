from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.arguments import MAX_ARGUMENT_CHARS
from proxy.core.hidden import Order
from proxy.core.scope import Scope
from proxy.core.search_tool import NAME, Search, definition, read_call
from proxy.core.turn import Owner, ToolCall
from tests.core.samples import JSON, call
from tests.support.shelves import Shelves

LIMIT = 4_000


def read(arguments: Any, scope: Scope | None = None, limit: int = LIMIT) -> Order:
    return read_call(call(arguments), scope or Shelves(), query_limit=limit)


def test_the_tool_is_offered_with_a_query_and_a_number_of_results() -> None:
    tool = definition(Shelves())
    assert tool["type"] == "function"
    assert tool["function"]["name"] == NAME == "lighton_search"
    parameters: Any = tool["function"]["parameters"]
    assert parameters["required"] == ["query"]
    assert parameters["additionalProperties"] is False
    assert set(parameters["properties"]) == {"query", "max_results"}
    count = parameters["properties"]["max_results"]
    assert (count["minimum"], count["maximum"], count["default"]) == (1, 50, 5)


def test_the_tool_offers_no_more_results_than_the_scope_allows() -> None:
    parameters: Any = definition(Shelves(most=3))["function"]["parameters"]
    count = parameters["properties"]["max_results"]
    assert (count["minimum"], count["maximum"], count["default"]) == (1, 3, 3)


def test_a_good_call_is_a_search() -> None:
    assert read({"query": " leave ", "max_results": 8}) == Order(Search("leave", 8).job)


@pytest.mark.parametrize(
    ("given", "scope", "count", "note"),
    [
        (1, Shelves(), 1, ""),
        (50, Shelves(), 50, ""),
        (None, Shelves(), 5, ""),
        (None, Shelves(most=3), 3, ""),
        ("7", Shelves(), 7, ""),
        (" 7\n", Shelves(), 7, ""),
        (7.0, Shelves(), 7, ""),
        (0, Shelves(), 1, "max_results must be from 1 to 50; 1 was used."),
        (-4, Shelves(), 1, "max_results must be from 1 to 50; 1 was used."),
        ("-4", Shelves(), 1, "max_results must be from 1 to 50; 1 was used."),
        (51, Shelves(), 50, "max_results must be from 1 to 50; 50 was used."),
        (10**18, Shelves(), 50, "max_results must be from 1 to 50; 50 was used."),
        (1e300, Shelves(), 50, "max_results must be from 1 to 50; 50 was used."),
        (4, Shelves(most=3), 3, "max_results must be from 1 to 3; 3 was used."),
        (2.5, Shelves(), 5, "max_results must be an integer; 5 was used."),
        (True, Shelves(), 5, "max_results must be an integer; 5 was used."),
        ([3], Shelves(), 5, "max_results must be an integer; 5 was used."),
        ({}, Shelves(most=3), 3, "max_results must be an integer; 3 was used."),
        ("", Shelves(), 5, "max_results must be an integer; 5 was used."),
        ("many", Shelves(), 5, "max_results must be an integer; 5 was used."),
        ("--5", Shelves(), 5, "max_results must be an integer; 5 was used."),
        ("-", Shelves(), 5, "max_results must be an integer; 5 was used."),
        ("²", Shelves(), 5, "max_results must be an integer; 5 was used."),
        ("9" * 10_000, Shelves(), 5, "max_results must be an integer; 5 was used."),
    ],
)
def test_the_number_of_results_is_clamped_and_the_model_told(
    given: Any, scope: Scope, count: int, note: str
) -> None:
    order = read({"query": "leave", "max_results": given}, scope)
    assert order == Order(Search("leave", count).job, (note,) if note else ())


@pytest.mark.parametrize(
    "arguments", ["", "{}", {"query": ""}, {"query": " \n"}, {"query": 5}, {"query": None}]
)
def test_a_call_without_a_query_is_answered_with_how_to_call(arguments: Any) -> None:
    order = read(arguments)
    assert order.job is None
    assert order.fault.startswith(
        "The query is missing. Call lighton_search with arguments such as"
    )


@pytest.mark.parametrize("arguments", ['{"query": "leave', "[]", "null", '"leave"', "leave", "5"])
def test_arguments_that_are_no_json_object_are_quoted_back(arguments: str) -> None:
    order = read(arguments)
    assert order.job is None
    assert order.fault.startswith(f"The arguments are not a JSON object: {arguments!r}. Call ")


def test_only_the_start_of_bad_arguments_is_quoted_back() -> None:
    assert len(read("x" * 100_000).fault) < 500


def test_unknown_arguments_are_ignored_and_the_model_told() -> None:
    order = read({"query": "leave", "workspace_id": [1], "lang": "fr", "max_results": 99})
    assert order.job == Search("leave", 50).job
    assert order.notes == (
        "Ignored arguments: lang, workspace_id. There are only query and max_results.",
        "max_results must be from 1 to 50; 50 was used.",
    )


def test_many_unknown_arguments_are_not_all_repeated() -> None:
    (note,) = read({"query": "leave", **{f"argument_{n}": n for n in range(500)}}).notes
    assert len(note) < 300


def test_a_long_query_is_cut_and_the_model_told() -> None:
    order = read({"query": "leave of absence"}, limit=6)
    assert order == Order(Search("leave", 5).job, ("The query was cut to 6 characters.",))
    assert read({"query": " leave "}, limit=5) == Order(Search("leave", 5).job)


@given(arguments=JSON | st.text(), limit=st.integers(1, 20))
@settings(deadline=None)
def test_whatever_a_model_writes_is_a_search_within_the_scope_or_a_fault(
    arguments: Any, limit: int
) -> None:
    order = read(arguments, Shelves(most=9), limit)
    assert (order.job is None) == bool(order.fault)
    if order.job:
        search = Search.of(order.job)
        assert 1 <= search.max_results <= 9
        assert 1 <= len(search.query) <= limit
        assert search.query == search.query.strip()


@given(
    arguments=st.fixed_dictionaries({"query": st.text(min_size=1)}, optional={"max_results": JSON})
)
@settings(deadline=None)
def test_a_query_in_words_is_always_searched(arguments: dict[str, Any]) -> None:
    order = read(arguments)
    assert (order.job is not None) == bool(arguments["query"].strip())


def test_arguments_that_are_too_long_are_told_to_be() -> None:
    too_long = ToolCall("s1", NAME, '{"query": "' + "x" * MAX_ARGUMENT_CHARS, Owner.HIDDEN)
    order = read_call(too_long, Shelves(), query_limit=LIMIT)
    assert order.job is None
    assert f"more than {MAX_ARGUMENT_CHARS} characters" in order.fault


def test_what_follows_an_object_may_be_of_any_length() -> None:
    more = ToolCall("s1", NAME, '{"query": "x"}' + " " * MAX_ARGUMENT_CHARS, Owner.HIDDEN)
    assert read_call(more, Shelves(), query_limit=LIMIT) == Order(Search("x", 5).job)
