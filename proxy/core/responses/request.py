"""A request of the Responses API: checks what the client sent, and makes a chat of it.

The stored items of an earlier response come before its own. So a request is read first, and
`ResponsesRequest.chat` then makes the messages, once what it refers to has been looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, cast

from proxy.core.chat import MAX_NAME_CHARS, MAX_TOOLS, Chat
from proxy.core.checks import check_length
from proxy.core.names import FIELD
from proxy.core.responses.choice import read_choice
from proxy.core.responses.echo import echo_of
from proxy.core.responses.fields import check_fields
from proxy.core.responses.file_search import FileSearch, ScopeOf, read_file_search
from proxy.core.responses.format import read_format
from proxy.core.responses.items import Mint, read_items
from proxy.core.responses.tools import Tools, read_tools
from proxy.core.responses.transcript import messages_of, resolved
from proxy.core.responses.wire import Given, Item, ResponseObject
from proxy.core.scope import Wish
from proxy.core.wire import ChatRequest, Message
from proxy.core.wish import Wishes
from proxy.errors import BadRequest

_LOGPROBS: Final = "message.output_text.logprobs"
_TO_CHAT: Final = {
    "max_output_tokens": "max_completion_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
    "temperature": "temperature",
    "top_p": "top_p",
}
"""Fields that the model gets, with their names in a chat. What only OpenAI's servers know it does
not get: tiers, caches, users, verbosity."""


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """One checked request."""

    given: tuple[Given, ...]
    """What `input` holds, each with an id."""
    base: Chat
    """The chat without its messages."""
    previous: str | None = None
    """The id of the response that it goes on from."""
    store: bool = True
    include: frozenset[str] = frozenset()
    echo: ResponseObject = field(default_factory=ResponseObject)
    """What the response repeats of it."""
    file_search: FileSearch | None = None
    tools: Tools = field(default_factory=Tools)

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of stored items that it refers to."""
        return tuple(each["id"] for each in self.given if each["type"] == "item_reference")

    def items(
        self, history: Sequence[Item] = (), found: Mapping[str, Item] = {}
    ) -> tuple[Item, ...]:
        """Its own items. `found` are those that it refers to, by id, if `history` lacks them.

        Raises BadRequest for an item that is in neither.
        """
        return resolved(self.given, history, found)

    def chat(self, history: Sequence[Item] = (), found: Mapping[str, Item] = {}) -> Chat:
        """The chat that goes on from `history`: the items of the earlier responses, oldest first.

        Instructions are of this request only. Raises BadRequest that names the field at fault.
        """
        messages = messages_of(history, self.given, found)
        if instructions := self.echo.get("instructions"):
            first: Message = {"role": "system", "content": instructions}
            messages = [first, *messages]
        return self.base._replace(messages=messages)


def read_request(
    document: object, wishes: Wishes, hidden: AbstractSet[str], scope_of: ScopeOf, mint: Mint
) -> ResponsesRequest:
    """The request in `document`, which is decoded JSON. BadRequest names the field at fault.

    `wishes` reads what the client asks to search, and `scope_of` what a `file_search` reaches.
    `hidden` holds the names of the proxy's own tools. `mint` makes ids of items.
    """
    body = check_fields(document, wishes)
    declared = body.get("tools") or []
    check_length("tools", declared, MAX_TOOLS)
    tools = read_tools(declared)
    search = read_file_search(declared)
    _refuse_clash(search, tools, hidden)
    wish = wishes.read(body.get(FIELD))
    if search is not None:
        wish = wish.narrow(Wish(scope_of(search), must_search=True))
    given = read_items(body.get("input"), mint)
    if not given and body.get("previous_response_id") is None:
        raise BadRequest("'input' must be a text, or hold at least one item.", param="input")
    return ResponsesRequest(
        given=given,
        base=_base(body, tools, wish, hidden, has_search=search is not None),
        previous=body.get("previous_response_id"),
        store=body.get("store") is not False,
        include=frozenset(body.get("include") or ()),
        echo=echo_of(body),
        file_search=search,
        tools=tools,
    )


def _base(
    body: Mapping[str, Any],
    tools: Tools,
    wish: Wish,
    hidden: AbstractSet[str],
    *,
    has_search: bool,
) -> Chat:
    allowed, choice = read_choice(body.get("tool_choice"), tools, hidden, has_search=has_search)
    check_length("model", body.get("model"), MAX_NAME_CHARS)
    return Chat(
        body=_for_model(body),
        model=body.get("model") or None,
        messages=[],
        stream=bool(body.get("stream")),
        include_usage=True,
        tools=allowed,
        declared=frozenset(tools.by_name),
        tool_choice=choice,
        single_call=body.get("parallel_tool_calls") is False,
        wish=wish,
        max_jobs=body.get("max_tool_calls"),
        has_asides=False,
    )


def _for_model(body: Mapping[str, Any]) -> ChatRequest:
    """The fields that the model gets beside messages and tools."""
    fields = {
        as_chat: body[name] for name, as_chat in _TO_CHAT.items() if body.get(name) is not None
    }
    if form := read_format(body.get("text") or {}):
        fields["response_format"] = form
    if effort := (body.get("reasoning") or {}).get("effort"):
        fields["reasoning_effort"] = effort
    if (top := body.get("top_logprobs")) or _LOGPROBS in (body.get("include") or ()):
        fields["logprobs"] = True
        fields |= {"top_logprobs": top} if top else {}
    return cast("ChatRequest", fields)


def _refuse_clash(search: FileSearch | None, tools: Tools, hidden: AbstractSet[str]) -> None:
    """A client's own tool takes the place of a hidden one, so the search would be gone."""
    if search is not None and (taken := sorted(hidden & tools.by_name.keys())):
        raise BadRequest(
            f"'tools' declares {taken[0]} beside file_search, which is offered to the model by "
            "this name. Rename the tool.",
            param="tools",
        )
