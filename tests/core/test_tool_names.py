from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.tool_names import (
    ToolNames,
    is_whole,
    joined,
    may_become,
    plain_name,
    without_control,
)
from proxy.core.wire import Tool

DECLARED = frozenset({"get_weather", "get_weather_now", "lighton_search"})
PIECES = st.sampled_from(
    [
        *("get_weather", "_now", "lighton_", "search", "functions.", "func", "tools.", ":0", " "),
        *("<|channel|>commentary", "<|", "x", "."),
    ]
)


@pytest.mark.parametrize(
    "written",
    [
        "get_weather",
        " get_weather\n",
        "functions.get_weather",
        "functions.get_weather:0",
        "get_weather:12",
        "tools.get_weather",
        "default_api.get_weather",
        "get_weather<|channel|>commentary",
        "get_weather <|channel|>json",
        "functions.get_weather<|constrain|>json",
        "get_weather<\uff5ctool▁sep\uff5c>",
    ],
)
def test_a_tool_is_known_by_a_name_with_more_around_it(written: str) -> None:
    assert plain_name(written, DECLARED) == "get_weather"


@pytest.mark.parametrize("written", ["functions.get_weather", "get_weather<|channel|>commentary"])
def test_a_name_that_is_declared_so_stands_for_itself(written: str) -> None:
    assert plain_name(written, {written, "get_weather"}) == written


@pytest.mark.parametrize("written", ["functions.other", "other<|channel|>commentary", "", "get"])
def test_a_name_that_means_no_declared_tool_stays_as_it_is(written: str) -> None:
    assert plain_name(written, DECLARED) == written


def test_a_control_token_ends_a_name() -> None:
    assert without_control("who <|channel|>commentary") == "who"


@given(st.lists(PIECES, max_size=4).map("".join), st.integers(0, 60))
def test_every_begin_of_a_name_that_means_a_tool_may_become_one(written: str, end: int) -> None:
    if plain_name(written, DECLARED) in DECLARED:
        assert may_become(written[:end], DECLARED)


@pytest.mark.parametrize("written", ["weather", "getting", "x", "light_", "functions.who"])
def test_other_names_cannot_become_a_tools(written: str) -> None:
    assert not may_become(written, DECLARED)


@pytest.mark.parametrize(
    "written", ["lighton_search", "functions.lighton_search", "get_weather_now"]
)
def test_a_name_is_whole_if_no_other_goes_on_from_it(written: str) -> None:
    assert is_whole(written, DECLARED)


@pytest.mark.parametrize("written", ["get_weather", "functions.get_weather", "lighton_", "who", ""])
def test_a_name_that_may_go_on_is_not_whole(written: str) -> None:
    assert not is_whole(written, DECLARED)


@pytest.mark.parametrize(
    ("pieces", "name"),
    [
        (["get_", "weather", "_now"], "get_weather_now"),
        (["get_weather", "get_weather"], "get_weather"),
        (["get", "get_weather", "get_weather_now"], "get_weather_now"),
        (["who_", "knows"], "who_knows"),
        (["who_knows", "who_knows"], "who_knows"),
        (["functions.", "get_weather"], "functions.get_weather"),
        (["get_weather", "<|channel|>commentary"], "get_weather<|channel|>commentary"),
    ],
)
def test_a_name_comes_in_pieces_again_or_as_far_as_it_is(pieces: list[str], name: str) -> None:
    known = ""
    for piece in pieces:
        known = joined(known, piece, DECLARED)
    assert known == name


def test_a_schema_says_which_parameters_are_strings() -> None:
    properties = {"city": {"type": "string"}, "days": {"type": "integer"}, "odd": 5}
    tools: list[Tool] = [
        {"type": "function", "function": {"name": "f", "parameters": {"properties": properties}}},
        {"type": "function", "function": {"name": "g"}},
        {"type": "custom"},
    ]
    names = ToolNames(frozenset({"f", "g"}), tools=tuple(tools))
    assert names.takes_string("functions.f", "city")
    others = [("f", "days"), ("f", "odd"), ("f", "nothing"), ("g", "city"), ("h", "city")]
    assert not any(names.takes_string(*each) for each in others)
