"""A chat request: checks what the client sent, and reads what the proxy needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast

from proxy.core.checks import NUMBER, Types, check_length, check_type
from proxy.core.lookalikes import refuse_lookalike
from proxy.core.names import FIELD
from proxy.core.scope import Scope, Wish
from proxy.core.thoughts import without_own_lines
from proxy.core.wire import ChatRequest, Message, MessageCall, Tool
from proxy.core.wish import Wishes
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80

MAX_MESSAGES: Final = 10_000
MAX_PARTS: Final = 1_000
"""The most parts in the content of one message."""
MAX_TOOLS: Final = 128
MAX_CALLS: Final = 128
"""The most tool calls in one message. OpenAI's API has these two limits."""
MAX_NAME_CHARS: Final = 256
"""The longest name of a model or a tool, in characters. OpenAI allows 64 for a tool."""
ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")

FIELD_TYPES: Final[dict[str, Types]] = {
    "frequency_penalty": NUMBER,
    "logit_bias": (dict,),
    "logprobs": (bool,),
    "max_completion_tokens": (int,),
    "max_tokens": (int,),
    "messages": (list,),
    "metadata": (dict,),
    "model": (str,),
    "n": (int,),
    "parallel_tool_calls": (bool,),
    "presence_penalty": NUMBER,
    "reasoning_effort": (str,),
    "response_format": (dict,),
    "seed": (int,),
    "stop": (str, list),
    "store": (bool,),
    "stream": (bool,),
    "stream_options": (dict,),
    "temperature": NUMBER,
    "tool_choice": (str, dict),
    "tools": (list,),
    "top_logprobs": (int,),
    "top_p": NUMBER,
    "user": (str,),
}
"""Types of the documented fields. Each may be absent or null. Others pass unchecked."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which tools the model may or must call. Only the kind `named` has a `name`."""

    kind: Literal["none", "auto", "required", "named"]
    name: str | None = None
    allowed: frozenset[str] = frozenset()
    """The hidden tools that `allowed_tools` names."""
    allowed_in: str = "tool_choice.allowed_tools"
    """Where the client has named them."""


class Chat(NamedTuple):
    """One checked request. `body` holds the fields that reach the model as the client sent them."""

    body: ChatRequest
    model: str | None
    messages: list[Message]
    stream: bool = False
    include_usage: bool = False
    tools: tuple[Tool, ...] = ()
    """Those of the client's tools that the model may call."""
    declared: frozenset[str] = frozenset()
    """The names of all the client's tools, including those that `allowed_tools` leaves out."""
    tool_choice: ToolChoice | None = None
    single_call: bool = False
    """The client takes at most one tool call a turn (`parallel_tool_calls: false`)."""
    wish: Wish = Wish()
    """What the body asks to search."""
    max_jobs: int | None = None
    """The most jobs of hidden tools in the answer."""
    has_asides: bool = True
    """The client may hear chunks that hold keys of their own and no word."""
    has_functions: bool = False
    """The client has functions, the old form of tools, so no id of a call comes back."""
    earlier: tuple[Scope, ...] = ()
    """What the earlier requests searched within that it goes on from, as far as that is known."""


_OWNED: Final = frozenset(
    {FIELD, "messages", "model", "stream", "stream_options", "tool_choice", "tools"}
)
"""Fields that the proxy reads, and writes itself for each model round."""

_MOST_FIELDS: Final = 1_000


def parse_chat(document: object, wishes: Wishes, hidden: AbstractSet[str] = frozenset()) -> Chat:
    """The request in `document`, which is decoded JSON. BadRequest names the field at fault.

    `wishes` reads what the client asks to search. `hidden` holds the names of the proxy's own
    tools, which `allowed_tools` may name too.
    """
    document = fields_of(document)
    for name, value in document.items():
        if types := FIELD_TYPES.get(name):
            check_type(name, value, types)
        elif name != FIELD:
            refuse_lookalike(name, value, wishes.narrowing)
    _refuse_many(document)
    check_length("model", document.get("model"), MAX_NAME_CHARS)
    all_tools = _tools(document.get("tools"))
    tools, tool_choice = _tool_choice(document.get("tool_choice"), all_tools, hidden)
    passed_on = {name: value for name, value in document.items() if name not in _OWNED}
    return Chat(
        body=cast("ChatRequest", passed_on),
        model=document.get("model") or None,
        messages=_messages(document.get("messages")),
        stream=bool(document.get("stream")),
        include_usage=bool((document.get("stream_options") or {}).get("include_usage")),
        tools=tools,
        declared=frozenset(filter(None, map(tool_name, all_tools))),
        tool_choice=tool_choice,
        single_call=document.get("parallel_tool_calls") is False,
        wish=wishes.read(document.get(FIELD)),
    )


def fields_of(document: object) -> dict[str, Any]:
    """The fields of a request, which is decoded JSON. Raises BadRequest if it is no object."""
    if not isinstance(document, dict):
        raise BadRequest("The request body must be a JSON object.")
    if len(document) > _MOST_FIELDS:
        raise BadRequest(f"The request body has more than {_MOST_FIELDS} fields.")
    return document


def tool_name(tool: Mapping[str, object]) -> str | None:
    """The function that a tool, a call or a choice names; None for any other kind of tool."""
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def text_of(content: object) -> str:
    """The text of a message's content, which is a string, a list of parts or null."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def calls_in(message: Message) -> list[MessageCall]:
    """The tool calls of an assistant message; none in any other."""
    return (message.get("tool_calls") or []) if message["role"] == "assistant" else []


def first_user_text(messages: list[Message]) -> str:
    """The text of the oldest user message, "" if there is none."""
    said = (text_of(each.get("content")) for each in messages if each["role"] == "user")
    return next(said, "")


def last_user_text(messages: list[Message]) -> str:
    """The text of the newest user message, "" if there is none."""
    place = last_user_place(messages)
    return text_of(messages[place].get("content")).strip() if place >= 0 else ""


def last_user_place(messages: Sequence[Message]) -> int:
    """The index of the newest user message, -1 if there is none."""
    return next((i for i in reversed(range(len(messages))) if messages[i]["role"] == "user"), -1)


def _refuse_many(document: Mapping[str, object]) -> None:
    n = document.get("n")
    if n is not None and n != 1:
        raise BadRequest(
            "'n' must be 1: each request gets one grounded answer. Send several requests.",
            param="n",
        )


def _messages(sent: list[object] | None) -> list[Message]:
    if not sent:
        raise BadRequest("'messages' must hold at least one message.", param="messages")
    check_length("messages", sent, MAX_MESSAGES)
    messages = cast("list[Message]", sent)  # the loop checks that they are
    called: set[str] = set()
    for place, message in enumerate(messages):
        _check_message(message, f"messages[{place}]")
        called.update(call["id"] for call in calls_in(message))
        if message["role"] == "tool" and message["tool_call_id"] not in called:
            raise _answers_no_call(message["tool_call_id"], f"messages[{place}].tool_call_id")
    return list(map(without_own_lines, messages))


def _answers_no_call(call_id: str, param: str) -> BadRequest:
    """OpenAI's API refuses it too. Upstreams disagree, and count in a history of the proxy's."""
    return BadRequest(
        f"'{param}' is {call_id[:_LONGEST_SHOWN]!r}, which answers no call of an assistant message "
        "before it. Send that message with its 'tool_calls', or leave out the result.",
        param=param,
    )


def _check_message(message: object, param: str) -> None:
    if not isinstance(message, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    role = message.get("role")
    if role not in ROLES:
        known = ", ".join(ROLES)
        raise BadRequest(f"'{param}.role' must be one of {known}.", param=f"{param}.role")
    check_type(f"{param}.content", message.get("content"), (str, list))
    check_type(f"{param}.tool_calls", message.get("tool_calls"), (list,))
    if isinstance(message.get("content"), list):
        check_length(f"{param}.content", message["content"], MAX_PARTS)
    check_length(f"{param}.tool_calls", message.get("tool_calls"), MAX_CALLS)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise BadRequest(
            f"'{param}.tool_call_id' must be a string: the id of the call this answers.",
            param=f"{param}.tool_call_id",
        )
    for place, call in enumerate(message.get("tool_calls") or ()):
        _check_call(call, f"{param}.tool_calls[{place}]")


def _check_call(call: object, param: str) -> None:
    if not isinstance(call, dict) or not isinstance(call.get("id"), str):
        raise BadRequest(f"'{param}' must be an object with a string 'id'.", param=param)
    if call.get("type", "function") == "function" and not tool_name(call):
        raise BadRequest(
            f"'{param}.function.name' must be a string.", param=f"{param}.function.name"
        )


def _tools(tools: list[object] | None) -> tuple[Tool, ...]:
    check_length("tools", tools, MAX_TOOLS)
    for place, tool in enumerate(tools or ()):
        param = f"tools[{place}]"
        if not isinstance(tool, dict):
            raise BadRequest(f"'{param}' must be an object.", param=param)
        if tool.get("type", "function") == "function" and not tool_name(tool):
            raise BadRequest(
                f"'{param}.function.name' must be a string.", param=f"{param}.function.name"
            )
        check_length(f"{param}.function.name", tool_name(tool), MAX_NAME_CHARS)
    return tuple(cast("list[Tool]", tools or ()))


def _tool_choice(
    choice: object, tools: tuple[Tool, ...], hidden: AbstractSet[str]
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The client's tools and choice; `allowed_tools` becomes fewer tools and its mode."""
    if choice is None:
        return tools, None
    if choice in ("none", "auto", "required"):
        return tools, ToolChoice(choice)
    asked = choice if isinstance(choice, dict) else {}
    kind = asked.get("type")
    if kind == "allowed_tools":
        return _allowed_tools(asked.get("allowed_tools"), tools, hidden)
    name = tool_name(asked) if kind == "function" else None
    if not name:
        raise BadRequest(
            "'tool_choice' must be none, auto, required, a named function or allowed_tools.",
            param="tool_choice",
        )
    check_length("tool_choice", name, MAX_NAME_CHARS)
    return tools, ToolChoice("named", name)


def _allowed_tools(
    allowed: object, tools: tuple[Tool, ...], hidden: AbstractSet[str]
) -> tuple[tuple[Tool, ...], ToolChoice]:
    param = "tool_choice.allowed_tools"
    if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
        raise BadRequest(f"'{param}.tools' must be an array.", param=f"{param}.tools")
    mode = allowed.get("mode")
    if mode not in ("auto", "required"):
        raise BadRequest(f"'{param}.mode' must be auto or required.", param=f"{param}.mode")
    names = {tool_name(tool) for tool in allowed["tools"] if isinstance(tool, dict)}
    others = frozenset(filter(None, names - {tool_name(tool) for tool in tools}))
    refuse_allowed(others - hidden, param)
    allowed = tuple(tool for tool in tools if tool_name(tool) in names)
    return allowed, ToolChoice(mode, allowed=others)


def refuse_allowed(unknown: AbstractSet[str], param: str) -> None:
    """Raise BadRequest if `allowed_tools`, which is at `param`, names tools that nobody has."""
    if unknown:
        named = ", ".join(sorted(unknown))[:MAX_NAME_CHARS]
        raise BadRequest(f"'{param}' names {named}, not in 'tools'.", param=f"{param}.tools")
