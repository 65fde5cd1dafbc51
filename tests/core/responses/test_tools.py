from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS
from proxy.core.responses.tools import (
    ClientTool,
    Tools,
    chat_name,
    custom_arguments,
    custom_input,
    read_tools,
)
from proxy.core.turn import Owner, ToolCall
from proxy.errors import BadRequest
from tests.core.responses.samples import CUSTOM, FILE_SEARCH, FUNCTION

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
NAMESPACE = {"type": "namespace", "name": "agents", "description": "d", "tools": [FUNCTION]}


def read(*tools: Any) -> Tools:
    return read_tools(list(tools))


def fault(*tools: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(*tools)
    return caught.value


def test_a_function_has_all_its_fields_in_a_chat() -> None:
    (tool,) = read(FUNCTION).chat
    assert tool == {
        "type": "function",
        "function": {name: FUNCTION[name] for name in FUNCTION if name != "type"},
    }
    assert read(FUNCTION).known("get_weather") == ClientTool("function", "get_weather")


def test_null_fields_and_those_of_openais_own_servers_are_left_out() -> None:
    sent = {"type": "function", "name": "f", "description": None, "parameters": None}
    (tool,) = read({**sent, "strict": None, "defer_loading": True, "output_schema": {}}).chat
    assert tool == {"type": "function", "function": {"name": "f"}}


def test_a_custom_tool_is_a_function_of_one_string() -> None:
    tools = read(CUSTOM)
    function = tools.chat[0]["function"]
    assert (function["name"], function["description"]) == ("apply_patch", "Patches files.")
    assert function["parameters"]["required"] == ["input"]
    assert tools.known("apply_patch") == ClientTool("custom", "apply_patch")


def test_a_model_reads_the_grammar_of_a_custom_tool() -> None:
    described = read({**CUSTOM, "format": GRAMMAR}).chat[0]["function"]["description"]
    assert described == ('Patches files.\n\nThe input must follow this lark grammar:\nstart: "a"')
    assert read({**CUSTOM, "format": {"type": "text"}}) == read(CUSTOM)


@given(st.text())
def test_what_a_custom_tool_is_given_comes_back_as_it_was(text: str) -> None:
    written = custom_arguments(text)
    call = ToolCall("call_1", "apply_patch", written, Owner.CLIENT)
    assert custom_input(call.parse_arguments(), written) == text


@pytest.mark.parametrize("arguments", [None, {}, {"input": 1}, {"patch": "*"}])
def test_a_model_that_writes_no_such_json_has_written_the_text(arguments: Any) -> None:
    assert custom_input(arguments, "*** Begin") == "*** Begin"


def test_tools_in_a_namespace_have_longer_names() -> None:
    tools = read(NAMESPACE, FUNCTION)
    assert [each["function"]["name"] for each in tools.chat] == [
        *("agents__get_weather", "get_weather"),
    ]
    inner = ClientTool("function", "get_weather", "agents")
    assert tools.known("agents__get_weather") == inner
    assert inner.chat_name == "agents__get_weather"
    assert chat_name("f", "mcp__docs__") == "mcp__docs__f"
    assert chat_name("f") == chat_name("f", "") == "f"


def test_a_tool_that_nobody_declared_is_known_as_a_function() -> None:
    assert read().known("gone") == ClientTool("function", "gone")


def test_a_file_search_is_none_of_the_clients_own_tools() -> None:
    assert read(FILE_SEARCH) == Tools((), {})


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("web_search", 'web_search = "disabled"'),
        ("web_search_preview", "Leave it out."),
        ("code_interpreter", "Leave it out."),
        ("local_shell", "Declare a function"),
        ("mcp", "declare its tools as functions"),
        ("x" * 999, "Leave it out."),
    ],
)
def test_hosted_tools_that_are_not_here_are_named_with_advice(kind: str, advice: str) -> None:
    refused = fault(FUNCTION, {"type": kind})
    assert refused.param == "tools[1].type"
    assert f"'tools[1]' is the tool {kind[:80]!r}, which is not run here" in refused.message
    assert refused.message.endswith(f"{advice}.") or advice in refused.message


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (1, ""),
        ({}, ".type"),
        ({"type": ["function"]}, ".type"),
        ({"type": "function"}, ".name"),
        ({"type": "function", "function": {"name": "f"}}, ".name"),
        ({**FUNCTION, "name": "a" * (MAX_NAME_CHARS + 1)}, ".name"),
        ({**FUNCTION, "parameters": []}, ".parameters"),
        ({**FUNCTION, "strict": "yes"}, ".strict"),
        ({**CUSTOM, "format": "lark"}, ".format"),
        ({**CUSTOM, "format": {}}, ".format.type"),
        ({**CUSTOM, "format": {"type": ["text"]}}, ".format.type"),
        ({**CUSTOM, "format": {**GRAMMAR, "syntax": "ebnf"}}, ".format.syntax"),
        ({**CUSTOM, "format": {**GRAMMAR, "syntax": []}}, ".format.syntax"),
        ({**CUSTOM, "format": {**GRAMMAR, "definition": 1}}, ".format.definition"),
        ({**CUSTOM, "defer_loading": "no"}, ".defer_loading"),
        ({**FUNCTION, "async": 1}, ".async"),
        ({**FUNCTION, "output_schema": []}, ".output_schema"),
        ({**FUNCTION, "allowed_callers": "direct"}, ".allowed_callers"),
        ({**NAMESPACE, "description": []}, ".description"),
        ({**NAMESPACE, "name": None}, ".name"),
        ({**NAMESPACE, "tools": {}}, ".tools"),
        ({**NAMESPACE, "tools": [NAMESPACE]}, ".tools[0].type"),
        ({**NAMESPACE, "tools": [1]}, ".tools[0].type"),
        ({**NAMESPACE, "tools": [{**FUNCTION, "name": ""}]}, ".tools[0].name"),
        ({**NAMESPACE, "name": "a" * MAX_NAME_CHARS}, ".tools[0].name"),
    ],
)
def test_a_tool_that_cannot_be_read_is_named(tool: Any, param: str) -> None:
    assert fault(tool).param == f"tools[0]{param}"


def test_who_declares_a_tool_as_on_chat_is_told_how_it_is_written_here() -> None:
    advice = "Its fields stand beside 'type'"
    assert advice in fault({"type": "function", "function": {"name": "f"}}).message
    assert advice not in fault({"type": "function"}).message


def test_two_tools_of_one_name_must_be_one_tool() -> None:
    assert len(read(FUNCTION, FUNCTION).chat) == 2
    refused = fault(FUNCTION, {**CUSTOM, "name": "get_weather"})
    assert refused.param == "tools[1].name"
    assert fault(NAMESPACE, {**FUNCTION, "name": "agents__get_weather"}).param == "tools[1].name"


def test_namespaces_do_not_hold_more_tools_than_a_request_may_have() -> None:
    many = [{**FUNCTION, "name": f"f{number}"} for number in range(MAX_TOOLS)]
    assert len(read({**NAMESPACE, "tools": many}).chat) == MAX_TOOLS
    assert fault({**NAMESPACE, "tools": many}, FUNCTION).param == "tools"
    assert fault({**NAMESPACE, "tools": [*many, FUNCTION]}).param == "tools[0].tools"
