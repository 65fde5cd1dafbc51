"""Chats of old clients, which know functions instead of tools.

OpenAI's API had `functions` and `function_call` before it had `tools` and `tool_choice`. A request
becomes a new one here, so that the rest of the proxy knows one form only.
`proxy.core.old_calls` gives the calls of the history their ids, and `proxy.core.old_replies` makes
the reply old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, cast

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS, Chat, parse_chat
from proxy.core.checks import check_length, check_type
from proxy.core.old_calls import with_tool_calls
from proxy.core.wish import Wishes
from proxy.errors import BadRequest

_OLD: Final = frozenset({"functions", "function_call"})
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "functions": (list,),
    "function_call": (str, dict),
    "tools": (list,),
}


def parse_any_chat(
    document: object, wishes: Wishes, hidden: AbstractSet[str] = frozenset()
) -> Chat:
    """As `parse_chat`, for a request in the new form or in the old one."""
    if not isinstance(document, dict):
        return parse_chat(document, wishes, hidden)
    for name, types in _TYPES.items():
        check_type(name, document.get(name), types)
    is_old = bool(document.get("functions")) and not document.get("tools")
    modern = dict(with_tools(document))
    if isinstance(messages := modern.get("messages"), list):
        modern["messages"] = with_tool_calls(messages)
    return parse_chat(modern, wishes, hidden)._replace(has_functions=is_old)


def with_tools(document: Mapping[str, object]) -> Mapping[str, object]:
    """The fields of a request in the new form. Raises BadRequest.

    `functions`, `function_call` and `tools` have the right types, or are null.
    """
    rest = {name: value for name, value in document.items() if name not in _OLD}
    functions, choice = document.get("functions") or [], document.get("function_call")
    if choice is not None and not functions:
        raise BadRequest(
            "'function_call' is allowed only with 'functions'. Use 'tool_choice' for 'tools'.",
            param="function_call",
        )
    if not functions:
        return rest
    check_length("functions", functions, MAX_TOOLS)
    tools = [_tool(each, place) for place, each in enumerate(cast("list[object]", functions))]
    tool_choice = _tool_choice(choice)
    if document.get("tools") or document.get("tool_choice") is not None:
        return _of_both(rest, tools, tool_choice)
    return {**rest, "tools": tools, "tool_choice": tool_choice, "parallel_tool_calls": False}


def _tool(function: object, place: int) -> Mapping[str, object]:
    param = f"functions[{place}]"
    if not isinstance(function, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    if not isinstance(function.get("name"), str) or not function["name"]:
        raise BadRequest(f"'{param}.name' must be a string.", param=f"{param}.name")
    check_length(f"{param}.name", function["name"], MAX_NAME_CHARS)
    return {"type": "function", "function": function}


def _tool_choice(choice: object) -> object:
    if not isinstance(choice, dict):
        if choice in (None, "none", "auto"):
            return choice
    elif isinstance(choice.get("name"), str) and choice["name"]:
        return {"type": "function", "function": {"name": choice["name"]}}
    raise BadRequest("'function_call' must be none, auto or {\"name\": …}.", param="function_call")


def _of_both(
    rest: Mapping[str, object], tools: Sequence[Mapping[str, object]], choice: object
) -> Mapping[str, object]:
    """A request in both forms, if they say the same. It is answered in the new form."""
    known = rest.get("tools") or ()
    same_tools = list(map(_name_of, tools)) == list(map(_name_of, cast("list[object]", known)))
    same_choice = choice is None or choice == rest.get("tool_choice")
    if not same_tools or not same_choice:
        raise BadRequest(
            "'functions' and 'tools' say different things, and so may 'function_call' and "
            "'tool_choice'. Send 'tools' and 'tool_choice' alone.",
            param="functions",
        )
    return rest


def _name_of(tool: object) -> object:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None
