"""The client's tools: read from a request, and written as the function tools of a chat.

A model server knows functions only, by names without a dot. So a custom tool, which takes free
text, becomes a function with one string, and a tool in a namespace gets a longer name. `Tools`
tells from the name of a call what the client knows the tool as.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

import orjson

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS
from proxy.core.checks import Types, check_length, check_types
from proxy.core.wire import FunctionDefinition, Tool
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80
_BETWEEN: Final = "__"
_INPUT: Final = "input"
"""The parameter of a function that stands for a custom tool."""
_FUNCTION: Final[Mapping[str, Types]] = {
    "name": (str,),
    "description": (str,),
    "parameters": (dict,),
    "strict": (bool,),
}
_CUSTOM: Final[Mapping[str, Types]] = {
    "name": (str,),
    "description": (str,),
    "format": (dict,),
}
_REPEATED: Final[Mapping[str, Types]] = {
    "allowed_callers": (list,),
    "async": (bool,),
    "defer_loading": (bool,),
    "output_schema": (dict,),
}
"""Fields of both that only OpenAI's servers use, and that a response repeats."""
_SYNTAXES: Final = ("lark", "regex")
_ADVICE: Final = {
    "web_search": 'In Codex, put web_search = "disabled" into config.toml.',
    "local_shell": "Declare a function that runs commands.",
    "shell": "Declare a function that runs commands.",
    "apply_patch": "Declare a function or a custom tool that applies patches.",
    "mcp": "Let the client call the MCP server, and declare its tools as functions.",
    "tool_search": "Declare all tools.",
}


class ClientTool(NamedTuple):
    """A tool as the client knows it."""

    kind: Literal["function", "custom"]
    name: str
    namespace: str | None = None

    @property
    def chat_name(self) -> str:
        """The name of the function that the model is offered."""
        return chat_name(self.name, self.namespace)


def chat_name(name: str, namespace: str | None = None) -> str:
    """The name in a chat of a tool that may be in a namespace."""
    if not namespace:
        return name
    return f"{namespace}{name}" if namespace.endswith(_BETWEEN) else f"{namespace}{_BETWEEN}{name}"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request's `tools` declare, beside the proxy's own search."""

    chat: tuple[Tool, ...] = ()
    by_name: Mapping[str, ClientTool] = field(default_factory=dict)
    """By the name in a chat."""

    def known(self, name: str) -> ClientTool:
        """The client's tool that a call names; a function of that name if it has declared none."""
        return self.by_name.get(name) or ClientTool("function", name)


def read_tools(declared: list[object]) -> Tools:
    """The tools of a request. A `file_search` is passed over.

    Raises BadRequest, also for tools that OpenAI would run itself.
    """
    by_name: dict[str, ClientTool] = {}
    tools: list[Tool] = []
    for place, each in enumerate(declared):
        param = f"tools[{place}]"
        for tool, as_chat in _read(each, param):
            if by_name.setdefault(tool.chat_name, tool) != tool:
                raise BadRequest(
                    f"'{param}' has the name of another tool, {tool.name[:_LONGEST_SHOWN]!r}. "
                    "Rename one of them.",
                    param=f"{param}.name",
                )
            tools.append(as_chat)
    check_length("tools", tools, MAX_TOOLS)
    return Tools(tuple(tools), by_name)


def custom_arguments(text: str) -> str:
    """The arguments of the call in a chat that stands for one of a custom tool."""
    return orjson.dumps({_INPUT: text}).decode()


def custom_input(arguments: Mapping[str, object] | None, written: str) -> str:
    """The text that a call gives a custom tool. `arguments` are what the model has `written`.

    Models that were trained on a tool of free text may write it without JSON around it.
    """
    given = (arguments or {}).get(_INPUT)
    return given if isinstance(given, str) else written


def _read(tool: object, param: str) -> Iterator[tuple[ClientTool, Tool]]:
    if not isinstance(tool, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    kind = tool.get("type")
    if kind == "namespace":
        yield from _namespace(tool, param)
    elif kind in ("function", "custom"):
        yield _one(tool, param, None)
    elif kind != "file_search":
        raise _not_ours(kind, param)


def _namespace(tool: Mapping[str, object], param: str) -> Iterator[tuple[ClientTool, Tool]]:
    namespace = _name(tool, param)
    check_types(f"{param}.", tool, {"tools": (list,), "description": (str,)})
    inner = cast("list[object]", tool.get("tools") or [])
    check_length(f"{param}.tools", inner, MAX_TOOLS)
    for place, each in enumerate(inner):
        where = f"{param}.tools[{place}]"
        if not isinstance(each, dict) or each.get("type") not in ("function", "custom"):
            raise BadRequest(
                f"'{where}.type' must be function or custom: nothing else may be in a namespace.",
                param=f"{where}.type",
            )
        yield _one(each, where, namespace)


def _one(tool: Mapping[str, object], param: str, namespace: str | None) -> tuple[ClientTool, Tool]:
    is_custom = tool["type"] == "custom"
    check_types(f"{param}.", tool, _CUSTOM if is_custom else _FUNCTION)
    check_types(f"{param}.", tool, _REPEATED)
    client = ClientTool("custom" if is_custom else "function", _name(tool, param), namespace)
    check_length(f"{param}.name", client.chat_name, MAX_NAME_CHARS)
    function = _custom(tool, param) if is_custom else _function(tool)
    function["name"] = client.chat_name
    return client, {"type": "function", "function": function}


def _name(tool: Mapping[str, object], param: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        nested = " Its fields stand beside 'type', without a 'function' around them."
        more = nested if isinstance(tool.get("function"), dict) else ""
        raise BadRequest(f"'{param}.name' must be a string.{more}", param=f"{param}.name")
    check_length(f"{param}.name", name, MAX_NAME_CHARS)
    return name


def _function(tool: Mapping[str, object]) -> FunctionDefinition:
    given = {name: tool[name] for name in _FUNCTION if tool.get(name) is not None}
    return cast("FunctionDefinition", given)


def _custom(tool: Mapping[str, object], param: str) -> FunctionDefinition:
    """A function with one string. The model reads of a grammar, which nothing makes it keep to."""
    described = cast("str | None", tool.get("description"))
    form = cast("Mapping[str, object] | None", tool.get("format"))
    grammar = "" if form is None else _grammar(form, f"{param}.format")
    schema = {
        "type": "object",
        "properties": {_INPUT: {"type": "string", "description": "The input, as plain text."}},
        "required": [_INPUT],
        "additionalProperties": False,
    }
    return {
        "name": "",
        "description": "\n\n".join(filter(None, (described, grammar))),
        "parameters": schema,
    }


def _grammar(form: Mapping[str, object], param: str) -> str:
    """What the model reads of the format of a custom tool; nothing if that is plain text."""
    kind, syntax, definition = (form.get(name) for name in ("type", "syntax", "definition"))
    if kind == "text":
        return ""
    if kind != "grammar":
        raise BadRequest(f"'{param}.type' must be text or grammar.", param=f"{param}.type")
    if syntax not in _SYNTAXES:
        raise BadRequest(f"'{param}.syntax' must be lark or regex.", param=f"{param}.syntax")
    if not isinstance(definition, str):
        raise BadRequest(f"'{param}.definition' must be a string.", param=f"{param}.definition")
    return f"The {_INPUT} must follow this {syntax} grammar:\n{definition}"


def _not_ours(kind: object, param: str) -> BadRequest:
    if not isinstance(kind, str):
        return BadRequest(f"'{param}.type' must be a string.", param=f"{param}.type")
    shown = kind[:_LONGEST_SHOWN]
    advice = _ADVICE.get(kind, "Leave it out.")
    return BadRequest(
        f"'{param}' is the tool {shown!r}, which is not run here: the only hosted tool is "
        f"file_search. {advice}",
        param=f"{param}.type",
    )
