from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import MAX_TOOLS, ToolChoice
from tests.core.responses.samples import CUSTOM, FILE_SEARCH, FUNCTION, chat, fault

SEARCH = {"type": "file_search"}
WEATHER = {"type": "function", "name": "get_weather"}
PATCH = {"type": "custom", "name": "apply_patch"}
TOOLS = [FUNCTION, CUSTOM, FILE_SEARCH]


def choice(asked: Any, tools: Any = TOOLS) -> ToolChoice | None:
    return chat(tools=tools, tool_choice=asked).tool_choice


def allowed(*tools: Any, mode: Any = "auto") -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


@pytest.mark.parametrize("kind", ["none", "auto", "required"])
def test_a_kind_is_that_of_a_chat(kind: Any) -> None:
    assert choice(kind) == ToolChoice(kind)


def test_without_one_the_model_chooses() -> None:
    assert choice(None) is None


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (WEATHER, "get_weather"),
        (PATCH, "apply_patch"),
        (SEARCH, "lighton_search"),
        ({"type": "function", "name": "lighton_search"}, "lighton_search"),
        ({**WEATHER, "namespace": "agents"}, "agents__get_weather"),
    ],
)
def test_a_named_tool_is_that_of_a_chat(asked: Any, name: str) -> None:
    assert choice(asked) == ToolChoice("named", name)


@pytest.mark.parametrize(
    "asked",
    [
        "always",
        {},
        {"type": "function"},
        {"type": "function", "name": ""},
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "web_search_preview"},
        {"type": ["function"], "name": "f"},
    ],
)
def test_any_other_choice_is_refused(asked: Any) -> None:
    assert fault(tools=TOOLS, tool_choice=asked).param == "tool_choice"


def test_a_file_search_that_was_not_declared_cannot_be_forced() -> None:
    assert fault(tools=[FUNCTION], tool_choice=SEARCH).param == "tool_choice"
    refused = fault(tools=[FUNCTION], tool_choice=allowed(WEATHER, SEARCH))
    assert refused.param == "tool_choice.tools[1]"


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_allowed_tools_are_fewer_tools_and_a_mode(mode: Any) -> None:
    made = chat(tools=TOOLS, tool_choice=allowed(PATCH, SEARCH, {"type": "mcp"}, mode=mode))
    assert [each["function"]["name"] for each in made.tools] == ["apply_patch"]
    assert made.tool_choice == ToolChoice(
        mode, allowed=frozenset({"lighton_search"}), allowed_in="tool_choice"
    )
    assert made.declared == {"get_weather", "apply_patch"}


def test_a_tool_that_nobody_has_cannot_be_allowed() -> None:
    refused = fault(tools=TOOLS, tool_choice=allowed({"type": "function", "name": "gone"}))
    assert refused.param == "tool_choice.tools"
    assert "names gone, not in 'tools'" in refused.message


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        (allowed(mode="none"), "mode"),
        (allowed(mode=["auto"]), "mode"),
        ({"type": "allowed_tools", "mode": "auto", "tools": {}}, "tools"),
        ({"type": "allowed_tools", "mode": "auto"}, "tools"),
        (allowed(WEATHER, "get_weather"), "tools[1]"),
        (allowed(*[WEATHER] * (MAX_TOOLS + 1)), "tools"),
    ],
)
def test_allowed_tools_that_cannot_be_read_are_named(asked: Any, param: str) -> None:
    assert fault(tools=TOOLS, tool_choice=asked).param == f"tool_choice.{param}"
