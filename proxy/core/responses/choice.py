"""The `tool_choice` of a request, as a chat has it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS, ToolChoice, refuse_allowed, tool_name
from proxy.core.checks import check_length
from proxy.core.names import SEARCH_TOOL
from proxy.core.responses.file_search import FILE_SEARCH
from proxy.core.responses.tools import Tools, chat_name
from proxy.core.wire import Tool
from proxy.errors import BadRequest

_PARAM: Final = "tool_choice"
_NAMED: Final = ("function", "custom")


def read_choice(
    choice: object, tools: Tools, hidden: AbstractSet[str], *, has_search: bool
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The client's tools that the model may call, and which it must.

    `hidden` holds the names of the proxy's own tools. `has_search` tells whether the request
    declares a `file_search`. Raises BadRequest.
    """
    if choice is None:
        return tools.chat, None
    if choice in ("none", "auto", "required"):
        return tools.chat, ToolChoice(choice)
    asked = choice if isinstance(choice, dict) else {}
    if asked.get("type") == "allowed_tools":
        return _allowed(asked, tools, hidden, has_search=has_search)
    name = _named(asked, _PARAM, has_search=has_search)
    if name is None:
        raise BadRequest(
            f"'{_PARAM}' must be none, auto, required, a named function or custom tool, "
            f"{FILE_SEARCH} or allowed_tools.",
            param=_PARAM,
        )
    return tools.chat, ToolChoice("named", name)


def _named(asked: Mapping[str, object], param: str, *, has_search: bool) -> str | None:
    """The tool of a chat that a choice names; None if it is of no known type."""
    kind = asked.get("type")
    if kind == FILE_SEARCH:
        if not has_search:
            raise BadRequest(f"'{param}' is {FILE_SEARCH}, which is not in 'tools'.", param=param)
        return SEARCH_TOOL
    name, namespace = asked.get("name"), asked.get("namespace")
    if kind not in _NAMED or not isinstance(name, str) or not name:
        return None
    check_length(param, name, MAX_NAME_CHARS)
    return chat_name(name, namespace if isinstance(namespace, str) else None)


def _allowed(
    asked: Mapping[str, object], tools: Tools, hidden: AbstractSet[str], *, has_search: bool
) -> tuple[tuple[Tool, ...], ToolChoice]:
    mode, listed = asked.get("mode"), asked.get("tools")
    where = f"{_PARAM}.tools"
    if mode not in ("auto", "required"):
        raise BadRequest(f"'{_PARAM}.mode' must be auto or required.", param=f"{_PARAM}.mode")
    if not isinstance(listed, list):
        raise BadRequest(f"'{where}' must be an array.", param=where)
    check_length(where, listed, MAX_TOOLS)
    for place, each in enumerate(listed):
        if not isinstance(each, dict):
            raise BadRequest(f"'{where}[{place}]' must be an object.", param=f"{where}[{place}]")
    named = {
        name
        for place, each in enumerate(listed)
        if (name := _named(each, f"{where}[{place}]", has_search=has_search))
    }
    others = frozenset(named - tools.by_name.keys())
    refuse_allowed(others - hidden, _PARAM)
    allowed = tuple(tool for tool in tools.chat if tool_name(tool) in named)
    return allowed, ToolChoice(mode, allowed=others, allowed_in=_PARAM)
