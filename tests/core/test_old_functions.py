from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS, Chat, ToolChoice, parse_chat
from proxy.core.old_functions import parse_any_chat
from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import JSON, tool

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {"name": "get_weather", "parameters": {"type": "object"}}


def parse(**fields: Any) -> Chat:
    return parse_any_chat({"messages": HELLO, **fields}, WISHES, {"lighton_search"})


def fault(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(**fields)
    return caught.value


def test_functions_become_tools_of_which_the_model_may_call_one() -> None:
    chat = parse(functions=[WEATHER])
    assert chat.tools == (tool("get_weather"),)
    assert chat.declared == {"get_weather"}
    assert (chat.single_call, chat.has_functions) == (True, True)
    assert chat.body == {"parallel_tool_calls": False}


@pytest.mark.parametrize(
    ("function_call", "tool_choice"),
    [
        (None, None),
        ("none", ToolChoice("none")),
        ("auto", ToolChoice("auto")),
        ({"name": "get_weather"}, ToolChoice("named", "get_weather")),
        ({"name": "lighton_search"}, ToolChoice("named", "lighton_search")),
    ],
)
def test_a_function_call_becomes_a_choice_of_a_tool(
    function_call: Any, tool_choice: ToolChoice | None
) -> None:
    assert parse(functions=[WEATHER], function_call=function_call).tool_choice == tool_choice


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": {}}, "functions"),
        ({"functions": ["get_weather"]}, "functions[0]"),
        ({"functions": [WEATHER, {"name": ""}]}, "functions[1].name"),
        ({"functions": [{"name": 7}]}, "functions[0].name"),
        ({"functions": [{"name": "f" * (MAX_NAME_CHARS + 1)}]}, "functions[0].name"),
        ({"functions": [WEATHER] * (MAX_TOOLS + 1)}, "functions"),
        ({"functions": [WEATHER], "function_call": 7}, "function_call"),
        ({"functions": [WEATHER], "function_call": "required"}, "function_call"),
        ({"functions": [WEATHER], "function_call": {}}, "function_call"),
        ({"functions": [WEATHER], "function_call": {"name": 7}}, "function_call"),
        ({"function_call": "none"}, "function_call"),
        ({"functions": [], "function_call": "auto"}, "function_call"),
        ({"tools": [tool("get_weather")], "function_call": "auto"}, "function_call"),
        ({"tools": {}}, "tools"),
    ],
)
def test_what_is_wrong_is_told_in_the_clients_own_words(fields: dict[str, Any], param: str) -> None:
    assert fault(**fields).param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [tool("get_time")]},
        {"tools": [tool("get_weather"), tool("get_time")]},
        {"tools": [tool("get_weather")], "function_call": "none"},
        {"tools": [tool("get_weather")], "function_call": "none", "tool_choice": "auto"},
        {"tool_choice": "none"},
        {"tools": ["get_weather"]},
    ],
)
def test_functions_and_tools_that_say_different_things_are_refused(fields: dict[str, Any]) -> None:
    assert fault(functions=[WEATHER], **fields).param == "functions"


@pytest.mark.parametrize(
    "choices", [{}, {"tool_choice": "none"}, {"function_call": "none", "tool_choice": "none"}]
)
def test_functions_and_tools_that_say_the_same_are_read_as_tools(choices: dict[str, Any]) -> None:
    tools = [tool("get_weather")]
    new = {name: value for name, value in choices.items() if name == "tool_choice"}
    assert parse(functions=[WEATHER], tools=tools, **choices) == parse(tools=tools, **new)


def test_no_functions_and_null_are_as_good_as_absent() -> None:
    assert parse(functions=[], function_call=None) == parse(functions=None) == parse()


def test_the_history_is_read_though_the_request_has_no_functions() -> None:
    call = {"name": "get_weather", "arguments": "{}"}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "get_weather", "content": "Rain."},
    ]
    chat = parse(messages=messages)
    assert [each["role"] for each in chat.messages] == ["user", "assistant", "tool"]
    assert not chat.has_functions


@given(JSON)
def test_any_body_is_read_or_refused(body: Any) -> None:
    with suppress(BadRequest):
        parse_any_chat(body, WISHES)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "functions": JSON | st.lists(st.just(WEATHER) | JSON, max_size=2),
            "function_call": JSON | st.just("auto"),
            "tools": JSON | st.just([tool("get_weather")]),
            "tool_choice": JSON | st.just("auto"),
            "messages": JSON | st.just(HELLO),
        },
    )
)
def test_any_mixture_of_old_and_new_is_read_or_refused(body: dict[str, Any]) -> None:
    with suppress(BadRequest):
        chat = parse_any_chat(body, WISHES)
        assert not {"functions", "function_call"} & chat.body.keys()


@given(st.dictionaries(st.sampled_from(["temperature", "user", "stop", "tools"]), st.none()))
def test_a_new_request_is_read_as_before(fields: dict[str, Any]) -> None:
    body = {"messages": HELLO, **fields}
    assert parse_any_chat(body, WISHES) == parse_chat(body, WISHES)
